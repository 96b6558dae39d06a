//! The ways in which a sign-in can end, each with the verdict that design.md §5 owes it.
//! The verdicts are written down here, not computed: that is what makes them a check.

use super::records::Stream;
use super::truth::Verdict::{self, Blocked, Failed, Interrupted, Succeeded, Unexplained};

#[derive(Clone, Copy)]
pub struct Outcome {
    pub code: u32,
    /// `conditionalAccessStatus`; empty: the record has none.
    pub status: &'static str,
    /// Least and most policies with result failure.
    pub failing: (u8, u8),
    /// The failing policy demands an authentication strength.
    pub strength: bool,
    /// Policies withheld: the record lists none.
    pub withheld: bool,
    pub streams: &'static [Stream],
    pub verdict: Verdict,
    pub disputed: bool,
    /// The verdict where no policies can be seen: portal CSV, or withheld.
    pub bare: Verdict,
    /// How often among partners' sign-ins, and among all others.
    pub weights: (u32, u32),
}

const USERS: &[Stream] = &[Stream::Interactive, Stream::NonInteractive];
const INTERACTIVE: &[Stream] = &[Stream::Interactive];
const NON_INTERACTIVE: &[Stream] = &[Stream::NonInteractive];
const APPS: &[Stream] = &[Stream::ServicePrincipal];

/// The plain form: nothing fails, nothing withheld, the same verdict with and without policies.
const PLAIN: Outcome = Outcome {
    code: 0,
    status: "notApplied",
    failing: (0, 0),
    strength: false,
    withheld: false,
    streams: USERS,
    verdict: Succeeded,
    disputed: false,
    bare: Succeeded,
    weights: (0, 0),
};

const fn ends(
    code: u32,
    status: &'static str,
    streams: &'static [Stream],
    verdict: Verdict,
    weights: (u32, u32),
) -> Outcome {
    Outcome { code, status, streams, verdict, bare: verdict, weights, ..PLAIN }
}

const fn fails(
    code: u32,
    status: &'static str,
    failing: (u8, u8),
    streams: &'static [Stream],
    bare: Verdict,
    weights: (u32, u32),
) -> Outcome {
    Outcome { code, status, failing, streams, verdict: Blocked, bare, weights, ..PLAIN }
}

const fn disputed(outcome: Outcome) -> Outcome {
    Outcome { disputed: true, ..outcome }
}

const fn by_strength(outcome: Outcome) -> Outcome {
    Outcome { strength: true, ..outcome }
}

const fn withheld(outcome: Outcome) -> Outcome {
    Outcome { withheld: true, ..outcome }
}

