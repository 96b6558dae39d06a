//! The summary against a plain fold and a truth table; reports against goldens and hostile text.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test may fail")]

mod estate;
mod model;
mod parts;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use tenantsweep::attribution::Verdict;
use tenantsweep::report::{self, RunFacts, TextOptions};
use tenantsweep::summary::state::{
    CustomerState, Evidence, RouteHistory, RouteView, Try, customer_state,
};
use tenantsweep::summary::{Counts, SignInText, Summary, SummaryOptions, list_rows, summarise};

use estate::estate;
use parts::{Dataset, minutes_before_end, tenant_id};

fn summary_of(dataset: &Dataset, options: &SummaryOptions) -> Summary {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let parts = dataset.write(folder.path(), 2);
    summarise(&parts, options).expect("a dataset of ours can be summarised")
}

fn facts() -> RunFacts {
    RunFacts {
        tool_version: "0.1.0".to_owned(),
        input: "exports".to_owned(),
        files: 11,
        bytes: 9_026_000,
        elapsed: None,
        exports_read: 11,
        ..RunFacts::default()
    }
}

fn text_of(summary: &Summary, unicode: bool) -> String {
    let mut text = Vec::new();
    let options = TextOptions { unicode, columns: 100 };
    report::write_text(&mut text, summary, Some(&facts()), options).expect("a Vec takes all");
    String::from_utf8(text).expect("reports are UTF-8")
}

fn markdown_of(summary: &Summary) -> String {
    let mut text = Vec::new();
    report::write_markdown(&mut text, summary, Some(&facts())).expect("a Vec takes all");
    String::from_utf8(text).expect("reports are UTF-8")
}

fn json_of(summary: &Summary) -> String {
    let mut text = Vec::new();
    report::write_json(&mut text, summary, Some(&facts())).expect("a Vec takes all");
    String::from_utf8(text).expect("reports are UTF-8")
}

/// Compares with a file in `tests/golden`; `UPDATE_EXPECT=1` writes it.
fn check_golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, found).expect("goldens can be written");
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&wanted, found).unified_diff().to_string();
    assert!(diff.is_empty(), "{name} differs (UPDATE_EXPECT=1 rewrites it):\n{diff}");
}

#[test]
fn reports_of_a_small_estate() {
    let summary = summary_of(&estate(), &SummaryOptions::default());
    check_golden("summary.txt", &text_of(&summary, false));
    check_golden("summary.md", &markdown_of(&summary));
    check_golden("summary.json", &json_of(&summary));
}

#[test]
fn each_sign_in_is_in_one_day_one_reason_and_one_address() {
    for has_partners in [true, false] {
        let mut dataset = estate();
        if !has_partners {
            dataset.partners.clear();
            dataset.rows.iter_mut().for_each(|row| row.matched = "service_provider");
        }
        let summary = summary_of(&dataset, &SummaryOptions::default());
        let customers = summary.customers.iter().map(|customer| customer.counts);
        let others = summary.other_providers.iter().map(|provider| provider.counts);
        let mut all = Counts::default();
        let mut listed = Counts::default();
        customers.for_each(|counts| listed += counts);
        others.chain([listed]).for_each(|counts| all += counts);
        let failed: u64 = summary.failed_days.iter().map(|reason| reason.sign_ins()).sum();
        assert_eq!(failed, if has_partners { listed.flagged() } else { all.flagged() });
        let came_in: u64 = summary.came_in.iter().map(|entry| entry.sign_ins).sum();
        assert_eq!(came_in, all.succeeded);
        assert!(came_in > 0 && failed > 0);
        for customer in &summary.customers {
            let mut told = Counts::default();
            customer.days.iter().for_each(|day| told += day.counts);
            // What is older than 30 days is not told.
            assert!(told.sign_ins() <= customer.counts.sign_ins(), "{:?}", customer.child_name);
            assert_eq!(customer.days.is_empty(), customer.last_at.is_none());
            assert!(customer.days.is_sorted_by_key(|day| day.day));
        }
    }
}

