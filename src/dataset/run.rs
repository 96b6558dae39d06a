//! A run that writes: from the lock to the commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::tenant::{CustomerList, PartnerList};

use super::commit::{self, Move};
use super::derived::{self, Names, Tally};
use super::error::{DatasetError, LedgerError, Tried};
use super::exports::{
    CoverageEntry, ExportReading, ExportRow, Identity, Passage, RejectEntry, RejectRow, balance,
};
use super::lock::Lock;
use super::manifest::{Manifest, ManifestPart};
use super::month::{Finish, FreshExport, MonthFinish, MonthParts};
use super::part::{PartReader, StagedPart, Staging, write_table};
use super::readings::Readings;
use super::row::RowSource;
use super::schema::{self, SCHEMA_VERSION, hex};
use super::seen::{SeenCache, SeenFile};
use super::spill::{ClosedSpill, Spill};
use super::table::{Month, Table};

/// What a run is told once.
#[derive(Debug, Clone)]
pub struct RunOptions {
    pub run_id: String,
    /// Also write policies that did not look at the sign-in: the bulk of every record.
    pub keep_not_applied: bool,
    /// Bytes of rows that wait in memory before they go to disk.
    pub spill_memory: usize,
    /// Bytes of rows of one day that are sorted in memory.
    pub day_memory: usize,
}

impl RunOptions {
    pub fn new(run_id: impl Into<String>) -> Self {
        Self {
            run_id: run_id.into(),
            keep_not_applied: false,
            spill_memory: 128 << 20,
            day_memory: 64 << 20,
        }
    }
}

/// A run that holds the lock of a dataset and may commit once.
#[derive(Debug)]
pub struct WriteRun {
    dataset: PathBuf,
    options: RunOptions,
    run_id: Arc<str>,
    manifest: Manifest,
    readings: Readings,
    seen: SeenCache,
    spill: Spill,
    staging: PathBuf,
    _lock: Lock,
}

/// What a run read.
#[derive(Debug)]
pub struct RunInput<'a> {
    /// Their index is what rows and rejects name them by.
    pub exports: Vec<ExportReading>,
    pub rejects: Vec<RejectRow>,
    pub partners: &'a PartnerList,
    pub customers: &'a CustomerList,
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
        let dataset = std::path::absolute(out).tried("find", out)?.join("dataset");
        std::fs::create_dir_all(&dataset).tried("make folder", &dataset)?;
        let lock = Lock::take(&dataset, &options.run_id)?;
        let manifest = Manifest::load(&dataset)?.unwrap_or_else(Manifest::empty);
        commit::clean(&dataset, &manifest)?;
        let readings = Readings::load(&paths(&dataset, &manifest, Table::Exports))?;
        let run_id = unused_run_id(&options.run_id, &readings);
        let staging = dataset.join(commit::STAGING).join(folder_name(&run_id));
        std::fs::create_dir_all(&staging).tried("make folder", &staging)?;
        Ok(Self {
            seen: SeenCache::load(&dataset),
            spill: Spill::new(
                staging.join("spill"),
                options.spill_memory,
                options.keep_not_applied,
            ),
            dataset,
            options,
            run_id,
            manifest,
            readings,
            staging,
            _lock: lock,
        })
    }

    /// The run's id in the dataset: the one asked for, with a number if an earlier run has it.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Whether an export with these bytes was read before, in the same way.
    pub fn known(&self, identity: Identity, fingerprint: u64) -> bool {
        self.readings.knows(identity, fingerprint)
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
        self.staging.join("scratch")
    }

    /// Merges what was read into the dataset and commits it, all or nothing.
    pub fn finish(self, input: RunInput<'_>) -> Result<Committed, DatasetError> {
        let Self { dataset, options, run_id, manifest, readings, seen, spill, staging, _lock } =
            self;
        let mut run = Finishing {
            names: OldNames::load(&dataset, &manifest)?,
            staging: Staging::new(staging, Arc::clone(&run_id)),
            committed: Committed { generation: manifest.generation, ..Committed::default() },
            dataset: dataset.clone(),
            options,
            run_id,
            manifest,
            readings,
        };
        let is_new = run.sort_out(&input)?;
        // Other names are worth a commit, but not where nothing was ever read.
        let is_renamed = run.manifest.generation > 0 && run.names.differ_from(&input);
        let result = if is_new.contains(&true) || is_renamed {
            run.commit(&input, &is_new, spill.close())
        } else {
            run.committed.is_unchanged = true;
            drop(spill);
            Ok(run.committed)
        };
        // Whatever came of it, nothing in the staging folder is of use any more; if it cannot
        // be removed now, the next run does it.
        let _ = std::fs::remove_dir_all(dataset.join(commit::STAGING));
        let committed = result?;
        seen.update(&dataset, input.seen)?;
        Ok(committed)
    }
}

