//! Two sweeps, or two spans of one, beside each other: what is new, what is over, and what nobody
//! can know.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use crate::cli::{Desk, stderr, stdout};
use crate::estate::{Estate, EstateOptions};

const FABRIKAM: &str = "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586";
const NORTHWIND: &str = "51b27e90-0c44-4a3e-8d15-9a6be27f4c02";

/// A customer by its number.
fn customer(number: u32) -> String {
    format!("c0000000-0000-4000-8000-{number:012}")
}

/// How a sign-in ended.
#[derive(Clone, Copy)]
enum End<'a> {
    In,
    /// By these policies: name, and control.
    Blocked(&'a [(&'a str, &'a str)]),
    /// The log lists no policies at all.
    InOfBlindLog,
    BlockedOfBlindLog,
    Failed,
}

/// Where a sign-in comes from.
#[derive(Clone, Copy)]
enum Who {
    Tool(&'static str),
    Technician(&'static str),
    Stranger,
    /// Of the customer's own.
    Staff,
}

const CA001: (&str, &str) = ("CA001 Block outside EU", "Block");
const CA002: (&str, &str) = ("CA002 Managed devices", "RequireCompliantDevice");

fn policy(name: &str, control: &str, result: &str) -> Value {
    let number: u32 = name.bytes().map(u32::from).sum();
    json!({
        "id": format!("3a7e51c4-90bd-4f26-8e1d-{number:012}"),
        "displayName": name,
        "enforcedGrantControls": [control],
        "enforcedSessionControls": [],
        "result": result,
        "conditionsSatisfied": "application,users",
        "conditionsNotSatisfied": "none",
    })
}

/// A sign-in in November, such as `10T06:00`.
fn sign_in(child: u32, at: &str, who: Who, end: End<'_>) -> Value {
    let (home, access, account, app, interactive) = match who {
        Who::Tool(name) => (FABRIKAM.to_owned(), "serviceProvider", name, name, false),
        Who::Technician(name) => (FABRIKAM.to_owned(), "serviceProvider", name, "Portal", true),
        Who::Stranger => (NORTHWIND.to_owned(), "serviceProvider", "monitor", "Monitor", false),
        Who::Staff => (customer(child), "none", "ida", "Mail", false),
    };
    let (code, status, policies) = match end {
        End::In => (0, "success", vec![policy("CA000 All users", "Mfa", "success")]),
        End::Blocked(policies) => {
            let failed = policies.iter().map(|(name, control)| policy(name, control, "failure"));
            (53003, "failure", failed.collect())
        }
        End::InOfBlindLog => (0, "success", vec![]),
        End::BlockedOfBlindLog => (53003, "failure", vec![]),
        End::Failed => (50173, "notApplied", vec![policy("CA000 All users", "Mfa", "notApplied")]),
    };
    let id = format!("{child}-{at}-{account}-{code}");
    let id = id.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(byte.into()));
    let event = if interactive { "interactiveUser" } else { "nonInteractiveUser" };
    json!({
        "id": format!("51c80401-3f01-4a6d-{:04x}-{:012x}", id >> 48, id & 0xffff_ffff_ffff),
        "createdDateTime": format!("2026-11-{at}:00Z"),
        "userDisplayName": account,
        "userPrincipalName": format!("{account}@fabrikam.example"),
        "appId": format!("app-{app}"),
        "appDisplayName": app,
        "clientAppUsed": "Mobile Apps and Desktop clients",
        "conditionalAccessStatus": status,
        "isInteractive": interactive,
        "signInEventTypes": [event],
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": "00000003-0000-0000-c000-000000000000",
        "resourceTenantId": customer(child),
        "homeTenantId": home,
        "crossTenantAccessType": access,
        "userType": "guest",
        "status": {"errorCode": code, "failureReason": "Other.", "additionalDetails": null},
        "appliedConditionalAccessPolicies": policies,
    })
}

/// A line of a customer's log.
type Line<'a> = (&'a str, Who, End<'a>);

const RMM: Who = Who::Tool("Liongard");
const DANA: Who = Who::Technician("dana");

/// Writes a customer's log and sweeps it, with what was swept there before.
struct Sweeps {
    desk: Desk,
}

impl Sweeps {
    fn new() -> Self {
        Self { desk: Desk::empty() }
    }

