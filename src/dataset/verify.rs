//! Checks that a dataset is what its manifest says, and that its account balances.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;

use super::commit::{STAGING, is_parquet};
use super::error::{DatasetError, Tried};
use super::exports::ExportRow;
use super::manifest::{Manifest, ManifestPart};
use super::part::{PartReader, Rows};
use super::readings::Readings;
use super::row::{MICROS_PER_DAY, hash_at};
use super::schema::{self, SCHEMA_VERSION};
use super::sums::{self, SUMS, file_sum};
use super::table::{Month, Table};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, below the output folder; for an account the export's path.
    pub place: String,
    pub what: String,
}

/// What was checked, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    pub generation: u64,
    pub parts: usize,
    pub bytes: u64,
    /// Of `sign_ins`.
    pub rows: u64,
    /// Readings whose account was checked.
    pub exports: usize,
    /// In the order of their places.
    pub findings: Vec<Finding>,
}

/// Checks the dataset in an output folder: every part's hash, footer and columns, the account of
/// every export, every sign-in once, nothing that the manifest does not name, and the other
/// files against `SHA256SUMS`.
///
/// # Errors
/// There is no dataset, or its manifest cannot be read. All else is a finding.
pub fn verify(out: &Path) -> Result<Verified, DatasetError> {
    let out = std::path::absolute(out).tried("find", out)?;
    let dataset = out.join("dataset");
    let missing = || DatasetError::Missing { path: dataset.clone() };
    let manifest = Manifest::load(&dataset)?.ok_or_else(missing)?;
    let mut check = Check { out: &out, dataset: &dataset, findings: BTreeSet::new() };
    let whole: Vec<&ManifestPart> =
        manifest.parts.iter().filter(|part| check.is_whole(part)).collect();
    check.nothing_else(&manifest)?;
    let parts_are_whole = whole.len() == manifest.parts.len();
    let mut exports = 0;
    // Rows of parts that are damaged or gone would only say the same again.
    if parts_are_whole {
        match Readings::load(&manifest.paths(&dataset, Table::Exports)) {
            Ok(readings) => {
                exports = readings.rows.len();
                let account = check.rows(&manifest, &readings);
                account.unwrap_or_else(|error| check.error(&error));
            }
            Err(error) => check.error(&error),
        }
    }
    check.sums()?;
    Ok(Verified {
        generation: manifest.generation,
        parts: manifest.parts.len(),
        bytes: manifest.parts.iter().map(|part| part.bytes).sum(),
        rows: manifest.parts_of(Table::SignIns).map(|part| part.rows).sum(),
        exports,
        findings: check.findings.into_iter().collect(),
    })
}

struct Check<'a> {
    out: &'a Path,
    dataset: &'a Path,
    findings: BTreeSet<Finding>,
}

