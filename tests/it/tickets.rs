//! What to do, and the tickets and remedies that come of it: over real sweeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{Desk, stderr, stdout};

const FABRIKAM: &str = "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586";
const NORTHWIND: &str = "51b27e90-0c44-4a3e-8d15-9a6be27f4c02";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const OFFICE: &str = "203.0.113.7";

fn customer(number: u32) -> String {
    format!("c{number:07x}-0000-4000-8000-{number:012}")
}

fn policy_id(number: u32) -> String {
    format!("3a7e51c4-90bd-4f26-8e1d-{number:012}")
}

/// A policy in a record, by number, name, control and conditions.
fn policy(number: u32, name: &str, control: &str, matched: &str) -> Value {
    json!({
        "id": policy_id(number),
        "displayName": name,
        "enforcedGrantControls": if control.is_empty() { json!([]) } else { json!([control]) },
        "enforcedSessionControls": [],
        "result": "failure",
        "conditionsSatisfied": matched,
        "conditionsNotSatisfied": "none",
    })
}

fn with(mut record: Value, more: Value) -> Value {
    let (Some(record_fields), Value::Object(more)) = (record.as_object_mut(), more) else {
        panic!("objects")
    };
    record_fields.extend(more);
    record
}

/// A successful sign-in of a tool in November 2026, `at` such as `10T06:00:00`.
fn sign_in(child: u32, at: &str, account: &str) -> Value {
    let id = format!("{child}-{at}-{account}");
    let id = id.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(131).wrapping_add(byte.into()));
    json!({
        "id": format!("51c80401-3f01-4a6d-{:04x}-{:012x}", id >> 48, id & 0xffff_ffff_ffff),
        "correlationId": format!("0d7a3b11-0000-4a6d-{:04x}-{:012x}", id >> 48, id & 0xffff_ffff_ffff),
        "createdDateTime": format!("2026-11-{at}Z"),
        "userDisplayName": account,
        "userPrincipalName": format!("{account}@fabrikam.example"),
        "userId": "7b0d1f2e-0000-4a6d-8000-000000000001",
        "appId": "9f7c1c2b-0000-4a6d-8000-0000000000aa",
        "appDisplayName": "Liongard",
        "clientAppUsed": "Mobile Apps and Desktop clients",
        "conditionalAccessStatus": "success",
        "isInteractive": false,
        "signInEventTypes": ["nonInteractiveUser"],
        "ipAddress": OFFICE,
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": GRAPH,
        "resourceTenantId": customer(child),
        "homeTenantId": FABRIKAM,
        "crossTenantAccessType": "serviceProvider",
        "userType": "guest",
        "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": null},
        "appliedConditionalAccessPolicies": [policy_ok()],
    })
}