    /// A log in the inputs of a sweep.
    fn log(&self, sweep: &str, child: u32, lines: &[Line<'_>]) {
        let folder = self.desk.path(&format!("{sweep}-logs"));
        fs::create_dir_all(&folder).expect("made");
        let records: Vec<Value> =
            lines.iter().map(|&(at, who, end)| sign_in(child, at, who, end)).collect();
        let text = json!({"value": records}).to_string();
        fs::write(folder.join(format!("customer-{child}.json")), text).expect("written");
    }

    fn sweep(&self, sweep: &str, customers: &[(u32, &str)]) {
        let list = customers.iter().map(|(number, name)| format!("{},{name}\n", customer(*number)));
        let list: String = std::iter::once("tenant_id,name\n".to_owned()).chain(list).collect();
        fs::write(self.desk.path("customers.csv"), list).expect("written");
        let partner = format!("{FABRIKAM}=Fabrikam");
        let logs = format!("{sweep}-logs");
        let output = self.run(&[
            "sweep",
            &logs,
            "--partner",
            &partner,
            "--tenants",
            "customers.csv",
            "--out",
            sweep,
            "-q",
        ]);
        assert!(matches!(output.status.code(), Some(0 | 5)), "{}", stderr(&output));
    }

    fn run(&self, words: &[&str]) -> Output {
        self.desk.run(words)
    }

    /// Compares `old` with `new`.
    fn compare(&self, more: &[&str]) -> String {
        let output = self.run(&[&["compare", "old", "new"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    }

    /// One customer, Contoso, in two sweeps; and one that lets the tool in often enough to show
    /// that it is a tool.
    fn contoso(old: &[Line<'_>], new: &[Line<'_>]) -> Self {
        let sweeps = Self::new();
        for (sweep, lines, habit) in [("old", old, &OLD_HABIT), ("new", new, &NEW_HABIT)] {
            sweeps.log(sweep, 1, lines);
            sweeps.log(sweep, 2, habit);
            sweeps.sweep(sweep, &[(1, "Contoso"), (2, "Tailspin")]);
        }
        sweeps
    }
}

/// Fewer sign-ins make no tool.
const OLD_HABIT: [Line<'_>; 5] = [
    ("09T01:00", RMM, End::In),
    ("09T02:00", RMM, End::In),
    ("09T03:00", RMM, End::In),
    ("09T04:00", RMM, End::In),
    ("09T05:00", RMM, End::In),
];
const NEW_HABIT: [Line<'_>; 5] = [
    ("12T01:00", RMM, End::In),
    ("12T02:00", RMM, End::In),
    ("12T03:00", RMM, End::In),
    ("12T04:00", RMM, End::In),
    ("12T05:00", RMM, End::In),
];

/// What stands under the head of a comparison in text.
fn body(text: &str) -> &str {
    assert!(text.lines().all(|line| line.len() <= 100 && line.is_ascii()), "{text}");
    text.split_once("\n\n").expect("a head").1
}

const STAFF_LATER: Line<'_> = ("20T10:00", Who::Staff, End::In);

#[test]
fn a_new_block_is_told_with_policy_control_since_and_tries() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::In), ("10T09:00", RMM, End::In)],
        &[
            ("16T06:00", RMM, End::In),
            ("18T06:00", RMM, End::Blocked(&[CA001, CA002])),
            ("19T06:00", RMM, End::Blocked(&[CA001, CA002])),
            STAFF_LATER,
        ],
    );
    assert_eq!(
        body(&sweeps.compare(&[])),
        "\
1 new block.
As before: 1 getting in.

NEW BLOCK
  Contoso                                   getting in -> blocked
    since 18 Nov 06:00; as of 10 Nov 09:00 -> 20 Nov 10:00; tries 2 -> 3, blocked 0 -> 2
    new        CA002 Managed devices (required: compliant device)
    new        CA001 Block outside EU (required: block)
    blocked now: Liongard
"
    );
}

#[test]
fn another_policy_is_told_apart_from_the_same_one() {
    let block = |day: &'static str, policies| (day, RMM, End::Blocked(policies));
    let sweeps = Sweeps::contoso(
        &[block("10T06:00", &[CA001])],
        &[block("18T06:00", &[CA002]), STAFF_LATER],
    );
    let text = sweeps.compare(&[]);
    assert_eq!(
        body(&text),
        "\
1 blocked by another policy.
As before: 1 getting in.

NOW BLOCKED BY ANOTHER POLICY
  Contoso                                   blocked -> blocked
    since before 18 Nov; as of 10 Nov 06:00 -> 20 Nov 10:00; tries 1 -> 1, blocked 1 -> 1
    new        CA002 Managed devices (required: compliant device)
    no more    CA001 Block outside EU (required: block)
    blocked again: Liongard
"
    );
}

#[test]
fn still_blocked_needs_newer_tries() {
    let old = [("10T06:00", RMM, End::Blocked(&[CA001]))];
    let again = ("18T06:00", RMM, End::Blocked(&[CA001]));
    let sweeps = Sweeps::contoso(&old, &[again, STAFF_LATER]);
    assert_eq!(
        body(&sweeps.compare(&[])),
        "\
1 still blocked.
As before: 1 getting in.

STILL BLOCKED, BY THE SAME POLICIES
  Contoso                                   blocked -> blocked
    since before 10 Nov; as of 10 Nov 06:00 -> 20 Nov 10:00; tries 1 -> 1, blocked 1 -> 1
    still      CA001 Block outside EU (required: block)
    blocked again: Liongard
"
    );
    // The same log, longer: no try came after those that are known.
    let sweeps = Sweeps::contoso(&old, &[old[0], STAFF_LATER]);
    assert_eq!(
        body(&sweeps.compare(&[])),
        "\
1 without new evidence.
As before: 1 getting in.

NO NEW EVIDENCE, SO NOT RESOLVED
  Contoso                                   blocked -> blocked
    since before 10 Nov; as of 10 Nov 06:00 -> 20 Nov 10:00; tries 1 -> 1, blocked 1 -> 1
    not seen   CA001 Block outside EU (required: block)
    not tried again: Liongard
    It counts as before by tries that OLD has already; none came after them.
"
    );
}

#[test]
fn resolved_is_what_got_in_where_it_was_blocked() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::Blocked(&[CA001]))],
        &[("18T06:00", RMM, End::In), STAFF_LATER],
    );
    assert_eq!(
        body(&sweeps.compare(&[])),
        "\
1 resolved.
As before: 1 getting in.

RESOLVED
  Contoso                                   blocked -> getting in
    was so since before 10 Nov; as of 10 Nov 06:00 -> 20 Nov 10:00; tries 1 -> 1, blocked 1 -> 0
    no more    CA001 Block outside EU (required: block)
    got in again: Liongard
"
    );
}