#[test]
fn a_report_without_a_partner_list() {
    let mut dataset = estate();
    dataset.partners.clear();
    for row in &mut dataset.rows {
        row.matched = "service_provider";
    }
    let summary = summary_of(&dataset, &SummaryOptions::default());
    assert!(summary.customers.is_empty());
    assert!(
        text_of(&summary, false).contains("--partner 8f3c52d1-0000-4000-8000-00008f3c52d1=NAME")
    );
    check_golden("summary-without-partner.txt", &text_of(&summary, false));
}

#[test]
fn an_empty_dataset_is_a_summary_too() {
    let summary = summarise(&Default::default(), &SummaryOptions::default()).expect("no parts");
    assert_eq!(summary, Summary::default());
    assert!(text_of(&summary, true).contains("No partner was given"));
    let summary = summary_of(&Dataset::default(), &SummaryOptions::default());
    assert_eq!(summary.totals.partner, 0);
}

#[test]
fn as_of_takes_the_states_back_in_time() {
    let as_of = minutes_before_end(10 * 24 * 60);
    let options = SummaryOptions { as_of: Some(as_of), ..SummaryOptions::default() };
    let summary = summary_of(&estate(), &options);
    let contoso = summary
        .customers
        .iter()
        .find(|customer| customer.child_name.as_deref() == Some("Contoso Ltd"))
        .expect("Contoso is there");
    assert_eq!(contoso.state, CustomerState::GettingIn);
    assert_eq!(contoso.now, Some(as_of));
}

#[test]
fn a_part_that_is_no_parquet_is_an_error_with_its_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut parts = estate().write(folder.path(), 1);
    let broken = folder.path().join("broken [1].parquet");
    std::fs::write(&broken, "no parquet").expect("a test folder can be written");
    parts.sign_ins.push(broken);
    let error = summarise(&parts, &SummaryOptions::default()).expect_err("a broken part");
    assert!(error.to_string().contains("sign_ins"), "{error}");
}

#[test]
fn hostile_text_does_not_get_out_of_any_report() {
    let hostile = "\u{1b}]0;pwned\u{7}\r\n## Evil | <script>alert(1)</script> [x](http://e) \u{202e}\u{200b}`=1+1`\u{9b}31m";
    let mut dataset = estate();
    for tenant in dataset.customers.iter_mut().chain(&mut dataset.partners) {
        tenant.name = Some(format!("{hostile} {}", tenant.id));
    }
    for row in &mut dataset.rows {
        row.account = row.account.as_ref().map(|account| format!("{account} {hostile}"));
        for policy in &mut row.policies {
            policy.name = hostile.to_owned() + &"long".repeat(500);
        }
    }
    for export in &mut dataset.exports {
        export.path.push_str(hostile);
    }
    let summary = summary_of(&dataset, &SummaryOptions::default());
    let (text, markdown, json) =
        (text_of(&summary, true), markdown_of(&summary), json_of(&summary));
    for document in [&text, &markdown, &json] {
        let steering = |c: &char| report::clean::is_steering(*c) && *c != '\n';
        assert_eq!(document.chars().find(steering), None);
    }
    assert!(!markdown.contains("<script") && !markdown.replace("\\](", "").contains("]("));
    assert!(!markdown.lines().any(|line| line.starts_with("## Evil")));
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    assert!(json.contains("\\u001b]0;pwned"));
    check_page(&text);
    let ascii = text_of(&summary, false);
    assert!(ascii.is_ascii());
    check_page(&ascii);
}

fn check_page(text: &str) {
    check_width(text, 100);
}

fn check_width(text: &str, columns: usize) {
    assert!(text.lines().count() <= 40, "{text}");
    for line in text.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= columns, "{columns}: {line}");
    }
}

