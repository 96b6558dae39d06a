//! `tenantsweep report`: the summary of a dataset, again or from another point of view.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use tenantsweep::dataset::{Custody, Dataset};
use tenantsweep::redact::redacted;
use tenantsweep::report::tickets::{tickets_of, write_ticket_pages};
use tenantsweep::report::{
    RunFacts, TextOptions, WORKBOOK_ROWS_MAX, write_html, write_json, write_markdown, write_text,
    write_workbook,
};
use tenantsweep::summary::state::CustomerState;
use tenantsweep::summary::{
    CustomerSummary, DatasetParts, ListedRows, RowFilter, Summary, SummaryError, SummaryOptions,
    list_rows, summarise,
};

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
    let is_workbook = args.format == Format::Xlsx;
    check_workbook(args).map_err(Failure::usage)?;
    let (only, filter) = (args.tenant, args.rows.filter());
    let ((mut summary, rows), mut custody) =
        look(&args.out, &args.view, None, |parts, options| {
            let options = SummaryOptions { only, rows: filter.clone(), ..options.clone() };
            let summary = summarise(parts, &options)?;
            let rows = if is_workbook { rows_for(parts, &options)? } else { ListedRows::default() };
            Ok((summary, rows))
        })?;
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
    let report = Report { summary: &summary, rows: Some(&rows), facts: &facts };
    let met = Judged { summary: &summary, changes: None, rejected: 0 }.met(&args.fail_on);
    tell_met(&met, messages)?;
    let write_all = |mut sink: &mut dyn Write| match args.format {
        Format::Tickets => write_ticket_pages(&mut sink, &tickets).map_err(Failure::unwritten),
        format => write(report, format, sink),
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

/// A workbook lists single rows, which are neither chosen by the filters nor redacted yet.
fn check_workbook(args: &ReportArgs) -> anyhow::Result<()> {
    if args.format != Format::Xlsx {
        return Ok(());
    }
    if args.output.is_none() && std::io::stdout().is_terminal() {
        anyhow::bail!("a workbook is nothing for a terminal\nhint: `--format xlsx -o report.xlsx`");
    }
    if args.redaction.redact || !args.rows.filter().is_empty() {
        anyhow::bail!(
            "--format xlsx knows neither --redact nor filters by rows\n\
             hint: `query {} refused-sign-ins --format csv` knows both",
            args.out.display()
        );
    }
    Ok(())
}

/// Runs that commit while the dataset is read take parts away; then it is read again, so often.
const ATTEMPTS: usize = 5;

/// Summarises what a sweep has written, of the sign-ins that a filter lets through.
pub fn summary_for(
    out: &Path,
    view: &ViewArgs,
    filter: &RowFilter,
) -> Result<(Summary, Custody), Failure> {
    look(out, view, None, |parts, options| {
        summarise(parts, &SummaryOptions { rows: filter.clone(), ..options.clone() })
    })
}

/// Summarises all that a sweep has written, on as many threads as asked.
pub fn summary_of(
    out: &Path,
    view: &ViewArgs,
    threads: Option<NonZeroUsize>,
) -> Result<(Summary, Custody), Failure> {
    look(out, view, threads, summarise)
}

fn rows_for(parts: &DatasetParts, options: &SummaryOptions) -> Result<ListedRows, SummaryError> {
    list_rows(parts, options, WORKBOOK_ROWS_MAX)
}

/// Reads a dataset as one commit left it, by what the flags say of the view.
fn look<T>(
    out: &Path,
    view: &ViewArgs,
    threads: Option<NonZeroUsize>,
    read: impl Fn(&DatasetParts, &SummaryOptions) -> Result<T, SummaryError>,
) -> Result<(T, Custody), Failure> {
    let usual = SummaryOptions::default();
    let options = SummaryOptions {
        as_of: view.as_of,
        since: view.since,
        until: view.until,
        threads: threads.map_or(usual.threads, NonZeroUsize::get),
        ..usual
    };
    let mut attempt = 1;
    loop {
        let dataset = Dataset::open(out).map_err(Failure::usage)?;
        let generation = dataset.manifest().generation;
        match read(&DatasetParts::of(&dataset), &options) {
            Ok(told) => return Ok((told, dataset.manifest().custody())),
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

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    pub summary: &'a Summary,
    /// For a workbook; other formats tell of no single rows.
    rows: Option<&'a ListedRows>,
    pub facts: &'a RunFacts,
}

impl<'a> Report<'a> {
    /// Without the rows of a workbook.
    pub fn of(summary: &'a Summary, facts: &'a RunFacts) -> Self {
        Self { summary, rows: None, facts }
    }
}

/// Prints a report. Who reads it may stop early: the run ends as it would have.
pub fn print(report: Report<'_>, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    until_closed(write(report, format, out))
}

fn until_closed(printed: Result<(), Failure>) -> Result<(), Failure> {
    match printed {
        Err(failure) if failure.is_broken_pipe() => Ok(()),
        printed => printed,
    }
}

/// Writes a report in one format.
pub fn write(report: Report<'_>, format: Format, mut out: &mut dyn Write) -> Result<(), Failure> {
    let Report { summary, rows, facts } = report;
    match format {
        Format::Text => write_text(&mut out, summary, Some(facts), terminal()),
        Format::Markdown => write_markdown(&mut out, summary, Some(facts)),
        Format::Html => write_html(&mut out, summary, Some(facts)),
        Format::Json => write_json(&mut out, summary, Some(facts)),
        Format::Tickets => write_ticket_pages(&mut out, &tickets_of(summary)),
        Format::Xlsx => {
            let none = ListedRows::default();
            write_workbook(&mut out, summary, rows.unwrap_or(&none), Some(facts))
        }
    }
    .map_err(Failure::unwritten)
}

/// What the terminal can show: ASCII unless the locale says UTF-8, and as many columns as it has, at
/// most 100.
pub fn terminal() -> TextOptions {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(std::env::var_os);
    let utf8 = locale.is_some_and(|name| {
        let name = name.to_string_lossy().to_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    });
    let stdout = std::io::stdout();
    let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| usize::from(width.0));
    let usual = TextOptions::default();
    TextOptions {
        unicode: utf8 && stdout.is_terminal(),
        // A terminal that does not know its width says 0.
        columns: width.filter(|&width| width > 0).unwrap_or(usual.columns),
    }
}