/// Where the parts of a table lie.
fn paths(dataset: &Path, manifest: &Manifest, table: Table) -> Vec<PathBuf> {
    manifest.parts_of(table).map(|part| part.path_in(dataset)).collect()
}

/// Rows name their run, so two runs must not have the same id.
fn unused_run_id(wanted: &str, readings: &Readings) -> Arc<str> {
    let numbered = (2u32..).map(|number| format!("{wanted}-{number}"));
    let mut candidates = std::iter::once(wanted.to_owned()).chain(numbered);
    candidates.find(|id| !readings.has_run(id)).unwrap_or_else(|| wanted.to_owned()).into()
}

/// A run id is the user's text; a folder's name is not.
fn folder_name(run_id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("run-{}", run_id.chars().take(40).map(plain).collect::<String>())
}

/// A run between its last record and its commit.
struct Finishing {
    dataset: PathBuf,
    options: RunOptions,
    run_id: Arc<str>,
    manifest: Manifest,
    readings: Readings,
    names: OldNames,
    staging: Staging,
    committed: Committed,
}

/// The names in the dataset so far.
struct OldNames {
    tenants: Names,
    partners: Names,
}

impl OldNames {
    fn load(dataset: &Path, manifest: &Manifest) -> Result<Self, DatasetError> {
        let tenants = paths(dataset, manifest, Table::Tenants);
        let partners = paths(dataset, manifest, Table::Partners);
        Ok(Self {
            tenants: derived::read_names(&tenants, "child_tenant_id")?,
            partners: derived::read_names(&partners, "partner_tenant_id")?,
        })
    }

    fn merged(&self, input: &RunInput<'_>) -> (Names, Names) {
        let customers = derived::listed_customers(input.customers);
        let partners = derived::listed_partners(input.partners);
        (
            derived::merge_names(&self.tenants, customers),
            derived::merge_names(&self.partners, partners),
        )
    }

    /// The lists of this run say something else.
    fn differ_from(&self, input: &RunInput<'_>) -> bool {
        let (tenants, partners) = self.merged(input);
        tenants != self.tenants || partners != self.partners
    }
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
            if self.readings.knows(export.identity, export.fingerprint) {
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
        let before = totals(&self.readings);
        for (export, _) in input.exports.iter().zip(is_new).filter(|(_, is_new)| **is_new) {
            self.readings.supersede(export, &self.run_id);
        }
        let mut passages = vec![Passage::default(); input.exports.len()];
        let months = self.finish_months(input, is_new, &mut spill, &mut passages)?;
        let MonthParts { mut staged, replaced } = months;
        let after = totals(&self.readings);
        self.committed.superseded = u64::try_from(after.0 - before.0).unwrap_or_default();
        self.committed.removed = u64::try_from(after.1 - before.1).unwrap_or_default();

        self.count_written(input, &staged, &mut passages)?;
        count_rejects(input, is_new, &mut passages)?;
        let new_rows = self.close_ledger(input, is_new, &passages)?;
        staged.extend(self.write_records(input, is_new, new_rows)?);
        self.write_derived(input, &mut staged, &replaced)?;
        let manifest = self.next_manifest(&staged, &replaced);
        self.check_dataset(&manifest)?;
        self.publish(staged, &manifest)
    }

