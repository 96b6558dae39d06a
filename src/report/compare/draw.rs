//! The comparison for a terminal and as Markdown.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::super::markdown::section;
use super::super::table::{Column, Table, show};
use super::super::{TextOptions, clean, words};
use super::entry::Entry;
use super::{Comparison, GROUPS, Group, named};
use crate::change::ProviderChange;

/// Of a customer's name: it must not push the state out of the line.
const NAME_COLUMNS: usize = 40;
/// Of what became of a policy, in front of its name.
const FATE_COLUMNS: usize = 11;
/// Customers of another provider that a line names.
const CUSTOMERS_NAMED: usize = 5;

/// Writes the comparison for a terminal: no line is wider than it, none is left out.
///
/// # Errors
/// The sink does not take it.
pub fn write_comparison_text(
    sink: &mut impl Write,
    comparison: &Comparison<'_>,
    options: TextOptions,
) -> io::Result<()> {
    let page = Page { columns: options.columns.clamp(40, 100), ascii: !options.unicode };
    for line in page.compose(comparison) {
        writeln!(sink, "{line}")?;
    }
    Ok(())
}

struct Page {
    columns: usize,
    ascii: bool,
}

impl Page {
    fn compose(&self, comparison: &Comparison<'_>) -> Vec<String> {
        let mut lines =
            vec![format!("tenantsweep {}   compare   times: UTC", comparison.tool_version)];
        lines.extend(self.wrapped("OLD  ", &comparison.old.told()));
        lines.extend(self.wrapped("NEW  ", &comparison.new.told()));
        lines.push(String::new());
        lines.extend(self.wrapped("", &comparison.headline()));
        lines.extend(comparison.as_before().iter().flat_map(|line| self.wrapped("", line)));
        let warnings = comparison.warnings();
        lines.extend(warnings.iter().flat_map(|line| self.wrapped("NOTE ", line)));
        for group in &GROUPS {
            self.group(&mut lines, comparison, group);
        }
        self.providers(&mut lines, comparison);
        lines
    }

    fn group(&self, lines: &mut Vec<String>, comparison: &Comparison<'_>, group: &Group) {
        let changes = group.of(comparison.changes);
        if changes.is_empty() {
            return;
        }
        lines.extend([String::new(), group.title.to_uppercase()]);
        for change in changes {
            self.entry(lines, &Entry::of(comparison, change));
        }
    }

    fn entry(&self, lines: &mut Vec<String>, entry: &Entry) {
        let who = show(&entry.who, NAME_COLUMNS, self.ascii);
        let gap = " ".repeat(NAME_COLUMNS - who.width());
        let states = show(&entry.states, self.columns - NAME_COLUMNS - 4, self.ascii);
        lines.push(format!("  {who}{gap}  {states}").trim_end().to_owned());
        let since = match entry.since.as_str() {
            "" => String::new(),
            since if since.starts_with("was so") => format!("{since}; "),
            "at times" => "at times; ".to_owned(),
            since => format!("since {since}; "),
        };
        let facts = format!("{since}as of {}; tries {}", entry.as_of, entry.tries);
        lines.extend(self.wrapped("    ", &facts));
        for policy in &entry.policies {
            let required = match policy.required.as_str() {
                "" => String::new(),
                required => format!(" (required: {required})"),
            };
            let head = format!("    {:<FATE_COLUMNS$}", policy.fate);
            lines.extend(self.wrapped(&head, &format!("{}{required}", policy.name)));
        }
        for line in [&entry.routes].into_iter().chain(&entry.notes) {
            lines.extend(self.wrapped("    ", line));
        }
    }

    fn providers(&self, lines: &mut Vec<String>, comparison: &Comparison<'_>) {
        if comparison.changes.providers.is_empty() {
            return;
        }
        lines.extend([String::new(), "OTHER PROVIDERS NEWLY IN, NOT ON YOUR LIST".to_owned()]);
        for provider in &comparison.changes.providers {
            let line = format!("{}: {}", name_of(provider), where_in(comparison, provider));
            lines.extend(self.wrapped("  ", &line));
        }
    }