#[test]
fn a_technician_in_the_portal_makes_no_tool_recovered() {
    let block = |day, who| (day, who, End::Blocked(&[CA001]));
    let sweeps = Sweeps::contoso(
        &[block("10T06:00", RMM), block("10T07:00", DANA)],
        // Blocked once more and in since: some route of this customer has recovered.
        &[block("15T07:00", DANA), ("18T07:00", DANA, End::In), STAFF_LATER],
    );
    assert_eq!(
        body(&sweeps.compare(&[])),
        "\
1 partly resolved.
As before: 1 getting in.

PARTLY RESOLVED
  Contoso                                   blocked -> getting in
    was so since before 10 Nov; as of 10 Nov 07:00 -> 20 Nov 10:00; tries 2 -> 2, blocked 2 -> 0
    not seen   CA001 Block outside EU (required: block)
    got in again: 1 person; not tried again: Liongard
"
    );
    let other = ("18T07:00", Who::Technician("omar"), End::In);
    let sweeps = Sweeps::contoso(&[block("10T06:00", RMM)], &[other, STAFF_LATER]);
    let text = sweeps.compare(&[]);
    assert!(text.contains("\n1 without new evidence.\n"), "{text}");
    assert!(
        text.ends_with(
            "    not tried again: Liongard\n    \
             Others get in; what did not get in was not tried again.\n"
        ),
        "{text}"
    );
}

