//! A run that writes: from the lock to the commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::tenant::{CustomerList, PartnerList};
use crate::tools::ToolList;
use crate::who::UserList;

use super::derived::{self, Names};
use super::draft::{Draft, OldNames};
use super::error::DatasetError;
use super::exports::{
    CoverageEntry, ExportReading, ExportRow, Identity, Passage, RejectEntry, RejectRow, balance,
};
use super::held::{Held, WriterOptions};
use super::manifest::{Action, Custody, ManifestPart};
use super::month::{Finish, FreshExport, MonthFinish, MonthParts};
use super::part::{PartReader, write_table};
use super::people::People;
use super::readings::Readings;
use super::row::RowSource;
use super::schema::{self, hex};
use super::seen::{SeenCache, SeenFile};
use super::spill::{ClosedSpill, Spill};
use super::table::{Month, Table};
use super::writing::write_chunks;

/// What a run is told once.
#[derive(Debug, Clone)]
pub struct RunOptions {
    pub writer: WriterOptions,
    /// Also write policies that did not look at the sign-in: the bulk of every record.
    pub keep_not_applied: bool,
    /// Bytes of rows that wait in memory before they go to disk.
    pub spill_memory: usize,
    /// Bytes of rows of one day that are sorted in memory.
    pub day_memory: usize,
    /// How many threads write the rows, from so many bytes of them on: fewer are written before
    /// other threads have begun.
    pub threads: usize,
    pub shared_bytes: u64,
}

impl RunOptions {
    pub fn new(run_id: impl Into<String>) -> Self {
        Self {
            writer: WriterOptions::new(run_id),
            keep_not_applied: false,
            spill_memory: 32 << 20,
            day_memory: 16 << 20,
            threads: 1,
            shared_bytes: 2 << 20,
        }
    }
}

/// How the finish uses memory and threads; see [`RunOptions`].
#[derive(Debug, Clone, Copy)]
struct Shares {
    day_memory: usize,
    threads: usize,
    shared_bytes: u64,
}

/// A run that holds the lock of a dataset and may commit once.
#[derive(Debug)]
pub struct WriteRun {
    held: Held,
    shares: Shares,
    seen: SeenCache,
    spill: Spill,
}

/// What a run read.
#[derive(Debug)]
pub struct RunInput<'a> {
    /// Their index is what rows and rejects name them by.
    pub exports: Vec<ExportReading>,
    pub rejects: Vec<RejectRow>,
    pub partners: &'a PartnerList,
    pub customers: &'a CustomerList,
    /// What the user says of the partner's accounts.
    pub users: &'a UserList,
    /// What the user says of apps.
    pub tools: &'a ToolList,
    /// Files to be known again.
    pub seen: Vec<SeenFile>,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Of the dataset now.
    pub generation: u64,
    /// Nothing was new, so nothing was committed.
    pub is_unchanged: bool,
    /// Sums over the exports of this run.
    pub ledger: LedgerTotals,
    /// Exports that earlier runs had read in the same way.
    pub known: Vec<String>,
    /// Exports of this run with the same bytes as another one of it.
    pub copies: Vec<String>,
    /// Rows of earlier runs that lost to copies of this one.
    pub superseded: u64,
    /// Rows of earlier runs that a new reading of their export no longer has.
    pub removed: u64,
    pub parts_written: usize,
    pub parts_replaced: usize,
    /// Replaced parts that a reader held; the next run deletes them.
    pub not_deleted: Vec<PathBuf>,
}

/// `records = partner + other + duplicate + rejected`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerTotals {
    pub exports: u64,
    pub records: u64,
    pub partner: u64,
    pub other: u64,
    pub undecided: u64,
    pub duplicate: u64,
    pub rejected: u64,
    pub unfinished: u64,
}

impl WriteRun {
    /// Takes the lock, reads what is there, and removes what a killed run left.
    pub fn begin(out: &Path, options: RunOptions) -> Result<Self, DatasetError> {
        let RunOptions {
            writer,
            keep_not_applied,
            spill_memory,
            day_memory,
            threads,
            shared_bytes,
        } = options;
        let held = Held::begin(out, writer)?;
        let (path, disk) = (held.staging.join("spill"), held.options.disk.clone());
        Ok(Self {
            seen: SeenCache::load(&held.dataset),
            spill: Spill::new(path, spill_memory, keep_not_applied, disk),
            shares: Shares { day_memory, threads, shared_bytes },
            held,
        })
    }