#[test]
fn the_terminal_s_report_is_as_wide_as_the_terminal() {
    let summary = summary_of(&estate(), &SummaryOptions::default());
    for columns in [60, 66, 72, 80, 99, 100] {
        for unicode in [false, true] {
            let mut text = Vec::new();
            let options = TextOptions { unicode, columns };
            report::write_text(&mut text, &summary, Some(&facts()), options).expect("a Vec");
            let text = String::from_utf8(text).expect("reports are UTF-8");
            check_width(&text, columns);
            assert!(text.contains("BLOCKED"), "{columns}: {text}");
        }
    }
}

#[test]
fn a_large_estate_stays_on_one_page() {
    let mut dataset = estate();
    let rows = dataset.rows.clone();
    for copy in 1..40_u32 {
        for row in &rows {
            let mut row = row.clone();
            row.id = format!("{}-{copy}", row.id);
            row.child = row.child.map(|child| child.replacen("0000000", &format!("{copy:07x}"), 1));
            row.code = row.code.map(|code| code + i32::try_from(copy % 7).unwrap_or_default());
            for policy in &mut row.policies {
                policy.name = format!("{} {}", policy.name, copy % 5);
            }
            dataset.rows.push(row);
        }
    }
    let text = text_of(&summary_of(&dataset, &SummaryOptions::default()), false);
    check_page(&text);
    assert!(text.contains("more in report.html"), "{text}");
}

/// Run by hand: `cargo test --release --test it a_million -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn a_million_rows() {
    let pattern = estate();
    let mut dataset = Dataset { rows: Vec::new(), ..pattern.clone() };
    for copy in 0..40_000_u32 {
        for row in &pattern.rows {
            let mut row = row.clone();
            row.id = format!("{}-{copy:08}", row.id);
            row.correlation = Some(format!("{}-{copy}", row.id));
            row.child =
                row.child.map(|child| child.replacen("0000000", &format!("{:07x}", copy % 300), 1));
            row.at -= TimeDelta::seconds(i64::from(copy) * 7);
            dataset.rows.push(row);
        }
    }
    dataset.rows.sort_by_key(|row| row.at);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let parts = dataset.write(folder.path(), 3);
    let rows = dataset.rows.len();
    drop(dataset);
    for rows_at_a_time in [50_000, 100_000, 200_000, 400_000] {
        let options = SummaryOptions { rows_at_a_time, ..SummaryOptions::default() };
        // Linux forgets the peak so far; elsewhere the figures are blank.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let (before, started) = (memory("VmRSS"), std::time::Instant::now());
        let summary = summarise(&parts, &options).expect("a summary");
        let (elapsed, peak) = (started.elapsed(), memory("VmHWM"));
        let customers = summary.customers.len();
        eprintln!(
            "{rows} rows by {rows_at_a_time}, {customers} customers: {elapsed:?}, {before} to {peak}"
        );
    }
}

fn memory(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.map(|value| value.trim_start_matches(':').trim().to_owned()).unwrap_or_default()
}

#[test]
fn of_too_many_sign_ins_the_newest_flagged_ones_are_listed() {
    let dataset = estate();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let parts = dataset.write(folder.path(), 3);
    let options = SummaryOptions::default();
    let all = list_rows(&parts, &options, usize::MAX).expect("rows");
    assert_eq!(all.sign_ins.len(), dataset.rows.len());
    assert_eq!(all.sign_in_count, u64::try_from(dataset.rows.len()).unwrap_or_default());
    assert!(all.sign_ins.is_sorted_by_key(|row| (!row.is_flagged, std::cmp::Reverse(row.at))));
    for most in [0, 1, 5, 9] {
        let few = list_rows(&parts, &options, most).expect("rows");
        assert_eq!(few.sign_in_count, all.sign_in_count);
        let moments = |rows: &[tenantsweep::summary::ListedSignIn]| -> Vec<_> {
            rows.iter().take(most).map(|row| (row.is_flagged, row.at)).collect()
        };
        assert_eq!(moments(&few.sign_ins), moments(&all.sign_ins));
    }
    for row in &all.sign_ins {
        let same = dataset.rows.iter().find(|one| row.text(SignInText::SignInId) == Some(&one.id));
        let same = same.expect("a row of the estate");
        let blocking = same.policies.iter().filter(|policy| policy.blocks).count();
        assert_eq!(row.policies.len(), blocking, "{}", same.id);
        assert_eq!(row.text(SignInText::Verdict), Some(same.verdict));
    }
}

