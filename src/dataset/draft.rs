//! The next dataset while it is being made: what stays, what goes, what comes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::commit::{self, Move};
use super::derived::{self, Names, Tally};
use super::error::{DatasetError, LedgerError};
use super::exports::ExportRow;
use super::held::WriterOptions;
use super::manifest::{Action, Manifest, ManifestPart, RunEntry};
use super::part::{StagedPart, Staging, write_table};
use super::people::People;
use super::readings::Readings;
use super::schema::{self, SCHEMA_VERSION};
use super::table::Table;

/// Changes to a dataset that are committed together.
pub(super) struct Draft {
    pub dataset: PathBuf,
    /// As committed.
    pub manifest: Manifest,
    pub readings: Readings,
    pub names: OldNames,
    pub staging: Staging,
    pub options: WriterOptions,
    staged: Vec<StagedPart>,
    /// Paths, as in the manifest, of the parts that go.
    replaced: BTreeSet<String>,
    /// Tables that are written whole: all their old parts go, even if nothing comes.
    whole: BTreeSet<Table>,
}

/// What a commit did to the parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Published {
    pub generation: u64,
    pub parts_written: usize,
    pub parts_replaced: usize,
    pub not_deleted: Vec<PathBuf>,
}

/// The names in the dataset so far.
pub(super) struct OldNames {
    pub tenants: Names,
    pub partners: Names,
    pub people: People,
}

impl OldNames {
    fn load(dataset: &Path, manifest: &Manifest) -> Result<Self, DatasetError> {
        let tenants = manifest.paths(dataset, Table::Tenants);
        let partners = manifest.paths(dataset, Table::Partners);
        let users = manifest.paths(dataset, Table::Users);
        let tools = manifest.paths(dataset, Table::Tools);
        Ok(Self {
            people: People::load(&users, &tools)?,
            tenants: derived::read_names(&tenants, "child_tenant_id")?,
            partners: derived::read_names(&partners, "partner_tenant_id")?,
        })
    }
}

impl Draft {
    pub(super) fn new(
        dataset: &Path,
        manifest: &Manifest,
        readings: Readings,
        staging: Staging,
        options: &WriterOptions,
    ) -> Result<Self, DatasetError> {
        Ok(Self {
            names: OldNames::load(dataset, manifest)?,
            dataset: dataset.to_owned(),
            manifest: manifest.clone(),
            readings,
            staging,
            options: options.clone(),
            staged: Vec::new(),
            replaced: BTreeSet::new(),
            whole: BTreeSet::new(),
        })
    }

    pub(super) fn add(&mut self, parts: impl IntoIterator<Item = StagedPart>) {
        self.staged.extend(parts);
    }

    pub(super) fn replace(&mut self, part: &ManifestPart) {
        self.replaced.insert(part.path.clone());
    }

    pub(super) fn replace_all(&mut self, paths: Vec<String>) {
        self.replaced.extend(paths);
    }

    /// The new parts so far.
    pub(super) fn staged(&self) -> &[StagedPart] {
        &self.staged
    }

    /// The committed parts of a table that stay.
    pub(super) fn standing(&self, table: Table) -> impl Iterator<Item = &ManifestPart> {
        self.manifest.parts_of(table).filter(|part| !self.replaced.contains(&part.path))
    }

    /// Where the parts of a table lie that will be live.
    fn live(&self, table: Table) -> Vec<PathBuf> {
        let old = self.standing(table).map(|part| part.path_in(&self.dataset));
        let new = self.staged.iter().filter(|part| part.table == table);
        old.chain(new.map(|part| part.path.clone())).collect()
    }

    /// Writes the readings, whole.
    pub(super) fn write_exports(&mut self) -> Result<(), DatasetError> {
        let mut exports = self.readings.rows.clone();
        exports.sort_by(|a, b| (&a.path, &a.run_id).cmp(&(&b.path, &b.run_id)));
        let staged = write_table(&self.staging, Table::Exports, schema::EXPORTS, exports)?;
        self.staged.extend(staged);
        self.whole.insert(Table::Exports);
        Ok(())
    }