    /// The run's id in the dataset: the one asked for, with a number if an earlier run has it.
    pub fn run_id(&self) -> &str {
        &self.held.run_id
    }

    /// Whether an export with these bytes was read before, in the same way.
    pub fn known(&self, identity: Identity, fingerprint: u64) -> bool {
        self.held.readings.knows(identity, fingerprint)
    }

    pub fn seen(&self) -> &SeenCache {
        &self.seen
    }

    pub fn spill(&self) -> &Spill {
        &self.spill
    }

    /// A folder for what has to lie on the disk while the run reads; it goes with the run, and
    /// is not made before it is needed.
    pub fn scratch(&self) -> PathBuf {
        self.held.staging.join("scratch")
    }

    /// Merges what was read into the dataset and commits it, all or nothing.
    pub fn finish(self, input: RunInput<'_>) -> Result<Committed, DatasetError> {
        let Self { mut held, shares, seen, spill } = self;
        let committed = finish(&mut held, shares, spill, &input)?;
        seen.update(&held.options.disk, &held.dataset, input.seen)?;
        Ok(committed)
    }
}

fn finish(
    held: &mut Held,
    shares: Shares,
    spill: Spill,
    input: &RunInput<'_>,
) -> Result<Committed, DatasetError> {
    let mut run = Finishing {
        draft: held.draft()?,
        shares,
        run_id: Arc::clone(&held.run_id),
        committed: Committed { generation: held.manifest.generation, ..Committed::default() },
    };
    let is_new = run.sort_out(input)?;
    // Other names, or another case, are worth a commit, but not where nothing was ever read.
    let custody = &held.options.custody;
    let is_told = *custody != Custody::default() && *custody != held.manifest.custody();
    let is_renamed = is_told || names_differ(&run.draft.names, input);
    if is_new.contains(&true) || is_renamed && held.manifest.generation > 0 {
        run.commit(input, &is_new, spill.close())
    } else {
        run.committed.is_unchanged = true;
        Ok(run.committed)
    }
}

/// The names of this run's lists over those of earlier ones.
fn merged_names(names: &OldNames, input: &RunInput<'_>) -> (Names, Names) {
    let customers = derived::listed_customers(input.customers);
    let partners = derived::listed_partners(input.partners);
    (
        derived::merge_names(&names.tenants, customers),
        derived::merge_names(&names.partners, partners),
    )
}

/// The lists of this run say something else.
fn names_differ(names: &OldNames, input: &RunInput<'_>) -> bool {
    let (tenants, partners) = merged_names(names, input);
    tenants != names.tenants
        || partners != names.partners
        || merged_people(names, input) != names.people
}

fn merged_people(names: &OldNames, input: &RunInput<'_>) -> People {
    People::or_earlier(input.users, input.tools, &names.people)
}

/// A run between its last record and its commit.
struct Finishing {
    draft: Draft,
    shares: Shares,
    run_id: Arc<str>,
    committed: Committed,
}

impl Finishing {
    /// Which exports count. Of those with the same bytes only the one with the least path does,
    /// and none that an earlier run has read in the same way.
    fn sort_out(&mut self, input: &RunInput<'_>) -> Result<Vec<bool>, DatasetError> {
        let mut by_path: Vec<usize> = (0..input.exports.len()).collect();
        by_path.sort_by(|&a, &b| input.exports[a].path.cmp(&input.exports[b].path));
        let mut is_new = vec![false; input.exports.len()];
        let (mut identities, mut new_paths) = (BTreeSet::new(), BTreeSet::new());
        for index in by_path {
            let export = &input.exports[index];
            if self.draft.readings.knows(export.identity, export.fingerprint) {
                self.committed.known.push(export.path.clone());
            } else if !identities.insert((export.identity, export.fingerprint)) {
                self.committed.copies.push(export.path.clone());
            } else if !new_paths.insert(&export.path) {
                return Err(DatasetError::RepeatedExport { path: export.path.clone() });
            } else {
                is_new[index] = true;
            }
        }
        Ok(is_new)
    }

