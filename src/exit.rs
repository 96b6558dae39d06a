//! How the program ends: one exit code for each kind of end.

use std::fmt;
use std::process::ExitCode;

/// The kinds of end, by their exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    /// A condition was met that the user asked to be told of.
    Condition,
    /// Wrong use or configuration.
    Usage,
    /// An export could not be read, or too many records of one are unreadable.
    Unread,
    /// The output could not be written.
    Unwritten,
    /// Nothing could be judged.
    Unjudged,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(match end {
            End::Done => 0,
            End::Condition => 1,
            End::Usage => 2,
            End::Unread => 3,
            End::Unwritten => 4,
            End::Unjudged => 5,
        })
    }
}

/// An error that ends the program.
#[derive(Debug)]
pub struct Failure {
    pub end: End,
    pub error: anyhow::Error,
}

impl Failure {
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { end: End::Usage, error: error.into() }
    }

    pub fn unwritten(error: impl Into<anyhow::Error>) -> Self {
        Self { end: End::Unwritten, error: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)
    }
}
