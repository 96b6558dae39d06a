//! What changed since the sweep before, for a mail, a chat and a program. One list of lines; each
//! format draws it.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{clean, words};
use crate::change::{
    ChangeKind, Changes, CustomerChange, CustomerStanding, PolicyStanding, ProviderChange, Standing,
};
use crate::error_code::ErrorCode;
use crate::summary::state::CustomerState;
use crate::tenant::TenantId;

/// Lines of the text, the head included.
const TEXT_LINES: usize = 20;
const TEXT_COLUMNS: usize = 100;
/// Bytes of a card that Teams takes.
const CARD_BYTES: usize = 25 * 1024;
/// Changes that a mail or a card shows; all are in the JSON.
const ROWS_MAX: usize = 50;
/// Of a cell in a mail or a card.
const CELL_COLUMNS: usize = 200;

/// A change in words.
struct Row {
    label: &'static str,
    who: String,
    what: String,
    /// The last moment of this customer's evidence.
    as_of: Option<DateTime<Utc>>,
}

/// What a digest says, before it takes a form.
#[derive(Debug)]
pub struct Digest<'a> {
    pub changes: &'a Changes,
    pub now: &'a Standing,
    /// The newest evidence of the sweep before.
    pub before: Option<DateTime<Utc>>,
}

impl Digest<'_> {
    fn title(&self) -> String {
        let count = words::counted(self.changes.len() as u64, "change", "changes");
        if self.changes.is_first {
            return format!("tenantsweep, first digest: {count}");
        }
        format!("tenantsweep: {count} since the sweep before")
    }

    fn states(&self) -> String {
        let count = |state| {
            let customers = self.now.customers.iter();
            customers.filter(|customer| customer.state == state).count() as u64
        };
        let states = [
            CustomerState::Blocked,
            CustomerState::Partly,
            CustomerState::Failing,
            CustomerState::GettingIn,
            CustomerState::CannotTell,
            CustomerState::NoLog,
        ];
        let told = states.map(|state| (count(state), state));
        let told = told.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told
            .map(|(count, state)| format!("{} {}", words::number(*count), state.as_str()))
            .collect();
        format!("Now: {}.", told.join(", "))
    }

    fn reach(&self) -> String {
        let moment = |at: DateTime<Utc>| format!("{} UTC", words::full_moment(at));
        let newest = self.now.newest_evidence.map_or_else(|| "none".to_owned(), moment);
        match self.before.filter(|_| !self.changes.is_first) {
            Some(before) => format!("Newest evidence {newest}; before, {}.", moment(before)),
            None => format!("Newest evidence {newest}."),
        }
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let new_blocks = |change: &&CustomerChange| change.kind.is_new_block();
        let customers = &self.changes.customers;
        customers
            .iter()
            .filter(new_blocks)
            .map(Row::of_customer)
            .chain(self.changes.providers.iter().map(Row::of_provider))
            .chain(customers.iter().filter(move |change| !new_blocks(change)).map(Row::of_customer))
    }
}

impl Row {
    fn of_customer(change: &CustomerChange) -> Self {
        let now = &change.now;
        Self {
            label: label(change.kind),
            who: words::tenant(now.child_name.as_deref(), now.child_tenant_id),
            what: what(change),
            as_of: now.as_of,
        }
    }

    fn of_provider(change: &ProviderChange) -> Self {
        let customers = words::customers(change.child_tenant_ids.len() as u64);
        // Anyone can choose a name; the id is what tells who it is.
        let id = change
            .home_tenant_id
            .map_or_else(|| "home tenant not named".to_owned(), TenantId::short);
        Self {
            label: "OTHER PROVIDER",
            who: change.name.clone().unwrap_or_else(|| "not named".to_owned()),
            what: format!("{id}, not on your list, got in; new at {customers}"),
            as_of: None,
        }
    }

    fn as_of(&self) -> String {
        self.as_of.map(words::moment).unwrap_or_default()
    }
}