#[test]
fn without_a_log_or_tries_or_policies_nothing_is_resolved() {
    let sweeps = Sweeps::new();
    let customers = [(1, "No log"), (2, "No tries"), (3, "Blind"), (4, "Elsewhere")];
    for child in [1, 2, 3] {
        sweeps.log("old", child, &[("10T06:00", RMM, End::Blocked(&[CA001]))]);
    }
    sweeps.log("old", 4, &OLD_HABIT);
    sweeps.log("new", 2, &[STAFF_LATER]);
    sweeps.log("new", 3, &[("18T06:00", RMM, End::InOfBlindLog)]);
    sweeps.log("new", 4, &NEW_HABIT);
    sweeps.sweep("old", &customers);
    sweeps.sweep("new", &customers);
    assert_eq!(
        body(&sweeps.compare(&[])),
        "\
3 without new evidence.
As before: 1 getting in.

NO NEW EVIDENCE, SO NOT RESOLVED
  Blind                                     blocked -> cannot tell
    was so since before 10 Nov; as of 10 Nov 06:00 -> 18 Nov 06:00; tries 1 -> 1, blocked 1 -> 0
    not seen   CA001 Block outside EU (required: block)
    tried again, cannot tell: Liongard
    NEW: the logs could not show a block.
  No log                                    blocked -> no log here
    was so since before 10 Nov; as of 10 Nov 06:00 -> none; tries 1 -> 0, blocked 1 -> 0
    not seen   CA001 Block outside EU (required: block)
    not tried again: Liongard
    NEW has no log of it.
  No tries                                  blocked -> cannot tell
    was so since before 10 Nov; as of 10 Nov 06:00 -> 20 Nov 10:00; tries 1 -> 0, blocked 1 -> 0
    not seen   CA001 Block outside EU (required: block)
    not tried again: Liongard
    NEW: no sign-in of the partner.
"
    );
}

/// A customer of which NEW knows nothing, not even by a list, is not dropped.
#[test]
fn a_customer_that_is_gone_is_not_resolved() {
    let sweeps = Sweeps::new();
    sweeps.log("old", 1, &[("10T06:00", RMM, End::Blocked(&[CA001]))]);
    sweeps.log("new", 2, &[("18T06:00", RMM, End::In)]);
    sweeps.sweep("old", &[(1, "Contoso")]);
    sweeps.sweep("new", &[(2, "Litware")]);
    let text = sweeps.compare(&[]);
    assert!(text.contains("\n1 without new evidence.\n"), "{text}");
    assert!(
        text.contains("\n  Contoso                                   blocked -> no log here\n")
    );
}

#[test]
fn swapped_sides_are_said_and_give_no_answer() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::In)],
        &[("18T06:00", RMM, End::Blocked(&[CA001])), STAFF_LATER],
    );
    let words = ["compare", "new", "old", "--fail-on", "new-block"];
    let output = sweeps.run(&words);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text.contains(
            "NOTE OLD is newer than NEW: its evidence ends 2026-11-20 10:00 UTC, that of NEW \
             2026-11-10 06:00\n     UTC. Are the two swapped? Older evidence resolves nothing, and \
             no block in it is new.\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("\n1 without new evidence.\n") && !text.contains("\nRESOLVED\n"),
        "{text}"
    );
    assert!(text.ends_with("    Its evidence in NEW ends before that in OLD.\n"), "{text}");
    // A block that older evidence shows is not new.
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::Blocked(&[CA001]))],
        &[("18T06:00", RMM, End::In)],
    );
    let output = sweeps.run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("\nEVIDENCE OLDER THAN BEFORE, SO NOTHING FOLLOWS\n"), "{text}");
    assert!(text.contains("    now        CA001 Block outside EU (required: block)\n"), "{text}");
}

