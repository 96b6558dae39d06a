//! Where a row of the dataset comes from.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{DatasetError, Tried};
use super::manifest::Manifest;
use super::part::{PartReader, text_at};
use super::readings::Readings;
use super::seen::SeenCache;
use super::table::Table;

/// A row of `sign_ins` and its place in its export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundRow {
    pub sign_in_id: String,
    pub side: String,
    /// Microseconds since 1970.
    pub created_at: i64,
    pub verdict: String,
    pub source_export: String,
    /// In bytes of the decoded stream.
    pub source_offset: i64,
    pub run_id: String,
}

/// An export as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadSourceRecord {
    /// As it was shown: relative to the folder in which the sweep ran, if it was given so.
    pub path: String,
    pub run_id: String,
    /// The archive that it lies in, and the hash of that one.
    pub container: Option<String>,
    pub container_sha256: Option<String>,
    pub bytes: u64,
    pub sha256: Option<String>,
    pub xxh3: u128,
    /// Rows of `sign_ins` that come from it.
    pub rows: i64,
    /// No later reading stands in its place.
    pub is_current: bool,
}

/// What the dataset knows of its sources.
#[derive(Debug, Clone)]
pub struct Sources {
    pub exports: Vec<ReadSourceRecord>,
    /// Absolute paths of files that were read.
    pub seen_paths: BTreeSet<String>,
}

/// Reads what the dataset in an output folder knows of its sources.
///
/// # Errors
/// There is no dataset, or it cannot be read.
pub fn sources(out: &Path) -> Result<Sources, DatasetError> {
    let dataset = std::path::absolute(out).tried("find", out)?.join("dataset");
    let manifest = load(&dataset)?;
    let readings = Readings::load(&manifest.paths(&dataset, Table::Exports))?;
    let exports = readings.rows.into_iter().map(|row| ReadSourceRecord {
        rows: row.live_rows(),
        is_current: row.is_current(),
        path: row.path,
        run_id: row.run_id,
        container: row.container,
        container_sha256: row.container_sha256,
        bytes: row.bytes,
        sha256: row.sha256,
        xxh3: row.identity.xxh3,
    });
    let exports = exports.collect();
    Ok(Sources { exports, seen_paths: SeenCache::load(&dataset).paths().collect() })
}

/// Finds the rows of a sign-in, whatever the case of its id.
///
/// # Errors
/// There is no dataset, or it cannot be read.
pub fn find_sign_in(out: &Path, id: &str) -> Result<Vec<FoundRow>, DatasetError> {
    let dataset = std::path::absolute(out).tried("find", out)?.join("dataset");
    let manifest = load(&dataset)?;
    let mut found = Vec::new();
    for part in manifest.parts_of(Table::SignIns) {
        let reader = PartReader::open_checked(&part.path_in(&dataset), part)?;
        let mut holds_it = false;
        let is_it = |found: &str| found.eq_ignore_ascii_case(id);
        reader.read(Some(&["sign_in_id"]), None, |rows| {
            let ids = rows.text("sign_in_id")?;
            let mut all = (0..rows.batch.num_rows()).filter_map(|row| text_at(ids, row));
            holds_it = holds_it || all.any(is_it);
            Ok(())
        })?;
        if !holds_it {
            continue;
        }
        reader.read(Some(&COLUMNS), None, |rows| {
            let text = |column| rows.text(column);
            let (ids, sides, verdicts) = (text("sign_in_id")?, text("side")?, text("verdict")?);
            let (exports, runs) = (text("source_export")?, text("run_id")?);
            let (times, offsets) = (rows.time("created_at")?, rows.int64("source_offset")?);
            for row in (0..rows.batch.num_rows()).filter(|&row| is_it(ids.value(row))) {
                found.push(FoundRow {
                    sign_in_id: ids.value(row).to_owned(),
                    side: sides.value(row).to_owned(),
                    created_at: times.value(row),
                    verdict: verdicts.value(row).to_owned(),
                    source_export: exports.value(row).to_owned(),
                    source_offset: offsets.value(row),
                    run_id: runs.value(row).to_owned(),
                });
            }
            Ok(())
        })?;
    }
    found.sort();
    Ok(found)
}

const COLUMNS: [&str; 7] =
    ["sign_in_id", "side", "created_at", "verdict", "source_export", "source_offset", "run_id"];

fn load(dataset: &Path) -> Result<Manifest, DatasetError> {
    Manifest::load(dataset)?.ok_or_else(|| DatasetError::Missing { path: dataset.to_owned() })
}