fn label(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::NewlyBlocked => "BLOCKED",
        ChangeKind::OtherPolicy => "OTHER POLICY",
        ChangeKind::PolicyNamed => "POLICY SHOWN",
        ChangeKind::NewlyFailing => "FAILING",
        ChangeKind::NoLongerShown => "NOT SHOWN",
        ChangeKind::CannotTell => "CANNOT TELL",
        ChangeKind::NoLog => "NO LOG",
        ChangeKind::OlderEvidence => "OLDER LOG",
        ChangeKind::Eased => "EASED",
        ChangeKind::PartlyResolved => "SOME GET IN",
        ChangeKind::Resolved => "RESOLVED",
        ChangeKind::CanTell => "GETTING IN",
        ChangeKind::StillBlocked | ChangeKind::StillFailing | ChangeKind::NoNewTry => "AS BEFORE",
    }
}

/// Since when, and whether it may be longer than the logs reach back.
fn since(now: &CustomerStanding) -> Option<String> {
    let told = |at| match now.since_before_evidence {
        true => format!("since before {}", words::day(at)),
        false => format!("since {}", words::moment(at)),
    };
    now.since.map(told)
}

fn what(change: &CustomerChange) -> String {
    let now = &change.now;
    let was = |then: &str| {
        let before = change.before.map_or("in trouble", CustomerState::as_str);
        Some(format!("was {before}; {then}"))
    };
    let parts: Vec<Option<String>> = match change.kind {
        ChangeKind::NewlyBlocked => {
            let partly = (now.state == CustomerState::Partly).then(|| "partly".to_owned());
            vec![partly, since(now), policies(&now.policies, now.policy_not_shown)]
        }
        ChangeKind::OtherPolicy | ChangeKind::PolicyNamed => {
            vec![policies(&change.new_policies, false)]
        }
        ChangeKind::NewlyFailing => {
            let code = now.error_code.map(|code| ErrorCode(code).to_string());
            vec![Some("not by a policy".to_owned()), code, since(now)]
        }
        ChangeKind::NoLongerShown => vec![was("no newer try shows whether it still is")],
        ChangeKind::CannotTell => vec![now.doubt.map(|doubt| words::doubt_words(doubt).to_owned())],
        ChangeKind::NoLog => vec![Some("on your list, no log here".to_owned())],
        ChangeKind::OlderEvidence => vec![was("the evidence now is older")],
        ChangeKind::Eased if !now.is_blocked() => vec![was("gets in partly now")],
        ChangeKind::Eased => {
            vec![Some("blocked partly now".to_owned()), policies(&now.policies, false)]
        }
        ChangeKind::PartlyResolved => vec![was("some of it gets in now")],
        ChangeKind::Resolved => vec![was("gets in now")],
        ChangeKind::CanTell => vec![was("its logs tell now")],
        ChangeKind::StillBlocked | ChangeKind::StillFailing | ChangeKind::NoNewTry => {
            vec![was("is so still")]
        }
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}

fn policies(policies: &[PolicyStanding], not_shown: bool) -> Option<String> {
    let named = policies
        .iter()
        .map(|policy| format!("{} ({})", policy.policy_name, words::controls(&policy.demanded)));
    let not_shown = not_shown.then(|| "policy not shown by this log".to_owned());
    let all: Vec<String> = named.chain(not_shown).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// `digest.txt`: at most 20 lines of 100 columns, in ASCII.
///
/// # Errors
/// The sink does not take it.
pub fn write_digest_text(sink: &mut impl Write, digest: &Digest<'_>) -> io::Result<()> {
    let ascii = |text: &str, columns| clean::clean_ascii(text, columns);
    writeln!(sink, "{}", ascii(&digest.title(), TEXT_COLUMNS))?;
    writeln!(sink, "{}", ascii(&digest.states(), TEXT_COLUMNS))?;
    writeln!(sink, "{}", ascii(&digest.reach(), TEXT_COLUMNS))?;
    // The words need the room: most customers' evidence ends on the same day.
    let common = digest.now.newest_evidence.map(|at| at.date_naive());
    let common_day = digest.now.newest_evidence.map(|at| format!("; as of {}", words::day(at)));
    let common_day = common_day.unwrap_or_default();
    writeln!(sink, "Times: UTC{common_day}, where a line says no other day.\n")?;
    let rows: Vec<Row> = digest.rows().collect();
    let room = TEXT_LINES - 5;
    let shown = if rows.len() > room { room - 1 } else { rows.len() };
    for row in &rows[..shown] {
        let head = format!("{:<15}{:<24}  ", row.label, ascii(&row.who, 24));
        let other_day = row.as_of.filter(|at| Some(at.date_naive()) != common);
        let tail = other_day.map(|at| format!("; as of {}", words::day(at))).unwrap_or_default();
        let what = ascii(&row.what, TEXT_COLUMNS - head.len() - tail.len());
        writeln!(sink, "{head}{what}{tail}")?;
    }
    match rows.len() - shown {
        0 => Ok(()),
        more => writeln!(sink, "{more} more in digest.html and digest.json"),
    }
}

/// `digest.html`: for a mail, so with inline styles only and nothing that is fetched or run.
///
/// # Errors
/// The sink does not take it.
pub fn write_digest_html(sink: &mut impl Write, digest: &Digest<'_>) -> io::Result<()> {
    const FONT: &str = "font-family:Segoe UI,Arial,sans-serif;font-size:14px;color:#1b1b1b";
    const CELL: &str = "padding:6px 10px;border-bottom:1px solid #ddd;vertical-align:top";
    let title = clean::html(&digest.title(), CELL_COLUMNS);
    writeln!(sink, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(sink, "<title>{title}</title></head>\n<body style=\"{FONT};background:#fff\">")?;
    writeln!(sink, "<p style=\"font-size:18px;font-weight:bold;margin:0 0 4px\">{title}</p>")?;
    for line in [digest.states(), digest.reach()] {
        writeln!(sink, "<p style=\"margin:0 0 8px\">{}</p>", clean::html(&line, CELL_COLUMNS))?;
    }
    writeln!(sink, "<table style=\"border-collapse:collapse;{FONT}\"><tr>")?;
    for head in ["Change", "Customer or provider", "What", "As of (UTC)"] {
        writeln!(sink, "<th align=\"left\" style=\"{CELL};background:#f3f3f3\">{head}</th>")?;
    }
    writeln!(sink, "</tr>")?;
    for row in digest.rows().take(ROWS_MAX) {
        let colour = colour(row.label);
        writeln!(
            sink,
            "<tr><td style=\"{CELL};font-weight:bold;white-space:nowrap;color:{colour}\">{}</td>\
             <td style=\"{CELL};font-weight:bold\">{}</td><td style=\"{CELL}\">{}</td>\
             <td style=\"{CELL};white-space:nowrap\">{}</td></tr>",
            row.label,
            clean::html(&row.who, CELL_COLUMNS),
            clean::html(&row.what, CELL_COLUMNS),
            row.as_of()
        )?;
    }
    writeln!(sink, "</table>")?;
    if let more @ 1.. = digest.changes.len().saturating_sub(ROWS_MAX) {
        writeln!(sink, "<p>{more} more in digest.json.</p>")?;
    }
    writeln!(
        sink,
        "<p style=\"color:#555;font-size:12px\">All times are UTC. A state is as of the last moment \
         of that customer's evidence, never of the clock.</p>\n</body></html>"
    )
}

/// Dark enough on white for people who see colours less well; the word says it, too.
fn colour(label: &str) -> &'static str {
    match label {
        "BLOCKED" | "OTHER POLICY" | "POLICY SHOWN" | "OTHER PROVIDER" => "#a80000",
        "RESOLVED" | "EASED" | "GETTING IN" | "SOME GET IN" => "#0b6a0b",
        _ => "#5c4400",
    }
}

/// `teams-card.json`: an Adaptive Card in the message that a Teams workflow takes, at most 25 KB.
/// Text stands in runs, which Teams does not read as Markdown.
///
/// # Errors
/// The sink does not take it.
pub fn write_digest_card(sink: &mut impl Write, digest: &Digest<'_>) -> io::Result<()> {
    let rows: Vec<Row> = digest.rows().take(ROWS_MAX).collect();
    let mut shown = rows.len();
    loop {
        let text = serde_json::to_vec(&card(digest, &rows[..shown]))?;
        if text.len() < CARD_BYTES || shown == 0 {
            sink.write_all(&text)?;
            return writeln!(sink);
        }
        shown -= 1;
    }
}

fn card(digest: &Digest<'_>, rows: &[Row]) -> Value {
    let shown = |text: &str| without_templates(&clean::clean(text, CELL_COLUMNS));
    let run =
        |text: String, weight: &str| json!({"type": "TextRun", "text": text, "weight": weight});
    let block = |inlines: Vec<Value>| json!({"type": "RichTextBlock", "inlines": inlines});
    let line = |text: &str| block(vec![run(shown(text), "Default")]);
    let mut body = vec![block(vec![run(shown(&digest.title()), "Bolder")])];
    body.extend([line(&digest.states()), line(&digest.reach())]);
    body.extend(rows.iter().map(|row| {
        let head = format!("{} · {} · ", row.label, shown(&row.who));
        let as_of = row.as_of.map(|_| format!(" · as of {} UTC", row.as_of())).unwrap_or_default();
        let what = format!("{}{as_of}", shown(&row.what));
        block(vec![run(head, "Bolder"), run(what, "Default")])
    }));
    if let more @ 1.. = digest.changes.len() - rows.len() {
        body.push(line(&format!("{more} more in digest.json")));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": body,
            },
        }],
    })
}

