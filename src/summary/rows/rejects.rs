//! Records that could not be read, of the exports that count.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::tables;
use super::super::{DatasetParts, SummaryError, SummaryOptions};
use super::pool::Pool;

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedReject {
    pub source_export: Arc<str>,
    /// Bytes from the start of that export, decoded.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
    /// Records that it stands for.
    pub records: u64,
    pub reason: Arc<str>,
    pub run_id: Arc<str>,
}

const COLUMNS: [&str; 6] = ["source_export", "offset", "length", "records", "reason", "run_id"];

/// The first rejects of the live exports, and how many there are. Of one customer only: those of
/// the exports that are its log alone.
pub(super) fn list(
    parts: &DatasetParts,
    options: &SummaryOptions,
    rows_max: usize,
    pool: &mut Pool,
) -> Result<(Vec<ListedReject>, u64), SummaryError> {
    let live = live_exports(parts, options)?;
    let (mut rejects, mut count) = (Vec::new(), 0);
    tables::each_row("rejects", &parts.rejects, &COLUMNS, |row| {
        let path = row.text("source_export")?.unwrap_or_default();
        let run = row.text("run_id")?.unwrap_or_default();
        if !live.contains(&(path.to_owned(), run.to_owned())) {
            return Ok(());
        }
        count += 1;
        if rejects.len() < rows_max {
            rejects.push(ListedReject {
                source_export: pool.take(path),
                offset: row.count("offset")?,
                length: row.count("length")?,
                records: row.count("records")?,
                reason: pool.take(row.text("reason")?.unwrap_or_default()),
                run_id: pool.take(run),
            });
        }
        Ok(())
    })?;
    rejects.sort_unstable();
    Ok((rejects, count))
}

/// Path and run of the exports in whose place no later reading stands.
fn live_exports(
    parts: &DatasetParts,
    options: &SummaryOptions,
) -> Result<HashSet<(String, String)>, SummaryError> {
    let columns = ["path", "run_id", "superseded_by", "exporting_tenant_id"];
    let mut live = HashSet::new();
    tables::each_row("exports", &parts.exports, &columns, |row| {
        let tenant = row.tenant("exporting_tenant_id")?;
        let is_told = options.only.is_none_or(|only| tenant == Some(only));
        if is_told && row.text("superseded_by")?.is_none() {
            let run = row.owned("run_id")?.unwrap_or_default();
            live.insert((row.owned("path")?.unwrap_or_default(), run));
        }
        Ok(())
    })?;
    Ok(live)
}
