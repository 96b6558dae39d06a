//! The program as people run it: on the sample estate, again, and with wrong words.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tenantsweep::dataset::Table;

use crate::parquet_reader::read_table;

/// A folder with a copy of the sample estate in which the program runs.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn with_samples() -> Self {
        let desk = Self::empty();
        copy_folder(Path::new("sample-logs"), &desk.path("sample-logs"));
        desk
    }

    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().expect("the program starts")
    }

    /// Runs with a file as standard input.
    pub(crate) fn run_with_input(&self, words: &[&str], input: &str) -> Output {
        let input = fs::File::open(self.path(input)).expect("a file");
        self.command(words).stdin(input).output().expect("the program starts")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantsweep"));
        command.args(words).current_dir(self.folder.path()).env_clear().env("LANG", "C");
        command
    }

    pub(crate) fn summary(&self) -> Value {
        let text = fs::read(self.path("sweep-out/summary.json")).expect("a summary");
        serde_json::from_slice(&text).expect("JSON")
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// The truth about the sample estate, found by other means than this program.
fn truth() -> Value {
    let text = fs::read("tests/data/sample-logs-truth.json").expect("the truth");
    serde_json::from_slice(&text).expect("JSON")
}

const FIGURES: [&str; 7] =
    ["succeeded", "blocked", "interrupted", "failed", "unexplained", "flagged", "disputed"];

#[test]
fn the_sample_estate_gives_exactly_the_truth() {
    let desk = Desk::with_samples();
    let output = desk.run(&["sweep", "sample-logs"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (summary, truth) = (desk.summary(), truth());
    for figure in ["records", "partner", "other", "duplicate", "rejected"].iter().chain(&FIGURES) {
        assert_eq!(summary["totals"][figure], truth["totals"][figure], "{figure}");
    }
    assert_eq!(summary["totals"]["tries"], truth["totals_counted"]["tries"]);
    let customers = summary["tenants"].as_array().expect("a list");
    let expected = truth["tenants"].as_array().expect("a list");
    assert_eq!(customers.len(), 15);
    for expected in expected {
        let key = |row: &Value| (row["child_tenant_id"].clone(), row["partner_tenant_id"].clone());
        let same = customers.iter().find(|customer| key(customer) == key(expected));
        let (customer, name) = (same.expect("a customer"), &expected["child_name"]);
        for figure in FIGURES.iter().chain(&["tries", "child_name"]) {
            assert_eq!(customer[figure], expected[figure], "{name}: {figure}");
        }
        // Only listed partners have states.
        if customer["listed_partner"] == true {
            for key in ["state", "recovered"] {
                assert_eq!(customer[key], expected[key], "{name}: {key}");
            }
            for key in ["as_of", "since"] {
                assert_eq!(second(&customer[key]), second(&expected[key]), "{name}: {key}");
            }
        }
    }
    same_policies(&summary["policies"], &truth["policies"]);
    let providers = summary["other_providers"].as_array().expect("a list");
    let expected = truth["other_providers"].as_array().expect("a list");
    assert_eq!(providers.len(), expected.len());
    assert_eq!(providers[0]["home_tenant_id"], expected[0]["partner_tenant_id"]);
    for figure in FIGURES.iter().chain(&["tries"]) {
        assert_eq!(providers[0][figure], expected[0][figure], "{figure}");
    }
}

/// A moment to the second: some exports are no finer.
fn second(moment: &Value) -> Option<&str> {
    moment.as_str().map(|text| &text[..19])
}

fn same_policies(found: &Value, expected: &Value) {
    let figures = |list: &Value| {
        let mut rows: Vec<_> = list
            .as_array()
            .expect("a list")
            .iter()
            .map(|policy| {
                let text = |key: &str| policy[key].as_str().expect(key).to_owned();
                let count = |key: &str| policy[key].as_u64().expect(key);
                (
                    text("child_tenant_id"),
                    text("policy_id"),
                    count("blocked_sign_ins"),
                    count("would_block_sign_ins"),
                )
            })
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(figures(found), figures(expected));
}

#[test]
fn whose_log_to_export_next() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs"]);
    let text = fs::read_to_string(desk.path("sweep-out/missing-logs.csv")).expect("a list");
    let (heads, hows): (Vec<&str>, Vec<&str>) =
        text.lines().filter_map(|line| line.rsplit_once(",\"").or(line.rsplit_once(','))).unzip();
    assert_eq!(hows[0], "how");
    // What to do about the log that is there is another thing than to get the first one.
    assert!(hows[2].starts_with("Export as someone who may read policies too"), "{text}");
    assert!(hows[3].starts_with("Entra admin center > Sign-in logs"), "{text}");
    assert_eq!(
        heads,
        [
            "tenant_id,name,why",
            "b5f01d7e-9a42-4e83-a1c6-f8d39b74e0bb,Coho Vineyard,\
             \"only the partner's own log tells of it, without policies\"",
            "8c1fe6a9-05d7-4f3b-b2e8-64a7d9c01588,Fourth Coffee,the log could not show a block",
            "c6e2930a-d7b5-4f18-8e4d-20a9c5f76bcc,Lucerne Publishing,no log here",
        ]
    );
}

#[test]
fn a_second_sweep_finds_nothing_new_and_a_third_with_more_partners_reads_again() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs"]);
    let manifest = || fs::read(desk.path("sweep-out/dataset/manifest.json")).expect("a manifest");
    let first = manifest();
    let again = desk.run(&["sweep", "sample-logs"]);
    assert_eq!(again.status.code(), Some(0));
    assert!(stdout(&again).contains("Nothing new"), "{}", stdout(&again));
    assert_eq!(first, manifest());
    let northwind = "51b27e90-0d4f-4a83-b6c1-9e25d7a3f018=Northwind";
    let more = desk.run(&["sweep", "sample-logs", "--partner", northwind]);
    assert_eq!(more.status.code(), Some(0), "{}", stderr(&more));
    assert_ne!(first, manifest());
    let rows = read_table(&desk.path("sweep-out"), Table::SignIns);
    assert_eq!(rows.len(), 190);
    assert!(rows.iter().all(|row| row.text("partner_match") == "listed"));
    assert_eq!(desk.summary()["other_providers"], Value::Array(Vec::new()));
}

#[test]
fn every_reject_is_named_with_its_place() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "--keep-rejected-bytes"]);
    let rejects = read_table(&desk.path("sweep-out"), Table::Rejects);
    assert_eq!(rejects.len(), 3);
    for reject in rejects {
        let path = desk.path(&reject.text("source_export"));
        let bytes = fs::read(path).expect("the export");
        let offset = usize::try_from(reject.number("offset").expect("an offset"));
        let length = usize::try_from(reject.number("length").expect("a length"));
        let (offset, length) = (offset.expect("positive"), length.expect("positive"));
        let there = &bytes[offset..offset + length];
        assert!(there.starts_with(b"{"), "{}", String::from_utf8_lossy(there));
        assert!(!reject.text("reason").is_empty());
    }
}

