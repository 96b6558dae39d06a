//! report.xlsx, read back by another hand: its sheets, the types of their cells, and that no text
//! out of a log is more than a text.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use calamine::{Data, Range, Reader, Xlsx, open_workbook};
use serde_json::{Value, json};
use tenantsweep::report::clean::is_steering;
use tenantsweep::report::{WORKBOOK_ROWS_MAX, write_workbook};
use tenantsweep::summary::{ListedReject, ListedRows, Summary};

use crate::cli::{Desk, stderr, stdout};

const SHEETS: [&str; 9] = [
    "summary",
    "customers",
    "policies",
    "what to do",
    "causes",
    "other providers",
    "sign-ins",
    "exports",
    "rejects",
];

/// A workbook as its reader sees it, and the files of which it is made.
pub(crate) struct Book {
    sheets: BTreeMap<String, Range<Data>>,
    formulas: usize,
    files: BTreeMap<String, String>,
}

impl Book {
    pub(crate) fn open(path: &Path) -> Self {
        let mut book: Xlsx<_> = open_workbook(path).expect("a workbook");
        let names = book.sheet_names();
        assert_eq!(names, SHEETS);
        let formulas = names
            .iter()
            .map(|name| book.worksheet_formula(name).expect("formulas").used_cells().count())
            .sum();
        let sheet = |name: &String| (name.clone(), book.worksheet_range(name).expect("a sheet"));
        Self { sheets: names.iter().map(sheet).collect(), formulas, files: files_of(path) }
    }

    fn rows(&self, sheet: &str) -> impl Iterator<Item = &[Data]> {
        self.sheets[sheet].rows().skip(1)
    }

