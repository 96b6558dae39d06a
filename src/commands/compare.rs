//! `tenantsweep compare`: what changed between two sweeps, or between two spans of one.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use tenantsweep::change::{Changes, Standing};
use tenantsweep::dataset::{Dataset, DatasetError, Disk};
use tenantsweep::report::{
    ComparedSide, Comparison, write_comparison_json, write_comparison_markdown,
    write_comparison_text,
};
use tenantsweep::summary::{RowFilter, Summary};

use super::report::{end_of, summary_for, terminal};
use super::scheduled::{Judged, tell_met};
use crate::cli::{CompareArgs, CompareFormat, Condition, MomentSpan, ViewArgs};
use crate::exit::{End, Failure};

/// One of the two looks at the evidence.
#[derive(Debug, Clone, Copy)]
struct Side<'a> {
    folder: &'a Path,
    span: MomentSpan,
}

/// Compares, and prints what changed, or writes it to a file.
pub fn run(
    args: &CompareArgs,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<End, Failure> {
    if args.fail_on.contains(&Condition::Reject) {
        return Err(Failure::usage(anyhow!("--fail-on reject: only `sweep` reads records")));
    }
    let (old, new) = sides(args)?;
    let rows = args.rows.filter();
    let (old_summary, new_summary) = (old.summary(&rows)?, new.summary(&rows)?);
    let (before, now) = (Standing::of(&old_summary), Standing::of(&new_summary));
    let changes = Changes::between(Some(&before), &now);
    let comparison = Comparison {
        tool_version: env!("CARGO_PKG_VERSION"),
        old: old.compared(&before, &rows),
        new: new.compared(&now, &rows),
        changes: &changes,
    };
    let judged = Judged { summary: &new_summary, changes: Some(&changes), rejected: 0 };
    let met = judged.met(&args.fail_on);
    tell_met(&met, messages)?;
    let text = text_of(&comparison, args.format).map_err(Failure::unwritten)?;
    match &args.output {
        None => print(&text, out)?,
        Some(path) => keep(&text, path)?,
    }
    let ends = [end_of(&old_summary), end_of(&new_summary)];
    let end = ends.into_iter().find(|&end| end != End::Done).unwrap_or(End::Done);
    Ok(end.or_condition(&met))
}

/// Which two looks are meant. The same one twice has no answer that is worth anything.
fn sides(args: &CompareArgs) -> Result<(Side<'_>, Side<'_>), Failure> {
    let (old, new) = match args.at {
        Some(at) => {
            (MomentSpan { from: None, until: Some(at) }, MomentSpan { from: Some(at), until: None })
        }
        None => (args.old_span.unwrap_or_default(), args.new_span.unwrap_or_default()),
    };
    let old = Side { folder: &args.old, span: old };
    let new = Side { folder: args.new.as_ref().unwrap_or(&args.old), span: new };
    if is_same_folder(old.folder, new.folder) && old.span == new.span {
        let folder = old.folder.display();
        return Err(Failure::usage(anyhow!(
            "{folder}: both sides are the same\n\
             hint: give a second folder, or two spans of this one, such as \
             `tenantsweep compare {folder} --at 2026-11-20` or \
             `--old 2026-11-01..2026-11-08 --new 2026-11-15..`"
        )));
    }
    Ok((old, new))
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one)
            .is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

impl<'a> Side<'a> {
    fn summary(&self, rows: &RowFilter) -> Result<Summary, Failure> {
        match Dataset::open(self.folder) {
            Err(error @ DatasetError::Missing { .. }) => {
                return Err(Failure::usage(anyhow!(
                    "{error}\nhint: give the folder that a sweep has written (`sweep --out DIR`)"
                )));
            }
            Err(error) => return Err(Failure::usage(error)),
            Ok(_) => {}
        }
        let view = ViewArgs { as_of: None, since: self.span.from, until: self.span.until };
        summary_for(self.folder, &view, rows).map(|(summary, _)| summary)
    }

    fn compared(&self, standing: &'a Standing, rows: &RowFilter) -> ComparedSide<'a> {
        let rows = rows.in_words().join(", ");
        let only = if rows.is_empty() { rows } else { format!(" (only sign-ins with {rows})") };
        ComparedSide {
            input: format!("{}{only}", self.folder.display()),
            since: self.span.from,
            until: self.span.until,
            standing,
        }
    }
}

fn text_of(comparison: &Comparison<'_>, format: CompareFormat) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match format {
        CompareFormat::Text => write_comparison_text(&mut text, comparison, terminal())?,
        CompareFormat::Markdown => write_comparison_markdown(&mut text, comparison)?,
        CompareFormat::Json => write_comparison_json(&mut text, comparison)?,
    }
    Ok(text)
}

/// Replaces a file as a whole; what is no file (`/dev/stdout`, a pipe) is written to.
fn keep(text: &[u8], path: &Path) -> Result<(), Failure> {
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        let told = || format!("{}: cannot write", path.display());
        return fs::write(path, text).with_context(told).map_err(Failure::unwritten);
    }
    Disk::default().replace(path, text).map_err(Failure::unwritten)
}

/// Who reads may stop early: the run ends as it would have.
fn print(text: &[u8], out: &mut dyn Write) -> Result<(), Failure> {
    match out.write_all(text).map_err(Failure::unwritten) {
        Err(failure) if failure.is_broken_pipe() => Ok(()),
        printed => printed,
    }
}
