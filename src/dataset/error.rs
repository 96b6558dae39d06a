//! What can stop the dataset from being written or read.

use std::io;
use std::path::{Path, PathBuf};

use crate::tenant::TenantId;

/// Why the program cannot go on with this dataset. The place comes first, then the cause.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("{}: cannot {action}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{}: another run is writing here since {since} ({holder})\n\
         hint: wait for its end with `--wait`",
        path.display()
    )]
    Locked { path: PathBuf, since: String, holder: String },
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("{}: no dataset here", path.display())]
    Missing { path: PathBuf },
    #[error(
        "{}: schema version {found} is newer than {known}, which this program knows\n\
         hint: use the newer tenantsweep, or another output folder",
        path.display()
    )]
    NewerSchema { path: PathBuf, found: u32, known: u32 },
    #[error(
        "{}: not a manifest: {source}\n\
         hint: restore it, or sweep into another output folder",
        path.display()
    )]
    Manifest { path: PathBuf, source: serde_json::Error },
    #[error(
        "{}: the part `{part}` lies outside of the dataset\n\
         hint: somebody has changed the manifest; sweep into another output folder",
        path.display()
    )]
    ForeignPart { path: PathBuf, part: String },
    #[error("{}: {source}", path.display())]
    Parquet { path: PathBuf, source: parquet::errors::ParquetError },
    #[error("{}: {source}", path.display())]
    Arrow { path: PathBuf, source: arrow::error::ArrowError },
    #[error("{}: {what} is {found}, the manifest says {expected}", path.display())]
    Damaged { path: PathBuf, what: &'static str, found: String, expected: String },
    #[error("{}: column {column} is missing or of another type", path.display())]
    Column { path: PathBuf, column: &'static str },
    #[error("{}: a spilled row cannot be read back: {source}", path.display())]
    Spill { path: PathBuf, source: postcard::Error },
    #[error(
        "{tenant} is a partner tenant on your list, not a customer: nothing was removed\n\
         hint: a partner's sign-ins go with the dataset itself"
    )]
    ForgetsPartner { tenant: TenantId },
    #[error("stopped before the commit: the dataset is as it was")]
    Stopped,
    #[error("{path}: read twice in one run")]
    RepeatedExport { path: String },
    #[error("a row names export {number}, which this run did not report")]
    UnknownExport { number: u32 },
    #[error("{}: row of {source_export} (run {run_id}), which no row of exports names", path.display())]
    Orphan { path: PathBuf, source_export: String, run_id: String },
    #[error("the ledger does not balance, so nothing was committed: {0}")]
    Ledger(Box<LedgerError>),
}

impl DatasetError {
    /// The user pointed at the wrong place or at the wrong moment; nothing went wrong in writing.
    pub fn is_misuse(&self) -> bool {
        matches!(
            self,
            Self::Locked { .. }
                | Self::Missing { .. }
                | Self::NewerSchema { .. }
                | Self::Manifest { .. }
                | Self::ForeignPart { .. }
                | Self::ForgetsPartner { .. }
        )
    }
}

/// Which account does not balance, with its figures.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error(
        "{export}: {records} records, but {partner} partner + {other} other + {duplicate} duplicate \
         + {rejected} rejected"
    )]
    Records {
        export: String,
        records: u64,
        partner: u64,
        other: u64,
        duplicate: u64,
        rejected: u64,
    },
    #[error(
        "{export}: {decoded} bytes, but {record} in records + {separator} between them \
         + {damage} damaged"
    )]
    Bytes { export: String, decoded: u64, record: u64, separator: u64, damage: u64 },
    #[error(
        "{export}: {candidates} partner records came, {spilled} reached the spill, {partner} stand in \
         sign_ins and {duplicate} lost to another copy"
    )]
    Candidates { export: String, candidates: u64, spilled: u64, partner: u64, duplicate: u64 },
    #[error("{export}: {rejected} rejected, but {rows} rows of rejects")]
    Rejects { export: String, rejected: u64, rows: u64 },
    #[error("sign_ins has {rows} rows, but the exports add up to {expected}")]
    Dataset { rows: i64, expected: i64 },
}

impl From<LedgerError> for DatasetError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(Box::new(error))
    }
}

/// Names the file in an error of a library that does not.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T, DatasetError>;
}

impl<T> At<T> for Result<T, parquet::errors::ParquetError> {
    fn at(self, path: &Path) -> Result<T, DatasetError> {
        self.map_err(|source| DatasetError::Parquet { path: path.to_owned(), source })
    }
}

impl<T> At<T> for Result<T, arrow::error::ArrowError> {
    fn at(self, path: &Path) -> Result<T, DatasetError> {
        self.map_err(|source| DatasetError::Arrow { path: path.to_owned(), source })
    }
}

impl<T> At<T> for Result<T, postcard::Error> {
    fn at(self, path: &Path) -> Result<T, DatasetError> {
        self.map_err(|source| DatasetError::Spill { path: path.to_owned(), source })
    }
}

/// Names what was tried, and the file, in an error of the file system.
pub(super) trait Tried<T> {
    fn tried(self, action: &'static str, path: &Path) -> Result<T, DatasetError>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, action: &'static str, path: &Path) -> Result<T, DatasetError> {
        self.map_err(|source| DatasetError::Io { action, path: path.to_owned(), source })
    }
}