    fn column(&self, sheet: &str, title: &str) -> Vec<&Data> {
        let mut heads = self.sheets[sheet].rows().next().expect("a head").iter();
        let place = heads.position(|head| *head == Data::String(title.to_owned()));
        let place = place.unwrap_or_else(|| panic!("{sheet}: no column {title}"));
        self.rows(sheet).map(|row| &row[place]).collect()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let cells = self.sheets.values().flat_map(Range::used_cells);
        cells.filter_map(|(_, _, cell)| match cell {
            Data::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// No formula, no link out of the workbook, no character that steers, no cell that is too long.
    pub(crate) fn assert_harmless(&self, from: &str) {
        assert_eq!(self.formulas, 0, "{from:?}");
        for (name, text) in &self.files {
            // Formulas stand in `<f>`; a chart says in `<c:f>` where its figures are.
            assert!(!text.contains("<f>") && !text.contains("<f "), "{name}, from {from:?}");
            assert!(!text.contains("TargetMode=\"External\""), "{name}, from {from:?}");
            assert!(!name.contains("vba") && !name.contains("externalLink"), "{name}");
            let steering = text.chars().find(|&c| is_steering(c) && !"\r\n".contains(c));
            assert_eq!(steering, None, "{name}, from {from:?}");
        }
        for text in self.texts() {
            assert!(text.encode_utf16().count() <= 32_767, "from {from:?}");
        }
    }
}

fn files_of(path: &Path) -> BTreeMap<String, String> {
    let file = fs::File::open(path).expect("a workbook");
    let mut archive = zip::ZipArchive::new(file).expect("a zip archive");
    let mut files = BTreeMap::new();
    for place in 0..archive.len() {
        let mut member = archive.by_index(place).expect("a member");
        let name = member.name().expect("a name").into_owned();
        let mut text = String::new();
        member.read_to_string(&mut text).expect("UTF-8");
        files.insert(name, text);
    }
    files
}

fn book(desk: &Desk) -> Book {
    let output = desk.run(&["report", "--format", "xlsx", "-o", "book.xlsx"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    Book::open(&desk.path("book.xlsx"))
}

fn is_moment(cell: &Data) -> bool {
    matches!(cell, Data::DateTime(at) if at.is_datetime())
}

#[test]
fn the_workbook_of_the_sample_estate_holds_what_the_summary_counts_by_type() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let (book, summary) = (book(&desk), desk.summary());
    book.assert_harmless("the sample estate");
    let length = |key: &str| summary[key].as_array().expect("a list").len();
    let listed = summary["tenants"].as_array().expect("a list").iter();
    let listed = listed.filter(|tenant| tenant["listed_partner"] == true).count();
    assert_eq!(book.rows("customers").count(), listed);
    assert_eq!(book.rows("policies").count(), length("policies"));
    assert_eq!(book.rows("exports").count(), length("exports"));
    let total = |key: &str| summary["totals"][key].as_u64().and_then(|n| usize::try_from(n).ok());
    assert_eq!(Some(book.rows("sign-ins").count()), total("partner"));
    assert_eq!(Some(book.rows("rejects").count()), total("rejected"));
    for (sheet, title) in [
        ("sign-ins", "when (UTC)"),
        ("customers", "as of (UTC)"),
        ("policies", "last blocked (UTC)"),
        ("exports", "from (UTC)"),
    ] {
        let cells = book.column(sheet, title);
        assert!(cells.iter().any(|cell| is_moment(cell)), "{sheet} {title}");
        assert!(
            cells.iter().all(|cell| is_moment(cell) || **cell == Data::Empty),
            "{sheet} {title}"
        );
    }
    for (sheet, title) in
        [("sign-ins", "error code"), ("customers", "tries"), ("customers", "got in (share)")]
    {
        let cells = book.column(sheet, title);
        assert!(cells.iter().any(|cell| matches!(cell, Data::Float(_))), "{sheet} {title}");
        let is_number = |cell: &&Data| matches!(cell, Data::Float(_) | Data::Empty);
        assert!(cells.iter().all(is_number), "{sheet} {title}");
    }
    let flags: Vec<bool> = book
        .column("sign-ins", "flagged")
        .into_iter()
        .map(|cell| matches!(cell, Data::Bool(true)))
        .collect();
    assert!(flags.is_sorted_by_key(|flagged| !flagged), "flagged ones first");
    assert_eq!(Some(flags.iter().filter(|flagged| **flagged).count()), total("flagged"));
    // Every blocked sign-in names its policies, or says so.
    let verdicts = book.column("sign-ins", "verdict");
    let policies = book.column("sign-ins", "policies that block");
    for (verdict, policy) in verdicts.iter().zip(policies) {
        let is_blocked = **verdict == Data::String("blocked".to_owned());
        assert_eq!(is_blocked, *policy != Data::Empty, "{verdict} {policy}");
    }
    let sheets = &book.files;
    for place in 2..=SHEETS.len() {
        let sheet = &sheets[&format!("xl/worksheets/sheet{place}.xml")];
        assert!(sheet.contains("<autoFilter") && sheet.contains("state=\"frozen\""), "{place}");
    }
    assert!(sheets["xl/styles.xml"].contains("yyyy-mm-dd hh:mm:ss"), "moments say their zone");
    assert_eq!(sheets.keys().filter(|name| name.starts_with("xl/charts/chart")).count(), 1);
}

#[test]
fn the_same_dataset_gives_the_same_workbook() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    for name in ["one.xlsx", "two.xlsx"] {
        let output = desk.run(&["report", "--format", "xlsx", "-o", name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let one = fs::read(desk.path("one.xlsx")).expect("a workbook");
    assert_eq!(one, fs::read(desk.path("two.xlsx")).expect("a workbook"));
    // It can be piped, too.
    assert_eq!(one, desk.run(&["report", "--format", "xlsx"]).stdout);
    // No clock stands in it.
    let made = &files_of(&desk.path("one.xlsx"))["docProps/core.xml"];
    assert!(made.contains("2026-11-21T09:40:02Z"), "{made}");
    desk.run(&["compact"]);
    desk.run(&["sweep", "sample-logs", "-q"]);
    assert_eq!(one, desk.run(&["report", "--format", "xlsx"]).stdout);
}

/// Names that a spreadsheet would run, that break XML, that are too long, or that turn what is read.
fn hostile() -> Vec<String> {
    let long = |start: &str| start.to_owned() + &"n".repeat(40_000);
    [
        "=HYPERLINK(\"http://evil.example\",\"click\")",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1)",
        "\t=1+1",
        "a\u{202e}b\u{1}\u{0}c\u{7}\u{ffff}\u{fffe}",
        "</t></si><f>1+1</f>&amp;_x0041_",
        "{=1+1}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([long("="), long("")])
    .collect()
}

const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";

fn hostile_desk() -> Desk {
    let desk = Desk::empty();
    let (mut lines, mut customers) = (String::new(), Vec::new());
    for (number, text) in hostile().iter().enumerate() {
        let customer = format!("2e9d6f10-b84a-4c63-97d5-08f1a3c7be{number:02}");
        customers.push(json!({"customerId": customer, "displayName": text}));
        for (hour, code) in [(8, 0), (9, 53003), (10, 53003)] {
            let policies = match code {
                0 => json!([]),
                _ => json!([{"id": format!("c0000000-0000-4000-8000-0000000000{number:02}"),
                    "displayName": text, "enforcedGrantControls": ["Block", text],
                    "conditionsSatisfied": "application,users", "conditionsNotSatisfied": "none",
                    "result": "failure"}]),
            };
            let record = json!({
                "id": format!("{number}-{hour}{text}"),
                "createdDateTime": format!("2026-11-20T{hour:02}:00:00Z"),
                "userId": "5b0f1a51-0000-4000-8000-000000000001",
                "userPrincipalName": text, "userDisplayName": text,
                "appId": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
                "appDisplayName": text, "resourceDisplayName": text, "ipAddress": text,
                "clientAppUsed": text, "correlationId": text,
                "homeTenantId": PARTNER, "resourceTenantId": customer,
                "crossTenantAccessType": "serviceProvider",
                "signInEventTypes": ["nonInteractiveUser"],
                "conditionalAccessStatus": if code == 0 { "success" } else { "failure" },
                "status": {"errorCode": code, "failureReason": text},
                "appliedConditionalAccessPolicies": policies,
            });
            lines.push_str(&format!("{record}\n"));
        }
    }
    lines.push_str("{\"id\": \"=1+1\", broken}\n");
    fs::write(desk.path("log.json"), lines).expect("written");
    let customers = Value::Array(customers).to_string();
    fs::write(desk.path("tenants.json"), customers).expect("written");
    let partner = format!("--partner={PARTNER}==1+1");
    let output = desk.run(&["sweep", "log.json", "-q", &partner, "--tenants", "tenants.json"]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", stderr(&output));
    desk
}

#[test]
fn hostile_names_are_texts_in_the_workbook() {
    let desk = hostile_desk();
    let book = book(&desk);
    book.assert_harmless("hostile names");
    let texts: Vec<&str> = book.texts().collect();
    for told in [
        "=HYPERLINK(\"http://evil.example\",\"click\")",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1)",
        "=1+1",
        "a\\u{202e}b\\u{1}\\u{0}c\\u{7}\\u{ffff}\\u{fffe}",
        "{=1+1}",
    ] {
        assert!(texts.contains(&told), "{told}");
    }
    // In the file `_x0041_` is no letter either.
    let shared = &book.files["xl/sharedStrings.xml"];
    assert!(shared.contains("_x005F_x0041_"), "an escape of the format stays a text");
    // As long as a cell takes, and marked as cut.
    let longest = texts.iter().max_by_key(|text| text.len()).expect("a text");
    assert_eq!(longest.encode_utf16().count(), 32_767);
    assert!(longest.ends_with('…'));
    // A text that begins like a formula stays one when its cell is edited.
    assert!(book.files["xl/styles.xml"].contains("quotePrefix=\"1\""));
}

#[test]
fn what_has_no_room_is_said() {
    let most = u64::try_from(WORKBOOK_ROWS_MAX).expect("a number");
    let reject = ListedReject {
        source_export: "log.json".into(),
        offset: 1,
        length: 2,
        records: 1,
        reason: "a string is broken".into(),
        run_id: "run".into(),
    };
    let rows = ListedRows {
        rejects: vec![reject; WORKBOOK_ROWS_MAX],
        reject_count: most + 1_234,
        ..ListedRows::default()
    };
    let mut bytes = Vec::new();
    write_workbook(&mut bytes, &Summary::default(), &rows, None).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.xlsx");
    fs::write(&path, bytes).expect("written");
    let book = Book::open(&path);
    let last = book.rows("rejects").last().expect("a row");
    assert_eq!(last[0], Data::String("1,234 more are not shown: see dataset/rejects".to_owned()));
    assert_eq!(book.rows("rejects").count(), WORKBOOK_ROWS_MAX + 1);
    let told = book.texts().any(|text| text.contains("the last line of the sheet says so"));
    assert!(told, "the first sheet says it, too");
    // A dataset without anything is a workbook all the same.
    assert_eq!(book.rows("sign-ins").count(), 0);
}

#[test]
fn a_workbook_of_a_span_and_of_one_customer_holds_nothing_else() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let words = ["report", "--format", "xlsx", "-o", "span.xlsx", "--since", "2026-11-20"];
    desk.run(&[&words[..], &["--until", "2026-11-21"]].concat());
    let span = Book::open(&desk.path("span.xlsx"));
    let moments = span.column("sign-ins", "when (UTC)");
    let day = |cell: &&Data| matches!(cell, Data::DateTime(at) if at.as_f64().floor() == 46_346.0);
    assert!(!moments.is_empty() && moments.iter().all(day), "{moments:?}");

    let tenants = desk.summary()["tenants"].clone();
    let tenants = tenants.as_array().expect("a list");
    let id = |tenant: &Value| tenant["child_tenant_id"].as_str().unwrap_or_default().to_owned();
    for wanted in tenants.iter().filter(|tenant| tenant["listed_partner"] == true) {
        let path = desk.path("one.xlsx");
        let words = ["report", "--format", "xlsx", "-o", "one.xlsx", "--tenant", &id(wanted)];
        let output = desk.run(&words);
        assert!(matches!(output.status.code(), Some(0 | 5)), "{}", stderr(&output));
        let book = Book::open(&path);
        assert_eq!(book.rows("customers").count(), 1);
        for other in tenants.iter().filter(|other| id(other) != id(wanted)) {
            let name = other["child_name"].as_str().unwrap_or_default();
            for (file, text) in &book.files {
                assert!(!text.contains(&id(other)), "{file} of {wanted}: {name}");
                assert!(name.is_empty() || !text.contains(name), "{file} of {wanted}: {name}");
            }
        }
    }
}

#[test]
fn a_customer_that_is_forgotten_is_out_of_the_workbook() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let contoso = "1c0b7a44-5d3e-4f02-8a91-c6e2b9d04f11";
    let is_told = |book: &Book| {
        let ids = book.column("sign-ins", "customer tenant id");
        ids.contains(&&Data::String(contoso.to_owned()))
    };
    assert!(is_told(&book(&desk)));
    let output = desk.run(&["forget", "--tenant", contoso]);
    assert_eq!(output.status.code(), Some(0), "{} {}", stdout(&output), stderr(&output));
    assert!(!is_told(&book(&desk)));
}
