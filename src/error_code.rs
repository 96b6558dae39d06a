//! AADSTS error codes: what they mean, and whether they interrupt or fail a sign-in.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The number behind `AADSTS`: Graph's `status.errorCode`, Azure Monitor's `resultType`,
/// the portal's "Sign-in error code". 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ErrorCode(pub i32);

impl ErrorCode {
    pub const SUCCESS: Self = Self(0);

    /// What the table knows of this code.
    pub fn entry(self) -> Option<&'static ErrorCodeEntry> {
        TABLE.by_code.get(&self)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AADSTS{}", self.0)
    }
}

/// One line of `data/error_codes.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ErrorCodeEntry {
    pub code: ErrorCode,
    pub symbolic_name: String,
    pub category: String,
    pub who_fixes: String,
    pub is_conditional_access: Certainty,
    /// In an interactive sign-in.
    pub kind: CodeKind,
    /// In every other sign-in.
    pub kind_noninteractive: CodeKind,
    pub cause: String,
    pub remedy: String,
}

/// Whether a code by itself says that Conditional Access refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    Yes,
    Maybe,
    No,
}

/// What a code does to a sign-in: an interrupt asks the person for something and may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    Success,
    Interrupt,
    Failure,
}

/// All codes in the order of the table.
pub fn all() -> &'static [ErrorCodeEntry] {
    &TABLE.entries
}

struct Table {
    entries: Vec<ErrorCodeEntry>,
    by_code: HashMap<ErrorCode, ErrorCodeEntry>,
}

#[expect(clippy::expect_used, reason = "the table is compiled in, and a test reads it")]
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let text = include_str!("../data/error_codes.csv");
    let entries: Vec<ErrorCodeEntry> = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("data/error_codes.csv is compiled in and checked by a test");
    let by_code = entries.iter().map(|entry| (entry.code, entry.clone())).collect();
    Table { entries, by_code }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_and_names_each_code_once() {
        assert_eq!(all().len(), TABLE.by_code.len());
        let blocked = ErrorCode(53003).entry().map(|e| e.is_conditional_access);
        assert_eq!(blocked, Some(Certainty::Yes));
        let challenge = ErrorCode(50097).entry().map(|e| (e.kind, e.kind_noninteractive));
        assert_eq!(challenge, Some((CodeKind::Interrupt, CodeKind::Failure)));
    }
}