#[test]
fn wrong_use_is_named_and_ends_with_2() {
    let desk = Desk::with_samples();
    fs::write(desk.path("bad.csv"), "tenant_id,name\n\nfabrikam,Fabrikam\n").expect("a list");
    for (words, told) in [
        (&["sweep"][..], "INPUT"),
        (&["sweep", "nowhere"], "nowhere"),
        (&["sweep", "sample-logs", "--partner", "fabrikam"], "`fabrikam` is no tenant id"),
        (&["sweep", "sample-logs", "--partners", "bad.csv"], "bad.csv: line 3: `fabrikam`"),
        (&["sweep", "sample-logs", "--tenant-from-path", "a/b"], "has no `{tenant}`"),
        (&["sweep", "sample-logs", "--as-of", "yesterday"], "2026-11-21"),
        (&["sweep", "sample-logs", "--run-id", "../x"], "a run id has"),
        (&["report", "nowhere"], "no dataset here"),
    ] {
        let output = desk.run(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(told), "{words:?}: {}", stderr(&output));
    }
}

#[test]
fn a_folder_without_partner_sign_ins_cannot_be_judged() {
    let desk = Desk::empty();
    fs::create_dir(desk.path("logs")).expect("a folder");
    fs::write(desk.path("logs/empty.json"), "{\"value\":[]}").expect("a log");
    fs::write(desk.path("logs/notes.txt"), "nothing here\n").expect("a text");
    let output = desk.run(&["sweep", "logs"]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(stderr(&output).contains("logs/notes.txt: not a sign-in log"));
}

#[test]
fn a_folder_without_any_log_is_said_and_leaves_no_dataset() {
    let desk = Desk::empty();
    fs::create_dir(desk.path("logs")).expect("a folder");
    fs::write(desk.path("logs/notes.txt"), "nothing here\n").expect("a text");
    let output = desk.run(&["sweep", "logs"]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(stderr(&output).contains("logs/notes.txt: not a sign-in log: a text file"));
    assert!(stderr(&output).contains("nothing here is a sign-in log"));
    let into_itself = desk.run(&["sweep", "logs", "--out", "logs"]);
    assert_eq!(into_itself.status.code(), Some(2));
    assert!(stderr(&into_itself).contains("into the input itself"));
}

#[test]
fn a_grown_file_counts_its_records_once() {
    let desk = Desk::empty();
    let record = |at: usize| {
        format!(
            r#"{{"id":"s{at}","createdDateTime":"2026-11-21T09:40:0{at}Z","appDisplayName":"Liongard",
            "homeTenantId":"8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586","userPrincipalName":"a@b",
            "resourceTenantId":"c0000001-0000-4000-8000-000000000000","status":{{"errorCode":0}}}}"#
        )
        .replace('\n', "")
    };
    let sweep = |count: usize| {
        let lines: Vec<String> = (0..count).map(record).collect();
        fs::write(desk.path("log.json"), lines.join("\n")).expect("a log");
        let partner = "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586";
        desk.run(&["sweep", "log.json", "--partner", partner]);
        let totals = desk.summary()["totals"].clone();
        ["records", "partner", "other", "duplicate", "rejected"].map(|key| totals[key].as_u64())
    };
    assert_eq!(sweep(3), [3, 3, 0, 0, 0].map(Some));
    assert_eq!(sweep(5), [5, 5, 0, 0, 0].map(Some));
}