#[test]
fn the_same_look_twice_and_wrong_folders_are_refused() {
    let sweeps = Sweeps::contoso(&[("10T06:00", RMM, End::In)], &[("18T06:00", RMM, End::In)]);
    let refused = |words: &[&str], expected: &str| {
        let output = sweeps.run(&[&["compare"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(stderr(&output).contains(expected), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    };
    refused(&["old", "old"], "error: old: both sides are the same\nhint: give a second folder");
    refused(&["old", "old/../old"], "both sides are the same");
    refused(&["old"], "`tenantsweep compare old --at 2026-11-20`");
    let span = "2026-11-01..2026-11-08";
    refused(&["old", "--old", span, "--new", span], "both sides are the same");
    refused(&["old", "--old", "2026-11-08..2026-11-01"], "the span ends before it begins");
    refused(&["old", "--old", "2026-11-08"], "a span is written FROM..UNTIL");
    refused(&["old", "--at", "2026-11-08", "--new", "2026-11-08.."], "cannot be used with");
    refused(
        &["old", "old-logs"],
        "no dataset here\nhint: give the folder that a sweep has written",
    );
    refused(&["old", "new", "--fail-on", "reject"], "--fail-on reject: only `sweep`");
}

#[test]
fn two_spans_of_one_dataset_are_before_and_after() {
    let sweeps = Sweeps::new();
    let block = |day| (day, RMM, End::Blocked(&[CA001]));
    let lines = [
        block("10T06:00"),
        block("11T06:00"),
        ("15T06:00", RMM, End::In),
        block("18T12:00"),
        block("19T06:00"),
    ];
    sweeps.log("all", 1, &[&lines[..], &[STAFF_LATER]].concat());
    sweeps.sweep("all", &[(1, "Contoso")]);
    let told = |words: &[&str]| {
        let output = sweeps.run(&[&["compare", "all"], words].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let text = stdout(&output);
        (text.clone(), body(&text).lines().next().expect("a line").to_owned())
    };
    let (text, headline) = told(&["--old", "..2026-11-12", "--new", "2026-11-12..2026-11-17"]);
    assert_eq!(headline, "1 resolved.");
    assert!(
        text.starts_with(
            "tenantsweep 0.1.0   compare   times: UTC\n\
             OLD  all, ..2026-11-12 00:00 UTC: evidence up to 2026-11-12 00:00 UTC\n\
             NEW  all, 2026-11-12 00:00..2026-11-17 00:00 UTC: evidence up to 2026-11-17 00:00 UTC\n"
        ),
        "{text}"
    );
    assert!(text.contains("as of 12 Nov 00:00 -> 17 Nov 00:00; tries 2 -> 1, blocked 2 -> 0\n"));
    assert_eq!(told(&["--at", "2026-11-17"]).1, "1 new block.");
    assert_eq!(told(&["--old", "..2026-11-12", "--new", "2026-11-18.."]).1, "1 still blocked.");
    // After the last try there is a log, and no try in it.
    let (text, headline) = told(&["--at", "2026-11-19T12:00:00Z"]);
    assert_eq!(headline, "1 without new evidence.");
    assert!(text.ends_with("    NEW: no sign-in of the partner.\n"), "{text}");
    // A span in which nothing was logged at all.
    let (text, headline) = told(&["--old", "..2026-11-12", "--new", "2026-12-01.."]);
    assert_eq!(headline, "1 without new evidence.");
    assert!(text.contains("NOTE NEW has no evidence at all: nothing can be resolved.\n"), "{text}");
    // As it stood then, and all that there is now.
    assert_eq!(told(&["--old", "..2026-11-17"]).1, "1 new block.");
}

#[test]
fn what_swings_is_not_resolved_by_one_success() {
    let block = |day| (day, RMM, End::Blocked(&[CA001]));
    let old = [
        ("10T06:00", RMM, End::In),
        block("10T07:00"),
        ("11T06:00", RMM, End::In),
        block("11T07:00"),
        ("12T06:00", RMM, End::In),
    ];
    let sweeps = Sweeps::contoso(&old, &[("13T06:00", RMM, End::In)]);
    let text = sweeps.compare(&[]);
    assert!(text.contains("\n  Contoso                                   partly -> getting in\n"));
    assert!(text.contains("\n1 without new evidence.\n"), "{text}");
    assert!(text.contains("    got in, as at times before: Liongard\n"), "{text}");
    let sweeps = Sweeps::contoso(&old, &[("13T06:00", RMM, End::In), ("20T06:00", RMM, End::In)]);
    assert!(sweeps.compare(&[]).contains("\n1 resolved.\n"));
}

#[test]
fn a_policy_that_the_log_before_did_not_name_may_be_the_same() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::BlockedOfBlindLog)],
        &[("18T06:00", RMM, End::Blocked(&[CA001])), STAFF_LATER],
    );
    let text = sweeps.compare(&[]);
    assert!(text.contains("\nBLOCKED, POLICY NAMED ONLY NOW\n"), "{text}");
    assert!(text.contains("\n    named now  CA001 Block outside EU (required: block)\n"), "{text}");
    assert!(text.contains("\n    then       policy not shown by this log\n"), "{text}");
}

#[test]
fn failing_and_other_providers_are_told_as_well() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::In)],
        &[("18T06:00", RMM, End::Failed), ("18T07:00", Who::Stranger, End::In)],
    );
    assert_eq!(
        body(&sweeps.compare(&[])),
        "\
1 other change, 1 other provider newly in.
As before: 1 getting in.

OTHER CHANGES
  Contoso                                   getting in -> failing AADSTS50173
    since before 18 Nov; as of 10 Nov 06:00 -> 18 Nov 07:00; tries 1 -> 1, blocked 0 -> 0
    failing, not by a policy: Liongard

OTHER PROVIDERS NEWLY IN, NOT ON YOUR LIST
  monitor@fabrikam.example 51b27e90: got in at 1 customer where it had not (Contoso)
"
    );
}