fn policy_ok() -> Value {
    with(policy(0, "CA000 All users", "Mfa", "application,users"), json!({"result": "success"}))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn refused(code: i32, policies: &[Value]) -> Value {
    json!({
        "conditionalAccessStatus": if policies.is_empty() { "notApplied" } else { "failure" },
        "status": {"errorCode": code, "failureReason": "Other.", "additionalDetails": null},
        "appliedConditionalAccessPolicies": policies,
    })
}

fn blocked(child: u32, at: &str, policies: &[Value]) -> Value {
    with(sign_in(child, at, "svc-liongard"), refused(53003, policies))
}

/// A technician in the Azure portal.
fn in_portal(child: u32, at: &str) -> Value {
    let portal = json!({
        "appId": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        "appDisplayName": "Azure Portal",
        "isInteractive": true,
        "signInEventTypes": ["interactiveUser"],
        "clientAppUsed": "Browser",
    });
    with(sign_in(child, at, "dana"), portal)
}

/// Lets the tool in often enough to show that it is one, in a customer of its own.
fn habit() -> Vec<Value> {
    (0..6).map(|hour| sign_in(99, &format!("09T0{hour}:00:00"), "svc-liongard")).collect()
}

struct Sweep {
    desk: Desk,
}

impl Sweep {
    fn new(names: &[(u32, &str)]) -> Self {
        let desk = Desk::empty();
        let mut list = csv::Writer::from_path(desk.path("customers.csv")).expect("made");
        list.write_record(["tenant_id", "name"]).expect("written");
        for (number, name) in names.iter().chain(&[(99, "Habit Ltd")]) {
            list.write_record([customer(*number).as_str(), name]).expect("written");
        }
        list.flush().expect("written");
        fs::create_dir(desk.path("logs")).expect("made");
        let sweep = Self { desk };
        sweep.log("habit", &habit());
        sweep
    }

    fn of(names: &[(u32, &str)], records: &[Value]) -> Self {
        let sweep = Self::new(names);
        sweep.log("records", records);
        sweep.run();
        sweep
    }

    /// One log for each customer that the records name.
    fn log(&self, name: &str, records: &[Value]) {
        let tenants: BTreeSet<&str> =
            records.iter().filter_map(|record| record["resourceTenantId"].as_str()).collect();
        for tenant in tenants {
            let own: Vec<&Value> =
                records.iter().filter(|record| record["resourceTenantId"] == tenant).collect();
            let text = json!({ "value": own }).to_string();
            let file = self.desk.path("logs").join(format!("{name}-{tenant}.json"));
            fs::write(file, text).expect("written");
        }
    }

    fn run(&self) -> String {
        let partner = format!("{FABRIKAM}=Fabrikam");
        let words = ["sweep", "logs", "--partner", &partner, "--tenants", "customers.csv"];
        let output = self.desk.run(&[&words[..], &["--out", "out"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    }

    fn out(&self, name: &str) -> PathBuf {
        self.desk.path("out").join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.out(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// Status and key of each ticket.
    fn tickets(&self) -> Vec<(String, String)> {
        let json = self.json("tickets.json");
        let text = |ticket: &Value, name: &str| ticket[name].as_str().expect("text").to_owned();
        let tickets = json["tickets"].as_array().expect("tickets");
        tickets.iter().map(|ticket| (text(ticket, "status"), text(ticket, "key"))).collect()
    }

    /// What summary.json says of what to do at a customer.
    fn to_do(&self, child: u32) -> Value {
        let summary = self.json("summary.json");
        let tenants = summary["tenants"].as_array().expect("tenants");
        let own =
            tenants.iter().find(|tenant| tenant["child_tenant_id"] == customer(child).as_str());
        own.expect("the customer")["to_do"].clone()
    }

    /// Class, remedies and what is let through of each step.
    fn steps(&self, child: u32) -> Vec<String> {
        let to_do = self.to_do(child);
        let total = to_do["total"]["tries"].as_u64().expect("a number");
        let steps = to_do["steps"].as_array().cloned().unwrap_or_default();
        let told = steps.iter().map(|step| {
            let policies = step["policies"].as_array().expect("policies");
            let remedies: Vec<String> = policies
                .iter()
                .map(|policy| {
                    format!("{} {}", text(&policy["policy_name"]), text(&policy["remedy"]))
                })
                .collect();
            let class = text(&step["class"]);
            format!(
                "{class}: {}: {}/{total}",
                remedies.join(" + "),
                step["would_let_through"]["tries"]
            )
        });
        told.collect()
    }

    /// All files below the output folder that ask for something.
    fn asking_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for folder in ["tickets", "remedies"] {
            collect(&self.out(folder), &mut files);
        }
        files
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn ca007() -> Value {
    policy(7, "CA007 Managed devices", "RequireCompliantDevice", "application,users")
}

fn ca012() -> Value {
    policy(12, "CA012 Block outside EU", "Block", "application,users,location")
}

#[test]
fn a_ticket_says_what_happens_why_what_to_do_and_how_to_take_it_back() {
    let records: Vec<Value> =
        (1..=3).map(|day| blocked(1, &format!("1{day}T02:10:00"), &[ca007(), ca012()])).collect();
    let sweep = Sweep::of(&[(1, "Contoso Ltd")], &records);
    let file = format!("contoso-ltd-{}", &customer(1)[..8]);
    let ticket = sweep.read(&format!("tickets/{file}.md"));
    for line in [
        "- Status: new",
        "- Type: change",
        "- Review: 11 Feb 2027",
        "- 1  CA007 Managed devices: required compliant device; these sign-ins did not present it; applied because of users, application.",
        "- 2  CA012 Block outside EU: applied because of users, application, location; it blocks.",
        "- Every try met both policies, so one change alone does not help.",
        "- If a policy already excludes guests or external users, stop and call us: the list of tenants applies to all types of users in it.",
        "- Do not: exclude all guests, choose \"All\" organizations, exclude the app, mark an address as trusted, or turn a policy off.",
        "Approved by ____________________  date ____________",
    ] {
        assert!(ticket.lines().any(|found| found == line), "{line}\n{ticket}");
    }
    let title = ticket.lines().next().expect("a title");
    assert!(
        title.starts_with("# Contoso Ltd: let Fabrikam's")
            && title.ends_with("through 2 Conditional Access policies"),
        "{title}"
    );
    let ask = ticket.split("## What we ask").nth(1).expect("asked").split("##").next().unwrap();
    let starts: Vec<&str> = ask.lines().filter_map(|line| line.get(2..5)).collect();
    assert_eq!(starts[..3], ["A  ", "B  ", "C  "], "{ask}");
    assert!(
        ask.contains(&format!(
            "Service provider users > Select > paste {FABRIKAM} (a search by name may find nothing)"
        )),
        "{ask}"
    );
    for proof in &records {
        assert!(ticket.contains(text(&proof["id"])), "{ticket}");
    }
    assert_eq!(
        sweep.steps(1),
        [
            "exclusion: CA007 Managed devices exclude_device + CA012 Block outside EU exclude_location: 3/3"
        ]
    );
    let steps = sweep.read(&format!("remedies/{file}/8f3c52d1-steps.md"));
    for wanted in [
        "By Graph (Policy.Read.All and Policy.ReadWrite.ConditionalAccess): read, merge, compare.",
        "If it is **not** null, stop.",
        "Maester's `Test-MtCaMfaForGuest`",
        "CapExclusions:",
        "## Undo",
        "## What is lost, what protects instead",
    ] {
        assert!(steps.contains(wanted), "{wanted}\n{steps}");
    }
    assert!(steps.contains(&format!("policies/{}`", policy_id(7))), "{steps}");
    let table = csv::Reader::from_path(sweep.out("tickets.csv")).expect("a table").into_records();
    let titles: Vec<String> =
        table.map(|record| record.expect("a record").get(5).expect("a title").to_owned()).collect();
    assert_eq!(titles, [&title[2..]]);
}

#[test]
fn the_question_for_what_if_is_the_newest_refused_try() {
    let sweep = Sweep::of(&[(1, "Contoso Ltd")], &[blocked(1, "12T02:10:00", &[ca007()])]);
    let folder = format!("remedies/contoso-ltd-{}", &customer(1)[..8]);
    let question = sweep.json(&format!("{folder}/8f3c52d1-what-if.json"));
    assert_eq!(
        question,
        json!({
            "signInIdentity": {
                "@odata.type": "#microsoft.graph.userSignIn",
                "externalTenantId": FABRIKAM,
                "externalUserType": "serviceProvider",
            },
            "signInContext": {
                "@odata.type": "#microsoft.graph.applicationContext",
                "includeApplications": [GRAPH],
            },
            "signInConditions": {
                "clientAppType": "mobileAppsAndDesktopClients",
                "ipAddress": OFFICE,
            },
            "appliedPoliciesOnly": true,
        })
    );
    let policy = sweep.json(&format!("{folder}/8f3c52d1-replacement-policy.json"));
    assert_eq!(policy["state"], "enabledForReportingButNotEnforced");
    assert_eq!(policy["grantControls"]["builtInControls"], json!(["mfa"]));
    let included = &policy["conditions"]["users"]["includeGuestsOrExternalUsers"];
    assert_eq!(included["guestOrExternalUserTypes"], "serviceProvider");
    assert_eq!(included["externalTenants"]["members"], json!([FABRIKAM]));
}

#[test]
fn a_ticket_holds_nothing_of_another_customer() {
    let names = [(1, "Contoso Ltd"), (2, "Woodgrove Bank"), (3, "Litware Inc")];
    let mut records = Vec::new();
    for (number, _) in names {
        let own = policy(number, &format!("Policy of {number}"), "Block", "application,users");
        records.push(blocked(number, "12T02:10:00", &[own]));
        records.push(with(sign_in(number, "13T02:10:00", "svc-cipp"), refused(65001, &[])));
    }
    let sweep = Sweep::of(&names, &records);
    let files = sweep.asking_files();
    assert_eq!(files.len(), 3 + 9, "{files:?}");
    for path in files {
        let text = fs::read_to_string(&path).expect("text");
        let own = names
            .iter()
            .find(|(number, _)| path.to_string_lossy().contains(&customer(*number)[..8]));
        let (own, _) = own.expect("a customer's file");
        for (number, name) in names.iter().filter(|(number, _)| number != own) {
            let policy = format!("Policy of {number}");
            for foreign in [name, customer(*number).as_str(), &policy, &policy_id(*number)] {
                assert!(!text.contains(foreign), "{foreign} in {}", path.display());
            }
        }
    }
    for ticket in sweep.json("tickets.json")["tickets"].as_array().expect("tickets") {
        let own = ticket["customer_tenant_id"].as_str().expect("an id");
        let text = ticket.to_string();
        for (number, name) in names.iter().filter(|(number, _)| customer(*number) != own) {
            assert!(!text.contains(name) && !text.contains(&customer(*number)), "{text}");
        }
    }
}

#[test]
fn nothing_is_asked_for_another_provider() {
    let others: Vec<Value> = (0..50)
        .map(|minute| {
            let own = json!({"homeTenantId": NORTHWIND});
            with(blocked(1, &format!("12T02:{minute:02}:00"), &[ca012()]), own)
        })
        .collect();
    let sweep = Sweep::of(&[(1, "Contoso Ltd")], &others);
    assert!(sweep.asking_files().is_empty());
    assert!(!sweep.out("tickets.json").exists() && !sweep.out("tickets.csv").exists());
    assert!(sweep.read("report.md").contains("Ask the customer who this is."));
}

#[test]
fn what_must_stay_shut_has_no_file_and_no_exclusion() {
    let risk = policy(3, "CA003 Risky", "Block", "application,users,signInRisk");
    let flow = policy(4, "CA004 Flows", "Block", "application,users,authenticationFlows");
    let legacy = policy(5, "CA005 Legacy", "Block", "application,users,clientType");
    let home = policy(6, "CA006 User risk", "Block", "application,users,userRisk");
    let records = [
        blocked(1, "12T02:10:00", &[risk]),
        blocked(2, "12T02:10:00", &[flow]),
        with(blocked(3, "12T02:10:00", &[legacy]), json!({"clientAppUsed": "IMAP4"})),
        blocked(4, "12T02:10:00", &[home]),
        with(blocked(5, "12T02:10:00", &[ca012()]), json!({"ipAddress": "198.51.100.66"})),
        with(
            blocked(6, "12T02:10:00", &[policy(8, "CA001", "Block", "application,users")]),
            json!({"status": {"errorCode": 530_034, "failureReason": "Risky."}}),
        ),
    ];
    let names: Vec<(u32, String)> =
        (1..=6).map(|number| (number, format!("Shut {number}"))).collect();
    let names: Vec<(u32, &str)> = names.iter().map(|(number, name)| (*number, &**name)).collect();
    let sweep = Sweep::of(&names, &records);
    assert!(sweep.asking_files().is_empty(), "{:?}", sweep.asking_files());
    let steps: Vec<String> = (1..=6).flat_map(|number| sweep.steps(number)).collect();
    assert_eq!(
        steps,
        [
            "never: CA003 Risky investigate_sign_in_risk: 0/1",
            "own_tenant: CA004 Flows sign_in_in_browser: 1/1",
            "own_tenant: CA005 Legacy stop_legacy_client: 1/1",
            "own_tenant: CA006 User risk clear_risk: 1/1",
            "never: CA012 Block outside EU investigate_address: 0/1",
            "own_tenant: CA001 clear_risk: 1/1",
        ]
    );
    let report = sweep.read("report.md");
    assert!(!report.contains("Users > Exclude"), "{report}");
}

#[test]
fn a_ticket_keeps_its_key_and_tells_how_it_stands() {
    let sweep = Sweep::of(&[(1, "Contoso Ltd")], &[blocked(1, "12T02:10:00", &[ca007()])]);
    let first = sweep.tickets();
    assert_eq!(first[0].0, "new");
    // Nothing new to read: the same ticket.
    sweep.run();
    assert_eq!(sweep.tickets(), [("still".to_owned(), first[0].1.clone())]);
    // Another policy as well: another set.
    sweep.log("later", &[blocked(1, "13T02:10:00", &[ca007(), ca012()])]);
    sweep.run();
    let changed = sweep.tickets();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].0, "changed");
    assert_ne!(changed[0].1, first[0].1);
    assert_eq!(sweep.json("tickets.json")["tickets"][0]["replaces"], first[0].1.as_str());
    // A technician in the portal makes no tool recovered.
    sweep.log("portal", &[in_portal(1, "14T02:10:00")]);
    sweep.run();
    assert_eq!(sweep.tickets(), [("still".to_owned(), changed[0].1.clone())]);
    // The tool itself got in. A run that was killed may have left a page that nobody lists.
    let page = sweep.read(&format!("tickets/contoso-ltd-{}.md", &customer(1)[..8]));
    fs::write(sweep.out("tickets/left-over.md"), page).expect("written");
    fs::write(sweep.out("tickets/notes.md"), "# My own notes\n").expect("written");
    sweep.log("in", &[sign_in(1, "15T02:10:00", "svc-liongard")]);
    sweep.run();
    assert_eq!(sweep.tickets(), [("resolved".to_owned(), changed[0].1.clone())]);
    let left = sweep.asking_files();
    assert_eq!(left, [sweep.out("tickets/notes.md")], "what is not ours stays");
    // It is told once more, and a new block is a new ticket.
    sweep.log("again", &[blocked(1, "16T02:10:00", &[ca007()])]);
    sweep.run();
    assert_eq!(sweep.tickets(), [("new".to_owned(), first[0].1.clone())]);
}

#[test]
fn without_a_new_try_a_ticket_stays_open() {
    let sweep = Sweep::of(&[(1, "Contoso Ltd")], &[blocked(1, "01T02:10:00", &[ca007()])]);
    let key = sweep.tickets()[0].1.clone();
    // Weeks later the customer's log goes on, and the tool has not come again.
    let staff = json!({"homeTenantId": customer(1), "crossTenantAccessType": "none"});
    sweep.log("staff", &[with(sign_in(1, "28T02:10:00", "ida"), staff)]);
    sweep.run();
    assert_eq!(sweep.tickets(), [("still".to_owned(), key)]);
    let note = sweep.json("tickets.json")["tickets"][0]["internal_note"][0].clone();
    assert_eq!(note, "No new try since this was written: nothing tells whether it was done.");
}

#[test]
fn names_and_ids_out_of_a_log_become_no_path_and_no_command() {
    let mut hostile = policy(
        1,
        "`rm -rf /` <script>alert(1)</script> | ](javascript:x)",
        "Block",
        "application,users",
    );
    hostile["id"] = json!("../../../evil?$(reboot)'\"");
    let names = [(1, "../../..\\etc/passwd"), (2, "CON"), (3, "=cmd|' /C calc'!A0"), (4, "日本")];
    let records: Vec<Value> =
        (1..=4).map(|number| blocked(number, "12T02:10:00", &[hostile.clone()])).collect();
    let sweep = Sweep::of(&names, &records);
    let files = sweep.asking_files();
    assert_eq!(files.len(), 4 + 12);
    let out = sweep.out("");
    for path in &files {
        let inside = path.strip_prefix(&out).expect("inside");
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-./".contains(c);
        assert!(inside.to_string_lossy().chars().all(harmless), "{}", inside.display());
        assert!(!inside.to_string_lossy().contains(".."), "{}", inside.display());
        let text = fs::read_to_string(path).expect("text");
        assert!(!text.contains("<script") && !text.contains("](javascript:x)"), "{text}");
        assert!(!text.contains("policies/.."), "{text}");
        assert!(
            !text.contains("$(reboot)")
                || !text.contains(
                    "GET https://graph.microsoft.com/v1.0/identity/conditionalAccess/policies/.."
                ),
            "{text}"
        );
    }
    let steps =
        fs::read_to_string(files.iter().find(|path| path.ends_with("8f3c52d1-steps.md")).unwrap())
            .unwrap();
    assert!(steps.contains("policies/{id of the policy}`"), "{steps}");
    for record in csv::Reader::from_path(sweep.out("tickets.csv")).expect("a table").records() {
        for cell in &record.expect("a record") {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
    }
}

#[test]
fn who_can_make_the_change_is_what_the_log_shows() {
    let records = [
        blocked(1, "12T02:10:00", &[ca007()]),
        in_portal(1, "12T03:10:00"),
        blocked(2, "12T02:10:00", &[ca007()]),
        with(in_portal(2, "12T03:10:00"), refused(53003, &[ca007()])),
        blocked(3, "12T02:10:00", &[ca007()]),
        sign_in(3, "12T02:10:00", "svc-rewst"),
    ];
    let sweep = Sweep::of(&[(1, "Own"), (2, "Theirs"), (3, "Unknown")], &records);
    let doers: Vec<Value> = (1..=3).map(|number| sweep.to_do(number)["doer"].clone()).collect();
    assert_eq!(doers, ["technicians", "customer_only", "not_shown"]);
    let ticket = sweep.read(&format!("tickets/theirs-{}.md", &customer(2)[..8]));
    assert!(ticket.contains("Fabrikam cannot do this itself: its own access is blocked too."));
}

#[test]
fn what_waits_behind_is_certain_or_likely() {
    let mut managed =
        policy(20, "Microsoft-managed: Require phishing-resistant MFA", "Mfa", "application,users");
    managed["result"] = json!("reportOnlyFailure");
    let other = with(
        sign_in(1, "12T05:10:00", "svc-cipp"),
        refused(53003, &[policy(30, "CA030 Block CIPP", "Block", "application,users")]),
    );
    let got_in = sign_in(1, "12T06:10:00", "svc-cipp");
    let records = [blocked(1, "12T02:10:00", &[ca007(), managed]), other, got_in];
    let sweep = Sweep::of(&[(1, "Contoso Ltd")], &records);
    let waiting = sweep.to_do(1)["waiting"].clone();
    let told: Vec<String> = waiting
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            format!("{} {} {}", text(&one["policy_name"]), text(&one["kind"]), one["certain"])
        })
        .collect();
    assert_eq!(
        told,
        [
            "Microsoft-managed: Require phishing-resistant MFA report_only true",
            "CA030 Block CIPP blocks false",
        ]
    );
    let report = sweep.read("report.md");
    assert!(report.contains("it turns itself on, 45 days after it came or later (first seen 12 Nov, so perhaps from 27 Dec on)"), "{report}");
}

/// Everybody is blocked, by user and app.
fn ca001() -> Value {
    policy(1, "CA001 Block everybody", "Block", "application,users")
}

/// The ticket of a customer, by the name that the list gives it.
fn ticket_of(sweep: &Sweep, name: &str, number: u32) -> String {
    sweep.read(&format!("tickets/{name}-{}.md", &customer(number)[..8]))
}

#[test]
fn only_the_account_that_is_a_risk_is_said_to_be_one() {
    let risk = policy(20, "CA020 Risky users", "Block", "application,users,userRisk");
    let records = [
        blocked(1, "12T02:10:00", &[risk, ca001()]),
        with(sign_in(1, "12T03:10:00", "svc-rewst"), refused(53003, &[ca001()])),
    ];
    let sweep = Sweep::of(&[(1, "Contoso")], &records);
    let told = sweep.json("summary.json")["what_to_do"].to_string();
    assert!(told.contains("svc-liongard: a risky user at home"), "{told}");
    assert!(!told.contains("svc-rewst"), "{told}");
    let ticket = ticket_of(&sweep, "contoso", 1);
    assert!(
        ticket.contains(
            "Please change nothing of what we ask below before we tell you that this risk is cleared."
        ),
        "{ticket}"
    );
}

#[test]
fn the_replacement_covers_whom_any_policy_leaves_out() {
    let guest = json!({"crossTenantAccessType": "b2bCollaboration"});
    let other = policy(2, "CA002 Block tools", "Block", "application,users");
    let records = [
        with(with(in_portal(1, "12T02:10:00"), refused(53003, &[ca001()])), guest),
        blocked(1, "12T03:10:00", &[other]),
    ];
    let sweep = Sweep::of(&[(1, "Contoso")], &records);
    let folder = format!("remedies/contoso-{}", &customer(1)[..8]);
    let policy = sweep.json(&format!("{folder}/8f3c52d1-replacement-policy.json"));
    assert_eq!(
        policy["conditions"]["users"]["includeGuestsOrExternalUsers"]["guestOrExternalUserTypes"],
        "serviceProvider,b2bCollaborationGuest"
    );
    let ticket = ticket_of(&sweep, "contoso", 1);
    let protect = ticket.lines().find(|line| line.contains("Protect first")).expect("a step");
    assert!(
        protect.contains("> Service provider users and B2B collaboration guest users >"),
        "{protect}"
    );
    // Of guests Microsoft does not count the MFA of their own tenant.
    assert!(!ticket.contains("counts it here"), "{ticket}");
    let steps = sweep.read(&format!("{folder}/8f3c52d1-steps.md"));
    assert!(steps.contains("    - b2bCollaborationGuest"), "{steps}");
    assert!(steps.contains("`8f3c52d1-replacement-policy.json` beside this file"), "{steps}");
    assert!(!steps.contains("put `conditions.users` of the first answer back.\n"), "{steps}");
}

#[test]
fn a_name_with_a_comma_is_one_tool() {
    let named =
        json!({"appId": "9f7c1c2b-0000-4a6d-8000-0000000000bb", "appDisplayName": "Watch, Inc."});
    let habit = (0..6).map(|hour| sign_in(98, &format!("09T0{hour}:00:00"), "svc-watch"));
    let mut records: Vec<Value> = habit.collect();
    records.push(with(sign_in(1, "12T02:10:00", "svc-watch"), refused(53003, &[ca001()])));
    records.push(with(sign_in(2, "12T02:10:00", "svc-watch"), refused(65001, &[])));
    records.push(with(in_portal(3, "12T02:10:00"), refused(65001, &[])));
    for record in &mut records {
        *record = with(record.take(), named.clone());
    }
    let sweep =
        Sweep::of(&[(1, "Contoso"), (2, "Litware"), (3, "Adatum"), (98, "Watched")], &records);
    let ticket = ticket_of(&sweep, "contoso", 1);
    assert!(
        ticket.starts_with("# Contoso: let Fabrikam's tool Watch, Inc. through 1 "),
        "{ticket}"
    );
    assert!(ticket.contains("refuses the sign-ins of Watch, Inc., a tool of Fabrikam"), "{ticket}");
    let consent = ticket_of(&sweep, "litware", 2);
    assert!(
        consent.contains("Watch, Inc., an app of Fabrikam, your IT provider, asks for access"),
        "{consent}"
    );
    // Consent is to an app, whoever asked for it.
    let report = sweep.read("report.md");
    assert!(
        report.contains("Ask the customer to consent to Watch, Inc., tickets written"),
        "{report}"
    );
}

#[test]
fn what_the_log_does_not_show_is_looked_at_first() {
    let no_conditions = |number, name: &str, control: &str| {
        with(policy(number, name, control, ""), json!({"conditionsSatisfied": null}))
    };
    let by_client = policy(4, "CA004 Clients", "Block", "application,users,clientType");
    let records = [
        blocked(1, "12T02:10:00", &[no_conditions(1, "CA001", "Block")]),
        blocked(2, "12T02:10:00", &[policy(2, "CA002 Terms", "6f0e9c2e", "application,users")]),
        blocked(3, "12T02:10:00", &[no_conditions(3, "CA003", "RequireCompliantDevice")]),
        with(blocked(4, "12T02:10:00", &[by_client]), json!({"clientAppUsed": "Andere"})),
    ];
    let names = [(1, "Contoso"), (2, "Litware"), (3, "Woodgrove"), (4, "Tailspin")];
    let sweep = Sweep::of(&names, &records);
    let remedies: Vec<String> = (1..=4).flat_map(|number| sweep.steps(number)).collect();
    assert_eq!(
        remedies,
        [
            "exclusion: CA001 look_at_conditions: 1/1",
            "exclusion: CA002 Terms look_at_controls: 1/1",
            "exclusion: CA003 exclude_device: 1/1",
            "exclusion: CA004 Clients look_at_conditions: 1/1",
        ]
    );
    let conditions = ticket_of(&sweep, "contoso", 1);
    assert!(
        conditions.starts_with(
            "# Contoso: look at 1 Conditional Access policy that refuses Fabrikam's tool Liongard"
        ),
        "{conditions}"
    );
    assert!(conditions.contains("CA001: if it is excluded, it no longer asks"), "{conditions}");
    let controls = ticket_of(&sweep, "litware", 2);
    assert!(controls.contains("change nothing before we answer"), "{controls}");
    assert!(!controls.contains("must not be among the policies that apply"), "{controls}");
    let device = ticket_of(&sweep, "woodgrove", 3);
    let wanted = "Open it first: if it applies because of a risk, device code flow or legacy clients, \
                  stop and call us, do not exclude.";
    assert!(device.contains(wanted), "{device}");
    let steps = sweep.read(&format!("remedies/woodgrove-{}/8f3c52d1-steps.md", &customer(3)[..8]));
    assert!(steps.contains(wanted), "{steps}");
}

#[test]
fn tools_that_are_refused_tell_nothing_of_technicians() {
    let records = [
        blocked(1, "12T02:10:00", &[ca001()]),
        blocked(2, "12T02:10:00", &[ca001()]),
        with(
            sign_in(2, "12T02:10:00", "dana"),
            with(
                refused(53003, &[ca001()]),
                json!({"isInteractive": true, "signInEventTypes": ["interactiveUser"]}),
            ),
        ),
    ];
    let sweep = Sweep::of(&[(1, "Contoso"), (2, "Litware")], &records);
    let doers: Vec<Value> = (1..=2).map(|number| sweep.to_do(number)["doer"].clone()).collect();
    assert_eq!(doers, ["not_shown", "customer_only"]);
}

#[test]
fn trust_is_not_checked_by_what_if_and_not_for_every_administrator() {
    let sweep = Sweep::of(
        &[(1, "Contoso")],
        &[
            with(in_portal(1, "12T02:10:00"), refused(53000, &[ca007()])),
            sign_in(1, "12T03:10:00", "svc-liongard"),
        ],
    );
    let ticket = ticket_of(&sweep, "contoso", 1);
    assert!(ticket.contains("administrator (Security Administrator or higher)"), "{ticket}");
    assert!(ticket.contains("CA007 Managed devices still applies"), "{ticket}");
    // What is set for the organization may be more than trust.
    assert!(ticket.contains("Do not remove the organization"), "{ticket}");
    assert!(ticket.contains("(Add organization, if it is not there)"), "{ticket}");
    assert!(!ticket.contains("must not be among the policies that apply"), "{ticket}");
    assert!(!ticket.contains("tools come again"), "{ticket}");
}

#[test]
fn a_consent_that_was_given_is_resolved_while_a_policy_still_blocks() {
    let consent = with(sign_in(1, "12T02:10:00", "svc-cipp"), refused(65001, &[]));
    let sweep = Sweep::of(&[(1, "Contoso")], &[consent, blocked(1, "12T03:10:00", &[ca001()])]);
    let kinds = |sweep: &Sweep| -> BTreeSet<String> {
        let json = sweep.json("tickets.json");
        let tickets = json["tickets"].as_array().expect("tickets");
        tickets.iter().map(|it| format!("{} {}", text(&it["kind"]), text(&it["status"]))).collect()
    };
    assert_eq!(kinds(&sweep), BTreeSet::from(["change new", "consent new"].map(str::to_owned)));
    sweep.log("later", &[sign_in(1, "13T02:10:00", "svc-cipp")]);
    sweep.run();
    assert_eq!(
        kinds(&sweep),
        BTreeSet::from(["change still", "consent resolved"].map(str::to_owned))
    );
}

#[test]
fn what_was_refused_before_the_last_success_is_no_proof() {
    let old = blocked(1, "01T02:10:00", &[ca007()]);
    let new = blocked(1, "12T02:10:00", &[ca001()]);
    let got_in = sign_in(1, "02T02:10:00", "svc-liongard");
    let sweep = Sweep::of(&[(1, "Contoso")], &[old.clone(), got_in, new.clone()]);
    let ticket = ticket_of(&sweep, "contoso", 1);
    assert!(ticket.contains(text(&new["id"])) && !ticket.contains(text(&old["id"])), "{ticket}");
}

#[test]
fn a_policy_without_name_and_id_is_called_that() {
    let nameless = with(policy(1, "", "Block", "application,users"), json!({"id": ""}));
    let sweep = Sweep::of(&[(1, "Contoso")], &[blocked(1, "12T02:10:00", &[nameless])]);
    let ticket = ticket_of(&sweep, "contoso", 1);
    assert!(
        ticket.contains("1  (a policy that the log does not name): applied because"),
        "{ticket}"
    );
}

/// Tries over two to twelve policies in all kinds of combinations: the shares are those of a
/// plain count, and no order is better.
#[test]
fn the_running_share_is_what_a_plain_count_says() {
    let rounds = (0..crate::times())
        .flat_map(|round| [2_u32, 3, 5, 6, 12].map(|policies| (policies, u64::from(round))));
    for (policies, round) in rounds {
        let mut state = u64::from(policies) * 7_919 + round * 104_729;
        let mut random = move |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut tries: Vec<(u64, BTreeSet<u32>)> = Vec::new();
        let mut records = Vec::new();
        for number in 0..60_u64 {
            let route = random(7);
            let count = 1 + random(3);
            let set: BTreeSet<u32> = (0..count)
                .map(|_| 1 + u32::try_from(random(u64::from(policies))).unwrap())
                .collect();
            let listed = set.iter().map(|number| {
                policy(*number, &format!("P{number:02}"), "Block", "application,users")
            });
            let at = format!("1{}T{:02}:{:02}:00", number / 30, number % 24, number % 60);
            let resource = json!({"resourceId": format!("00000000-0000-4000-8000-{route:012}")});
            records.push(with(blocked(1, &at, &listed.collect::<Vec<Value>>()), resource));
            tries.push((route, set));
        }
        let sweep = Sweep::of(&[(1, "Contoso Ltd")], &records);
        let to_do = sweep.to_do(1);
        let through = |done: &BTreeSet<u32>| {
            let free = tries.iter().filter(|(_, set)| set.is_subset(done)).count();
            let routes: BTreeSet<u64> = tries.iter().map(|(route, _)| *route).collect();
            let all_free = routes.iter().filter(|route| {
                tries.iter().all(|(other, set)| other != *route || set.is_subset(done))
            });
            (all_free.count(), free)
        };
        let mut done = BTreeSet::new();
        let mut sum = (0, 0);
        for step in to_do["steps"].as_array().expect("steps") {
            for one in step["policies"].as_array().expect("policies") {
                done.insert(text(&one["policy_name"])[1..].parse().unwrap());
                let (routes, free) = through(&done);
                sum = (sum.0 + routes, sum.1 + free);
            }
            let (routes, free) = through(&done);
            assert_eq!(step["would_let_through"], json!({"routes": routes, "tries": free}));
        }
        let used: BTreeSet<u32> = tries.iter().flat_map(|(_, set)| set).copied().collect();
        assert_eq!(done, used);
        assert_eq!(to_do["total"]["tries"], 60);
        assert_eq!(to_do["exact_order"], true);
        if policies <= 6 {
            let used: Vec<u32> = used.into_iter().collect();
            assert_eq!(sum, best_sum(&used, &through), "{policies} policies");
        }
    }
}

/// The best sum over all orders of what is let through after each change.
fn best_sum(
    policies: &[u32],
    through: &impl Fn(&BTreeSet<u32>) -> (usize, usize),
) -> (usize, usize) {
    fn search(
        left: &[u32],
        done: &BTreeSet<u32>,
        through: &impl Fn(&BTreeSet<u32>) -> (usize, usize),
    ) -> (usize, usize) {
        let rest = |at: usize| [&left[..at], &left[at + 1..]].concat();
        let sums = (0..left.len()).map(|at| {
            let mut done = done.clone();
            done.insert(left[at]);
            let (routes, free) = through(&done);
            let (more_routes, more_free) = search(&rest(at), &done, through);
            (routes + more_routes, free + more_free)
        });
        sums.max().unwrap_or_default()
    }
    search(policies, &BTreeSet::new(), through)
}

/// Names of apps that change, policies of one name, more error codes than proof is kept of.
#[test]
fn every_run_over_the_same_records_says_the_same() {
    let mut records = Vec::new();
    for number in 0..160_u32 {
        let at = format!("20T{:02}:{:02}:00", number / 60, number % 60);
        let app = json!({
            "appId": format!("9f7c1c2b-0000-4a6d-8000-{:012}", number % 8),
            "appDisplayName": format!("Agent {}", number % 5),
        });
        let same = ["1", "2", "3"].map(|_| "Block all");
        let policies: Vec<Value> = (1..)
            .zip(same)
            .map(|(number, name)| policy(number, name, "Block", "application,users"))
            .collect();
        let refusal = if number % 2 == 0 {
            refused(53003, &policies)
        } else {
            refused(50_000 + i32::try_from(number).expect("small"), &[])
        };
        records.push(with(with(sign_in(1, &at, "svc-liongard"), app), refusal));
    }
    let answers: Vec<(Value, String)> = (0..4)
        .map(|_| {
            let sweep = Sweep::of(&[(1, "Contoso")], &records);
            (sweep.to_do(1), sweep.read("dataset/standing.json"))
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let proof = answers[0].0["proof"].as_array().expect("proof");
    // Of too many codes the newest are kept.
    assert_eq!(proof[0]["error_code"], 50_159);
}

#[test]
fn thousands_of_policies_in_one_record_are_planned() {
    let policies: Vec<Value> = (1..=1_200)
        .map(|number| policy(number, &format!("CA{number}"), "Block", "application,users"))
        .collect();
    let records: Vec<Value> = (0..12_usize)
        .map(|number| {
            let app = json!({"appId": format!("9f7c1c2b-0000-4a6d-8000-{number:012}")});
            let at = format!("20T06:{number:02}:00");
            with(blocked(1, &at, &policies[number..]), app)
        })
        .collect();
    let sweep = Sweep::of(&[(1, "Contoso")], &records);
    let steps = sweep.to_do(1)["steps"].as_array().expect("steps").clone();
    let of_step = |step: &Value| step["policies"].as_array().expect("policies").len();
    assert_eq!(steps.iter().map(of_step).sum::<usize>(), 1_200);
    assert_eq!(steps[0]["would_let_through"]["tries"], 1);
}

#[test]
fn a_list_of_tickets_that_nobody_can_read_is_kept_and_said() {
    let sweep = Sweep::of(&[(1, "Contoso")], &[blocked(1, "20T06:00:00", &[ca007()])]);
    let newer = "{\"schema\": 9, \"tickets\": []}";
    fs::write(sweep.out("tickets.json"), newer).expect("written");
    let partner = format!("{FABRIKAM}=Fabrikam");
    let words = ["sweep", "logs", "--partner", &partner, "--tenants", "customers.csv"];
    let output = sweep.desk.run(&[&words[..], &["--out", "out"]].concat());
    let told = stderr(&output);
    assert!(told.contains("tickets.json is of a newer version, or damaged"), "{told}");
    assert!(told.contains("hint: the old list is kept as out/tickets-before.json"), "{told}");
    assert_eq!(sweep.read("tickets-before.json"), newer);
    assert_eq!(sweep.tickets()[0].0, "new");
}

/// Whoever can write into the output folder can edit tickets.json.
#[test]
fn an_edited_list_of_tickets_leads_nowhere_else() {
    let sweep = Sweep::of(&[(1, "Contoso")], &[blocked(1, "20T06:00:00", &[ca007()])]);
    let mut json = sweep.json("tickets.json");
    let own = json["tickets"][0].clone();
    let edited = |file: &str, more: Value| {
        with(with(own.clone(), json!({"kind": "consent", "routes": [], "file": file})), more)
    };
    let hostile = json!({
        "key": "=1+1",
        "as_of": "+262142-12-31T23:59:59Z",
        "tries": u64::MAX,
        "policies": [{"policy_id": "=3", "policy_name": "x".repeat(1 << 20), "remedy": "exclude"}],
        "internal_note": ["=cmd|x", "\u{1b}[2J"],
        "sections": [{"title": "## \u{1b}", "lines": ["<script>", "=2+2"]}],
    });
    let tickets = json["tickets"].as_array_mut().expect("tickets");
    tickets.push(edited("../../outside", json!({"customer_tenant_id": customer(2)})));
    tickets.push(edited(text(&own["file"]), hostile));
    fs::write(sweep.out("tickets.json"), json.to_string()).expect("written");
    sweep.run();
    assert!(!sweep.desk.path("outside.md").exists());
    let page = sweep.read(&format!("tickets/{}.md", text(&own["file"])));
    assert!(page.contains("- Key: =1+1") && !page.contains("<script>"), "{page}");
    let table = sweep.read("tickets.csv");
    assert!(table.contains("\n'=1+1,") && table.contains("'=cmd|x"), "{table}");
    assert!(table.contains(",'=3,") && table.len() < 1 << 16, "{}", table.len());
    for text in [&page, &table] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
