//! `tenantsweep explain`, and the 51 failures of the vendors' articles: each can be asked for, and
//! each that a log can show is shown by a sweep.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use tenantsweep::dataset::Table;
use tenantsweep::explain::{Answer, Case, Explanation, all_cases, explain, write_text};

use crate::cli::{Desk, copy_folder, stderr, stdout};
use crate::error_codes::advises_exclusion;
use crate::fuzz_checks;
use crate::parquet_reader::{TableRow, read_table};

const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455=Fabrikam";

fn text_of(query: &str) -> String {
    let mut text = Vec::new();
    write_text(&mut text, query, &explain(query), None).expect("written");
    String::from_utf8(text).expect("UTF-8")
}

#[test]
fn the_table_of_cases_is_whole() {
    let cases = all_cases();
    assert_eq!(cases.len(), 51);
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), 51);
    let answers = [(Answer::Yes, 17), (Answer::Partly, 18), (Answer::No, 15), (Answer::See, 1)];
    for (answer, count) in answers {
        assert_eq!(cases.iter().filter(|case| case.answer == answer).count(), count, "{answer:?}");
    }
    for case in cases {
        let texts = [&case.title, &case.article, &case.evidence, &case.cause, &case.remedy];
        assert!(texts.iter().all(|text| !text.is_empty() && text.is_ascii()), "{}", case.id);
        assert!(!case.messages.is_empty(), "{}", case.id);
        if case.answer != Answer::Yes {
            assert!(!case.honest.is_empty(), "{}", case.id);
        }
        for code in &case.codes {
            assert!(code.entry().is_some(), "{}: {code}", case.id);
        }
    }
}

