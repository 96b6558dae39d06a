//! From a [`Summary`](crate::summary::Summary) to text for people and for machines.
//!
//! Formats take the summary and a sink; they know no files and no Parquet. `tables` decides
//! once what stands in which column, and each format only draws it. Log text is hostile, so
//! every renderer passes it through [`clean`].

mod accounts;
pub mod clean;
mod compare;
mod customer;
pub mod digest;
mod export_again;
mod html;
mod json;
mod markdown;
mod missing_logs;
mod own_tenant;
mod schema;
mod sentences;
mod table;
mod tables;
mod text;
pub mod tickets;
mod todo;
mod words;
mod workbook;

use std::time::Duration;

use crate::dataset::Custody;

pub use compare::{
    ComparedSide, Comparison, write_comparison_json, write_comparison_markdown,
    write_comparison_text,
};
pub use html::write_html;
pub use json::write_json;
pub use markdown::write_markdown;
pub use missing_logs::write_missing_logs;
pub use schema::{
    COMPARE_SCHEMA, SUMMARY_SCHEMA, TICKETS_SCHEMA, write_dataset_schema_json,
    write_dataset_schema_markdown,
};
pub use text::{TextOptions, write_text};
pub use words::blind_spot_words;
pub use workbook::{WORKBOOK_ROWS_MAX, write_workbook};

/// What only the run knows, for the head line of a report; the default says nothing.
#[derive(Debug, Clone, Default)]
pub struct RunFacts {
    pub tool_version: String,
    /// The inputs as the user named them.
    pub input: String,
    pub files: u64,
    pub bytes: u64,
    /// Left out where the same input must give the same bytes.
    pub elapsed: Option<Duration>,
    /// Exports read by this run.
    pub exports_read: u64,
    /// Exports that an earlier run had read already.
    pub exports_known: u64,
    /// Files that are no sign-in logs or could not be opened.
    pub files_skipped: u64,
    /// On whose behalf the dataset was made.
    pub custody: Custody,
    /// Closing lines: where the report is, what else was written.
    pub closing: Vec<String>,
}
