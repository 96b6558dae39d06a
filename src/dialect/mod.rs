//! The kinds of export: each file turns one kind's records into [`SignIn`]s.
//!
//! A new kind is a new file and one line in [`Dialect`]. Detection is a step of its own on the
//! first records, and says why each candidate refused.

mod defender;
mod diagnostic;
mod graph;
mod json;
mod keys;
mod log_analytics;
mod policies;
mod portal_csv;
mod portal_language;
mod row;
mod sign_in;
mod sign_in_csv;
mod table;
mod wire;

use std::borrow::Cow;
use std::fmt;

use crate::sign_in::{SignIn, SignInType};
use crate::time::{OrderEvidence, TimeReading};

pub use portal_language::{looks_like_sign_ins, portal_columns};
pub(crate) use sign_in::parse_code;
pub use table::{MappedColumn, Table, TableOptions, TableRefusal, column_key, map_fields};

/// How records are read, whatever their kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordOptions {
    /// How times are written.
    pub times: TimeReading,
    /// Keep the policies that did not look at a sign-in; else they are only counted.
    pub keep_not_applied: bool,
}

/// A kind of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Azure Monitor diagnostic settings and event hub messages.
    Diagnostic,
    /// Microsoft Graph sign-ins and the portal's JSON download.
    Graph,
    /// The portal's CSV download.
    PortalCsv,
    /// Tables of Log Analytics and Sentinel, in every form in which they are exported.
    LogAnalytics,
    /// Advanced hunting tables of Defender XDR.
    Defender,
    /// Sign-ins flattened to CSV by scripts and tools.
    SignInCsv,
    /// No log: the error of Graph or of the sign-in that its export ended with.
    RefusedExport,
}

impl Dialect {
    /// The kinds whose records are JSON objects, in the order in which they are tried.
    const JSON: [Self; 4] = [Self::Diagnostic, Self::Defender, Self::LogAnalytics, Self::Graph];