    /// Writes tenants, partners, accounts and error codes from all parts that will be live, and
    /// what the user said of accounts and apps.
    pub(super) fn write_derived(
        &mut self,
        tenants: Names,
        partners: Names,
        people: &People,
    ) -> Result<(), DatasetError> {
        let mut tally = Tally::default();
        self.live(Table::Coverage).iter().try_for_each(|part| tally.add_coverage(part))?;
        self.live(Table::SignIns).iter().try_for_each(|part| tally.add_sign_ins(part))?;
        self.staged.extend(tally.write(&self.staging, tenants, partners, people)?);
        self.staged.extend(people.write(&self.staging)?);
        self.whole.extend([
            Table::Tenants,
            Table::Partners,
            Table::Accounts,
            Table::Users,
            Table::Tools,
            Table::ErrorCodes,
        ]);
        Ok(())
    }

    /// Checks the account of all exports, and makes the draft the dataset.
    pub(super) fn publish(self, action: Action) -> Result<Published, DatasetError> {
        let next = self.next_manifest(action);
        self.check(&next)?;
        self.options.stop_here()?;
        let old: BTreeSet<&str> = self.manifest.parts.iter().map(|p| p.path.as_str()).collect();
        let new: BTreeSet<&str> = next.parts.iter().map(|p| p.path.as_str()).collect();
        // A table that is written whole and did not change has the same name as before; two new
        // parts may be the same to the byte.
        let moves: BTreeMap<&str, &StagedPart> =
            self.staged.iter().map(|part| (part.entry.path.as_str(), part)).collect();
        let moves: Vec<Move> = moves
            .into_iter()
            .filter(|(path, _)| !old.contains(path))
            .map(|(_, part)| Move {
                to: part.entry.path_in(&self.dataset),
                from: part.path.clone(),
            })
            .collect();
        let gone = self.manifest.parts.iter().filter(|part| !new.contains(part.path.as_str()));
        let gone: Vec<PathBuf> = gone.map(|part| part.path_in(&self.dataset)).collect();
        let disk = &self.staging.disk;
        Ok(Published {
            not_deleted: commit::publish(disk, &self.dataset, &moves, &next, &gone)?,
            generation: next.generation,
            parts_written: moves.len(),
            parts_replaced: gone.len(),
        })
    }

    fn next_manifest(&self, action: Action) -> Manifest {
        let is_whole = |part: &ManifestPart| self.whole.iter().any(|t| t.as_str() == part.table);
        let is_kept = |part: &&ManifestPart| !is_whole(part) && !self.replaced.contains(&part.path);
        let kept = self.manifest.parts.iter().filter(is_kept);
        let new = self.staged.iter().map(|part| &part.entry);
        let parts: BTreeMap<&str, &ManifestPart> =
            kept.chain(new).map(|part| (part.path.as_str(), part)).collect();
        let generation = self.manifest.generation + 1;
        let run_id = self.staging.run_id();
        let run = RunEntry {
            generation,
            run_id: run_id.to_owned(),
            action,
            tool_version: super::TOOL_VERSION.to_owned(),
            custody: self.options.custody.clone(),
        };
        Manifest {
            schema_version: SCHEMA_VERSION,
            tool_version: super::TOOL_VERSION.to_owned(),
            generation,
            run_id: run_id.to_owned(),
            runs: self.manifest.runs_with(run),
            parts: parts.into_values().cloned().collect(),
        }
    }

    /// Checks that the exports account for every row of the dataset.
    fn check(&self, next: &Manifest) -> Result<(), DatasetError> {
        let rows: u64 = next.parts_of(Table::SignIns).map(|part| part.rows).sum();
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let expected = self.readings.rows.iter().map(ExportRow::live_rows).sum();
        if rows == expected { Ok(()) } else { Err(LedgerError::Dataset { rows, expected }.into()) }
    }
}
