//! Tickets as files: Markdown for a customer, a table and JSON for ticket systems.

use std::collections::BTreeMap;
use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::super::clean::{cell, clean, markdown};
use super::super::json::write_visible;
use super::super::words;
use super::{Section, Status, Ticket, TicketPolicy};

/// Of tickets.json; within it keys are only added.
pub(super) const SCHEMA: u32 = 1;

/// tickets.json: all tickets, resolved ones included.
pub fn write_tickets_json(sink: &mut impl Write, tickets: &[Ticket]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        tickets: &'a [Ticket],
    }
    write_visible(sink, &Document { schema: SCHEMA, tickets })
}

/// tickets.csv: a line for each ticket, for the import of a ticket system.
pub fn write_tickets_csv(sink: &mut impl Write, tickets: &[Ticket]) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(sink);
    table.write_record([
        "key",
        "status",
        "replaces",
        "kind",
        "priority",
        "title",
        "customer",
        "customer_tenant_id",
        "partner",
        "partner_tenant_id",
        "assignee",
        "since",
        "last_try_at",
        "tries",
        "policies",
        "policy_ids",
        "as_of",
        "review",
        "approver",
        "file",
        "text",
        "internal_note",
    ])?;
    for ticket in tickets {
        table.write_record(record(ticket))?;
    }
    table.flush()
}

fn record(ticket: &Ticket) -> Vec<String> {
    let of_policies = |get: fn(&TicketPolicy) -> &String| {
        // A log may name a policy in a megabyte; no table takes that.
        let all: Vec<String> =
            ticket.policies.iter().map(|policy| clean(get(policy), 200)).collect();
        cell(&all.join("; "), usize::MAX / 8)
    };
    let name = |name: &Option<String>| cell(name.as_deref().unwrap_or_default(), 200);
    let moment = |at: Option<DateTime<Utc>>| {
        at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
    };
    vec![
        cell(&ticket.key, 40),
        ticket.status.as_str().to_owned(),
        cell(ticket.replaces.as_deref().unwrap_or_default(), 40),
        ticket.kind.as_str().to_owned(),
        ticket.priority.to_string(),
        cell(&ticket.title, 200),
        name(&ticket.customer_name),
        ticket.customer_tenant_id.to_string(),
        name(&ticket.partner_name),
        ticket.partner_tenant_id.to_string(),
        cell(&ticket.assignee, usize::MAX / 8),
        moment(ticket.since),
        moment(ticket.last_try_at),
        ticket.tries.to_string(),
        of_policies(|policy| &policy.policy_name),
        of_policies(|policy| &policy.policy_id),
        moment(ticket.as_of),
        ticket.review.map(|day| day.to_string()).unwrap_or_default(),
        name(&ticket.approver),
        match ticket.status {
            Status::Resolved => String::new(),
            _ => format!("tickets/{}.md", ticket.file),
        },
        plain(&ticket.sections),
        plain_lines(&ticket.internal_note).join("\n"),
    ]
}

/// The customer's text without any marks, a line each.
fn plain(sections: &[Section]) -> String {
    let mut lines = Vec::new();
    for section in sections {
        lines.extend(plain_lines([&section.title]));
        lines.extend(plain_lines(&section.lines));
        lines.push(String::new());
    }
    lines.join("\n").trim_end().to_owned()
}

/// Lines of an earlier run may have been edited by anyone.
fn plain_lines<'a>(lines: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    lines.into_iter().map(|line| cell(line, usize::MAX / 8)).collect()
}

/// `tickets/CUSTOMER.md`: the open tickets of each customer, by the name of the file.
pub fn write_ticket_files(tickets: &[Ticket]) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for ticket in tickets.iter().filter(|ticket| ticket.status != Status::Resolved) {
        let text = files.entry(format!("{}.md", ticket.file)).or_default();
        if !text.is_empty() {
            text.push_str("\n---\n\n");
        }
        text.push_str(&page(ticket));
    }
    files
}

/// The open tickets of all customers, one behind the other, in their order.
pub fn write_ticket_pages(sink: &mut impl Write, tickets: &[Ticket]) -> io::Result<()> {
    let open: Vec<String> =
        tickets.iter().filter(|ticket| ticket.status != Status::Resolved).map(page).collect();
    if open.is_empty() {
        return writeln!(sink, "No customer is asked for anything.");
    }
    write!(sink, "{}", open.join("\n---\n\n"))
}

fn page(ticket: &Ticket) -> String {
    let mut lines = vec![format!("# {}", markdown(&ticket.title)), String::new()];
    let customer = words::tenant(ticket.customer_name.as_deref(), ticket.customer_tenant_id);
    let mut facts = vec![
        ("Key", ticket.key.clone()),
        ("Status", ticket.status.as_str().to_owned()),
        ("Priority", ticket.priority.to_string()),
        ("Type", ticket.kind.as_str().to_owned()),
        ("For", ticket.assignee.clone()),
        ("Tenant", format!("{} {}", clean(&customer, 60), ticket.customer_tenant_id)),
    ];
    facts.extend(ticket.replaces.iter().map(|key| ("In place of", key.clone())));
    facts.extend(ticket.review.map(|day| ("Review", day.format("%-d %b %Y").to_string())));
    lines.extend(facts.iter().map(|(what, text)| format!("- {what}: {}", long_markdown(text))));
    for section in &ticket.sections {
        lines.extend([String::new(), format!("## {}", markdown(&section.title)), String::new()]);
        lines.extend(section.lines.iter().map(|line| format!("- {}", line_markdown(line))));
    }
    lines.extend([
        String::new(),
        "Approved by ____________________  date ____________".to_owned(),
        String::new(),
    ]);
    lines.join("\n")
}

/// A sentence may be longer than a cell; what came out of a log was cut before.
pub(super) fn long_markdown(text: &str) -> String {
    // Within a line an arrow is no mark, and click paths are full of them.
    let words = text.split(' ').map(|word| markdown(word).replace("&gt;", ">"));
    words.collect::<Vec<String>>().join(" ")
}

/// The same for a line of its own, which may begin with a name: what would make it a quotation, an
/// item, a rule or a heading is escaped.
fn line_markdown(text: &str) -> String {
    let line = long_markdown(text);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.as_bytes().get(digits) {
        Some(b'>' | b'-' | b'+' | b'=') if digits == 0 => format!("\\{line}"),
        Some(b'.' | b')') if digits > 0 => format!("{}\\{}", &line[..digits], &line[digits..]),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_begins_with_a_name_is_a_line() {
        for (text, drawn) in [
            ("> quote", "\\> quote"),
            ("- item", "\\- item"),
            ("+ item", "\\+ item"),
            ("===", "\\==="),
            ("12. item", "12\\. item"),
            ("1) item", "1\\) item"),
            ("1  CA007: a > b", "1  CA007: a > b"),
            ("A  Protect first", "A  Protect first"),
            ("", ""),
        ] {
            assert_eq!(line_markdown(text), drawn, "{text}");
        }
    }
}
