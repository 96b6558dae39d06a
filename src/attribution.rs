//! The verdict on a sign-in: what came of it, and whether a policy is to blame. Pure.
//!
//! `tests/attribution.csv` is the specification; its rows are checked against [`attribute`].

use serde::{Deserialize, Serialize};

use crate::error_code::{Certainty, CodeKind, ErrorCode};
use crate::policy::{ConditionalAccessStatus, PolicyResult};
use crate::sign_in::{Outcome, SignIn, SignInType, StatusWord};

/// What came of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    Succeeded,
    /// Refused by the policies whose result is failure.
    Blocked,
    /// Asked the person for something; by itself no failure.
    Interrupted,
    /// Refused for another cause, told by the error code.
    Failed,
    /// Refused by Conditional Access, but the record does not show by which policy.
    Unexplained,
}

impl Verdict {
    pub const ALL: [Self; 5] =
        [Self::Succeeded, Self::Blocked, Self::Interrupted, Self::Failed, Self::Unexplained];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Unexplained => "unexplained",
        }
    }

    /// Blocked, failed or unexplained: what somebody has to look at.
    pub fn is_flagged(self) -> bool {
        matches!(self, Self::Blocked | Self::Failed | Self::Unexplained)
    }
}

/// The verdict with its reservations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribution {
    pub verdict: Verdict,
    /// Policies say failure where the sign-in as a whole does not: never a remedy by itself.
    pub disputed: bool,
}

/// Judges a sign-in; the first rule that matches wins.
pub fn attribute<T>(sign_in: &SignIn<T>) -> Attribution {
    let failing =
        sign_in.applied_policies.iter().any(|policy| policy.result == PolicyResult::Failure);
    judge(
        sign_in.outcome,
        sign_in.sign_in_type,
        sign_in.conditional_access_status.as_ref(),
        failing,
    )
}

/// The rules of [`attribute`] on the four facts that they look at.
fn judge(
    outcome: Outcome,
    sign_in_type: SignInType,
    status: Option<&ConditionalAccessStatus>,
    failing: bool,
) -> Attribution {
    let certain = |verdict| Attribution { verdict, disputed: false };
    if succeeded(outcome) {
        return Attribution { verdict: Verdict::Succeeded, disputed: failing };
    }
    if interrupted(outcome, sign_in_type) {
        return certain(Verdict::Interrupted);
    }
    let refused_by_code = conditional_access_certainty(outcome.code());
    if failing {
        let confirmed = match status {
            Some(status) => *status == ConditionalAccessStatus::Failure,
            None => refused_by_code != Certainty::No,
        };
        return Attribution { verdict: Verdict::Blocked, disputed: !confirmed };
    }
    if status == Some(&ConditionalAccessStatus::Failure) || refused_by_code == Certainty::Yes {
        return certain(Verdict::Unexplained);
    }
    certain(Verdict::Failed)
}

fn succeeded(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Code(code) => code == ErrorCode::SUCCESS,
        Outcome::Word(word) => word == StatusWord::Success,
        Outcome::Both(code, word) => {
            code == ErrorCode::SUCCESS && word != StatusWord::Failure || word == StatusWord::Success
        }
    }
}

fn interrupted(outcome: Outcome, sign_in_type: SignInType) -> bool {
    if outcome.word() == Some(StatusWord::Interrupted) {
        return true;
    }
    let kind = outcome.code().and_then(ErrorCode::entry).map(|entry| {
        if sign_in_type == SignInType::InteractiveUser {
            entry.kind
        } else {
            entry.kind_noninteractive
        }
    });
    kind == Some(CodeKind::Interrupt)
}

fn conditional_access_certainty(code: Option<ErrorCode>) -> Certainty {
    code.and_then(ErrorCode::entry).map_or(Certainty::No, |entry| entry.is_conditional_access)
}