impl Check<'_> {
    fn found(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.findings.insert(Finding { place: place.into(), what: what.into() });
    }

    /// The file of an error stands in its text.
    fn error(&mut self, error: &DatasetError) {
        self.found("dataset", error.to_string());
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.out).unwrap_or(path).display().to_string()
    }

    /// The file of a part is the one that was committed.
    fn is_whole(&mut self, part: &ManifestPart) -> bool {
        let path = part.path_in(self.dataset);
        let shown = format!("dataset/{}", part.path);
        let sum = match file_sum(&path) {
            Ok(sum) => sum,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.found(shown, "is missing");
                return false;
            }
            Err(error) => {
                self.found(shown, format!("cannot be read: {error}"));
                return false;
            }
        };
        if sum != part.sha256 {
            let what = format!("SHA-256 is {sum}, the manifest says {}", part.sha256);
            self.found(shown, what);
            return false;
        }
        match PartReader::open_checked(&path, part) {
            Ok(reader) => self.has_columns(part, &reader.schema()),
            Err(error) => {
                self.found(shown, error.to_string());
                false
            }
        }
    }

    /// The columns are those of the table: all of them where the part is of this version.
    fn has_columns(&mut self, part: &ManifestPart, schema: &SchemaRef) -> bool {
        let Some(table) = Table::ALL.into_iter().find(|table| table.as_str() == part.table) else {
            self.found(format!("dataset/{}", part.path), format!("no table {}", part.table));
            return false;
        };
        let expected = schema::arrow_schema_of(table);
        let mut wrong = Vec::new();
        for field in expected.fields() {
            match schema.field_with_name(field.name()) {
                Ok(found) if found.data_type() != field.data_type() => {
                    wrong.push(format!("column {} is {}", field.name(), found.data_type()));
                }
                Err(_) if part.schema_version == SCHEMA_VERSION => {
                    wrong.push(format!("column {} is missing", field.name()));
                }
                _ => {}
            }
        }
        for what in &wrong {
            self.found(format!("dataset/{}", part.path), what.as_str());
        }
        wrong.is_empty()
    }

    /// Tools that read by glob would see parts that the manifest does not name.
    fn nothing_else(&mut self, manifest: &Manifest) -> Result<(), DatasetError> {
        let live: BTreeSet<PathBuf> =
            manifest.parts.iter().map(|part| part.path_in(self.dataset)).collect();
        let mut folders = vec![self.dataset.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).tried("read folder", &folder)? {
                let entry = entry.tried("read folder", &folder)?;
                let path = entry.path();
                let is_folder = entry.file_type().tried("look at", &path)?.is_dir();
                if is_folder && entry.file_name() != STAGING {
                    folders.push(path);
                } else if is_folder {
                    let what = "left by a run that did not end: the next one removes it";
                    self.found(self.shown(&path), what);
                } else if is_parquet(&path) && !live.contains(&path) {
                    self.found(self.shown(&path), "is not in the manifest");
                }
            }
        }
        Ok(())
    }

    /// Counts the rows of each reading, and looks for sign-ins that stand twice.
    fn rows(&mut self, manifest: &Manifest, readings: &Readings) -> Result<(), DatasetError> {
        let mut live: HashMap<usize, i64> = HashMap::new();
        let months: BTreeSet<Option<Month>> =
            manifest.parts.iter().map(|part| Month::of_path(&part.path)).collect();
        for month in months.into_iter().flatten() {
            self.month(manifest, month, readings, &mut live)?;
        }
        let mut rejected: HashMap<usize, u64> = HashMap::new();
        for path in manifest.paths(self.dataset, Table::Rejects) {
            PartReader::open(&path)?.read(None, None, |rows| {
                let records = rows.int64("records")?;
                for (row, reading) in owners(&rows, readings)?.into_iter().enumerate() {
                    let count = u64::try_from(records.value(row)).unwrap_or_default();
                    *rejected.entry(reading).or_default() += count;
                }
                Ok(())
            })?;
        }
        for (index, reading) in readings.rows.iter().enumerate() {
            let live = live.get(&index).copied().unwrap_or_default();
            let rejected = rejected.get(&index).copied().unwrap_or_default();
            for what in account(reading, live, rejected) {
                self.found(format!("{} (run {})", reading.path, reading.run_id), what);
            }
        }
        Ok(())
    }

    fn month(
        &mut self,
        manifest: &Manifest,
        month: Month,
        readings: &Readings,
        live: &mut HashMap<usize, i64>,
    ) -> Result<(), DatasetError> {
        let parts = |table: Table| {
            let parts = manifest.parts_of(table);
            let parts = parts.filter(move |part| Month::of_path(&part.path) == Some(month));
            parts.map(|part| (format!("dataset/{}", part.path), part.path_in(self.dataset)))
        };
        let sign_ins: Vec<(String, PathBuf)> = parts(Table::SignIns).collect();
        let policies: Vec<(String, PathBuf)> = parts(Table::AppliedPolicies).collect();
        // A sign-in stands once a day, and its policies name it by its moment.
        let (mut keys, mut moments) = (Vec::new(), Vec::new());
        for (shown, path) in &sign_ins {
            let mut strays = 0_u64;
            PartReader::open(path)?.read(Some(&OWNED), None, |rows| {
                for reading in owners(&rows, readings)? {
                    *live.entry(reading).or_default() += 1;
                }
                for (key, name, time) in named(&rows)? {
                    keys.push(key);
                    moments.push(name);
                    strays += u64::from(Month::of_day(time.div_euclid(MICROS_PER_DAY)) != month);
                }
                Ok(())
            })?;
            if strays > 0 {
                self.found(shown, format!("{strays} rows are of another month"));
            }
        }
        keys.sort_unstable();
        moments.sort_unstable();
        let twice = keys.windows(2).filter(|pair| pair[0] == pair[1]).count();
        if twice > 0 {
            let place = format!("dataset/sign_ins/{}", month.folder());
            self.found(place, format!("{twice} sign-ins stand twice"));
        }
        for (shown, path) in &policies {
            let mut orphans = 0_u64;
            PartReader::open(path)?.read(Some(&OWNED[..3]), None, |rows| {
                let known = |name| moments.binary_search(&name).is_ok();
                orphans += named(&rows)?.filter(|(_, name, _)| !known(*name)).count() as u64;
                Ok(())
            })?;
            if orphans > 0 {
                self.found(shown, format!("{orphans} rows name a sign-in that is not there"));
            }
        }
        Ok(())
    }

    /// The other files are those that the last run left.
    fn sums(&mut self) -> Result<(), DatasetError> {
        let Ok(text) = fs::read_to_string(self.out.join(SUMS)) else {
            self.found(SUMS, "is missing: the last run did not end, or is of an older version");
            return Ok(());
        };
        let listed = sums::parse(&text);
        let others = sums::other_files(self.out)?;
        let others: BTreeMap<String, &PathBuf> =
            others.iter().map(|path| (self.shown(path).replace('\\', "/"), path)).collect();
        for (name, path) in &others {
            match listed.get(name) {
                None => self.found(name.as_str(), format!("is not in {SUMS}")),
                Some(sum) if file_sum(path).is_ok_and(|found| found == *sum) => {}
                Some(_) => self.found(name.as_str(), format!("is not as in {SUMS}")),
            }
        }
        let is_part = |name: &str| name.ends_with(".parquet");
        for name in listed.keys().filter(|name| !is_part(name) && !others.contains_key(*name)) {
            self.found(name.as_str(), format!("is in {SUMS}, and missing"));
        }
        Ok(())
    }
}

