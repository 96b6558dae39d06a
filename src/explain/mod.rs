//! What a code, a mask of conditions, a case of the vendors' articles or a tool's error message
//! means: from a query to an [`Explanation`], and from that to text or JSON.

mod cases;
mod json;
mod matching;
mod text;

use std::collections::BTreeSet;

use crate::cause::{Basis, Cause, Circumstances, Way, cause_of, entry_named_in};
use crate::error_code::{self, CodeKind, ErrorCode, ErrorCodeEntry};
use crate::policy::Conditions;
use crate::sign_in::SignInType;

pub use cases::{Answer, Case, all as all_cases, case};
pub use json::write_json;
pub use matching::{Match, Sureness};
pub use text::write_text;

/// More of a query is not looked at: a message with a trace is shorter.
const QUERY_CHARS: usize = 4000;

/// What a query turned out to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    Code(ExplainedCode),
    /// Bits or names of `conditionsSatisfied`.
    Mask(Conditions),
    Case(&'static Case),
    /// A message as a tool prints it; the best match first, never empty.
    Message(Vec<Match>),
    /// Nothing that is near enough, and what is nearest.
    Nothing(Vec<Match>),
}

/// A code, and all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedCode {
    pub code: ErrorCode,
    /// `None` for a code that is not in the table.
    pub entry: Option<&'static ErrorCodeEntry>,
    /// Without any circumstances.
    pub cause: Cause,
    /// What is to be done otherwise in certain circumstances: these, and the remedy.
    pub circumstances: Vec<(&'static str, Cause)>,
    pub cases: Vec<&'static Case>,
}

impl Explanation {
    /// Neither the tables nor the families of codes have it.
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing(_) => true,
            Self::Code(code) => code.cause.basis == Basis::Unknown,
            Self::Mask(_) | Self::Case(_) | Self::Message(_) => false,
        }
    }

    /// The cases that it names.
    pub fn cases(&self) -> Vec<&'static Case> {
        match self {
            Self::Code(code) => code.cases.clone(),
            Self::Case(case) => vec![*case],
            Self::Message(matches) => matches.iter().map(|found| found.case).collect(),
            Self::Mask(_) | Self::Nothing(_) => Vec::new(),
        }
    }

    /// The codes by which it shows in a log.
    pub fn codes(&self) -> Vec<ErrorCode> {
        match self {
            Self::Code(code) => vec![code.code],
            Self::Case(case) => case.codes.clone(),
            Self::Message(matches) => {
                matches.first().map(|found| found.case.codes.clone()).unwrap_or_default()
            }
            Self::Mask(_) | Self::Nothing(_) => Vec::new(),
        }
    }
}

/// Explains what people or tools say.
pub fn explain(query: &str) -> Explanation {
    let query: String = query.trim().chars().take(QUERY_CHARS).collect();
    if let Some(mask) = mask_of(&query) {
        return Explanation::Mask(mask);
    }
    if let Some(code) = code_of(&query) {
        return Explanation::Code(explain_code(code));
    }
    if let Some(case) = case(&query) {
        return Explanation::Case(case);
    }
    matching::explain_message(&query)
}

/// `mask:1035`, or the names of the conditions behind `mask:`.
fn mask_of(query: &str) -> Option<Conditions> {
    let (mark, mask) = query.split_once(':')?;
    let is_mask = mark.trim().eq_ignore_ascii_case("mask");
    is_mask.then(|| Conditions::parse(mask))
}

/// A number alone, a number behind `AADSTS`, a known code within a message, or Microsoft's name.
fn code_of(query: &str) -> Option<ErrorCode> {
    let number = query.trim_start_matches('#').parse().ok().filter(|number| *number > 0);
    number
        .map(ErrorCode)
        .or_else(|| entry_named_in(query).map(|entry| entry.code))
        .or_else(|| unknown_code_named_in(query))
        .or_else(|| known_number_in(query))
        .or_else(|| code_with_name(query))
}

/// `AADSTS` and a number that the table does not have.
fn unknown_code_named_in(query: &str) -> Option<ErrorCode> {
    let lower = query.to_ascii_lowercase();
    let behind = lower.split_once("aadsts")?.1.trim_start_matches([' ', ':', '#']);
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|number| *number > 0).map(ErrorCode)
}

