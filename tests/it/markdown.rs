//! report.md and the tickets as a reader of Markdown takes them: no name out of a log becomes a
//! link, a picture, HTML, a heading, a list or a column.

use std::fs;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::{Value, json};

use crate::cli::{Desk, stderr};
use crate::page::hostile;

/// Names that would be marks at the start of a line, in a cell, in a sentence or in a heading.
const HOSTILE: [&str; 26] = [
    "[click](http://evil.example)",
    "![seen](http://evil.example/pixel.png)",
    "[x]: http://evil.example",
    "[x][y]",
    "[^1]",
    "<http://evil.example>",
    "<a href=\"http://evil.example\">x</a>",
    "<!-- the rest is gone",
    "<details><summary>x",
    "&lt;script&gt;&#60;b&#62;",
    "http://evil.example www.evil.example mailto:x@evil.example",
    "| one | more | column |",
    "ends in a backslash \\",
    "\\| twice \\\\|",
    "`code` and ``` fence",
    "~~~",
    "# heading",
    "- item",
    "1. item",
    "+ item",
    "> quote",
    "===",
    "---",
    "**strong** *weak* __strong__ ~~gone~~ $x^2$",
    "- [ ] task",
    "line one\r\n\r\n# heading\n|a|b|\n|---|---|",
];

const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";

/// Customers, a policy, an account, an app and a file with each of the names.
fn swept(name_of: impl Fn(usize) -> String) -> Desk {
    let desk = Desk::empty();
    let (mut lines, mut customers) = (String::new(), Vec::new());
    for number in 0..HOSTILE.len() {
        let (customer, text) =
            (format!("2e9d6f10-b84a-4c63-97d5-08f1a3c7be{number:02}"), name_of(number));
        customers.push(json!({"customerId": customer, "displayName": text}));
        for (hour, code) in [(8, 0), (9, 53003), (10, 53003), (11, 65001)] {
            let policies = match code {
                53003 => json!([{"id": format!("c0000000-0000-4000-8000-0000000000{number:02}"),
                    "displayName": text, "enforcedGrantControls": ["Block"],
                    "conditionsSatisfied": "application,users", "conditionsNotSatisfied": "none",
                    "result": "failure"}]),
                _ => json!([]),
            };
            let record = json!({
                "id": format!("{number}-{hour}-{text}"),
                "createdDateTime": format!("2026-11-20T{hour:02}:00:00Z"),
                "userId": "5b0f1a51-0000-4000-8000-000000000001",
                "userPrincipalName": text, "userDisplayName": text,
                "appId": format!("797f4846-ba00-4fd7-ba43-dac1f8f6{hour:04}"),
                "appDisplayName": text, "resourceDisplayName": text, "ipAddress": text,
                "correlationId": text,
                "homeTenantId": if hour == 10 { "51b27e90-0000-4000-8000-000000000001" } else { PARTNER },
                "resourceTenantId": customer,
                "crossTenantAccessType": "serviceProvider",
                "signInEventTypes": ["nonInteractiveUser"],
                "conditionalAccessStatus": if code == 53003 { "failure" } else { "success" },
                "status": {"errorCode": code, "failureReason": text},
                "appliedConditionalAccessPolicies": policies,
            });
            lines.push_str(&format!("{record}\n"));
        }
    }
    fs::write(desk.path("log.json"), lines).expect("written");
    let customers = Value::Array(customers).to_string();
    fs::write(desk.path("tenants.json"), customers).expect("written");
    let partner = format!("--partner={PARTNER}={}", name_of(0));
    let case = format!("--case={}", name_of(2));
    let output =
        desk.run(&["sweep", "log.json", "-q", &partner, "--tenants", "tenants.json", &case]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    desk
}

/// What a document is made of, names aside.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    headings: usize,
    tables: usize,
    rows: usize,
    items: usize,
    paragraphs: usize,
}

/// Reads with all that readers may know, and finds nothing that names may not make.
fn shape_of(text: &str, from: &str) -> Shape {
    let mut shape = Shape::default();
    let (mut columns, mut cells) = (0, 0);
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::Heading { .. }) => shape.headings += 1,
            Event::Start(Tag::Table(alignments)) => {
                shape.tables += 1;
                columns = alignments.len();
            }
            Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => {
                shape.rows += 1;
                assert_eq!(cells, columns, "{from}");
            }
            Event::Start(Tag::Item) => shape.items += 1,
            Event::Start(Tag::Paragraph) => shape.paragraphs += 1,
            Event::Start(
                tag @ (Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::HtmlBlock
                | Tag::CodeBlock(_)
                | Tag::BlockQuote(_)
                | Tag::FootnoteDefinition(_)
                | Tag::Emphasis
                | Tag::Strikethrough
                | Tag::MetadataBlock(_)),
            ) => panic!("{from}: {tag:?}"),
            event @ (Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::HardBreak) => panic!("{from}: {event:?}"),
            _ => {}
        }
    }
    // What a reader links by itself is not in the grammar.
    for word in ["http://", "https://", "www.evil", "x@evil"] {
        assert!(!text.contains(word), "{from}: {word}");
    }
    shape
}

fn report(desk: &Desk) -> String {
    fs::read_to_string(desk.path("sweep-out/report.md")).expect("a report")
}

#[test]
fn no_name_changes_the_shape_of_the_report() {
    let plain = shape_of(&report(&swept(|number| format!("Name {number:02}"))), "plain names");
    assert!(plain.tables > 20 && plain.headings > 20, "{plain:?}");
    let hostile = swept(|number| HOSTILE[number].to_owned());
    let found = shape_of(&report(&hostile), "hostile names");
    assert_eq!(found, plain);
    for entry in fs::read_dir(hostile.path("sweep-out/tickets")).expect("tickets") {
        let path = entry.expect("an entry").path();
        let shape =
            shape_of(&fs::read_to_string(&path).expect("a ticket"), &path.to_string_lossy());
        assert_eq!(shape.tables, 0);
    }
}

#[test]
fn no_name_that_is_made_for_a_page_breaks_out_of_the_report() {
    let text = report(&hostile::swept());
    assert!(shape_of(&text, "names made for a page").tables > 5);
}
