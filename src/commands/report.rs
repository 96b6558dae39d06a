//! `tenantsweep report`: the summary of a dataset, again or from another point of view.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use tenantsweep::dataset::{Custody, Dataset, Table};
use tenantsweep::redact::redacted;
use tenantsweep::report::tickets::{tickets_of, write_ticket_pages};
use tenantsweep::report::{
    RunFacts, TextOptions, write_html, write_json, write_markdown, write_text,
};
use tenantsweep::summary::state::CustomerState;
use tenantsweep::summary::{
    CustomerSummary, DatasetParts, RowFilter, Summary, SummaryOptions, summarise,
};
use tenantsweep::tenant::TenantId;

use super::redaction::redactor;
use super::scheduled::{Judged, tell_met};
use super::ticket_files;
use crate::cli::{Format, ReportArgs, ViewArgs};
use crate::exit::{End, Failure};

/// Summarises the dataset and prints it, or writes it to a file.
pub fn run(
    args: &ReportArgs,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<End, Failure> {
    if let Some(condition) = args.fail_on.iter().find(|condition| condition.is_of_a_run()) {
        let condition = condition.as_str();
        return Err(Failure::usage(anyhow::anyhow!(
            "--fail-on {condition}: only `sweep` can tell what is new; `compare` tells new blocks"
        )));
    }
    let (mut summary, mut custody) =
        summary_for(&args.out, &args.view, None, (args.tenant, args.rows.filter()))?;
    if let Some(tenant) = args.tenant.filter(|_| summary.customers.is_empty()) {
        let out = args.out.display();
        return Err(Failure::usage(anyhow::anyhow!(
            "{out}: no customer {tenant} here\n\
             hint: tenants in summary.json lists the customers with their ids"
        )));
    }
    let redactor = redactor(&args.redaction, &args.out)?;
    let tickets = match args.format {
        Format::Tickets => ticket_files::current(&args.out, &summary, redactor.as_ref())?,
        _ => Vec::new(),
    };
    let mut input = args.out.display().to_string();
    if let Some(by) = &redactor {
        (summary, custody) = (redacted(summary, by), by.custody(&custody));
        // A folder may be named after a customer.
        input.clear();
    }
    let facts = RunFacts {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        input,
        custody,
        ..RunFacts::default()
    };
    let met = Judged { summary: &summary, changes: None, rejected: 0 }.met(&args.fail_on);
    tell_met(&met, messages)?;
    let write_all = |mut sink: &mut dyn Write| match args.format {
        Format::Tickets => write_ticket_pages(&mut sink, &tickets).map_err(Failure::unwritten),
        format => write(&summary, &facts, format, sink),
    };
    match &args.output {
        None => until_closed(write_all(out))?,
        Some(path) => {
            let file = File::create(path).map_err(Failure::unwritten)?;
            let mut file = BufWriter::new(file);
            write_all(&mut file)?;
            file.flush().map_err(Failure::unwritten)?;
        }
    }
    Ok(end_of(&summary).or_condition(&met))
}

/// Runs that commit while the dataset is read take parts away; then it is read again, so often.
const ATTEMPTS: usize = 5;

/// Summarises the dataset in the folder that a sweep has written, on as many threads as asked.
pub fn summary_of(
    out: &Path,
    view: &ViewArgs,
    threads: Option<NonZeroUsize>,
) -> Result<(Summary, Custody), Failure> {
    summary_for(out, view, threads, (None, RowFilter::default()))
}

/// The same of one customer only, if one is named, and of the sign-ins that a filter lets through.
pub fn summary_for(
    out: &Path,
    view: &ViewArgs,
    threads: Option<NonZeroUsize>,
    (only, rows): (Option<TenantId>, RowFilter),
) -> Result<(Summary, Custody), Failure> {
    let SummaryOptions { rows_at_a_time, threads: usual, .. } = SummaryOptions::default();
    let options = SummaryOptions {
        as_of: view.as_of,
        since: view.since,
        until: view.until,
        only,
        rows,
        rows_at_a_time,
        threads: threads.map_or(usual, NonZeroUsize::get),
    };
    let mut attempt = 1;
    loop {
        let dataset = Dataset::open(out).map_err(Failure::usage)?;
        let generation = dataset.manifest().generation;
        match summarise(&parts_of(&dataset), &options) {
            Ok(summary) => return Ok((summary, dataset.manifest().custody())),
            Err(error) => {
                let is_same = Dataset::open(out)
                    .is_ok_and(|dataset| dataset.manifest().generation == generation);
                if is_same || attempt == ATTEMPTS {
                    return Err(Failure::usage(error));
                }
            }
        }
        attempt += 1;
    }
}

/// The live parts of a dataset.
pub fn parts_of(dataset: &Dataset) -> DatasetParts {
    // A scan takes its columns from the first part, and older parts may have fewer.
    let paths = |table: Table| {
        let mut parts: Vec<_> = dataset.parts(table).iter().collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.schema_version));
        parts.into_iter().map(|part| part.path.clone()).collect()
    };
    DatasetParts {
        sign_ins: paths(Table::SignIns),
        applied_policies: paths(Table::AppliedPolicies),
        exports: paths(Table::Exports),
        coverage: paths(Table::Coverage),
        tenants: paths(Table::Tenants),
        partners: paths(Table::Partners),
        accounts: paths(Table::Accounts),
        users: paths(Table::Users),
        tools: paths(Table::Tools),
    }
}

/// Nothing could be judged: no partner sign-in at all, or every log is blind. What a blind log
/// shows all the same was judged: it cannot show that nobody blocks, but that somebody does.
pub fn end_of(summary: &Summary) -> End {
    let no_sign_ins = summary.totals.partner == 0;
    let all_blind = !summary.exports.is_empty() && summary.exports.iter().all(|log| log.is_blind);
    let is_found = |customer: &CustomerSummary| {
        matches!(
            customer.state,
            CustomerState::Blocked | CustomerState::Partly | CustomerState::Failing
        )
    };
    let nothing_found = !summary.customers.iter().any(is_found);
    if no_sign_ins || all_blind && nothing_found { End::Unjudged } else { End::Done }
}

/// Prints a summary. Who reads it may stop early: the run ends as it would have.
pub fn print(
    summary: &Summary,
    facts: &RunFacts,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    until_closed(write(summary, facts, format, out))
}

fn until_closed(printed: Result<(), Failure>) -> Result<(), Failure> {
    match printed {
        Err(failure) if failure.is_broken_pipe() => Ok(()),
        printed => printed,
    }
}

/// Writes a summary in one format.
pub fn write(
    summary: &Summary,
    facts: &RunFacts,
    format: Format,
    mut out: &mut dyn Write,
) -> Result<(), Failure> {
    match format {
        Format::Text => write_text(&mut out, summary, Some(facts), terminal()),
        Format::Markdown => write_markdown(&mut out, summary, Some(facts)),
        Format::Html => write_html(&mut out, summary, Some(facts)),
        Format::Json => write_json(&mut out, summary, Some(facts)),
        Format::Tickets => write_ticket_pages(&mut out, &tickets_of(summary)),
    }
    .map_err(Failure::unwritten)
}

/// What the terminal can show: ASCII unless the locale says UTF-8, at most 100 columns.
pub fn terminal() -> TextOptions {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(std::env::var_os);
    let utf8 = locale.is_some_and(|name| {
        let name = name.to_string_lossy().to_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    });
    TextOptions { unicode: utf8 && std::io::stdout().is_terminal(), ..TextOptions::default() }
}