#[test]
fn programs_get_the_same_answer() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::Blocked(&[CA001]))],
        &[("18T06:00", RMM, End::Blocked(&[CA001, CA002])), ("18T07:00", Who::Stranger, End::In)],
    );
    let json: Value = serde_json::from_str(&sweeps.compare(&["--format", "json"])).expect("JSON");
    assert_eq!(json["schema"], 1);
    assert_eq!(json["new_block"], true);
    assert_eq!(json["old"]["input"], "old");
    assert_eq!(json["old"]["newest_evidence"], "2026-11-10T06:00:00Z");
    assert_eq!(json["new"]["until"], Value::Null);
    assert_eq!(json["warnings"], json!([]));
    let told = &json["customers"][0];
    assert_eq!(told["change"], "other_policy");
    assert_eq!(told["child_tenant_id"], customer(1));
    assert_eq!(told["child_name"], "Contoso");
    assert_eq!(told["partner_tenant_id"], FABRIKAM);
    assert_eq!(
        (&told["old"]["state"], &told["new"]["state"]),
        (&json!("blocked"), &json!("blocked"))
    );
    assert_eq!(told["new"]["as_of"], "2026-11-18T07:00:00Z");
    assert_eq!(told["new"]["blocked_tries"], 1);
    let became: Vec<_> = told["policies"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|policy| (policy["became"].as_str(), policy["policy_name"].as_str()))
        .collect();
    let expected = [("new", CA002.0), ("still", CA001.0)].map(|(b, n)| (Some(b), Some(n)));
    assert_eq!(became, expected);
    assert_eq!(told["routes"][0]["became"], "still_blocked");
    assert_eq!(told["routes"][0]["account"], "Liongard@fabrikam.example");
    assert_eq!(json["providers"][0]["home_tenant_id"], NORTHWIND);
    assert_eq!(json["providers"][0]["child_tenant_ids"], json!([customer(1)]));
}

#[test]
fn log_text_breaks_out_of_no_format() {
    const EVIL: (&str, &str) = ("](http://x) | <script>\u{1b}[31m `a`\n# b", "Block");
    let sweeps = Sweeps::new();
    sweeps.log("old", 1, &[("10T06:00", RMM, End::In)]);
    sweeps.log("new", 1, &[("18T06:00", RMM, End::Blocked(&[EVIL]))]);
    let name = "<b>|\u{202e}[x](javascript:1)";
    sweeps.sweep("old", &[(1, name)]);
    sweeps.sweep("new", &[(1, name)]);
    let markdown = sweeps.compare(&["--format", "markdown"]);
    assert!(
        markdown.contains(
            "| &lt;b&gt;\\|\\\\u{202e}\\[x\\](javascript:1) | getting in -&gt; blocked | before 18 Nov | \
             10 Nov 06:00 -&gt; 18 Nov 06:00 | 1 -&gt; 1, blocked 0 -&gt; 1 | \\](http\\://x) \\| \
             &lt;script&gt;\\\\u{1b}\\[31m \\`a\\`\\\\u{a}\\# b | block | new | blocked now: Liongard |\n"
        ),
        "{markdown}"
    );
    let rows = markdown
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.replace("\\|", "").matches('|').count());
    assert!(rows.clone().count() >= 3 && rows.clone().all(|bars| bars == 10), "{markdown}");
    for format in ["text", "markdown", "json"] {
        let text = sweeps.compare(&["--format", format]);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{format}: {text}");
    }
}

