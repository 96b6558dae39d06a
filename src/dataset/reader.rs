//! The dataset as readers find it.

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::error::DatasetError;
use super::manifest::{Manifest, ManifestPart};
use super::part::PartReader;
use super::table::Table;

/// A dataset whose parts were all there when it was opened.
#[derive(Debug, Clone)]
pub struct Dataset {
    manifest: Manifest,
    parts: Vec<(Table, Vec<Part>)>,
}

/// A part of the dataset, checked against the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Absolute.
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
    /// Of its columns: later ones have more.
    pub schema_version: u32,
    pub created_at_min: Option<DateTime<Utc>>,
    pub created_at_max: Option<DateTime<Utc>>,
}

impl Dataset {
    /// Opens the dataset in an output folder, and each of its parts: size, magic and number of
    /// rows must be what the manifest says.
    ///
    /// A run that commits meanwhile takes parts away; then the new manifest is read, once.
    pub fn open(out: &Path) -> Result<Self, DatasetError> {
        let missing = |source| DatasetError::Io { action: "find", path: out.to_owned(), source };
        let dataset = std::path::absolute(out).map_err(missing)?.join("dataset");
        match Self::open_once(&dataset) {
            Err(DatasetError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::open_once(&dataset)
            }
            result => result,
        }
    }

    fn open_once(dataset: &Path) -> Result<Self, DatasetError> {
        let manifest = Manifest::load(dataset)?
            .ok_or_else(|| DatasetError::Missing { path: dataset.to_owned() })?;
        let check = |entry: &ManifestPart| {
            let path = entry.path_in(dataset);
            PartReader::open_checked(&path, entry)?;
            Ok(Part {
                path,
                rows: entry.rows,
                bytes: entry.bytes,
                schema_version: entry.schema_version,
                created_at_min: entry.created_at_min,
                created_at_max: entry.created_at_max,
            })
        };
        let mut parts = Vec::new();
        for table in Table::ALL {
            let of_table = manifest.parts_of(table).map(check).collect::<Result<_, DatasetError>>();
            parts.push((table, of_table?));
        }
        Ok(Self { manifest, parts })
    }

    /// The parts of a table, in the order of their paths.
    pub fn parts(&self, table: Table) -> &[Part] {
        let found = self.parts.iter().find(|(of, _)| *of == table);
        found.map_or(&[], |(_, parts)| parts.as_slice())
    }

    /// The files of a table, newest schema first: whoever takes the columns from the first one finds
    /// all of them, since older parts may have fewer.
    pub fn paths(&self, table: Table) -> Vec<PathBuf> {
        let mut parts: Vec<&Part> = self.parts(table).iter().collect();
        parts.sort_by_key(|part| Reverse(part.schema_version));
        parts.into_iter().map(|part| part.path.clone()).collect()
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}
