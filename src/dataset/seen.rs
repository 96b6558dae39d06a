//! Files that were read before, so that a run with nothing new need not read them again.
//!
//! A cache: what it says is only that a file looks untouched. It stands outside the promise of
//! equal bytes, and a run without it is slower, not different.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::error::DatasetError;
use super::exports::Identity;

/// What the file system says of a file, and what was in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFile {
    /// Absolute.
    pub path: String,
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
    /// One identity, or one for each log in an archive; none if it is no sign-in log.
    pub exports: Vec<Identity>,
    /// The logs in an archive as they are shown, in the order of `exports`; none for a file that is
    /// no archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
}

/// The files of earlier runs.
#[derive(Debug, Clone, Default)]
pub struct SeenCache {
    files: BTreeMap<String, SeenFile>,
}

#[derive(Serialize, Deserialize)]
struct SeenJson {
    files: Vec<SeenFile>,
}

impl SeenCache {
    /// What is remembered of a file, if it looks as it did.
    pub fn find(&self, path: &str, bytes: u64, modified_ns: i64) -> Option<&SeenFile> {
        let seen = self.files.get(path)?;
        (seen.bytes == bytes && seen.modified_ns == modified_ns).then_some(seen)
    }

    /// Of all files remembered.
    pub(super) fn paths(self) -> impl Iterator<Item = String> {
        self.files.into_keys()
    }

    /// Reads the cache; one that cannot be read is empty.
    pub(super) fn load(dataset: &Path) -> Self {
        let text = std::fs::read(path(dataset)).unwrap_or_default();
        let seen: Option<SeenJson> = serde_json::from_slice(&text).ok();
        let files = seen.map(|seen| seen.files).unwrap_or_default();
        Self { files: files.into_iter().map(|file| (file.path.clone(), file)).collect() }
    }

    /// Adds files and writes the cache if that changed it.
    pub(super) fn update(
        mut self,
        disk: &Disk,
        dataset: &Path,
        updates: Vec<SeenFile>,
    ) -> Result<(), DatasetError> {
        let mut changed = false;
        for file in updates {
            let old = self.files.insert(file.path.clone(), file.clone());
            changed |= old.as_ref() != Some(&file);
        }
        if !changed {
            return Ok(());
        }
        let json = SeenJson { files: self.files.into_values().collect() };
        let text = serde_json::to_vec(&json)
            .map_err(|source| DatasetError::Manifest { path: path(dataset), source })?;
        disk.replace(&path(dataset), &text)
    }
}

fn path(dataset: &Path) -> PathBuf {
    dataset.join("seen.json")
}