    /// A text behind a head, in as many lines as it needs.
    fn wrapped(&self, head: &str, text: &str) -> Vec<String> {
        let room = self.columns - head.width();
        let text = show(text, room * 10, self.ascii);
        let mut rows: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let word = clean::shorten_with(word, room, if self.ascii { "..." } else { "…" });
            match rows.last_mut() {
                Some(row) if row.width() + 1 + word.width() <= room => {
                    row.push(' ');
                    row.push_str(&word);
                }
                _ => rows.push(word),
            }
        }
        let indent = " ".repeat(head.width());
        let head_of = |at: usize| if at == 0 { head } else { &indent };
        rows.iter().enumerate().map(|(at, row)| format!("{}{row}", head_of(at))).collect()
    }
}

fn name_of(provider: &ProviderChange) -> String {
    match provider.home_tenant_id {
        Some(id) => named(provider.name.as_deref(), id),
        None => "home tenant not named".to_owned(),
    }
}

fn where_in(comparison: &Comparison<'_>, provider: &ProviderChange) -> String {
    let names = comparison.names_of(provider);
    let shown: Vec<&str> = names.iter().take(CUSTOMERS_NAMED).map(String::as_str).collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let customers = words::customers(names.len() as u64);
    format!("got in at {customers} where it had not ({}{more})", shown.join(", "))
}

/// Writes the comparison as Markdown.
///
/// # Errors
/// The sink does not take it.
pub fn write_comparison_markdown(
    sink: &mut impl Write,
    comparison: &Comparison<'_>,
) -> io::Result<()> {
    writeln!(sink, "# tenantsweep comparison\n")?;
    writeln!(sink, "**{}**\n", clean::markdown(&comparison.headline()))?;
    if let Some(line) = comparison.as_before() {
        writeln!(sink, "{}\n", clean::markdown(&line))?;
    }
    for (name, side) in [("Old", &comparison.old), ("New", &comparison.new)] {
        writeln!(sink, "- {name}: {}", clean::markdown(&side.told()))?;
    }
    for warning in comparison.warnings() {
        writeln!(sink, "- **Note**: {}", clean::markdown(&warning))?;
    }
    let version = clean::markdown(comparison.tool_version);
    writeln!(sink, "\nMade by tenantsweep {version}. All times are UTC.\n")?;
    for group in &GROUPS {
        section(sink, group.title, &table(comparison, group))?;
    }
    section(sink, "Other providers newly in, not on your list", &providers(comparison))?;
    writeln!(
        sink,
        "Resolved is only what got in where it was blocked, tried again after the last block. A \
         state is as of the last moment of that customer's evidence, never of the clock."
    )
}

fn table(comparison: &Comparison<'_>, group: &Group) -> Table {
    let mut table = Table::new(vec![
        Column::left("customer", 12),
        Column::left("then -> now", 12),
        Column::left("since", 12),
        Column::left("as of, then -> now", 12),
        Column::left("tries, then -> now", 12),
        Column::left("policy", 16),
        Column::left("required", 12),
        Column::left("became", 8),
        Column::left("who", 12),
    ]);
    for change in group.of(comparison.changes) {
        let entry = Entry::of(comparison, change);
        let mut who = vec![entry.routes];
        who.extend(entry.notes);
        who.retain(|part| !part.is_empty());
        let mut tail = who.join("; ");
        let mut head = vec![entry.who, entry.states, entry.since, entry.as_of, entry.tries];
        let mut policies = entry.policies.into_iter();
        let mut next = policies.next();
        loop {
            let cells = next.map_or_else(Default::default, |policy| {
                [policy.name, policy.required, policy.fate.to_owned()]
            });
            head.extend(cells);
            head.push(std::mem::take(&mut tail));
            table.rows.push(std::mem::replace(&mut head, vec![String::new(); 5]));
            next = policies.next();
            if next.is_none() {
                break;
            }
        }
    }
    table
}

fn providers(comparison: &Comparison<'_>) -> Table {
    let mut table = Table::new(vec![Column::left("provider", 12), Column::left("where", 12)]);
    for provider in &comparison.changes.providers {
        table.rows.push(vec![name_of(provider), where_in(comparison, provider)]);
    }
    table
}