#[test]
fn one_unreadable_record_in_a_large_export_costs_nothing_else() {
    let desk = Desk::with_samples();
    let foreign = format!(
        r#"{{"id":"x","createdDateTime":"2026-11-21T09:40:00Z","appDisplayName":"{}",
        "homeTenantId":"c0000001-0000-4000-8000-000000000000","ipAddress":"192.0.2.1",
        "status":{{"errorCode":0}}}}"#,
        "y".repeat(900)
    );
    let foreign = foreign.replace('\n', "");
    let text = format!("{foreign}\n{{}}\n{}", format!("{foreign}\n").repeat(6000));
    fs::write(desk.path("sample-logs/large.json"), text).expect("a log");
    let output = desk.run(&["sweep", "sample-logs"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(desk.summary()["totals"]["rejected"], 4);
    assert_eq!(desk.summary()["totals"]["partner"], 190);
}

#[test]
fn a_word_in_a_log_makes_no_list_of_it() {
    let desk = Desk::with_samples();
    let page = r##"{"value":[{"id":"w1","createdDateTime":"2026-11-21T09:40:00Z",
        "userAgent":"#contracts delegatedAdminRelationship","appDisplayName":"Liongard",
        "homeTenantId":"8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586","ipAddress":"192.0.2.1",
        "resourceTenantId":"c0000001-0000-4000-8000-000000000000","status":{"errorCode":0}}]}"##;
    fs::write(desk.path("sample-logs/odd.json"), page).expect("a page");
    desk.run(&["sweep", "sample-logs"]);
    assert_eq!(desk.summary()["totals"]["partner"], 191);
}

