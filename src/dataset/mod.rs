//! The Parquet dataset: what workers hand over becomes rows, each sign-in once, committed whole
//! or not at all. The only room with arrow and parquet; it knows nothing of dialects.
//!
//! A run [begins](WriteRun::begin) with the lock, spills rows while exports are read, and
//! [finishes](WriteRun::finish): day by day copies meet, winners are written, the ledger is
//! checked, and one rename makes it the dataset. [`Dataset`] is how others find it.

// What a run hands over, and what it gets back.
mod exports;
mod held;
mod row;
mod run;
mod seen;
mod spill;

// What stands in the tables.
mod column;
mod schema;
mod table;

// What is done to a dataset besides sweeping.
mod find;
mod maintain;
mod merge;
mod sums;
mod verify;
mod walk;
mod words;

// The way of a row: which copy is kept, in which order, in which part.
mod committed;
mod dedupe;
mod derived;
mod month;
mod part;
mod people;
mod piece;
mod queue;
mod readings;
mod writing;

// What makes parts a dataset.
mod commit;
mod disk;
mod draft;
mod error;
mod lock;
mod manifest;
mod reader;

pub use column::{ColumnDoc, ColumnKind};
pub use disk::{Disk, Mode, Step, Watch};
pub use error::{DatasetError, LedgerError};
pub use exports::{CoverageRow, ExportReading, Identity, RejectRow};
pub use find::{FoundRow, ReadSourceRecord, Sources, find_sign_in, sources};
pub use held::WriterOptions;
pub use maintain::{Compacted, Maintenance, PARTS_MAX, Removal, holds_before, wants_compaction};
pub use manifest::{Action, Custody, Manifest, ManifestPart, RunEntry};
pub use reader::{Dataset, Part};
pub use row::PartnerSignIn;
pub use run::{Committed, LedgerTotals, RunInput, RunOptions, WriteRun};
pub use schema::{SCHEMA_VERSION, columns};
pub use seen::{SeenCache, SeenFile};
pub use spill::Spill;
pub use sums::{REDACT_KEY, SUMS, seal};
pub use table::Table;
pub use verify::{Finding, Verified, verify};
pub use walk::{Flags, Numbers, RowGroup, Stretch, Texts, Walk};
pub use words::{KnownWords, Words};

/// Written into every part.
const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
