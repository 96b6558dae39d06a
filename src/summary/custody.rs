//! Exports and coverage: where every record went, and what each tenant's logs can show.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::model::{ExportSummary, Ledger};
use super::tables::{self, Row};
use super::{DatasetParts, SummaryError, SummaryOptions};
use crate::dataset::DatasetError;
use crate::tenant::TenantId;
use chrono::{DateTime, Utc};

/// With one of these an export could not have shown a block; all others are notes.
const BLINDING: [&str; 11] = [
    "conditions missing",
    "policies missing",
    "status only",
    "no cross-tenant type",
    "no home tenant",
    "interactive only",
    "no user sign-ins",
    "refused without P1",
    "blocked at export",
    "refused without rights",
    "refused at export",
];

/// Blind spots of one log that another log of the same customer makes up for.
const ONE_LOG_ONLY: [&str; 6] = [
    "interactive only",
    "no user sign-ins",
    "refused without P1",
    "blocked at export",
    "refused without rights",
    "refused at export",
];

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
}

impl Span {
    pub(super) fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// Joins where either may be missing.
    pub(super) fn join_any(left: Option<Self>, right: Option<Self>) -> Option<Self> {
        match (left, right) {
            (Some(left), Some(right)) => Some(left.join(right)),
            (left, right) => left.or(right),
        }
    }

    /// The part of it that the options look at.
    fn within(self, options: &SummaryOptions) -> Option<Self> {
        let ends = [options.until, options.as_of].into_iter().flatten();
        let first = options.since.map_or(self.first, |since| since.max(self.first));
        let last = ends.fold(self.last, |last, end| last.min(end));
        (first <= last).then_some(Self { first, last })
    }
}

/// What the exports of one tenant's log can show.
#[derive(Debug, Clone, Default)]
pub(super) struct TenantLogs {
    pub(super) span: Option<Span>,
    /// Numbers of [`Custody::exports`].
    pub(super) exports: BTreeSet<usize>,
}

/// The live exports and the logs that they hold.
#[derive(Debug, Default)]
pub(super) struct Custody {
    pub(super) exports: Vec<ExportSummary>,
    pub(super) logs: BTreeMap<TenantId, TenantLogs>,
    /// Without the row count, which only `sign_ins` knows.
    pub(super) ledger: Ledger,
    by_path: HashMap<String, usize>,
    /// Of each export, as far as the options cover it.
    spans: Vec<Option<Span>>,
}

impl Custody {
    pub(super) fn read(
        parts: &DatasetParts,
        options: &SummaryOptions,
    ) -> Result<Self, SummaryError> {
        let mut custody = Self::default();
        let live = custody.read_exports(parts)?;
        custody.spans = custody
            .exports
            .iter()
            .map(|export| export_span(export).and_then(|span| span.within(options)))
            .collect();
        custody.add_exporting_tenants(options);
        for (number, tenants) in read_coverage(parts, &live)? {
            custody.add_tenants_of(number, &tenants, options);
        }
        Ok(custody)
    }