    fn finish_months(
        &mut self,
        input: &RunInput<'_>,
        is_new: &[bool],
        spill: &mut ClosedSpill,
        passages: &mut [Passage],
    ) -> Result<MonthParts, DatasetError> {
        let fresh = self.fresh(input, is_new);
        let old: Vec<(ManifestPart, PathBuf)> = self
            .manifest
            .parts
            .iter()
            .map(|part| (part.clone(), part.path_in(&self.dataset)))
            .collect();
        let mut months: BTreeMap<Month, Vec<(i64, u64)>> = BTreeMap::new();
        for (day, bytes) in spill.days() {
            months.entry(Month::of_day(day)).or_default().push((day, bytes));
        }
        if self.readings.any_stale() {
            for month in old.iter().filter_map(|(part, _)| Month::of_path(&part.path)) {
                months.entry(month).or_default();
            }
        }
        let finish = Finish {
            staging: &self.staging,
            fresh: &fresh,
            partners: input.partners,
            day_memory: self.options.day_memory,
        };
        let mut parts = MonthParts::default();
        for (month, days) in months {
            let mut month = MonthFinish::new(&finish, month, &old, &mut self.readings, passages);
            for (day, bytes) in days {
                month.add_day(spill, day, bytes)?;
            }
            let MonthParts { staged, replaced } = month.end()?;
            parts.staged.extend(staged);
            parts.replaced.extend(replaced);
        }
        Ok(parts)
    }

