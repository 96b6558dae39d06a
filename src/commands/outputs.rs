//! What stands in the output folder beside the dataset.

use std::path::Path;

use tenantsweep::dataset::{Disk, WriterOptions, seal};
use tenantsweep::report::{RunFacts, write_missing_logs};
use tenantsweep::stop::Stop;
use tenantsweep::tenant::TenantId;

use super::report::Report;
use super::scheduled::forget_standing;
use super::ticket_files;
use super::{remove, report};
use crate::cli::{Format, ViewArgs, WriterArgs};
use crate::exit::Failure;

/// How the flags of every writing command say to write.
pub fn writer_options(args: &WriterArgs, stop: &Stop) -> WriterOptions {
    WriterOptions {
        wait: args.wait,
        disk: Disk::new(args.mode),
        stop: stop.clone(),
        ..WriterOptions::default()
    }
}

/// Writes the reports of a summary.
pub fn write(out: &Path, disk: &Disk, report: Report<'_>) -> Result<(), Failure> {
    let reports = [
        ("summary.json", Format::Json),
        ("report.md", Format::Markdown),
        ("report.html", Format::Html),
    ];
    for (name, format) in reports {
        let mut text = Vec::new();
        report::write(report, format, &mut text)?;
        disk.replace(&out.join(name), &text).map_err(Failure::unwritten)?;
    }
    let mut text = Vec::new();
    let missing = write_missing_logs(&mut text, report.summary).map_err(Failure::unwritten)?;
    let path = out.join("missing-logs.csv");
    if missing > 0 {
        return disk.replace(&path, &text).map_err(Failure::unwritten);
    }
    // What an earlier sweep missed may be here now.
    remove(&path)
}

/// Writes the reports again, from a dataset out of which a customer was taken.
pub fn refresh(out: &Path, disk: &Disk, forgotten: TenantId) -> Result<(), Failure> {
    let (summary, custody) = report::summary_of(out, &ViewArgs::default(), None)?;
    let facts = RunFacts {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        input: out.display().to_string(),
        custody,
        ..RunFacts::default()
    };
    write(out, disk, Report::of(&summary, &facts))?;
    ticket_files::write(out, disk, &summary, Some(forgotten))?;
    forget_standing(out, disk, forgotten, &summary)?;
    seal(out, disk).map_err(Failure::unwritten)
}