#[test]
fn without_a_list_the_likely_partner_is_offered() {
    let desk = Desk::with_samples();
    fs::remove_file(desk.path("sample-logs/partners.csv")).expect("removed");
    let output = desk.run(&["sweep", "sample-logs"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("Looks like your partner tenant: Fabrikam") || text.contains("8f3c52d1"));
    assert!(text.contains("--partner 8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586"), "{text}");
}

#[test]
fn without_a_list_and_a_cross_tenant_type_the_visitor_of_many_tenants_is_offered() {
    let desk = Desk::empty();
    let partner = "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586";
    for customer in 1..=3 {
        let page = format!(
            r#"{{"value":[{{"id":"s{customer}","createdDateTime":"2026-11-21T09:40:00Z",
            "userPrincipalName":"svc@fabrikam.example","appDisplayName":"Liongard",
            "homeTenantId":"{partner}","resourceTenantId":"c000000{customer}-0000-4000-8000-000000000000",
            "status":{{"errorCode":0}}}}]}}"#
        );
        fs::write(desk.path(&format!("{customer}.json")), page).expect("a page");
    }
    let output = desk.run(&["sweep", "."]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    let told = format!("users of {partner} came to 3 other tenants");
    assert!(stderr(&output).contains(&told), "{}", stderr(&output));
}

#[test]
fn a_report_is_made_from_the_dataset_alone() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs"]);
    fs::remove_dir_all(desk.path("sample-logs")).expect("removed");
    let output = desk.run(&["report", "sweep-out", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let again: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(again["totals"], desk.summary()["totals"]);
    assert_eq!(again["tenants"], desk.summary()["tenants"]);
    let before = desk.run(&["report", "--format", "json", "--as-of", "2026-11-12"]);
    let before: Value = serde_json::from_str(&stdout(&before)).expect("JSON");
    let blocked = |summary: &Value| summary["totals"]["blocked"].as_u64();
    assert!(blocked(&before) < blocked(&again));
}

#[test]
fn inspect_says_what_each_file_is() {
    let desk = Desk::with_samples();
    let output = desk.run(&["inspect", "sample-logs"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    for told in [
        "diagnostic settings, UTF-8, compression gzip",
        "Graph sign-ins, UTF-16LE",
        "portal CSV, UTF-8 with BOM",
        "cannot show: policies missing",
        "cannot show: status only",
        "unreadable at byte",
        "a list of partners",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
}

/// What the README shows is what the program prints. `UPDATE_EXPECT=1` rewrites it.
#[test]
fn the_readme_shows_the_output() {
    const BEGIN: &str = "<!-- BEGIN: sweep sample-logs -->\n";
    const END: &str = "<!-- END: sweep sample-logs -->";
    let desk = Desk::with_samples();
    let output = desk.run(&["sweep", "sample-logs"]);
    let printed = format!("```\n{}```\n", without_elapsed(&stdout(&output)));
    let readme = fs::read_to_string("README.md").expect("the README");
    let (before, rest) = readme.split_once(BEGIN).expect("a beginning");
    let (shown, after) = rest.split_once(END).expect("an end");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let updated = format!("{before}{BEGIN}{printed}{END}{after}");
        fs::write("README.md", updated).expect("the README is written");
        return;
    }
    assert_eq!(shown, printed, "UPDATE_EXPECT=1 cargo test rewrites it");
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines.len() <= 42, "{} lines", lines.len());
    assert!(lines.iter().all(|line| line.chars().count() <= 100));
}

/// The head line without the time that the sweep took.
fn without_elapsed(text: &str) -> String {
    let (head, rest) = text.split_once('\n').expect("a head line");
    let (facts, zone) = head.split_once("times:").expect("a zone");
    let facts = facts.rsplit_once(',').map_or(facts, |(facts, _)| facts);
    format!("{facts}   times:{zone}\n{rest}")
}
