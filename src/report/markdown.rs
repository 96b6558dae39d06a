//! report.md: everything, for reading and for keeping.

use std::io::{self, Write};

use super::missing_logs::next_exports;
use super::table::{Align, Column, Table};
use super::{
    RunFacts, accounts, clean, customer, export_again, own_tenant, sentences, tables, todo, words,
};
use crate::dataset::Custody;
use crate::redact::CAVEAT;
use crate::summary::{CustomerSummary, PartnerSummary, Summary};

/// Customers that have a section of their own.
const CUSTOMERS_MAX: usize = 500;

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
    customer_by_customer(sink, summary)?;
    for partner in &summary.partners {
        customers(sink, summary, partner)?;
    }
    providers_and_policies(sink, summary)?;
    evidence(sink, summary, facts)
}

fn head(sink: &mut impl Write, summary: &Summary, facts: &RunFacts) -> io::Result<()> {
    writeln!(sink, "# tenantsweep report\n")?;
    if summary.is_redacted {
        writeln!(sink, "{}\n", clean::markdown(CAVEAT))?;
    }
    if let Some(only) = sentences::only_some(summary) {
        writeln!(sink, "{}\n", clean::markdown(&only))?;
    }
    for answer in sentences::answers(summary) {
        writeln!(sink, "**{}**\n", clean::markdown(&answer))?;
    }
    if let Some(turns) = todo::turns(summary) {
        writeln!(sink, "{}\n", clean::markdown(&turns))?;
    }
    writeln!(
        sink,
        "{} All times are UTC.\n",
        clean::markdown(&words::full_stop(&sentences::evidence(summary)))
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

fn what_to_do(sink: &mut impl Write, summary: &Summary) -> io::Result<()> {
    section(sink, "What to do", &todo::table(summary, usize::MAX))?;
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

/// Each customer in trouble: why, in which order, what waits behind it, proof.
fn customer_by_customer(sink: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let in_trouble = |customer: &&CustomerSummary| {
        !customer.to_do.plan.steps.is_empty() || !customer.to_do.failures.is_empty()
    };
    let customers: Vec<&CustomerSummary> = summary.customers.iter().filter(in_trouble).collect();
    if customers.is_empty() {
        return Ok(());
    }
    writeln!(
        sink,
        "## Customer by customer
"
    )?;
    writeln!(
        sink,
        "What a step would let through is what these logs show, together with the steps before it; it is no promise. Tickets are in tickets/, how to make each change in remedies/. The address in a non-interactive record is where access was first granted, not where the tool runs.\n"
    )?;
    for customer in customers.iter().take(CUSTOMERS_MAX) {
        one_customer(sink, summary, customer)?;
    }
    let more = customers.len().saturating_sub(CUSTOMERS_MAX);
    if more > 0 {
        writeln!(sink, "{more} more customers: summary.json and tickets.csv.\n")?;
    }
    Ok(())
}

fn one_customer(
    sink: &mut impl Write,
    summary: &Summary,
    customer: &CustomerSummary,
) -> io::Result<()> {
    let mut title = words::customer(customer);
    if summary.partners.len() > 1
        && let Some(partner) =
            summary.partners.iter().find(|one| one.tenant_id == customer.partner_tenant_id)
    {
        title = format!("{title} ({})", words::partner(partner));
    }
    writeln!(sink, "### {}\n", clean::markdown(&title))?;
    let since = words::since(customer);
    let since = if since.is_empty() { since } else { format!(", since {since}") };
    let state = format!("{}{since}, as of {}", words::state_of(customer), words::as_of(customer));
    writeln!(sink, "{}\n", clean::markdown(&words::full_stop(&state)))?;
    for table in [customer::steps(customer), customer::failures(customer)] {
        if !table.rows.is_empty() {
            write_table(sink, &table)?;
            writeln!(sink)?;
        }
    }
    let remarks = customer::remarks(customer);
    for remark in &remarks {
        writeln!(sink, "- {}", clean::markdown(remark))?;
    }
    if !remarks.is_empty() {
        writeln!(sink)?;
    }
    let proof = customer::proof(customer);
    if !proof.rows.is_empty() {
        writeln!(sink, "Proof: the newest refused sign-ins.\n")?;
        write_table(sink, &proof)?;
        writeln!(sink)?;
    }
    Ok(())
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
    section(sink, "How to export again", &export_again::table(summary))?;
    section(sink, "Evidence: the exports (from, to: UTC)", &tables::exports(summary))
}

/// A heading of ours and its table; nothing where there are no rows.
pub(super) fn section(sink: &mut impl Write, title: &str, table: &Table) -> io::Result<()> {
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
