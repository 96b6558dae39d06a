//! Finds, over the exported sign-in logs of many Microsoft Entra tenants, where Conditional
//! Access blocks a service provider: by which policy, why it applied and what it required.
//!
//! The way of a record, left to right, is the way through the modules, bottom to top:
//!
//! ```text
//! input      discover → open → frame → peek → (dialect) normalise
//! relation   relate: whose sign-in is it, from which side is it seen
//! attribution attribute: blocked, failed, interrupted, unexplained, succeeded
//! dataset    spill → finish → commit          Parquet, the border
//! summary    summarise                        one walk over the dataset
//! remedy     plan: what to do about what is refused, in which order
//! change     compare with the sweep before, or with another span
//! redact     pseudonyms in the place of names, for reports that are handed on
//! report     render                           text, Markdown, JSON
//! ```
//!
//! [`sweep`] drives it up to the commit; the command line does the rest.

// Bytes, many at a time.
pub mod blocks;

// The vocabulary: no I/O, no vendor field names.
pub mod error_code;
pub mod file_name;
pub mod policy;
pub mod sign_in;
pub mod stop;
pub mod tenant;
pub mod text;
pub mod time;
pub mod tools;
pub mod who;

// Pure judgement: on one sign-in, and on all that one customer refuses.
pub mod attribution;
pub mod cause;
pub mod relation;
pub mod remedy;

// From the bytes of an export to normalised sign-ins.
pub mod dialect;
pub mod input;
pub mod lists;

// The Parquet dataset: schema, spill, finish, commit.
pub mod dataset;

// Every export through all of the above.
pub mod parallel;
pub mod sweep;

// From the dataset to what people and programs read.
pub mod change;
pub mod explain;
pub mod query;
pub mod redact;
pub mod report;
pub mod summary;
