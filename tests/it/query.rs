//! SQL over the dataset: the questions that come with the program, the user's own, filters, forms.
//!
//! `tests/golden/queries` holds the answers over the sample estate; `UPDATE_EXPECT=1` writes them.
//! That DuckDB gives the same is checked by `.ci/duckdb-queries`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use tenantsweep::query::{NAMED, TABLES};

use crate::cli::{Desk, stderr, stdout};
use crate::parquet_reader::shape_of;

static SWEPT: LazyLock<Desk> = LazyLock::new(|| {
    let desk = Desk::with_samples();
    let swept = desk.run(&["sweep", "sample-logs", "--quiet", "--run-id", "golden"]);
    assert!(swept.status.success(), "{}", stderr(&swept));
    desk
});

fn answer(words: &[&str]) -> String {
    let output = SWEPT.run(&[&["query", "sweep-out"], words].concat());
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    stdout(&output)
}

fn rows(words: &[&str]) -> Vec<Value> {
    let text = answer(&[words, &["--format", "json"]].concat());
    serde_json::from_str(&text).expect("JSON")
}

fn refusal(words: &[&str]) -> String {
    let output = SWEPT.run(&[&["query", "sweep-out"], words].concat());
    assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
    stderr(&output)
}

fn count(sql: &str, filters: &[&str]) -> i64 {
    let rows = rows(&[&["--sql", sql], filters].concat());
    rows[0]["n"].as_i64().expect("a number")
}

const SIGN_INS: &str = "SELECT COUNT(*) AS n FROM sign_ins";

#[test]
fn every_file_is_a_question_with_its_title() {
    let files: BTreeSet<String> = fs::read_dir("queries")
        .expect("a folder")
        .filter_map(|entry| {
            let name = entry.expect("an entry").file_name().into_string().expect("a name");
            name.strip_suffix(".sql").map(str::to_owned)
        })
        .collect();
    let known: BTreeSet<String> = NAMED.iter().map(|query| query.name.to_owned()).collect();
    assert_eq!(files, known);
    let listed = answer(&[]);
    for query in NAMED {
        let title = query.title();
        assert!(title.ends_with(['?', '.']) && title.len() <= 100, "{}: {title}", query.name);
        assert!(listed.contains(&format!("{} ", query.name)) && listed.contains(title));
    }
}

#[test]
fn the_questions_over_the_sample_estate() {
    for query in NAMED {
        let found = answer(&[query.name, "--format", "csv"]);
        let path = Path::new("tests/golden/queries").join(query.name).with_extension("csv");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &found).expect("written");
        }
        let wanted = fs::read_to_string(&path).unwrap_or_default();
        let diff = similar::TextDiff::from_lines(&wanted, &found).unified_diff().to_string();
        assert!(diff.is_empty(), "{} (UPDATE_EXPECT=1 rewrites it):\n{diff}", path.display());
        assert!(found.lines().count() > 1, "{}: the sample estate should show it", query.name);
    }
}

/// What the questions say is what the summary says.
#[test]
fn questions_and_summary_agree() {
    let summary = SWEPT.summary();
    let sum = |name: &str, column: &str| -> i64 {
        rows(&[name]).iter().map(|row| row[column].as_i64().expect("a number")).sum()
    };
    let blocking = |policies: &Value| -> i64 {
        let policies = policies.as_array().expect("a list").iter();
        policies.map(|policy| policy["blocked_sign_ins"].as_i64().expect("a number")).sum()
    };
    assert_eq!(sum("blocking-policies", "blocked_sign_ins"), blocking(&summary["policies"]));
    assert_eq!(sum("exports", "records"), summary["totals"]["records"]);
    assert_eq!(sum("rejects", "records"), summary["totals"]["rejected"]);
}

#[test]
fn every_table_can_be_asked_also_without_parts() {
    for table in TABLES {
        let sql = format!("SELECT COUNT(*) AS n FROM {}", table.as_str());
        assert!(count(&sql, &[]) >= 0, "{sql}");
    }
    assert_eq!(count("SELECT COUNT(*) AS n FROM users", &[]), 0);
}