    fn commit(
        mut self,
        input: &RunInput<'_>,
        is_new: &[bool],
        mut spill: ClosedSpill,
    ) -> Result<Committed, DatasetError> {
        let before = totals(&self.draft.readings);
        for (export, _) in input.exports.iter().zip(is_new).filter(|(_, is_new)| **is_new) {
            self.draft.readings.supersede(export, &self.run_id);
        }
        let mut passages = vec![Passage::default(); input.exports.len()];
        let months = self.finish_months(input, is_new, &mut spill, &mut passages)?;
        self.draft.add(months.staged);
        self.draft.replace_all(months.replaced);
        let after = totals(&self.draft.readings);
        self.committed.superseded = u64::try_from(after.0 - before.0).unwrap_or_default();
        self.committed.removed = u64::try_from(after.1 - before.1).unwrap_or_default();

        self.count_written(input, &mut passages)?;
        count_rejects(input, is_new, &mut passages)?;
        let new_rows = self.close_ledger(input, is_new, &passages)?;
        self.draft.readings.rows.extend(new_rows);
        self.write_records(input, is_new)?;
        let (tenants, partners) = merged_names(&self.draft.names, input);
        let people = merged_people(&self.draft.names, input);
        self.draft.write_derived(tenants, partners, &people)?;
        let published = self.draft.publish(Action::Sweep)?;
        self.committed.generation = published.generation;
        self.committed.parts_written = published.parts_written;
        self.committed.parts_replaced = published.parts_replaced;
        self.committed.not_deleted = published.not_deleted;
        Ok(self.committed)
    }

    fn finish_months(
        &mut self,
        input: &RunInput<'_>,
        is_new: &[bool],
        spill: &mut ClosedSpill,
        passages: &mut [Passage],
    ) -> Result<MonthParts, DatasetError> {
        let fresh = self.fresh(input, is_new);
        let mut old: BTreeMap<Month, Vec<ManifestPart>> = BTreeMap::new();
        for part in &self.draft.manifest.parts {
            if let Some(month) = Month::of_path(&part.path) {
                old.entry(month).or_default().push(part.clone());
            }
        }
        let mut months: BTreeMap<Month, Vec<(i64, u64)>> = BTreeMap::new();
        let days = spill.days();
        for (&day, &bytes) in &days {
            months.entry(Month::of_day(day)).or_default().push((day, bytes));
        }
        if self.draft.readings.any_stale() {
            for &month in old.keys() {
                months.entry(month).or_default();
            }
        }
        let finish = Finish {
            options: &self.draft.options,
            staging: &self.draft.staging,
            dataset: &self.draft.dataset,
            fresh: &fresh,
            partners: input.partners,
            day_memory: self.shares.day_memory,
        };
        let readings = &mut self.draft.readings;
        let is_shared = days.values().sum::<u64>() >= self.shares.shared_bytes;
        let threads = if is_shared { self.shares.threads } else { 1 };
        let (mut parts, staged) = write_chunks(&finish, threads, |to| {
            let mut parts = MonthParts::default();
            for (month, days) in months {
                let old = old.remove(&month).unwrap_or_default();
                let mut month = MonthFinish::new(&finish, month, &old, readings, passages);
                for (day, bytes) in days {
                    month.add_day(spill, day, bytes, to)?;
                }
                let MonthParts { staged, replaced } = month.end(to)?;
                parts.staged.extend(staged);
                parts.replaced.extend(replaced);
            }
            Ok(parts)
        })?;
        parts.staged.extend(staged);
        Ok(parts)
    }

    fn fresh(&self, input: &RunInput<'_>, is_new: &[bool]) -> Vec<Option<FreshExport>> {
        let mut paths: Vec<&str> = input.exports.iter().map(|e| e.path.as_str()).collect();
        paths.sort_unstable();
        let position = |path: &str| paths.partition_point(|other| *other < path);
        let fresh = |(export, &is_new): (&ExportReading, &bool)| {
            is_new.then(|| FreshExport {
                source: RowSource {
                    path: export.path.clone(),
                    sha256: export.sha256.map(|hash| hex(&hash)),
                    run_id: Arc::clone(&self.run_id),
                },
                exporting_tenant: export.exporting_tenant,
                position: u32::try_from(position(&export.path)).unwrap_or(u32::MAX),
            })
        };
        input.exports.iter().zip(is_new).map(fresh).collect()
    }