    /// The live export of a path.
    pub(super) fn export_at(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Whether all of these exports could not have shown a block; `None` without exports.
    pub(super) fn all_blind(&self, exports: &BTreeSet<usize>) -> Option<bool> {
        let mut known = exports.iter().filter_map(|&number| self.exports.get(number)).peekable();
        known.peek()?;
        Some(known.all(|export| export.is_blind))
    }

    /// From the first to the last moment of these exports.
    pub(super) fn span_of(&self, exports: &BTreeSet<usize>) -> Option<Span> {
        let spans = exports.iter().filter_map(|&number| self.spans.get(number).copied().flatten());
        spans.reduce(Span::join)
    }

    /// What these exports cannot show, each once. That one log holds no sign-ins of a kind is
    /// nothing if another one does.
    pub(super) fn blind_spots(&self, exports: &BTreeSet<usize>) -> Vec<String> {
        let exports = || exports.iter().filter_map(|&number| self.exports.get(number));
        let in_all =
            |spot: &String| exports().all(|export| export.blind_spots.iter().any(|s| s == spot));
        let spots: BTreeSet<&String> = exports()
            .flat_map(|export| &export.blind_spots)
            .filter(|spot| !ONE_LOG_ONLY.contains(&spot.as_str()) || in_all(spot))
            .collect();
        spots.into_iter().cloned().collect()
    }

    /// Reads the live exports; gives their numbers by path and run.
    fn read_exports(&mut self, parts: &DatasetParts) -> Result<Live, SummaryError> {
        let mut live: Vec<(ExportSummary, String)> = Vec::new();
        let mut earlier_rows = 0;
        tables::each_row("exports", &parts.exports, &EXPORT_COLUMNS, |row| {
            let export = export_of(row)?;
            let left = rows_left(row)?;
            self.ledger.rows_expected += left.rows;
            if row.text("superseded_by")?.is_none() {
                self.ledger.superseded += left.superseded;
                self.add_to_ledger(&export, left);
                live.push((export, row.owned("run_id")?.unwrap_or_default()));
            } else {
                // Rows of an earlier reading of a grown file are still there; the live reading
                // counts them as duplicates.
                earlier_rows += left.rows.max(0).unsigned_abs();
            }
            Ok(())
        })?;
        self.count_earlier_rows(earlier_rows);
        live.sort_by(|a, b| (&a.0.path, &a.1).cmp(&(&b.0.path, &b.1)));
        let mut by_run = HashMap::new();
        for (number, (export, run)) in live.into_iter().enumerate() {
            by_run.insert((export.path.clone(), run), number);
            self.by_path.insert(export.path.clone(), number);
            self.exports.push(export);
        }
        Ok(by_run)
    }

    /// Rows that stand there from an earlier reading of a file that has grown or changed: the live
    /// reading found them again as duplicates, or the file no longer has their records.
    fn count_earlier_rows(&mut self, rows: u64) {
        let ledger = &mut self.ledger;
        let found_again = rows.min(ledger.duplicate);
        ledger.partner += rows;
        ledger.duplicate -= found_again;
        ledger.records += rows - found_again;
    }

    /// A row that a better copy replaced later counts as a duplicate.
    fn add_to_ledger(&mut self, export: &ExportSummary, left: RowsLeft) {
        let ledger = &mut self.ledger;
        ledger.exports += 1;
        ledger.records += export.records;
        ledger.partner += left.rows.max(0).unsigned_abs();
        ledger.other += export.other;
        ledger.removed += left.removed;
        ledger.undecided += export.undecided;
        ledger.duplicate += export.duplicate + left.superseded;
        ledger.rejected += export.rejected;
        ledger.unfinished += export.unfinished;
    }

    /// A refused or empty export samples no hour, but its envelope or path names its tenant.
    fn add_exporting_tenants(&mut self, options: &SummaryOptions) {
        for (number, export) in self.exports.iter().enumerate() {
            let span = export_span(export);
            if span.is_some_and(|span| span.within(options).is_none()) {
                continue;
            }
            if let Some(tenant) = export.exporting_tenant_id {
                self.logs.entry(tenant).or_default().exports.insert(number);
            }
        }
    }

    fn add_tenants_of(
        &mut self,
        number: usize,
        tenants: &[(TenantId, Option<Span>)],
        options: &SummaryOptions,
    ) {
        let Some(export) = self.exports.get(number) else { return };
        // Hours are cut to their start; where one tenant has the export alone, its own ends
        // are exact.
        let exact = match tenants {
            [_] => export_span(export),
            _ => None,
        };
        for &(tenant, hours) in tenants {
            let span = exact.or(hours);
            let seen = span.and_then(|span| span.within(options));
            if span.is_some() && seen.is_none() {
                continue;
            }
            let logs = self.logs.entry(tenant).or_default();
            logs.span = Span::join_any(logs.span, seen);
            logs.exports.insert(number);
        }
    }
}

fn export_span(export: &ExportSummary) -> Option<Span> {
    let (first, last) = export.first_at.zip(export.last_at)?;
    Some(Span { first, last })
}

/// Numbers of the live exports by path and run.
type Live = HashMap<(String, String), usize>;

const EXPORT_COLUMNS: [&str; 19] = [
    "path",
    "sha256",
    "dialect",
    "exporting_tenant_id",
    "blind_spots",
    "superseded_by",
    "run_id",
    "bytes",
    "records",
    "partner",
    "other",
    "undecided",
    "duplicate",
    "rejected",
    "unfinished",
    "superseded",
    "removed",
    "first_at",
    "last_at",
];

fn export_of(row: &Row<'_>) -> Result<ExportSummary, DatasetError> {
    let blind_spots: Vec<String> = row.text("blind_spots")?.map(split_list).unwrap_or_default();
    Ok(ExportSummary {
        path: row.owned("path")?.unwrap_or_default(),
        sha256: row.owned("sha256")?,
        dialect: row.owned("dialect")?,
        exporting_tenant_id: row.tenant("exporting_tenant_id")?,
        bytes: row.count("bytes")?,
        records: row.count("records")?,
        partner: row.count("partner")?,
        other: row.count("other")?,
        undecided: row.count("undecided")?,
        duplicate: row.count("duplicate")?,
        rejected: row.count("rejected")?,
        unfinished: row.count("unfinished")?,
        first_at: row.time("first_at")?,
        last_at: row.time("last_at")?,
        is_blind: blind_spots.iter().any(|spot| BLINDING.contains(&spot.as_str())),
        blind_spots,
    })
}

/// What became of the rows of an export after it was read.
#[derive(Debug, Clone, Copy)]
struct RowsLeft {
    superseded: u64,
    removed: u64,
    /// Those that should still be there.
    rows: i64,
}

fn rows_left(row: &Row<'_>) -> Result<RowsLeft, DatasetError> {
    let value = |name| row.number(name).map(Option::unwrap_or_default);
    let (superseded, removed) = (value("superseded")?, value("removed")?);
    Ok(RowsLeft {
        superseded: u64::try_from(superseded).unwrap_or_default(),
        removed: u64::try_from(removed).unwrap_or_default(),
        rows: value("partner")? - superseded - removed,
    })
}

/// Tenants by export, with the time that was sampled.
type Covered = BTreeMap<usize, Vec<(TenantId, Option<Span>)>>;

/// The tenants in each live export, with the first and last sampled hour of each.
fn read_coverage(parts: &DatasetParts, live: &Live) -> Result<Covered, SummaryError> {
    let columns = ["source_export", "run_id", "tenant_id", "hour"];
    let mut hours: BTreeMap<(usize, TenantId), Option<Span>> = BTreeMap::new();
    let mut last = ((String::new(), String::new()), None);
    tables::each_row("coverage", &parts.coverage, &columns, |row| {
        let path = row.text("source_export")?.unwrap_or_default();
        let run = row.text("run_id")?.unwrap_or_default();
        // Rows of one export follow each other.
        if (last.0.0.as_str(), last.0.1.as_str()) != (path, run) || last.1.is_none() {
            last.0 = (path.to_owned(), run.to_owned());
            last.1 = live.get(&last.0).copied();
        }
        if let (Some(export), Some(tenant)) = (last.1, row.tenant("tenant_id")?) {
            let hour = row.time("hour")?.map(|hour| Span { first: hour, last: hour });
            let known = hours.entry((export, tenant)).or_default();
            *known = Span::join_any(*known, hour);
        }
        Ok(())
    })?;
    let mut tenants = Covered::new();
    for ((export, tenant), span) in hours {
        tenants.entry(export).or_default().push((tenant, span));
    }
    Ok(tenants)
}

/// A column that holds a list joined by commas.
pub(super) fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