#[test]
fn filters_leave_what_fits() {
    let all = count(SIGN_INS, &[]);
    let column = |column: &str| {
        let sql = format!(
            "SELECT {column} AS value, COUNT(*) AS n FROM sign_ins WHERE {column} IS NOT NULL \
             GROUP BY {column} ORDER BY n DESC, value LIMIT 1"
        );
        let row = rows(&["--sql", &sql]).remove(0);
        let value = row["value"].as_str().map_or_else(|| row["value"].to_string(), str::to_owned);
        (value, row["n"].as_i64().expect("a number"))
    };
    for (flag, name) in [
        ("--tenant", "child_tenant_id"),
        ("--partner", "partner_tenant_id"),
        ("--account", "account"),
        ("--app", "app_name"),
        ("--app", "app_id"),
        ("--address", "ip_address"),
        ("--code", "error_code"),
    ] {
        let (value, expected) = column(name);
        let found = count(SIGN_INS, &[flag, &value]);
        assert!(found == expected && found < all, "{flag} {value}: {found} of {expected}");
        assert_eq!(count(SIGN_INS, &[flag, &value.to_uppercase()]), expected, "in any case");
        // Policies are those of the sign-ins that are left.
        let policies = "SELECT COUNT(*) AS n FROM applied_policies";
        let joined = format!(
            "SELECT COUNT(*) AS n FROM applied_policies AS p JOIN sign_ins AS s \
             ON s.sign_in_id = p.sign_in_id AND s.side = p.side AND s.created_at = p.created_at \
             WHERE CAST(s.{name} AS VARCHAR) = '{value}'"
        );
        assert_eq!(count(policies, &[flag, &value]), count(&joined, &[]), "{flag} {value}");
    }
    let day = "2026-11-20";
    let (before, since) = (count(SIGN_INS, &["--until", day]), count(SIGN_INS, &["--since", day]));
    assert!(before > 0 && since > 0 && before + since == all, "{before} + {since} of {all}");
    let account = column("account").0;
    let both = ["--account", "nobody@nowhere.example", "--account", &account];
    assert_eq!(count(SIGN_INS, &both), column("account").1, "one of several is enough");
    assert_eq!(count(SIGN_INS, &["--account", &account, "--code", "999999"]), 0, "all kinds count");
}

#[test]
fn known_addresses_are_not_asked_about() {
    let all = rows(&["unknown-addresses"]);
    let first = all[0]["ip_address"].as_str().expect("an address").to_owned();
    fs::write(SWEPT.path("offices.txt"), format!("# ours\n{first}\n2001:db8::/32\n"))
        .expect("written");
    let left = rows(&["unknown-addresses", "--known-addresses", "offices.txt"]);
    assert!(!left.is_empty() && left.len() < all.len());
    assert!(left.iter().all(|row| row["ip_address"] != first.as_str()));
    fs::write(SWEPT.path("wrong.txt"), "203.0.113.0/24\nthe office\n").expect("written");
    let told = refusal(&["unknown-addresses", "--known-addresses", "wrong.txt"]);
    assert!(told.contains("wrong.txt: line 2: `the office`"), "{told}");
}

#[test]
fn each_form_holds_the_same_rows() {
    let name = "refused-sign-ins";
    let json = rows(&[name]);
    let lines = answer(&[name, "--format", "jsonl"]);
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines, json);
    let text = answer(&[name, "--format", "csv"]);
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = csv.headers().expect("a head").iter().map(str::to_owned).collect();
    let csv: Vec<csv::StringRecord> = csv.records().map(|row| row.expect("a row")).collect();
    assert_eq!(csv.len(), json.len());
    for (row, object) in csv.iter().zip(&json) {
        let members: Vec<&String> = object.as_object().expect("an object").keys().collect();
        assert_eq!(members.len(), names.len());
        assert_eq!(object["sign_in_id"].as_str().unwrap_or_default(), &row[9]);
    }
    let sketch = answer(&[name, "--format", "timesketch"]);
    let mut sketch = csv::Reader::from_reader(sketch.as_bytes());
    let head = sketch.headers().expect("a head").clone();
    assert_eq!(head.iter().take(3).collect::<Vec<_>>(), ["message", "datetime", "timestamp_desc"]);
    for (row, object) in sketch.records().map(|row| row.expect("a row")).zip(&json) {
        assert_eq!(
            (&row[1], &row[2]),
            (object["created_at"].as_str().expect("a time"), "created_at")
        );
    }
    answer(&[name, "--format", "parquet", "-o", "answer.parquet"]);
    assert_eq!(shape_of(&SWEPT.path("answer.parquet")), (json.len(), names.clone()));
    let table = answer(&[name]);
    assert!(table.ends_with(&format!("{} rows\n", json.len())), "{table}");
    let told = refusal(&["--sql", "SELECT 1 AS one", "--format", "timesketch"]);
    assert!(told.contains("needs a time"), "{told}");
}