pub static OUTCOMES: [Outcome; 44] = [
    ends(0, "notApplied", USERS, Succeeded, (200, 700)),
    ends(0, "success", USERS, Succeeded, (150, 700)),
    disputed(Outcome { status: "success", failing: (1, 2), weights: (10, 2), ..PLAIN }),
    fails(53003, "failure", (1, 3), USERS, Unexplained, (110, 20)),
    fails(53003, "", (1, 2), USERS, Unexplained, (10, 1)),
    fails(53000, "failure", (1, 1), USERS, Unexplained, (30, 5)),
    fails(53001, "failure", (1, 1), USERS, Unexplained, (10, 2)),
    fails(530036, "failure", (1, 1), USERS, Unexplained, (8, 1)),
    fails(50076, "failure", (1, 2), NON_INTERACTIVE, Unexplained, (40, 5)),
    fails(50074, "failure", (1, 1), NON_INTERACTIVE, Unexplained, (10, 1)),
    fails(50079, "", (1, 1), USERS, Failed, (10, 1)),
    by_strength(fails(50076, "failure", (1, 1), NON_INTERACTIVE, Unexplained, (15, 1))),
    by_strength(fails(53003, "failure", (1, 1), INTERACTIVE, Unexplained, (15, 1))),
    // Interrupted: failing policies beside it are demanded, not blocking.
    Outcome {
        verdict: Interrupted,
        ..fails(50074, "failure", (1, 1), INTERACTIVE, Interrupted, (30, 20))
    },
    Outcome {
        verdict: Interrupted,
        ..fails(50076, "failure", (1, 2), INTERACTIVE, Interrupted, (20, 10))
    },
    Outcome {
        verdict: Interrupted,
        ..fails(50158, "failure", (1, 1), INTERACTIVE, Interrupted, (5, 1))
    },
    ends(50072, "failure", INTERACTIVE, Interrupted, (5, 5)),
    ends(50097, "success", INTERACTIVE, Interrupted, (10, 5)),
    ends(50129, "notApplied", INTERACTIVE, Interrupted, (4, 2)),
    ends(50140, "notApplied", USERS, Interrupted, (15, 15)),
    ends(50058, "notApplied", INTERACTIVE, Interrupted, (5, 5)),
    ends(16000, "notApplied", INTERACTIVE, Interrupted, (5, 5)),
    ends(65001, "notApplied", INTERACTIVE, Interrupted, (5, 2)),
    // Shown apart: a failing policy that the status does not own up to.
    disputed(fails(50097, "success", (1, 7), NON_INTERACTIVE, Unexplained, (10, 2))),
    disputed(fails(50126, "notApplied", (1, 1), USERS, Failed, (4, 1))),
    disputed(fails(700082, "", (1, 1), USERS, Failed, (4, 1))),
    // A policy's work, and no policy to show for it.
    ends(530034, "failure", USERS, Unexplained, (20, 1)),
    withheld(ends(53003, "failure", USERS, Unexplained, (15, 1))),
    withheld(ends(53003, "", USERS, Unexplained, (5, 1))),
    ends(70044, "success", USERS, Unexplained, (5, 1)),
    ends(50105, "failure", NON_INTERACTIVE, Unexplained, (3, 1)),
    // Failed for reasons of its own.
    ends(50173, "notApplied", USERS, Failed, (20, 4)),
    ends(65001, "success", NON_INTERACTIVE, Failed, (15, 2)),
    ends(700082, "notApplied", USERS, Failed, (15, 5)),
    ends(50126, "notApplied", USERS, Failed, (15, 20)),
    ends(50053, "success", USERS, Failed, (5, 2)),
    ends(50105, "notApplied", USERS, Failed, (5, 1)),
    ends(90094, "success", USERS, Failed, (5, 2)),
    ends(53011, "notApplied", USERS, Failed, (3, 1)),
    ends(16000, "notApplied", NON_INTERACTIVE, Failed, (3, 1)),
    // A code that no table knows.
    ends(7_999_999, "", USERS, Failed, (3, 1)),
    ends(0, "notApplied", APPS, Succeeded, (70, 90)),
    ends(7_000_215, "notApplied", APPS, Failed, (20, 9)),
    ends(53003, "failure", APPS, Unexplained, (9, 1)),
];

/// The state that Azure Monitor writes before the final one.
pub static INTERIM: Outcome = ends(50140, "notApplied", USERS, Interrupted, (0, 0));

/// Where a policy ought to fail and the tenant has none that is on.
pub static NOTHING_TO_SHOW: Outcome = withheld(ends(53003, "failure", USERS, Unexplained, (0, 0)));

/// `failureReason` as the service words it; `None` where real records lack it.
pub fn failure_reason(code: u32) -> Option<&'static str> {
    Some(match code {
        0 => "Other.",
        53003 => {
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."
        }
        53000 => {
            "Device is not in required device state: {state}. Conditional Access policy requires a compliant device, and the device is not compliant."
        }
        53001 => {
            "Device is not in required device state: {state}. Conditional Access policy requires a domain joined device."
        }
        50074 | 50076 => {
            "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'."
        }
        50126 => "Error validating credentials due to invalid username or password.",
        50140 => {
            "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in."
        }
        50173 => {
            "The provided grant has expired due to it being revoked, a fresh auth token is needed."
        }
        65001 => {
            "The user or administrator has not consented to use the application with ID '{identifier}'{namePhrase}."
        }
        700082 => "The refresh token has expired due to inactivity.",
        7_000_215 | 7_999_999 => return None,
        _ => "The sign-in did not succeed.",
    })
}

pub fn additional_details(code: u32) -> Option<&'static str> {
    match code {
        0 => Some("MFA requirement satisfied by claim in the token"),
        53003 => Some(
            "If this is unexpected, see the conditional access policy that applied to this request in the Azure Portal.",
        ),
        _ => None,
    }
}
