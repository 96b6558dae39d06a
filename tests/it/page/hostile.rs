//! Exports whose every name is made to break out of a page.

use std::fs;

use serde_json::{Value, json};

use crate::cli::{Desk, stderr};

const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";

/// Texts, and how a page shows them: as they are, but for what cannot be seen.
pub(crate) const HOSTILE: [(&str, &str); 9] = [
    ("<script>document.title='ran'</script>", "<script>document.title='ran'</script>"),
    (
        "\"><img src=http://evil.example/x onerror=document.title='ran'>",
        "\"><img src=http://evil.example/x onerror=document.title='ran'>",
    ),
    ("javascript:document.title='ran'", "javascript:document.title='ran'"),
    (
        "</style></title></svg><svg onload=document.title='ran'>",
        "</style></title></svg><svg onload=document.title='ran'>",
    ),
    ("' \" ` &lt; &amp; -->", "' \" ` &lt; &amp; -->"),
    ("a\u{202e}b\u{2066}c\u{200b}d\u{feff}", "a\\u{202e}b\\u{2066}c\\u{200b}d\\u{feff}"),
    ("@import url(http://evil.example/c.css)", "@import url(http://evil.example/c.css)"),
    ("שלום 5", "שלום 5"),
    ("<base href=http://evil.example/>", "<base href=http://evil.example/>"),
];
/// A name of ten thousand letters, as it comes in the place of the last text.
const LONG: usize = 10_000;

fn customer(number: usize) -> String {
    format!("2e9d6f10-b84a-4c63-97d5-08f1a3c7be{number:02}")
}

/// A customer's log: it got in, then a policy blocked it; another provider was there as well.
fn log(number: usize, text: &str) -> Vec<u8> {
    let mut lines = Vec::new();
    for day in 1..=12 {
        let is_other = day % 4 == 0;
        let code = match day {
            1 | 4 | 8 => 0,
            9 => 65001,
            _ => 53003,
        };
        let policy = |id: u32, name: &str, result: &str| {
            json!({"id": format!("c0000000-0000-4000-8000-00000000000{id}"), "displayName": name,
                "enforcedGrantControls": ["Block"], "conditionsSatisfied": "application,users",
                "conditionsNotSatisfied": "none", "result": result})
        };
        let blocks = code == 53003;
        let policies = match blocks {
            true => vec![policy(1, text, "failure"), policy(2, text, "reportOnlyFailure")],
            false => Vec::new(),
        };
        let app = if code == 65001 { "other app" } else { "app" };
        let record = json!({
            "id": format!("{number}-{day}-{text}"),
            "createdDateTime": format!("2026-11-{:02}T08:00:00Z", day + 8),
            "userId": "5b0f1a51-0000-4000-8000-000000000001",
            "userPrincipalName": text, "userDisplayName": text,
            "appId": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            "appDisplayName": format!("{app} {text}"),
            "resourceDisplayName": text, "ipAddress": text, "correlationId": format!("{day}{text}"),
            "homeTenantId": if is_other { "51b27e90-0000-4000-8000-000000000001" } else { PARTNER },
            "resourceTenantId": customer(number),
            "crossTenantAccessType": "serviceProvider",
            "signInEventTypes": ["nonInteractiveUser"],
            "conditionalAccessStatus": if blocks { "failure" } else { "success" },
            "status": {"errorCode": code, "failureReason": text},
            "appliedConditionalAccessPolicies": policies,
        });
        let mut line = record.to_string().into_bytes();
        if day == 2 {
            // Over-long and broken UTF-8 in the midst of a name.
            let name = b"\"userDisplayName\":\"";
            let at = line.windows(name.len()).position(|window| window == name).expect("there");
            line.splice(at + name.len()..at + name.len(), *b"\xc0\xaf\xff<script>");
        }
        lines.extend(line);
        lines.push(b'\n');
    }
    lines
}

/// Sweeps hostile logs in files with hostile names, of customers and a partner with such names.
pub(crate) fn swept() -> Desk {
    let desk = Desk::empty();
    fs::create_dir(desk.path("logs")).expect("made");
    let long = "n".repeat(LONG);
    let texts = HOSTILE.iter().map(|&(text, _)| text).chain([long.as_str()]);
    let mut customers = Vec::new();
    for (number, text) in texts.enumerate() {
        // What no file name can hold is left out.
        let name: String = text.chars().filter(|c| !matches!(c, '/' | '\0')).take(60).collect();
        let path = desk.path("logs").join(format!("{number}{name}.json"));
        fs::write(path, log(number, text)).expect("written");
        customers.push(json!({"customerId": customer(number), "displayName": text}));
    }
    let customers = Value::Array(customers).to_string();
    fs::write(desk.path("tenants.json"), customers).expect("written");
    let partner = format!("--partner={PARTNER}={}", HOSTILE[0].0);
    let case = format!("--case={}", HOSTILE[1].0);
    let output = desk.run(&["sweep", "logs", "-q", &partner, "--tenants", "tenants.json", &case]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    desk
}