    /// Counts the rows of this run in the parts as they were written.
    fn count_written(
        &self,
        input: &RunInput<'_>,
        passages: &mut [Passage],
    ) -> Result<(), DatasetError> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for part in self.draft.staged().iter().filter(|part| part.table == Table::SignIns) {
            let reader = PartReader::open_checked(&part.path, &part.entry)?;
            reader.read_words(&["source_export", "run_id"], |rows| {
                let (exports, runs) = (rows.words("source_export")?, rows.words("run_id")?);
                let is_ours: Vec<bool> =
                    (0..runs.count()).map(|key| runs.word(key) == &*self.run_id).collect();
                let mut by_key = vec![0; exports.count()];
                for row in 0..rows.batch.num_rows() {
                    if let (Some(export), Some(run)) = (exports.key(row), runs.key(row)) {
                        by_key[export] += u64::from(is_ours[run]);
                    }
                }
                for (key, count) in by_key.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                    *counts.entry(exports.word(key).to_owned()).or_default() += count;
                }
                Ok(())
            })?;
        }
        for (export, passage) in input.exports.iter().zip(passages) {
            passage.written = counts.get(&export.path).copied().unwrap_or_default();
        }
        Ok(())
    }

    /// Checks the account of each new export and makes its row.
    fn close_ledger(
        &mut self,
        input: &RunInput<'_>,
        is_new: &[bool],
        passages: &[Passage],
    ) -> Result<Vec<ExportRow>, DatasetError> {
        let mut rows = Vec::new();
        for ((export, &passage), _) in
            input.exports.iter().zip(passages).zip(is_new).filter(|(_, is_new)| **is_new)
        {
            balance(export, passage)?;
            let total = &mut self.committed.ledger;
            total.exports += 1;
            total.records += export.records;
            total.partner += passage.written;
            total.other += export.other;
            total.undecided += export.undecided;
            total.duplicate += passage.lost;
            total.rejected += export.rejected;
            total.unfinished += export.unfinished;
            rows.push(ExportRow::new(export, &self.run_id, passage.written));
        }
        Ok(rows)
    }

    /// Writes exports (whole), rejects and coverage (one part more each).
    fn write_records(&mut self, input: &RunInput<'_>, is_new: &[bool]) -> Result<(), DatasetError> {
        self.draft.write_exports()?;
        let (rejects, coverage) = (self.rejects(input, is_new), self.coverage(input, is_new));
        let staging = &self.draft.staging;
        let rejects = write_table(staging, Table::Rejects, schema::REJECTS, rejects)?;
        let coverage = write_table(staging, Table::Coverage, schema::COVERAGE, coverage)?;
        self.draft.add(rejects.into_iter().chain(coverage));
        Ok(())
    }

    fn rejects(&self, input: &RunInput<'_>, is_new: &[bool]) -> Vec<RejectEntry> {
        let is_kept = |reject: &&RejectRow| is_new[reject.export as usize];
        let mut rejects: Vec<RejectEntry> = input
            .rejects
            .iter()
            .filter(is_kept)
            .map(|reject| RejectEntry {
                path: input.exports[reject.export as usize].path.clone(),
                run_id: Arc::clone(&self.run_id),
                reject: reject.clone(),
            })
            .collect();
        let order = |entry: &RejectEntry| (entry.reject.offset, entry.reject.length);
        rejects.sort_by(|a, b| {
            a.path
                .cmp(&b.path)
                .then_with(|| order(a).cmp(&order(b)))
                .then_with(|| a.reject.reason.cmp(&b.reject.reason))
        });
        rejects
    }

    fn coverage(&self, input: &RunInput<'_>, is_new: &[bool]) -> Vec<CoverageEntry> {
        let new = input.exports.iter().zip(is_new).filter(|(_, is_new)| **is_new);
        let mut coverage: Vec<CoverageEntry> = new
            .flat_map(|(export, _)| {
                export.coverage.iter().map(|row| {
                    let mut row = *row;
                    row.tenant = row.tenant.or(export.exporting_tenant);
                    CoverageEntry {
                        path: export.path.clone(),
                        run_id: Arc::clone(&self.run_id),
                        row,
                    }
                })
            })
            .collect();
        coverage.sort_by(|a, b| {
            (&a.path, a.row.tenant, a.row.hour).cmp(&(&b.path, b.row.tenant, b.row.hour))
        });
        coverage
    }
}

/// Rows superseded and removed, over all readings.
fn totals(readings: &Readings) -> (i64, i64) {
    let sum = |of: fn(&ExportRow) -> i64| readings.rows.iter().map(of).sum();
    (sum(|row| row.superseded), sum(|row| row.removed))
}

fn count_rejects(
    input: &RunInput<'_>,
    is_new: &[bool],
    passages: &mut [Passage],
) -> Result<(), DatasetError> {
    for reject in &input.rejects {
        let number = reject.export;
        let passage = passages.get_mut(number as usize);
        let passage = passage.ok_or(DatasetError::UnknownExport { number })?;
        if is_new[number as usize] {
            passage.reject_rows += reject.records;
        }
    }
    Ok(())
}