    fn fresh(&self, input: &RunInput<'_>, is_new: &[bool]) -> Vec<Option<FreshExport>> {
        let mut paths: Vec<&str> = input.exports.iter().map(|e| e.path.as_str()).collect();
        paths.sort_unstable();
        let position = |path: &str| paths.partition_point(|other| *other < path);
        let fresh = |(export, &is_new): (&ExportReading, &bool)| {
            is_new.then(|| FreshExport {
                source: Arc::new(RowSource {
                    path: export.path.clone(),
                    sha256: export.sha256.map(|hash| hex(&hash)),
                    run_id: Arc::clone(&self.run_id),
                }),
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
        staged: &[StagedPart],
        passages: &mut [Passage],
    ) -> Result<(), DatasetError> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for part in staged.iter().filter(|part| part.table == Table::SignIns) {
            let reader = PartReader::open_checked(&part.path, &part.entry)?;
            reader.read(Some(&["source_export", "run_id"]), None, |rows| {
                let (exports, runs) = (rows.text("source_export")?, rows.text("run_id")?);
                for row in 0..rows.batch.num_rows() {
                    if runs.value(row) != &*self.run_id {
                        continue;
                    }
                    match counts.get_mut(exports.value(row)) {
                        Some(count) => *count += 1,
                        None => drop(counts.insert(exports.value(row).to_owned(), 1)),
                    }
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
    fn write_records(
        &mut self,
        input: &RunInput<'_>,
        is_new: &[bool],
        new_rows: Vec<ExportRow>,
    ) -> Result<Vec<StagedPart>, DatasetError> {
        self.readings.rows.extend(new_rows);
        let mut exports = self.readings.rows.clone();
        exports.sort_by(|a, b| (&a.path, &a.run_id).cmp(&(&b.path, &b.run_id)));
        let rejects = self.rejects(input, is_new);
        let coverage = self.coverage(input, is_new);
        let written = [
            write_table(&self.staging, Table::Exports, schema::EXPORTS, exports)?,
            write_table(&self.staging, Table::Rejects, schema::REJECTS, rejects)?,
            write_table(&self.staging, Table::Coverage, schema::COVERAGE, coverage)?,
        ];
        Ok(written.into_iter().flatten().collect())
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

    /// Writes tenants, partners, accounts and error codes from all parts that will be live.
    fn write_derived(
        &self,
        input: &RunInput<'_>,
        staged: &mut Vec<StagedPart>,
        replaced: &[String],
    ) -> Result<(), DatasetError> {
        let mut tally = Tally::default();
        let live = |table: Table| {
            let old = self.manifest.parts_of(table);
            let old = old.filter(|part| !replaced.contains(&part.path));
            let new = staged.iter().filter(move |part| part.table == table);
            let old: Vec<PathBuf> = old.map(|part| part.path_in(&self.dataset)).collect();
            old.into_iter().chain(new.map(|part| part.path.clone())).collect::<Vec<_>>()
        };
        live(Table::Coverage).iter().try_for_each(|part| tally.add_coverage(part))?;
        live(Table::SignIns).iter().try_for_each(|part| tally.add_sign_ins(part))?;
        let (tenants, partners) = self.names.merged(input);
        staged.extend(tally.write(&self.staging, tenants, partners)?);
        Ok(())
    }

    /// The manifest after this run: tables that are written whole lose their old parts.
    fn next_manifest(&self, staged: &[StagedPart], replaced: &[String]) -> Manifest {
        const WHOLE: [Table; 5] =
            [Table::Exports, Table::Tenants, Table::Partners, Table::Accounts, Table::ErrorCodes];
        let is_whole = |part: &ManifestPart| WHOLE.iter().any(|t| t.as_str() == part.table);
        let is_kept = |part: &&ManifestPart| !is_whole(part) && !replaced.contains(&part.path);
        let kept = self.manifest.parts.iter().filter(is_kept);
        let new = staged.iter().map(|part| &part.entry);
        let parts: BTreeMap<&str, &ManifestPart> =
            kept.chain(new).map(|part| (part.path.as_str(), part)).collect();
        Manifest {
            schema_version: SCHEMA_VERSION,
            tool_version: super::TOOL_VERSION.to_owned(),
            generation: self.manifest.generation + 1,
            run_id: self.run_id.to_string(),
            parts: parts.into_values().cloned().collect(),
        }
    }

    /// Checks that the exports account for every row of the dataset.
    fn check_dataset(&self, manifest: &Manifest) -> Result<(), DatasetError> {
        let rows: u64 = manifest.parts_of(Table::SignIns).map(|part| part.rows).sum();
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let expected = self.readings.rows.iter().map(ExportRow::live_rows).sum();
        if rows == expected { Ok(()) } else { Err(LedgerError::Dataset { rows, expected }.into()) }
    }

    fn publish(
        mut self,
        staged: Vec<StagedPart>,
        manifest: &Manifest,
    ) -> Result<Committed, DatasetError> {
        let old: BTreeSet<&str> = self.manifest.parts.iter().map(|p| p.path.as_str()).collect();
        let new: BTreeSet<&str> = manifest.parts.iter().map(|p| p.path.as_str()).collect();
        // A table that is written whole and did not change has the same name as before.
        let moves: Vec<Move> = staged
            .into_iter()
            .filter(|part| !old.contains(part.entry.path.as_str()))
            .map(|part| Move { to: part.entry.path_in(&self.dataset), from: part.path })
            .collect();
        let gone = self.manifest.parts.iter().filter(|part| !new.contains(part.path.as_str()));
        let gone: Vec<PathBuf> = gone.map(|part| part.path_in(&self.dataset)).collect();
        self.committed.not_deleted = commit::publish(&self.dataset, &moves, manifest, &gone)?;
        self.committed.generation = manifest.generation;
        self.committed.parts_written = moves.len();
        self.committed.parts_replaced = gone.len();
        Ok(self.committed)
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