/// `Error code: 53003` and the like: five digits and more that are a code of the table.
fn known_number_in(query: &str) -> Option<ErrorCode> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let numbers = words.filter(|word| (5..=7).contains(&word.len()));
    let codes = numbers.filter_map(|word| word.parse().ok()).map(ErrorCode);
    codes.into_iter().find(|code| code.entry().is_some())
}

fn code_with_name(query: &str) -> Option<ErrorCode> {
    let named = |entry: &&ErrorCodeEntry| {
        !entry.symbolic_name.is_empty() && entry.symbolic_name.eq_ignore_ascii_case(query)
    };
    error_code::all().iter().find(named).map(|entry| entry.code)
}

/// All that is known of a code.
fn explain_code(code: ErrorCode) -> ExplainedCode {
    let entry = code.entry();
    let cause = match entry {
        Some(entry) => Cause {
            category: entry.category,
            who_fixes: entry.who_fixes,
            cause: entry.cause.as_str().into(),
            remedy: entry.remedy.as_str().into(),
            basis: Basis::Code,
        },
        None => cause_in(code, Way::Unknown, false),
    };
    let circumstances = CIRCUMSTANCES
        .iter()
        .map(|&(words, way, policy_failed)| (words, cause_in(code, way, policy_failed)))
        .filter(|(_, found)| entry.is_some() && found.remedy != cause.remedy)
        .collect();
    let cases = cases::all().iter().filter(|case| case.codes.contains(&code)).collect();
    ExplainedCode { code, entry, cause, circumstances, cases }
}

/// The circumstances in which a code may ask for something else.
const CIRCUMSTANCES: [(&str, Way, bool); 4] = [
    ("through GDAP, and a policy failed", Way::ServiceProvider, true),
    ("through GDAP, and no policy failed", Way::ServiceProvider, false),
    ("as a B2B guest", Way::Guest, true),
    ("in your own partner tenant", Way::Home, true),
];

fn cause_in(code: ErrorCode, way: Way, policy_failed: bool) -> Cause {
    cause_of(&Circumstances {
        code: Some(code),
        failure_reason: None,
        additional_details: None,
        sign_in_type: SignInType::Unknown,
        way,
        policy_failed,
        conditional_access_failed: policy_failed,
    })
}

/// What to look for in a log, for a code.
fn evidence_of(entry: &ErrorCodeEntry) -> String {
    let mut evidence = format!("error_code {} in sign_ins.", entry.code.0);
    if entry.is_conditional_access != error_code::Certainty::No {
        evidence += " Beside it the policies with result failure (applied_policies, blocks): what \
                     they required, and why they applied.";
    }
    match (entry.kind, entry.kind_noninteractive) {
        (CodeKind::Interrupt, CodeKind::Failure) => {
            evidence += " In an interactive sign-in it is a step, by itself no failure; in a \
                         non-interactive one it is final.";
        }
        (CodeKind::Interrupt, _) => evidence += " It is a step of a sign-in, by itself no failure.",
        _ => {}
    }
    evidence
}

/// The warnings of cases, each once.
fn warnings_of(cases: &[&'static Case]) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    let warnings = cases.iter().map(|case| case.warning.as_str());
    warnings.filter(|warning| !warning.is_empty() && seen.insert(*warning)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> Option<i32> {
        match explain(query) {
            Explanation::Code(code) => Some(code.code.0),
            _ => None,
        }
    }

    #[test]
    fn codes_in_every_spelling() {
        for query in [
            "53003",
            " AADSTS53003 ",
            "aadsts 53003",
            "#53003",
            "Error code: 53003",
            "BlockedByConditionalAccess",
            "AADSTS53003: Access has been blocked. Trace ID: 0b4c7a52-7000215a",
        ] {
            assert_eq!(code(query), Some(53_003), "{query}");
        }
        assert_eq!(code("AADSTS53099"), Some(53_099));
        assert_eq!(code("4711"), Some(4711));
        assert_eq!(code("99999999999999"), None);
        assert_eq!(code("0"), None);
    }

    #[test]
    fn masks_become_words() {
        let Explanation::Mask(mask) = explain("MASK: 1035") else { panic!("no mask") };
        assert_eq!(mask.names(), ["users", "application", "location", "ipAddressSeenByAzureAD"]);
    }

    #[test]
    fn cases_by_their_id() {
        for query in ["L1.4", "rw.21", "SY.11"] {
            let found = explain(query);
            assert!(
                matches!(found, Explanation::Case(case) if case.id.eq_ignore_ascii_case(query))
            );
        }
    }
}
