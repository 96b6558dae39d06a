//! report.html: what it is made of, how heavy it gets, and that it tells of one customer only
//! where only one is asked for.

pub(crate) mod hostile;
pub(crate) mod markup;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::cli::{Desk, stderr, stdout};
use hostile::HOSTILE;
use markup::Document;

fn page(desk: &Desk) -> String {
    fs::read_to_string(desk.path("sweep-out/report.html")).expect("a page")
}

#[test]
fn the_page_of_the_sample_estate_answers_first_and_links_what_is_there() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let page = page(&desk);
    let document = Document::parse(&page);
    document.assert_harmless("the sample estate");
    assert_eq!(document.count("h1"), 1);
    assert_eq!(document.count("article"), 5);
    for word in ["script", "img", "link", "iframe", "form", "object"] {
        assert_eq!(document.count(word), 0, "{word}");
    }
    let sections = [
        "do",
        "customers",
        "each",
        "time",
        "others",
        "coming",
        "causes",
        "policies",
        "came-in",
        "evidence",
        "export",
        "files",
        "ledger",
        "made",
    ];
    let ids = document.ids();
    let places: Vec<Option<usize>> =
        sections.iter().map(|id| ids.iter().position(|known| known == id)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    // Of every table the heads say what they head.
    for tag in document.tags.iter().filter(|tag| tag.name == "th") {
        assert!(tag.get("scope").is_some(), "{tag:?}");
    }
    assert_eq!(document.count("table"), document.count("caption"));
    let pictures = document.tags.iter().filter(|tag| tag.get("role") == Some("img")).count();
    let hidden = document.tags.iter().filter(|tag| tag.get("aria-hidden").is_some()).count();
    assert_eq!(pictures + hidden, document.count("svg"));
    let text = &document.text;
    for told in [
        "4 of 12 customers block Fabrikam by policy, 2 more partly.",
        "30 days to 21 Nov: blocked on",
        "Contoso Ltd: let Fabrikam's tools",
        "What you give up, what stays",
        "84a65f60-344b-49f3-aac8-85a47f094000",
        "CA007 Managed devices + CA012 Block outside EU",
        "not where the tool runs",
        "Every record is accounted for.",
        "records in 26 exports",
        "d6d933a2e260d184d903007c51c72d5fbc405a4a10efd9cda29bba1b0c51fc45",
    ] {
        assert!(text.contains(told), "{told}");
    }
}

#[test]
fn without_a_partner_and_with_two_of_them_the_page_is_whole() {
    let desk = Desk::with_samples();
    fs::remove_file(desk.path("sample-logs/partners.csv")).expect("removed");
    desk.run(&["sweep", "sample-logs", "-q"]);
    let document = Document::parse(&page(&desk));
    document.assert_harmless("no partner");
    for told in ["No partner was given", "Confirm: --partner", "Other providers, not on your list"]
    {
        assert!(document.text.contains(told), "{told}");
    }
    let fabrikam = "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586=Fabrikam";
    let northwind = "51b27e90-0d4f-4a83-b6c1-9e25d7a3f018=Northwind";
    desk.run(&["sweep", "sample-logs", "-q", "--partner", fabrikam, "--partner", northwind]);
    let document = Document::parse(&page(&desk));
    document.assert_harmless("two partners");
    for told in
        ["Woodgrove Bank (Fabrikam)", "Woodgrove Bank (Northwind)", "1 of 4 customers blocks"]
    {
        assert!(document.text.contains(told), "{told}");
    }
}

#[test]
fn the_same_dataset_gives_the_same_page() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let swept = page(&desk);
    let again = desk.run(&["report", "sweep-out", "--format", "html"]);
    let again = stdout(&again);
    assert_eq!(again, stdout(&desk.run(&["report", "--format", "html"])));
    // What only the run knows stands in the head and at the end.
    let body = |page: &str| {
        let (_, body) = page.split_once("<nav").expect("a nav");
        body.split_once("id=\"evidence\"").expect("the evidence").0.to_owned()
    };
    assert_eq!(body(&again), body(&swept));
    desk.run(&["sweep", "sample-logs", "-q"]);
    assert_eq!(page(&desk), swept);
}

#[test]
fn only_the_style_of_the_page_is_let_in() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let document = Document::parse(&page(&desk));
    let policy = document
        .tags
        .iter()
        .find(|tag| tag.get("http-equiv") == Some("Content-Security-Policy"))
        .and_then(|tag| tag.get("content"))
        .expect("a policy");
    let hash = policy.strip_prefix("default-src 'none'; style-src 'sha256-").expect(policy);
    // 32 bytes.
    assert_eq!(hash.strip_suffix("='").map(str::len), Some(43), "{policy}");
    assert_eq!(document.count("style"), 1);
}

#[test]
fn hostile_names_are_text_on_the_page() {
    let desk = hostile::swept();
    let document = Document::parse(&page(&desk));
    document.assert_harmless("hostile names");
    for (text, shown) in HOSTILE {
        assert!(document.text.contains(shown), "{text:?} in {}", document.text);
    }
    assert!(!document.text.contains(&"n".repeat(1_201)), "no text is longer than a sentence");
    // Turned words stand apart from the figures beside them.
    assert!(document.count("bdi") > 0);
}