/// Teams replaces `{{DATE(…)}}` and the like: no brace is left beside another one.
fn without_templates(text: &str) -> String {
    let mut apart = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '{' && apart.ends_with('{') {
            apart.push(' ');
        }
        apart.push(character);
    }
    apart
}

/// `digest.json`: every change.
///
/// # Errors
/// The sink does not take it.
pub fn write_digest_json(sink: &mut impl Write, digest: &Digest<'_>) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        tool_version: &'a str,
        newest_evidence: Option<DateTime<Utc>>,
        newest_evidence_before: Option<DateTime<Utc>>,
        #[serde(flatten)]
        changes: &'a Changes,
    }
    let document = Document {
        schema: 1,
        tool_version: env!("CARGO_PKG_VERSION"),
        newest_evidence: digest.now.newest_evidence,
        newest_evidence_before: digest.before,
        changes: digest.changes,
    };
    super::json::write_visible(sink, &document)
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::change::ProviderStanding;
    use crate::text::is_steering;

    /// What outsiders might like to see done with their names.
    const HOSTILE: &str = "{{{DATE(2026-01-01T00:00:00Z,SHORT)}} <script>a()</script> \
        [x](http://evil.example) **b** <at>all</at> =1+1 \"'& \r\nBLOCKED \u{1b}[2J\u{202e}\u{200b}\0";

    fn standing(customers: usize, name: &str) -> Standing {
        let customer = |number: usize| {
            json!({
                "child_tenant_id": format!("c0000000-0000-4000-8000-{number:012}"),
                "child_name": name,
                "partner_tenant_id": "8f3c52d1-0a1b-4c2d-8e3f-001122334455",
                "state": "blocked",
                "since": "2026-11-12T02:10:00Z",
                "as_of": "2026-11-21T09:40:00Z",
                "policies": [{"policy_id": name, "policy_name": name, "demanded": [name]}],
                "policy_not_shown": true,
                "error_code": null,
            })
        };
        let customers: Vec<Value> = (0..customers).map(customer).collect();
        let text = json!({
            "schema": 1, "newest_evidence": null, "customers": customers, "providers": [],
        });
        let mut standing = Standing::parse(text.to_string().as_bytes()).expect("a standing");
        standing.providers.push(ProviderStanding {
            home_tenant_id: None,
            name: Some(name.to_owned()),
            child_tenant_ids: standing.customers.iter().map(|c| c.child_tenant_id).collect(),
        });
        standing
    }

    type Form = fn(&mut Vec<u8>, &Digest<'_>) -> io::Result<()>;

    fn written(form: Form, now: &Standing) -> String {
        let changes = Changes::between(None, now);
        let mut text = Vec::new();
        let digest = Digest { changes: &changes, now, before: None };
        form(&mut text, &digest).expect("written");
        String::from_utf8(text).expect("UTF-8")
    }

    /// The texts in a card.
    fn texts(card: &Value, found: &mut Vec<String>) {
        match card {
            Value::Object(fields) => {
                found.extend(fields.get("text").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| texts(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
            _ => {}
        }
    }

    #[test]
    fn no_name_breaks_out_of_any_form() {
        let now = standing(3, HOSTILE);
        let forms: [Form; 4] =
            [write_digest_text, write_digest_html, write_digest_card, write_digest_json];
        for form in forms {
            let text = written(form, &now);
            let steers = |c: &char| is_steering(*c) && *c != '\n';
            assert_eq!(text.chars().find(steers), None, "{text}");
        }
        let text = written(write_digest_text, &now);
        assert_eq!(text.lines().count(), 5 + 4, "a name has no lines of its own: {text}");
        let html = written(write_digest_html, &now);
        for word in ["<script", "<at", "\"'"] {
            assert!(!html.contains(word), "{html}");
        }
        let card: Value = serde_json::from_str(&written(write_digest_card, &now)).expect("JSON");
        let mut found = Vec::new();
        texts(&card, &mut found);
        assert!(found.len() > 8 && found.iter().all(|text| !text.contains("{{")), "{found:?}");
        // Text that Teams reads as Markdown stands in blocks of another type.
        assert!(!card.to_string().contains("\"TextBlock\""));
    }

    #[test]
    fn many_changes_and_endless_names_stay_in_bounds_and_are_counted() {
        let endless = "\u{65e5}".repeat(10_000);
        for name in [HOSTILE, "Contoso", &endless, &"e\u{301}".repeat(5_000)] {
            let now = standing(if name.len() > 1000 { 60 } else { 2000 }, name);
            let total = now.customers.len() + 1;
            let text = written(write_digest_text, &now);
            assert_eq!(text.lines().count(), TEXT_LINES);
            assert!(text.lines().all(|line| line.width() <= TEXT_COLUMNS), "{text}");
            assert!(
                text.ends_with(&format!("{} more in digest.html and digest.json\n", total - 14))
            );
            let card = written(write_digest_card, &now);
            assert!(card.len() <= CARD_BYTES, "{}", card.len());
            let content: Value = serde_json::from_str(&card).expect("JSON");
            let body = &content["attachments"][0]["content"]["body"];
            let shown = body.as_array().expect("a list").len() - 4;
            assert!(shown > 0 && card.contains(&format!("{} more in digest.json", total - shown)));
            let html = written(write_digest_html, &now);
            assert!(html.len() < 256 * 1024, "{}", html.len());
            assert!(html.contains(&format!("{} more in digest.json", total - ROWS_MAX)));
            let all: Value = serde_json::from_str(&written(write_digest_json, &now)).expect("JSON");
            assert_eq!(all["customers"].as_array().map(Vec::len), Some(total - 1));
        }
    }

    #[test]
    fn what_the_logs_cannot_show_is_not_claimed() {
        let mut now = standing(1, "Contoso");
        now.providers.clear();
        now.customers[0].since_before_evidence = true;
        let text = written(write_digest_text, &now);
        assert!(text.contains("since before 12 Nov; "), "{text}");
        now.customers[0].state = CustomerState::CannotTell;
        now.customers[0].doubt = Some(crate::summary::state::Doubt::NotTriedLately);
        let text = written(write_digest_text, &now);
        assert!(text.contains("no finished try in 14 days; as of 21 Nov"), "{text}");
    }
}