const OWNED: [&str; 5] = ["sign_in_id", "side", "created_at", "source_export", "run_id"];

fn owners(rows: &Rows, readings: &Readings) -> Result<Vec<usize>, DatasetError> {
    let (exports, runs) = (rows.text("source_export")?, rows.text("run_id")?);
    let owner = |row| readings.find(rows.path(), exports.value(row), runs.value(row));
    (0..rows.batch.num_rows()).map(owner).collect()
}

/// Of each row the hash of its key and day, the hash of its key and moment, and the moment.
fn named(rows: &Rows) -> Result<impl Iterator<Item = (u64, u64, i64)>, DatasetError> {
    let (ids, sides) = (rows.text("sign_in_id")?, rows.text("side")?);
    let times = rows.time("created_at")?;
    Ok((0..rows.batch.num_rows()).map(move |row| {
        let (side, id, time) = (sides.value(row), ids.value(row), times.value(row));
        let name = |at| fold(hash_at(side, id, at));
        (name(time.div_euclid(MICROS_PER_DAY)), name(time), time)
    }))
}

/// Half of a hash: all of a month's lie in memory.
fn fold(hash: u128) -> u64 {
    (hash >> 64) as u64 ^ hash as u64
}

/// What does not balance in the account of an export.
fn account(reading: &ExportRow, live: i64, rejected: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    if live != reading.live_rows() {
        let expected = reading.live_rows();
        wrong.push(format!("{live} rows stand in sign_ins, its account says {expected}"));
    }
    let signed = |count: u64| i128::from(count);
    let told = i128::from(reading.partner)
        + i128::from(reading.duplicate)
        + signed(reading.other)
        + signed(reading.rejected);
    if told != signed(reading.records) {
        wrong.push(format!("{} records, its account adds up to {told}", reading.records));
    }
    let bytes = [reading.record_bytes, reading.separator_bytes, reading.damage_bytes];
    let bytes: i128 = bytes.into_iter().map(signed).sum();
    if bytes != signed(reading.decoded_bytes) {
        let decoded = reading.decoded_bytes;
        wrong.push(format!("{decoded} bytes decoded, its account adds up to {bytes}"));
    }
    if rejected != reading.rejected {
        let expected = reading.rejected;
        wrong.push(format!("{rejected} records in rejects, its account says {expected}"));
    }
    wrong
}