#[test]
fn every_case_is_reached_by_its_id_and_by_each_of_its_messages() {
    let mut lost = Vec::new();
    for case in all_cases() {
        assert_eq!(explain(&case.id), Explanation::Case(case));
        for message in &case.messages {
            let trace = format!(
                "ERROR {message}. Trace ID: 4b1f77a2-0000-4c1e-8a55-1c2d3e4f5a6b Timestamp: \
                 2026-11-21 09:40:12Z"
            );
            for query in [message.clone(), message.to_uppercase(), trace] {
                let found = explain(&query);
                if !found.cases().iter().any(|found| found.id == case.id) {
                    let found: Vec<&str> =
                        found.cases().iter().map(|case| case.id.as_str()).collect();
                    lost.push(format!("{}: {query}: {found:?}", case.id));
                }
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn what_no_log_shows_is_said() {
    for case in all_cases() {
        let text = text_of(&case.id).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(case.answer.words()), "{text}");
        assert!(text.contains(&case.honest), "{text}");
        assert!(text.contains(&case.remedy), "{text}");
    }
}

/// Advice of an article that would do harm is contradicted by name.
#[test]
fn dangerous_advice_is_contradicted() {
    let warned = [
        ("RW.3", "Rewst (RW.3)", "blocking policy only"),
        ("SY.2", "Syncro (SY.2)", "Global Administrator"),
        ("SY.4", "Syncro (SY.4)", "AdminAgents"),
        ("L1.6", "Liongard (L1.6)", "AdminAgents"),
        ("SY.7", "Syncro (SY.7)", "for all users"),
        ("L1.3", "Liongard (L1.3)", "end the bypass"),
        ("RW.21", "Rewst (RW.21)", "keep its grant part"),
    ];
    for (id, name, word) in warned {
        let text = text_of(id).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("Do not"), "{text}");
        assert!(text.contains(name) && text.contains(word), "{text}");
    }
    // Whoever asks for the code is warned as well.
    assert!(text_of("53003").contains("Syncro (SY.7)"));
}

#[test]
fn no_case_excludes_against_a_risk() {
    let is_risk = |case: &&Case| case.id == "L1.5";
    for case in all_cases().iter().filter(is_risk) {
        assert!(advises_exclusion(&case.remedy).is_empty(), "{}", case.remedy);
        assert!(case.remedy.contains("Never exclude"));
    }
}

/// A line of `tests/data/cases/expected.csv`.
#[derive(Debug, Deserialize)]
struct Expected {
    case: String,
    sign_in_id: String,
    side: String,
    verdict: String,
    category: String,
    who_fixes: String,
    cause_basis: String,
    /// The policy that blocks, where one does.
    policy: String,
    /// What else the row shows: `column=value`, joined by `|`.
    also: String,
}

fn expected() -> Vec<Expected> {
    csv::Reader::from_path("tests/data/cases/expected.csv")
        .expect("the table")
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows")
}

/// The sign-ins of all cases, swept.
fn swept() -> Desk {
    let desk = Desk::empty();
    copy_folder(Path::new("tests/data/cases"), &desk.path("cases"));
    fs::remove_file(desk.path("cases/expected.csv")).expect("removed");
    let output = desk.run(&["sweep", "cases", "--partner", PARTNER, "--run-id", "cases"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    desk
}

#[test]
fn every_case_is_seen_in_a_sweep() {
    let desk = swept();
    let rows = read_table(&desk.path("sweep-out"), Table::SignIns);
    let policies = read_table(&desk.path("sweep-out"), Table::AppliedPolicies);
    let rows: BTreeMap<String, &TableRow> =
        rows.iter().map(|row| (row.text("sign_in_id"), row)).collect();
    let expected = expected();
    assert_eq!(rows.len(), expected.len());
    let mut wrong = Vec::new();
    for line in &expected {
        let row = rows.get(&line.sign_in_id).expect("a row");
        let found =
            ["side", "verdict", "category", "who_fixes", "cause_basis"].map(|c| row.text(c));
        let wanted =
            [&line.side, &line.verdict, &line.category, &line.who_fixes, &line.cause_basis];
        if found.iter().ne(wanted) {
            wrong.push(format!("{} {}: {found:?}", line.case, line.sign_in_id));
        }
        assert_eq!(row.text("remedy").is_empty(), line.category.is_empty(), "{}", line.case);
        let blocks = |policy: &&TableRow| {
            policy.text("sign_in_id") == line.sign_in_id && policy.flag("blocks")
        };
        let names: Vec<String> =
            policies.iter().filter(blocks).map(|policy| policy.text("policy_name")).collect();
        assert_eq!(names.join("|"), line.policy, "{}", line.case);
        for fact in line.also.split('|').filter(|fact| !fact.is_empty()) {
            let (column, value) = fact.split_once('=').expect("column=value");
            let is_number = column == "created_hour";
            let found = match is_number {
                true => row.number(column).unwrap_or_default().to_string(),
                false => row.text(column),
            };
            assert_eq!(found, value, "{}: {column}", line.case);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The retry that got in (SY.11): the customer has recovered.
    let last = expected.iter().rfind(|line| line.case == "SY.11").expect("SY.11");
    let child = rows[&last.sign_in_id].text("child_tenant_id");
    let summary = desk.summary();
    let customers = summary["tenants"].as_array().expect("a list");
    let customer = customers.iter().find(|customer| customer["child_tenant_id"] == child.as_str());
    assert_eq!(customer.expect("a customer")["recovered"], true);
}

/// Each case that a log can show names a test that feeds it.
#[test]
fn every_case_that_a_log_shows_has_its_test() {
    let sources: String = fs::read_dir("tests/it")
        .expect("the tests")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).expect("a test"))
        .collect();
    let fed: BTreeSet<String> = expected().into_iter().map(|line| line.case).collect();
    for case in all_cases() {
        match case.answer {
            Answer::Yes | Answer::Partly => {
                let is_function = sources.contains(&format!("fn {}(", case.test));
                let is_folder = Path::new("tests/corpus").join(&case.test).is_dir();
                assert!(!case.test.is_empty() && (is_function || is_folder), "{}", case.id);
                assert!(is_folder || fed.contains(&case.id), "{}: no sign-in of it", case.id);
            }
            Answer::No | Answer::See => assert!(case.test.is_empty(), "{}", case.id),
        }
    }
    // What is fed is one of the codes of the case, or a success.
    for line in expected() {
        let case = all_cases().iter().find(|case| case.id == line.case).expect("a case");
        assert!(matches!(case.answer, Answer::Yes | Answer::Partly), "{}", case.id);
    }
}

/// `docs/cases.md` is made from the table. `UPDATE_EXPECT=1` writes it.
#[test]
fn the_document_of_cases_is_the_table() {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut document = String::from(
        "# The failures of the vendors' articles\n\n\
         What five public troubleshooting articles (Liongard L1 to L3, Rewst RW, Syncro SY) speak of,\n\
         and whether a sign-in log can show it. Made from `data/cases.csv` by a test; each case can be\n\
         asked for, by its id or by the message that a tool prints: `tenantsweep explain L1.4`.\n\n\
         | case | what | evidence in a sign-in | can a log show it? | test |\n|---|---|---|---|---|\n",
    );
    for case in all_cases() {
        let answer = format!("**{}** {}", case.answer.as_str(), case.honest);
        let test = if case.test.is_empty() { String::new() } else { format!("`{}`", case.test) };
        document += &format!(
            "| {} | {} | {} | {} | {test} |\n",
            case.id,
            cell(&case.title),
            cell(&case.evidence),
            cell(answer.trim())
        );
    }
    document += "\n## Advice that these articles give and that does harm\n\n";
    for case in all_cases().iter().filter(|case| !case.warning.is_empty()) {
        document += &format!("- {}\n", case.warning);
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write("docs/cases.md", &document).expect("written");
    }
    let found = fs::read_to_string("docs/cases.md").expect("docs/cases.md");
    assert_eq!(found, document, "UPDATE_EXPECT=1 cargo test rewrites it");
}

#[test]
fn the_program_explains() {
    let desk = Desk::empty();
    for (query, parts) in [
        (vec!["53003"], vec!["AADSTS53003  BlockedByConditionalAccess", "Look for", "L1.4"]),
        (vec!["aadsts", "530034"], vec!["Risky users", "never exclude", "L1.5"]),
        (vec!["mask:1035"], vec!["users, application, location"]),
        (vec!["rw.21"], vec!["RW.21", "Do not"]),
        (vec!["L3.2"], vec!["No, it never reaches a sign-in log.", "tool's own log"]),
        (vec!["fresh", "auth", "token", "needed, grant revoked"], vec!["RW.19"]),
        (vec!["50076"], vec!["through GDAP, and a policy failed", "as a B2B guest: Finish"]),
    ] {
        let mut words = vec!["explain"];
        words.extend(&query);
        let output = desk.run(&words);
        assert_eq!(output.status.code(), Some(0), "{query:?}: {}", stderr(&output));
        let text = stdout(&output);
        for part in parts {
            assert!(text.contains(part), "{query:?}: {part}: {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
    let output = desk.run(&["explain", "zebra \u{1b}[2J crossing"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("Nothing known by: zebra \\u{1b}[2J crossing"));
    let output = desk.run(&["explain", "1035"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("users, application, location (explain mask:1035)"));
    assert_eq!(desk.run(&["explain"]).status.code(), Some(2));
    assert_eq!(desk.run(&["explain", "53003", "--in", "nowhere"]).status.code(), Some(2));
}

#[test]
fn the_program_says_where_a_code_occurs() {
    let desk = swept();
    let output = desk.run(&["explain", "53003", "--in", "sweep-out", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(told["kind"], "code");
    assert_eq!(told["who_fixes"], "both");
    // L1.4, L3.6, RW.3, SY.7 and twice SY.11; RW.3 once more in the partner's own tenant.
    let found = &told["occurrences"];
    assert_eq!(found["sign_ins"], 6);
    assert_eq!(found["own_sign_ins"], 1);
    assert_eq!(found["customers"].as_array().map(Vec::len), Some(5));
    assert_eq!(found["customers"][0]["sign_ins"], 2);
    assert_eq!(found["first_at"], "2026-11-20T08:00:00Z");
    assert_eq!(found["last_at"], "2026-11-20T08:30:00Z");
    let output = desk.run(&["explain", "RW.19", "--in", "sweep-out"]);
    let text = stdout(&output);
    assert!(text.contains("In dataset   "), "{text}");
    assert!(text.contains("Rewst"), "{text}");
    let output = desk.run(&["explain", "50199", "--in", "sweep-out"]);
    assert!(stdout(&output).contains("no sign-in with such a code"), "{}", stdout(&output));
}

/// All words of the tables, to be shaken.
fn vocabulary() -> Vec<String> {
    let texts = all_cases().iter().flat_map(|case| case.messages.iter().chain([&case.id]));
    let words = texts.flat_map(|text| text.split(' ').map(str::to_owned));
    words.chain(["mask:", "AADSTS", "\u{202e}", "4294967296"].map(str::to_owned)).collect()
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn any_bytes_are_explained_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_checks::explain(&bytes);
    }

    #[test]
    fn any_words_are_explained_within_bounds(
        words in prop::collection::vec(prop::sample::select(vocabulary()), 0..40),
        joined_by in prop::sample::select(vec![" ", "", ":", "\n"]),
    ) {
        fuzz_checks::explain(words.join(joined_by).as_bytes());
    }
}