#[test]
fn a_file_with_sql_is_answered() {
    fs::write(SWEPT.path("mine.sql"), "-- How many?\nSELECT COUNT(*) AS n FROM exports\n")
        .expect("written");
    assert_eq!(rows(&["mine.sql"])[0]["n"], rows(&["exports"]).len());
}

#[test]
fn errors_name_what_there_is() {
    for (words, told) in [
        (&["blocked-custommers"][..], "there is blocked-customers"),
        (&["--sql", "SELECT * FROM signins"], "there is sign_ins"),
        (&["--sql", "SELECT veridct FROM sign_ins"], "there is verdict"),
        (&["--sql", "SELECT s.veridct FROM sign_ins AS s"], "there is verdict"),
        (&["--sql", "SELEC 1"], "sql parser error"),
        (&["missing.sql"], "missing.sql: cannot read"),
        (&["--sql", "SELECT 1 FROM qqqqqqqqqqq"], "the tables are sign_ins, "),
    ] {
        let message = refusal(words);
        assert!(message.contains(told) && message.lines().count() <= 3, "{words:?}: {message}");
    }
    let desk = Desk::empty();
    let output = desk.run(&["query", "nowhere", "causes"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no dataset here"), "{}", stderr(&output));
}

/// The filters of a query are those of a report and of a comparison.
#[test]
fn a_report_tells_of_the_sign_ins_that_are_left() {
    // A sign-in counts once: by the log of its customer, else by the partner's own; so do those of
    // the partner at home.
    let blocked = "SELECT COUNT(*) AS n FROM sign_ins AS s \
                   LEFT JOIN tenants AS t ON t.child_tenant_id = s.child_tenant_id \
                   WHERE s.verdict = 'blocked' AND (s.side IN ('inbound', 'home') \
                   OR s.side = 'outbound' AND NOT t.has_inbound)";
    let all = count(blocked, &[]);
    for filters in [
        &["--account", "SVC-liongard@fabrikam.example"][..],
        &["--code", "53003", "--code", "50076"],
        &["--app", "Microsoft Graph", "--app", "00000003-0000-0000-c000-000000000000"],
        &["--address", "198.51.100.24"],
        &["--partner", "51b27e90-0d4f-4a83-b6c1-9e25d7a3f018"],
        &["--account", "nobody@nowhere.example"],
    ] {
        let output = SWEPT.run(&[&["report", "sweep-out", "--format", "json"], filters].concat());
        let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let expected = count(blocked, filters);
        assert_eq!(summary["totals"]["blocked"], expected, "{filters:?}");
        assert!(expected < all, "{filters:?}: the sample estate should have others");
        assert_eq!(summary["only_rows"].as_array().expect("said").len(), 1, "{filters:?}");
        for format in ["text", "markdown", "html"] {
            let report =
                SWEPT.run(&[&["report", "sweep-out", "--format", format], filters].concat());
            let text = stdout(&report).replace('\n', " ");
            assert!(text.contains("Only sign-ins with"), "{format} {filters:?}: {text}");
        }
    }
    let compared = SWEPT.run(&[
        "compare",
        "sweep-out",
        "--at",
        "2026-11-15",
        "--account",
        "svc-liongard@fabrikam.example",
    ]);
    assert!(stdout(&compared).contains("only sign-ins with account svc-liongard@"), "{compared:?}");
}

#[test]
fn redacted_answers_hold_pseudonyms() {
    let plain = rows(&["who-came-in"]);
    for format in ["table", "csv", "json", "jsonl", "timesketch"] {
        let text = answer(&["who-came-in", "--redact", "--format", format]).to_lowercase();
        for row in &plain {
            for column in ["partner_tenant_id", "provider", "account", "ip_address", "name"] {
                let Some(original) = row[column].as_str() else { continue };
                assert!(!text.contains(&original.to_lowercase()), "{format}: {column} {original}");
            }
        }
        assert!(text.contains("account-"), "{format}: {text}");
    }
}

/// Log text is shown as text, whatever it holds.
#[test]
fn hostile_texts_do_no_harm() {
    let sql = "SELECT '=HYPERLINK(1)' AS formula, 'a\u{202E}b\u{1B}[31mc' AS steering, \
               '-1' AS text, -1 AS number";
    // A character that steers the terminal is spelled out.
    assert_eq!(
        answer(&["--sql", sql, "--format", "csv"]).lines().nth(1),
        Some(r"'=HYPERLINK(1),a\u{202e}b\u{1b}[31mc,'-1,-1")
    );
    let table = answer(&["--sql", sql]);
    assert!(!table.contains(['\u{1B}', '\u{202E}']), "{table:?}");
}