#[test]
fn since_and_until_leave_rows_out() {
    let (since, until) = (minutes_before_end(5 * 24 * 60), minutes_before_end(24 * 60));
    let options =
        SummaryOptions { since: Some(since), until: Some(until), ..SummaryOptions::default() };
    let dataset = estate();
    let summary = summary_of(&dataset, &options);
    let within = dataset.rows.iter().filter(|row| row.at >= since && row.at < until).count();
    assert_eq!(summary.totals.counts.sign_ins(), u64::try_from(within).unwrap_or_default());
    assert!(summary.newest_evidence.is_some_and(|newest| newest <= until));
    assert!(summary.ledger.balances(), "the ledger is of whole exports");
}

/// `tests/states.csv` is the specification of a customer's state.
#[test]
fn states() {
    let table = include_str!("../states.csv");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(table.as_bytes());
    for line in reader.records() {
        let line = line.expect("a line of the table");
        let [case, routes, evidence, state, doubt] =
            [0, 1, 2, 3, 4].map(|at| line.get(at).unwrap_or_default());
        let judged = judged(routes, evidence);
        assert_eq!((judged.0.as_str(), judged.1.as_str()), (state, doubt), "{case}");
    }
}

fn judged(routes: &str, evidence: &str) -> (String, String) {
    let now = minutes_before_end(0);
    let routes: Vec<(String, bool, RouteHistory)> =
        routes.split(';').filter(|route| !route.trim().is_empty()).map(route_of).collect();
    let views: Vec<RouteView<'_>> = routes
        .iter()
        .map(|(account, is_integration, history)| RouteView {
            account,
            is_integration: *is_integration,
            state: history.state(now),
        })
        .collect();
    let evidence = match evidence {
        "absent" => Evidence::Absent,
        "blind" => Evidence::Blind,
        _ => Evidence::Sound,
    };
    let judgement = customer_state(&views, evidence);
    let doubt = judgement.doubt.map(|doubt| doubt.as_str().to_owned());
    (judgement.state.as_str().to_owned(), doubt.unwrap_or_default())
}

/// Reads `kind account: tries`.
fn route_of(text: &str) -> (String, bool, RouteHistory) {
    let (who, tries) = text.split_once(':').expect("a route has a colon");
    let (kind, account) = who.trim().split_once(' ').expect("a kind and an account");
    let mut history = RouteHistory::default();
    for a_try in tries.split_whitespace() {
        history.add(&try_of(a_try));
    }
    (account.to_owned(), kind == "integration", history)
}

fn try_of(text: &str) -> Try {
    let (letter, days) = text.split_at(1);
    let (verdict, disputed) = match letter {
        "S" => (Verdict::Succeeded, false),
        "B" => (Verdict::Blocked, false),
        "D" => (Verdict::Blocked, true),
        "U" => (Verdict::Unexplained, false),
        "F" => (Verdict::Failed, false),
        "I" => (Verdict::Interrupted, false),
        other => panic!("no try: {other}"),
    };
    let at: DateTime<Utc> =
        minutes_before_end(0) - TimeDelta::days(days.parse().expect("an age in days"));
    Try { first_at: at, last_at: at, verdict, disputed, error_code: None }
}

#[test]
fn the_same_summary_from_any_slices() {
    let whole = summary_of(&estate(), &SummaryOptions::default());
    for rows_at_a_time in [1, 2, 5] {
        let options = SummaryOptions { rows_at_a_time, ..SummaryOptions::default() };
        assert_eq!(summary_of(&estate(), &options), whole);
    }
    assert!(
        whole
            .customers
            .iter()
            .all(|c| c.child_tenant_id.to_string() != tenant_id(estate::FABRIKAM))
    );
}
