//! How the program ends: one exit code for each kind of end.

use std::fmt;
use std::process::ExitCode;

use tenantsweep::stop::Stop;

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
    /// A signal asked it to stop: its number.
    Stopped(u8),
}

impl End {
    /// Met conditions come last: every other end says more.
    pub fn or_condition(self, met: &[String]) -> Self {
        if self == Self::Done && !met.is_empty() { Self::Condition } else { self }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Condition => 1,
            Self::Usage => 2,
            Self::Unread => 3,
            Self::Unwritten => 4,
            Self::Unjudged => 5,
            // As shells tell it.
            Self::Stopped(signal) => 128_u8.saturating_add(signal),
        }
    }
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(end.code())
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

    /// Who reads our output may stop early (`| head`): that is no error.
    pub fn is_broken_pipe(&self) -> bool {
        self.error.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        })
    }

    pub fn stopped(stop: &Stop, error: impl Into<anyhow::Error>) -> Self {
        let signal = stop.signal().and_then(|signal| u8::try_from(signal).ok());
        Self { end: End::Stopped(signal.unwrap_or_default()), error: error.into() }
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