#[test]
fn conditions_end_in_an_exit_code_of_their_own() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::Blocked(&[CA001]))],
        &[("18T06:00", RMM, End::Blocked(&[CA002]))],
    );
    let output = sweeps.run(&["compare", "old", "new", "--fail-on", "new-block"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output), "--fail-on new-block: Contoso\n");
    assert!(stdout(&output).contains("1 blocked by another policy.\n"));
    // Still blocked is no new block, and is told of by its own condition.
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::Blocked(&[CA001]))],
        &[("18T06:00", RMM, End::Blocked(&[CA001]))],
    );
    let code = |condition| {
        let words = ["compare", "old", "new", "--fail-on", condition];
        sweeps.run(&words).status.code()
    };
    assert_eq!(code("new-block"), Some(0));
    assert_eq!(code("blocked"), Some(1));
    // Where every log is blind, nothing was judged.
    let sweeps = Sweeps::new();
    sweeps.log("old", 1, &[("10T06:00", RMM, End::Blocked(&[CA001]))]);
    sweeps.log("new", 1, &[("18T06:00", RMM, End::InOfBlindLog)]);
    sweeps.sweep("old", &[(1, "Contoso")]);
    sweeps.sweep("new", &[(1, "Contoso")]);
    assert_eq!(sweeps.run(&["compare", "old", "new"]).status.code(), Some(5));
}

#[test]
fn a_file_gets_what_the_terminal_would() {
    let sweeps = Sweeps::contoso(
        &[("10T06:00", RMM, End::In)],
        &[("18T06:00", RMM, End::Blocked(&[CA002]))],
    );
    let printed = sweeps.compare(&["--format", "markdown"]);
    fs::write(sweeps.desk.path("changes.md"), "older and longer ".repeat(1000)).expect("written");
    let silent = sweeps.compare(&["--format", "markdown", "-o", "changes.md"]);
    assert_eq!(silent, "");
    let kept = fs::read_to_string(sweeps.desk.path("changes.md")).expect("a file");
    assert_eq!(kept, printed);
    #[cfg(unix)]
    {
        // What is no file is written to, not replaced.
        let link = sweeps.desk.path("nowhere");
        std::os::unix::fs::symlink("/dev/null", &link).expect("a link");
        sweeps.compare(&["-o", "nowhere"]);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    }
    let output = sweeps.run(&["compare", "old", "new", "-o", "no/such/folder/x"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
}

/// Whatever an estate holds: older evidence resolves nothing and brings no new block, and each
/// customer in trouble on one side is told of.
#[test]
fn no_estate_resolves_backwards() {
    for seed in 0..3 * u64::from(crate::times()) {
        let options = EstateOptions { seed, partner_share: 0.4, days: 6, ..Default::default() };
        let desk = Desk::empty();
        let estate = Estate::generate(&options);
        estate.write_to(&desk.path("logs")).expect("written");
        let mut words = vec!["sweep".to_owned(), "logs".to_owned(), "-q".to_owned()];
        for partner in &estate.partners {
            words.extend(["--partner".to_owned(), partner.id.clone()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(desk.run(&words).status.code().is_some_and(|code| code != 4));
        let summary = desk.summary();
        let newest = summary["newest_evidence"].as_str().expect("a moment");
        let day: u32 = newest[8..10].parse().expect("a day");
        let cut = format!("{}{:02}", &newest[..8], day - 2);
        let (before, after) = (format!("..{cut}"), format!("{cut}.."));
        let compare = |old: &str, new: &str| -> Vec<Value> {
            let words = ["compare", "sweep-out", "--old", old, "--new", new, "--format", "json"];
            let output = desk.run(&words);
            let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            json["customers"].as_array().expect("a list").clone()
        };
        let backwards = compare(&after, &before);
        assert!(!backwards.is_empty(), "{seed}");
        for customer in &backwards {
            let is_of_now = ["resolved", "newly_blocked", "other_policy", "still_blocked"];
            let told = customer["change"].as_str().expect("a word");
            let (old, new) = (&customer["old"]["as_of"], &customer["new"]["as_of"]);
            if old.as_str() > new.as_str() {
                assert!(!is_of_now.contains(&told), "{seed}: {customer}");
            }
        }
        let forwards = compare(&before, &after);
        let resolved = forwards.iter().filter(|customer| customer["change"] == "resolved");
        for customer in resolved {
            let routes = customer["routes"].as_array().expect("a list");
            let got_in = routes.iter().all(|route| route["became"] == "got_in");
            assert!(got_in && !routes.is_empty(), "{seed}: {customer}");
        }
    }
}
