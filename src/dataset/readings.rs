//! The rows of `exports`: every reading there ever was, and what became of its records.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::tenant::TenantId;

use super::error::DatasetError;
use super::exports::{ExportReading, ExportRow, Identity};
use super::part::{PartReader, Rows, text_at, time_at};

/// All earlier readings, found by path and run.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub rows: Vec<ExportRow>,
    /// A path is read again where its file has grown, or another partner list came.
    by_path: HashMap<String, Vec<usize>>,
    by_identity: HashMap<Identity, Vec<usize>>,
    runs: HashSet<String>,
    /// Read again in another way in this run: their rows must go.
    stale: Vec<bool>,
}

impl Readings {
    pub(super) fn load(parts: &[PathBuf]) -> Result<Self, DatasetError> {
        let mut readings = Self::default();
        for part in parts {
            PartReader::open(part)?.read(None, None, |rows| {
                export_rows(&rows)?.into_iter().for_each(|row| readings.push(row));
                Ok(())
            })?;
        }
        Ok(readings)
    }

    fn push(&mut self, row: ExportRow) {
        let index = self.rows.len();
        self.by_path.entry(row.path.clone()).or_default().push(index);
        self.by_identity.entry(row.identity).or_default().push(index);
        if !self.runs.contains(&row.run_id) {
            self.runs.insert(row.run_id.clone());
        }
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
        self.runs.contains(run_id)
    }

    /// The reading to which a row of `sign_ins` belongs.
    pub(super) fn find(
        &self,
        part: &Path,
        source_export: &str,
        run_id: &str,
    ) -> Result<usize, DatasetError> {
        let of_path = self.by_path.get(source_export).into_iter().flatten().copied();
        let found = of_path.rev().find(|&index| self.rows[index].run_id == run_id);
        found.ok_or_else(|| DatasetError::Orphan {
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
        for &index in self.by_path.get(&fresh.path).into_iter().flatten() {
            let row = &mut self.rows[index];
            row.superseded_by.get_or_insert_with(|| run_id.to_owned());
        }
    }

    pub(super) fn is_stale(&self, reading: usize) -> bool {
        self.stale[reading]
    }

    pub(super) fn any_stale(&self) -> bool {
        self.stale.contains(&true)
    }
}

fn export_rows(rows: &Rows) -> Result<Vec<ExportRow>, DatasetError> {
    type Of<'a, T> = Box<dyn Fn(usize) -> T + 'a>;
    // Each column is looked for once, not once for each row.
    let text = |column| -> Result<Of<'_, Option<String>>, DatasetError> {
        let array = rows.text(column)?;
        Ok(Box::new(move |row| text_at(array, row).map(str::to_owned)))
    };
    let later = |column| -> Of<'_, Option<String>> {
        let array = rows.later_text(column);
        Box::new(move |row| array.and_then(|array| text_at(array, row)).map(str::to_owned))
    };
    let word = |column| -> Result<Of<'_, String>, DatasetError> {
        let of = text(column)?;
        Ok(Box::new(move |row| of(row).unwrap_or_default()))
    };
    let signed = |column| -> Result<Of<'_, i64>, DatasetError> {
        let array = rows.int64(column)?;
        Ok(Box::new(move |row| array.value(row)))
    };
    let count = |column| -> Result<Of<'_, u64>, DatasetError> {
        let array = rows.int64(column)?;
        Ok(Box::new(move |row| u64::try_from(array.value(row)).unwrap_or_default()))
    };
    let time = |column| -> Result<Of<'_, Option<DateTime<Utc>>>, DatasetError> {
        let array = rows.time(column)?;
        Ok(Box::new(move |row| time_at(array, row)))
    };
    let bits = |column| -> Result<Of<'_, u128>, DatasetError> {
        let array = rows.text(column)?;
        Ok(Box::new(move |row| hex_bits(array.value(row))))
    };
    let (path, sha256, run_id) = (word("path")?, text("sha256")?, word("run_id")?);
    let (container, container_sha256) = (later("container"), later("container_sha256"));
    let (xxh3, xxh3_bytes, fingerprint) =
        (bits("xxh3")?, count("xxh3_bytes")?, bits("fingerprint")?);
    let (bytes, decoded_bytes) = (count("bytes")?, count("decoded_bytes")?);
    let (encoding, compression, dialect) =
        (word("encoding")?, word("compression")?, word("dialect")?);
    let (records, partner, other) = (count("records")?, signed("partner")?, count("other")?);
    let (undecided, duplicate) = (count("undecided")?, signed("duplicate")?);
    let (rejected, unfinished) = (count("rejected")?, count("unfinished")?);
    let (superseded, removed) = (signed("superseded")?, signed("removed")?);
    let superseded_by = text("superseded_by")?;
    let (record_bytes, separator_bytes, damage_bytes) =
        (count("record_bytes")?, count("separator_bytes")?, count("damage_bytes")?);
    let (first_at, last_at) = (time("first_at")?, time("last_at")?);
    let (evidence_basis, blind_spots) = (word("evidence_basis")?, text("blind_spots")?);
    let exporting_tenant = rows.text("exporting_tenant_id")?;
    let of_row = |row| ExportRow {
        path: path(row),
        sha256: sha256(row),
        container: container(row),
        container_sha256: container_sha256(row),
        identity: Identity { xxh3: xxh3(row), length: xxh3_bytes(row) },
        fingerprint: u64::try_from(fingerprint(row)).unwrap_or_default(),
        bytes: bytes(row),
        decoded_bytes: decoded_bytes(row),
        encoding: encoding(row),
        compression: compression(row),
        dialect: dialect(row),
        records: records(row),
        partner: partner(row),
        other: other(row),
        undecided: undecided(row),
        duplicate: duplicate(row),
        rejected: rejected(row),
        unfinished: unfinished(row),
        superseded: superseded(row),
        removed: removed(row),
        superseded_by: superseded_by(row),
        record_bytes: record_bytes(row),
        separator_bytes: separator_bytes(row),
        damage_bytes: damage_bytes(row),
        first_at: first_at(row),
        last_at: last_at(row),
        evidence_basis: evidence_basis(row),
        exporting_tenant: text_at(exporting_tenant, row).and_then(TenantId::parse),
        blind_spots: blind_spots(row),
        run_id: run_id(row),
    };
    Ok((0..rows.batch.num_rows()).map(of_row).collect())
}

fn hex_bits(text: &str) -> u128 {
    u128::from_str_radix(text, 16).unwrap_or_default()
}
