//! Framing: a decoded stream is cut into records, separators and damage.
//!
//! Both framers work on a window that the caller slides over the stream, and both tile it: every
//! byte is in exactly one [`Span`], so that `record + separator + damage = decoded` can be checked
//! for each export. Framing looks at structure only; whether a record is a sign-in, or even valid
//! JSON, is judged later.
//!
//! What a framer finds does not depend on how the caller cuts the stream into windows. Only the
//! borders between two separator spans, or between two spans of one damage, may differ.

mod csv;
mod first_key;
mod json;
mod quotes;
mod resync;
mod scan;
mod tables;
mod tiler;
mod wrapper;

use std::fmt;

pub use csv::CsvFramer;
pub use json::JsonFramer;
pub(super) use quotes::cells_at;
pub use tables::TablesFramer;
pub(super) use tables::holds_tables;

/// The longest record that is framed, unless the user says otherwise. Real sign-ins have 2 to 60
/// KiB.
pub const RECORD_LIMIT: usize = 16 << 20;

/// A framer decides on every window that is longer than the record limit by this much: room for the
/// few bytes behind a record that it may want to see (the beginning of the next line).
pub const WINDOW_SLACK: usize = 64 << 10;

/// One piece of the decoded stream. The spans tile the stream: every byte is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub offset: u64,
    pub len: usize,
    pub kind: SpanKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// `recovered`: found by a search after damage, not by following the structure.
    Record { recovered: bool },
    /// The columns of a table: how the records behind are to be read.
    Header,
    /// Whitespace, commas, brackets, and the wrapper around records.
    Separator,
    /// `continued`: belongs to the same damage as the damage span before it.
    Damage { reason: DamageReason, continued: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DamageReason {
    /// Something else stands where a record should.
    NotAnObject,
    /// Braces or brackets do not match.
    Unbalanced,
    /// A raw line break inside a string, or a quote where no string may begin.
    BrokenString,
    /// Longer than the record limit, or never closed within it.
    TooLong,
    /// The stream ends within its last record.
    Unfinished,
    /// A CSV row has not as many fields as the header.
    FieldCount,
    /// A CSV field opens a quote that is not closed.
    OpenQuote,
}

impl DamageReason {
    /// In words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAnObject => "not a JSON object",
            Self::Unbalanced => "braces or brackets do not match",
            Self::BrokenString => "a string is broken",
            Self::TooLong => "longer than the record limit",
            Self::Unfinished => "the file ends within the record",
            Self::FieldCount => "not as many fields as the header",
            Self::OpenQuote => "a quote is never closed",
        }
    }
}

impl fmt::Display for DamageReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
