//! report.md: everything, for reading and for keeping.

use std::io::{self, Write};

use super::missing_logs::next_exports;
use super::table::{Align, Column, Table};
use super::{RunFacts, accounts, clean, own_tenant, sentences, tables, words};
use crate::dataset::Custody;
use crate::summary::{PartnerSummary, Summary};

/// Writes the whole summary as Markdown.
pub fn write_markdown(
    sink: &mut impl Write,
    summary: &Summary,
    facts: Option<&RunFacts>,
) -> io::Result<()> {
    let unknown = RunFacts::default();
    let facts = facts.unwrap_or(&unknown);
    head(sink, summary, facts)?;
    what_to_do(sink, summary)?;
    own_tenant::write_section(sink, summary)?;
    for partner in &summary.partners {
        customers(sink, summary, partner)?;
    }
    providers_and_policies(sink, summary)?;
    evidence(sink, summary, facts)
}

fn head(sink: &mut impl Write, summary: &Summary, facts: &RunFacts) -> io::Result<()> {
    writeln!(sink, "# tenantsweep report\n")?;
    for answer in sentences::answers(summary) {
        writeln!(sink, "**{}**\n", clean::markdown(&answer))?;
    }
    writeln!(
        sink,
        "{} All times are UTC.\n",
        clean::markdown(&full_stop(&sentences::evidence(summary)))
    )?;
    let made_by = ["tenantsweep", &facts.tool_version, &facts.input, &words::work(facts)];
    let made_by: Vec<String> =
        made_by.iter().filter(|part| !part.is_empty()).map(|part| clean::markdown(part)).collect();
    writeln!(sink, "Made by {}\n", made_by.join(" · "))?;
    for line in words::custody(&facts.custody) {
        writeln!(sink, "- {}", clean::markdown(&line))?;
    }
    if facts.custody == Custody::default() { Ok(()) } else { writeln!(sink) }
}

fn full_stop(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

fn what_to_do(sink: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let policies = tables::policies_to_change(summary);
    section(sink, "Policies that block now", &policies)?;
    section(
        sink,
        "Blocked customers, worst first (since: UTC)",
        &tables::blocked(summary, usize::MAX),
    )?;
    section(sink, "Accounts that do not get through", &accounts::blocked(summary))?;
    section(sink, "Customers that fail for other reasons (since: UTC)", &tables::failing(summary))?;
    section(sink, "Error codes", &tables::causes(summary))
}

fn customers(sink: &mut impl Write, summary: &Summary, partner: &PartnerSummary) -> io::Result<()> {
    writeln!(sink, "## Customers of {}\n", clean::markdown(&words::partner(partner)))?;
    for (&state, &count) in &partner.states {
        writeln!(sink, "- {} {}", words::number(count), words::state(state))?;
    }
    writeln!(sink, "- together {}\n", words::customers(partner.customers()))?;
    let table = tables::customers(summary.customers_of(partner.tenant_id));
    write_table(sink, &table)?;
    writeln!(
        sink,
        "\nA state is as of the last moment of that customer's evidence (UTC), never of the clock. Figures are sign-ins; a try may hold several.\n"
    )
}

fn providers_and_policies(sink: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let providers = tables::other_providers(summary);
    section(sink, "Other providers, not on your list (last: UTC)", &providers)?;
    if !summary.other_providers.is_empty() {
        writeln!(sink, "Ask the customer who this is. Nothing here lets one of them in.\n")?;
    }
    let blocking = summary.policies.iter().filter(|policy| policy.figures.blocked_sign_ins > 0);
    let table = tables::policies(summary, blocking);
    section(sink, "Policies by customer (last blocked: UTC)", &table)?;
    if !table.rows.is_empty() {
        writeln!(
            sink,
            "A sign-in that three policies block counts once for each of them. Disputed: the status of the sign-in says otherwise.\n"
        )?;
    }
    let coming = summary.policies.iter().filter(|policy| policy.figures.would_block_sign_ins > 0);
    section(sink, "Report-only policies that would block", &tables::policies(summary, coming))
}

fn evidence(sink: &mut impl Write, summary: &Summary, facts: &RunFacts) -> io::Result<()> {
    writeln!(sink, "## Notice\n")?;
    for notice in sentences::notices(summary, facts) {
        writeln!(sink, "- {}", clean::markdown(&notice))?;
    }
    writeln!(sink)?;
    if let Some(next) = next_exports(summary) {
        writeln!(sink, "**{}**\n", clean::markdown(&next))?;
    }
    section(sink, "Evidence: the exports (from, to: UTC)", &tables::exports(summary))
}

/// A heading of ours and its table; nothing where there are no rows.
fn section(sink: &mut impl Write, title: &str, table: &Table) -> io::Result<()> {
    if table.rows.is_empty() {
        return Ok(());
    }
    writeln!(sink, "## {title}\n")?;
    write_table(sink, table)?;
    writeln!(sink)
}

pub(super) fn write_table(sink: &mut impl Write, table: &Table) -> io::Result<()> {
    let titles: Vec<&str> = table.columns.iter().map(|column| column.title).collect();
    writeln!(sink, "| {} |", titles.join(" | "))?;
    let rules: Vec<&str> = table.columns.iter().map(rule).collect();
    writeln!(sink, "|{}|", rules.join("|"))?;
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| clean::markdown(cell)).collect();
        writeln!(sink, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

fn rule(column: &Column) -> &'static str {
    match column.align {
        Align::Left => "---",
        Align::Right => "---:",
    }
}