    /// The name that people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Diagnostic => "diagnostic settings",
            Self::Graph => "Graph sign-ins",
            Self::PortalCsv => "portal CSV",
            Self::LogAnalytics => "Log Analytics",
            Self::Defender => "Defender XDR",
            Self::SignInCsv => "sign-ins as CSV",
            Self::RefusedExport => "refused export",
        }
    }

    /// False for a kind that never lists policies, whatever happened.
    pub fn lists_policies(self) -> bool {
        self != Self::PortalCsv
    }

    /// The records come out of Entra's own store, which forgets them after 7 or 30 days.
    pub fn is_of_entras_store(self) -> bool {
        matches!(self, Self::Graph | Self::PortalCsv | Self::SignInCsv)
    }

    /// Counts of records at which exports of this kind are cut off: a Graph page ends at 1,000
    /// records, a download of the portal at 250,000, an answer of Log Analytics at 30,000 in the
    /// portal and 500,000 elsewhere, one of Defender XDR at 10,000, 30,000 or 100,000. Diagnostic
    /// settings know no cap.
    pub fn caps(self) -> &'static [u64] {
        match self {
            Self::Diagnostic => &[],
            Self::Graph => &[1_000, 250_000],
            Self::PortalCsv => &[250_000],
            Self::LogAnalytics => &[30_000, 500_000],
            Self::Defender => &[10_000, 30_000, 100_000],
            Self::SignInCsv | Self::RefusedExport => &[],
        }
    }

    /// Finds the kind of a JSON record, or says why each candidate refused.
    pub fn detect_json(record: &[u8]) -> Result<Self, NoDialect> {
        let found = Self::detect_as_written(record);
        if found.is_ok() {
            return found;
        }
        wire::repair(record).map_or(found, |mended| Self::detect_as_written(&mended))
    }

    fn detect_as_written(record: &[u8]) -> Result<Self, NoDialect> {
        let mut refusals = Vec::new();
        for dialect in Self::JSON {
            let answer = match dialect {
                Self::Diagnostic => diagnostic::detect(record),
                Self::LogAnalytics => log_analytics::detect(record),
                Self::Defender => defender::detect(record),
                _ => graph::detect(record),
            };
            match answer {
                Ok(()) => return Ok(dialect),
                Err(reason) => refusals.push((dialect.as_str(), reason)),
            }
        }
        Err(NoDialect { refusals })
    }

    /// Reads one JSON record, first as this kind and then, since files get glued together, as
    /// the others.
    pub fn normalise_json(
        self,
        record: &[u8],
        options: RecordOptions,
    ) -> Result<Reading, Unreadable> {
        let answer = self.normalise_as_written(record, options);
        if !matches!(answer, Err(Unreadable::Syntax { .. })) {
            return answer;
        }
        let Some(mended) = wire::repair(record) else { return answer };
        let reading = self.normalise_as_written(&mended, options)?;
        Ok(Reading { repaired: true, ..reading })
    }

    fn normalise_as_written(
        self,
        record: &[u8],
        options: RecordOptions,
    ) -> Result<Reading, Unreadable> {
        let answer = self.normalise_only(record, options);
        if !matches!(answer, Err(Unreadable::OtherKind | Unreadable::NoTime)) {
            return answer;
        }
        Self::JSON
            .into_iter()
            .filter(|&other| other != self)
            .map(|other| other.normalise_only(record, options))
            .find(|other| !matches!(other, Err(Unreadable::OtherKind)))
            .unwrap_or(answer)
    }

    fn normalise_only(self, record: &[u8], options: RecordOptions) -> Result<Reading, Unreadable> {
        match self {
            Self::Diagnostic => diagnostic::normalise(record, options),
            Self::Graph => graph::normalise(record, options),
            Self::LogAnalytics => log_analytics::normalise(record, options),
            Self::Defender => defender::normalise(record, options),
            // The rows of a CSV are read through its `Table`; a refusal has no records.
            Self::PortalCsv | Self::SignInCsv | Self::RefusedExport => Err(Unreadable::OtherKind),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The sign-in of a record, with what it lacks to be judged.
#[derive(Debug)]
pub struct Reading {
    pub sign_in: SignIn,
    /// A partner's sign-in that lacks something cannot be judged and is a reject; someone
    /// else's is nobody's concern.
    pub missing: Option<Unreadable>,
    /// Bytes inside its texts had to be replaced before it could be read.
    pub repaired: bool,
    /// Its list of policies was cut short: those behind are not known.
    pub policies_cut: bool,
}

/// Why a record could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("not valid JSON: {message} (byte {column} of the record)")]
    Syntax { message: String, column: usize },
    #[error("{}", self.words())]
    NoTime,
    #[error("the time `{text}` cannot be read")]
    BadTime { text: String },
    /// Entra is younger, and a dataset of ten thousand months serves nobody.
    #[error("the time `{text}` lies outside of 2000 to 2099")]
    FarTime { text: String },
    #[error("{}", self.words())]
    TooLong,
    #[error("{}", self.words())]
    NoOutcome,
    #[error("`properties` holds text that is no JSON")]
    Properties,
    /// A record of another log in the same container; counted, never rejected.
    #[error("another log: {category}")]
    OtherCategory { category: String },
    /// A record that another dialect may read.
    #[error("not a record of this kind")]
    OtherKind,
}

impl Unreadable {
    /// In words for people; a fixed text needs no memory, and a file may have millions of them.
    pub fn words(&self) -> Cow<'static, str> {
        match self {
            Self::NoTime => "not a sign-in: no time".into(),
            Self::TooLong => wire::LIST_TOO_LONG.into(),
            Self::NoOutcome => "neither an error code nor a status".into(),
            // Excel's own number for a moment, shown where the column is not formatted as a date.
            Self::BadTime { text } if text.trim().parse::<f64>().is_ok() => format!(
                "the time `{text}` is a bare number: format the column as a date with its time"
            )
            .into(),
            Self::BadTime { text } if OrderEvidence::of(text) == OrderEvidence::Open => format!(
                "whether the day or the month stands first in `{text}` is not known: say it with \
                 `--date-order`"
            )
            .into(),
            other => other.to_string().into(),
        }
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        let full = error.to_string();
        // serde_json ends its messages with the place, which is relative to the record.
        let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(text, _)| text);
        if message == wire::LIST_TOO_LONG {
            return Self::TooLong;
        }
        Self::Syntax { message: message.to_owned(), column: error.column() }
    }
}

/// No dialect knows a record; each says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoDialect {
    pub refusals: Vec<(&'static str, String)>,
}

impl fmt::Display for NoDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no kind of sign-in export is known that looks like this")?;
        for (dialect, reason) in &self.refusals {
            write!(f, "; not {dialect}: {reason}")?;
        }
        Ok(())
    }
}

/// What the name of a file says of the sign-ins in it: the portal names its downloads by the
/// log, and their columns do not tell.
pub fn sign_in_type_of_file_name(name: &str) -> SignInType {
    let name = name.to_ascii_lowercase();
    if name.contains("noninteractive") {
        SignInType::NonInteractiveUser
    } else if name.contains("interactive") {
        SignInType::InteractiveUser
    } else if name.contains("applicationsignins") {
        SignInType::ServicePrincipal
    } else if name.contains("msisignins") {
        SignInType::ManagedIdentity
    } else {
        SignInType::Unknown
    }
}
