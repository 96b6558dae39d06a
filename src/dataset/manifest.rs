//! `manifest.json`: which parts are the dataset. Its rename is the commit.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::{DatasetError, Tried};
use super::schema::SCHEMA_VERSION;
use super::table::Table;

/// The manifest as it lies on disk. Unknown fields are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema_version: u32,
    pub tool_version: String,
    /// One more with each commit.
    pub generation: u64,
    /// The run that committed it.
    pub run_id: String,
    /// Runs that say on whose behalf they were made, runs that took rows out, and the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunEntry>,
    /// Sorted by path.
    pub parts: Vec<ManifestPart>,
}

/// A run that was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry {
    /// Of the dataset that it made.
    pub generation: u64,
    pub run_id: String,
    pub action: Action,
    pub tool_version: String,
    #[serde(flatten)]
    pub custody: Custody,
}

impl RunEntry {
    /// What it says is lost with the entry: no table tells it.
    fn is_kept(&self) -> bool {
        self.custody != Custody::default() || matches!(self.action, Action::Keep | Action::Forget)
    }
}

/// What a run did to the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Added what it read.
    Sweep,
    /// Joined parts; no row changed.
    Compact,
    /// Removed what was too old.
    Keep,
    /// Removed a customer.
    Forget,
    /// Done by a newer version.
    #[serde(other)]
    Other,
}

/// On whose behalf a run was made, in the user's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The number or name of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examiner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A part that belongs to the dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPart {
    pub table: String,
    /// Below `dataset/`, with slashes.
    pub path: String,
    pub rows: u64,
    pub bytes: u64,
    /// Lower-case hexadecimal digits.
    pub sha256: String,
    pub created_at_min: Option<DateTime<Utc>>,
    pub created_at_max: Option<DateTime<Utc>>,
    pub run_id: String,
    pub schema_version: u32,
}

pub(super) const MANIFEST: &str = "manifest.json";

impl Manifest {
    /// The manifest of a dataset in which nothing was ever committed.
    pub(super) fn empty() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool_version: super::TOOL_VERSION.to_owned(),
            generation: 0,
            run_id: String::new(),
            runs: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Reads the manifest of a dataset; `None` if there is none.
    pub(super) fn load(dataset: &Path) -> Result<Option<Self>, DatasetError> {
        /// Read first: a newer manifest may have another shape.
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let path = dataset.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).tried("read", &path),
        };
        let unreadable = |source| DatasetError::Manifest { path: path.clone(), source };
        let version: Version = serde_json::from_slice(&text).map_err(unreadable)?;
        if version.schema_version > SCHEMA_VERSION {
            let found = version.schema_version;
            return Err(DatasetError::NewerSchema { path, found, known: SCHEMA_VERSION });
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(unreadable)?;
        if let Some(part) = manifest.parts.iter().find(|part| !part.is_below()) {
            return Err(DatasetError::ForeignPart { path, part: part.path.clone() });
        }
        Ok(Some(manifest))
    }

    /// The runs after one more.
    pub(super) fn runs_with(&self, run: RunEntry) -> Vec<RunEntry> {
        let kept = self.runs.iter().filter(|run| run.is_kept()).cloned();
        kept.chain(std::iter::once(run)).collect()
    }

    /// What the last run that said anything said.
    pub fn custody(&self) -> Custody {
        let mut told = self.runs.iter().rev().map(|run| &run.custody);
        told.find(|custody| **custody != Custody::default()).cloned().unwrap_or_default()
    }

    /// Where the parts of a table lie.
    pub(super) fn paths(&self, dataset: &Path, table: Table) -> Vec<PathBuf> {
        self.parts_of(table).map(|part| part.path_in(dataset)).collect()
    }

    pub(super) fn parts_of(&self, table: Table) -> impl Iterator<Item = &ManifestPart> {
        self.parts.iter().filter(move |part| part.table == table.as_str())
    }
}

impl ManifestPart {
    /// Its path leads nowhere else: parts that are replaced are deleted.
    fn is_below(&self) -> bool {
        let is_name =
            |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', ':', '\0']);
        self.path.split('/').all(is_name)
    }

    /// Where the part lies.
    pub fn path_in(&self, dataset: &Path) -> PathBuf {
        self.path.split('/').fold(dataset.to_owned(), |path, name| path.join(name))
    }

    /// Some of its rows may lie between two moments (in microseconds, the later one excluded).
    pub(super) fn overlaps(&self, from: i64, until: i64) -> bool {
        let min = self.created_at_min.map_or(i64::MIN, |time| time.timestamp_micros());
        let max = self.created_at_max.map_or(i64::MAX, |time| time.timestamp_micros());
        min < until && max >= from
    }
}