/// Names and ids of all customers of the sample estate.
fn customers(desk: &Desk) -> Vec<(String, String)> {
    let summary = desk.summary();
    let tenants = summary["tenants"].as_array().expect("a list");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let all: BTreeSet<(String, String)> =
        tenants.iter().map(|row| (text(row, "child_tenant_id"), text(row, "child_name"))).collect();
    all.into_iter().collect()
}

#[test]
fn a_report_on_one_customer_holds_nothing_of_any_other() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let customers = customers(&desk);
    for (wanted, _) in &customers {
        for format in ["text", "markdown", "html", "json"] {
            let output = desk.run(&["report", "--tenant", wanted, "--format", format]);
            if output.status.code() == Some(2) {
                // Only another provider came in there.
                assert!(stderr(&output).contains("no customer"), "{}", stderr(&output));
                continue;
            }
            let told = stdout(&output).to_lowercase();
            assert!(told.len() > 200, "{wanted} {format}: {told}");
            for (id, name) in customers.iter().filter(|(id, _)| id != wanted) {
                let folder = name.to_lowercase().replace(' ', "-");
                let short = &id[..8];
                for word in [id.as_str(), short, &name.to_lowercase(), &folder] {
                    let is_told = !word.is_empty() && told.contains(word);
                    assert!(!is_told, "{wanted} {format}: {word} of {name}");
                }
            }
        }
    }
    let output = desk.run(&["report", "--tenant", "00000000-0000-4000-8000-000000000009"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("hint:"), "{}", stderr(&output));
}

const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";
const CUSTOMERS: usize = 500;
const TOOLS: [&str; 2] = ["Liongard", "Rewst"];
const CONTROLS: [&str; 3] = ["Block", "RequireCompliantDevice", "Mfa"];

/// Five hundred customers, all of which refuse two tools by two policies of three, so that each of
/// them gets a ticket; the names are as long as asked.
fn five_hundred(name_columns: usize) -> Desk {
    let desk = Desk::empty();
    let padded = |name: String| format!("{name:.<name_columns$}");
    let (mut lines, mut customers) = (String::new(), Vec::new());
    for number in 0..CUSTOMERS {
        let id = format!("2e9d6f10-b84a-4c63-97d5-{number:012}");
        let name = padded(format!("Customer {number} of five hundred"));
        customers.push(json!({"customerId": id, "displayName": name}));
        for try_number in 0..12 {
            let day = 1 + (try_number * 2 + number) % 28;
            let tool = try_number % 2;
            let policy = |policy: usize| {
                json!({"id": format!("c{number:07}-0000-4000-8000-00000000000{policy}"),
                    "displayName": padded(format!("CA{policy:03} of customer {number}")),
                    "enforcedGrantControls": [CONTROLS[policy]],
                    "conditionsSatisfied": "application,users",
                    "conditionsNotSatisfied": "none", "result": "failure"})
            };
            let record = json!({
                "id": format!("{number:08}-0000-4000-8000-{try_number:012}"),
                "createdDateTime": format!("2026-11-{day:02}T{:02}:15:00Z", try_number),
                "userId": format!("5b0f1a51-0000-4000-8000-00000000000{tool}"),
                "userPrincipalName": format!("svc-{tool}@fabrikam.example"),
                "appId": format!("797f4846-ba00-4fd7-ba43-dac1f8f6301{tool}"),
                "appDisplayName": TOOLS[tool],
                "resourceDisplayName": "Microsoft Graph",
                "ipAddress": format!("203.0.113.{}", number % 250),
                "correlationId": format!("{number:08}-1111-4000-8000-{try_number:012}"),
                "homeTenantId": PARTNER, "resourceTenantId": id,
                "crossTenantAccessType": "serviceProvider",
                "signInEventTypes": ["nonInteractiveUser"],
                "conditionalAccessStatus": "failure",
                "status": {"errorCode": 53003, "failureReason": "Blocked"},
                "appliedConditionalAccessPolicies": [policy(tool), policy(2)],
            });
            lines.push_str(&format!("{record}\n"));
        }
    }
    fs::write(desk.path("log.json"), lines).expect("written");
    let customers = Value::Array(customers).to_string();
    fs::write(desk.path("tenants.json"), customers).expect("written");
    let partner = format!("--partner={PARTNER}=Fabrikam");
    let output = desk.run(&["sweep", "log.json", "-q", &partner, "--tenants", "tenants.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    desk
}

#[test]
fn five_hundred_customers_stay_under_two_megabytes() {
    for name_columns in [40, 200] {
        let desk = five_hundred(name_columns);
        let page = page(&desk);
        assert!(page.len() < 2_000_000, "{name_columns}: {} bytes", page.len());
        let document = Document::parse(&page);
        document.assert_harmless("five hundred");
        let rows = page.matches("data-l=\"30 days\"").count();
        assert_eq!(rows, CUSTOMERS, "{name_columns}");
        let sections = page.matches("<details class=\"customer\">").count();
        let left_out = CUSTOMERS - sections;
        // With names of a usual length each has its section; what is left out is counted.
        let told = match left_out {
            0 => "of these sections are without the text of the ticket".to_owned(),
            _ => format!("And {left_out} more customers, which would make this page too heavy"),
        };
        assert!(sections == CUSTOMERS || name_columns > 40 && sections > 300, "{sections}");
        assert!(document.text.contains(&told), "{name_columns}: {left_out}");
    }
}
