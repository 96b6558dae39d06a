//! The rows of `exports`: every reading there ever was, and what became of its records.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::tenant::TenantId;

use super::error::DatasetError;
use super::exports::{ExportReading, ExportRow, Identity};
use super::part::{PartReader, Rows, text_at, time_at};

/// All earlier readings, found by path and run.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub rows: Vec<ExportRow>,
    by_run: HashMap<String, HashMap<String, usize>>,
    by_identity: BTreeMap<Identity, Vec<usize>>,
    /// Read again in another way in this run: their rows must go.
    stale: Vec<bool>,
}

impl Readings {
    pub(super) fn load(parts: &[PathBuf]) -> Result<Self, DatasetError> {
        let mut readings = Self::default();
        for part in parts {
            PartReader::open(part)?.read(None, None, |rows| {
                for row in 0..rows.batch.num_rows() {
                    readings.push(export_row(&rows, row)?);
                }
                Ok(())
            })?;
        }
        Ok(readings)
    }

    fn push(&mut self, row: ExportRow) {
        let index = self.rows.len();
        self.by_run.entry(row.run_id.clone()).or_default().insert(row.path.clone(), index);
        self.by_identity.entry(row.identity).or_default().push(index);
        self.rows.push(row);
        self.stale.push(false);
    }

    /// The same bytes were read in the same way, and that reading still stands.
    pub(super) fn knows(&self, identity: Identity, fingerprint: u64) -> bool {
        self.current(identity).any(|index| self.rows[index].fingerprint == fingerprint)
    }

    fn current(&self, identity: Identity) -> impl Iterator<Item = usize> {
        let all = self.by_identity.get(&identity).into_iter().flatten().copied();
        all.filter(|&index| self.rows[index].is_current())
    }

    pub(super) fn has_run(&self, run_id: &str) -> bool {
        self.by_run.contains_key(run_id)
    }

    /// The reading to which a row of `sign_ins` belongs.
    pub(super) fn find(
        &self,
        part: &Path,
        source_export: &str,
        run_id: &str,
    ) -> Result<usize, DatasetError> {
        let found = self.by_run.get(run_id).and_then(|paths| paths.get(source_export));
        found.copied().ok_or_else(|| DatasetError::Orphan {
            path: part.to_owned(),
            source_export: source_export.to_owned(),
            run_id: run_id.to_owned(),
        })
    }

    /// Marks the readings in whose place a new one comes: the same bytes read in another way
    /// (their rows are stale), or an earlier content of the same path (its rows stay).
    pub(super) fn supersede(&mut self, fresh: &ExportReading, run_id: &str) {
        let same_bytes: Vec<usize> = self.current(fresh.identity).collect();
        for index in same_bytes {
            self.stale[index] = true;
            self.rows[index].superseded_by = Some(run_id.to_owned());
        }
        for row in self.rows.iter_mut().filter(|row| row.path == fresh.path && row.is_current()) {
            row.superseded_by = Some(run_id.to_owned());
        }
    }

    pub(super) fn is_stale(&self, reading: usize) -> bool {
        self.stale[reading]
    }

    pub(super) fn any_stale(&self) -> bool {
        self.stale.contains(&true)
    }
}

fn export_row(rows: &Rows, row: usize) -> Result<ExportRow, DatasetError> {
    let text = |column| rows.text(column).map(|array| text_at(array, row).map(str::to_owned));
    let later =
        |column| rows.later_text(column).and_then(|array| text_at(array, row)).map(str::to_owned);
    let word = |column| text(column).map(Option::unwrap_or_default);
    let signed = |column| rows.int64(column).map(|array| array.value(row));
    let count = |column| signed(column).map(|value| u64::try_from(value).unwrap_or_default());
    let time = |column| rows.time(column).map(|array| time_at(array, row));
    let bits = |column| rows.text(column).map(|array| hex_bits(array.value(row)));
    Ok(ExportRow {
        path: word("path")?,
        sha256: text("sha256")?,
        container: later("container"),
        container_sha256: later("container_sha256"),
        identity: Identity { xxh3: bits("xxh3")?, length: count("xxh3_bytes")? },
        fingerprint: u64::try_from(bits("fingerprint")?).unwrap_or_default(),
        bytes: count("bytes")?,
        decoded_bytes: count("decoded_bytes")?,
        encoding: word("encoding")?,
        compression: word("compression")?,
        dialect: word("dialect")?,
        records: count("records")?,
        partner: signed("partner")?,
        other: count("other")?,
        undecided: count("undecided")?,
        duplicate: signed("duplicate")?,
        rejected: count("rejected")?,
        unfinished: count("unfinished")?,
        superseded: signed("superseded")?,
        removed: signed("removed")?,
        superseded_by: text("superseded_by")?,
        record_bytes: count("record_bytes")?,
        separator_bytes: count("separator_bytes")?,
        damage_bytes: count("damage_bytes")?,
        first_at: time("first_at")?,
        last_at: time("last_at")?,
        evidence_basis: word("evidence_basis")?,
        exporting_tenant: text("exporting_tenant_id")?.as_deref().and_then(TenantId::parse),
        blind_spots: text("blind_spots")?,
        run_id: word("run_id")?,
    })
}

fn hex_bits(text: &str) -> u128 {
    u128::from_str_radix(text, 16).unwrap_or_default()
}
