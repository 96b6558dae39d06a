//! Conditional Access as a sign-in log tells it: policies, results, conditions, controls.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An entry of `appliedConditionalAccessPolicies`, whatever its result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPolicy<T = String> {
    /// Normally a GUID; "SecurityDefaults" occurs too.
    pub id: T,
    pub name: T,
    pub result: PolicyResult,
    pub enforced_grant_controls: Vec<T>,
    pub enforced_session_controls: Vec<T>,
    /// `conditionsSatisfied`: why the policy applied. `None` where the export has no such field.
    pub matched: Option<Conditions>,
    /// `conditionsNotSatisfied`: why it did not apply. Empty for every block.
    pub unmatched: Option<Conditions>,
    /// `includeRulesSatisfied` and `excludeRulesSatisfied` as `condition: rule`.
    pub matched_rules: Vec<T>,
    /// Name, and result where known, of the authentication strength.
    pub authentication_strength: Option<T>,
}

impl<T: AsRef<str>> AppliedPolicy<T> {
    /// What the policy required: its grant controls, or its authentication strength when that
    /// list is empty (Graph leaves `enforcedGrantControls` empty for a strength).
    pub fn demanded_controls(&self) -> Vec<Cow<'_, str>> {
        match &self.authentication_strength {
            Some(strength) if self.enforced_grant_controls.is_empty() => {
                vec![Cow::Owned(format!("authentication strength: {}", strength.as_ref()))]
            }
            _ => self.enforced_grant_controls.iter().map(|word| word.as_ref().into()).collect(),
        }
    }
}

/// What the entries of `appliedConditionalAccessPolicies` show together, whether they are kept or
/// not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyFacts {
    pub count: usize,
    /// Policies that did not look at the sign-in.
    pub idle: usize,
    /// Policies of which the log says what they did.
    pub known: usize,
    /// One at least says which conditions matched.
    pub with_conditions: bool,
    /// One at least names rules or an authentication strength.
    pub with_rules: bool,
    /// Graph hid a later member of an enum: the request lacked
    /// `Prefer: include-unknown-enum-members`.
    pub hides_members: bool,
}

impl PolicyFacts {
    pub fn of(policies: &[AppliedPolicy]) -> Self {
        let mut facts = Self::default();
        policies.iter().for_each(|policy| facts.add(Self::of_one(policy)));
        facts
    }

    pub fn of_one(policy: &AppliedPolicy) -> Self {
        let hides = |set: &Option<Conditions>| set.as_ref().is_some_and(Conditions::hides_a_member);
        Self {
            count: 1,
            idle: usize::from(policy.result.is_idle()),
            known: usize::from(policy.result.is_known()),
            with_conditions: policy.matched.is_some(),
            with_rules: !policy.matched_rules.is_empty()
                || policy.authentication_strength.is_some(),
            hides_members: policy.result == PolicyResult::UnknownFutureValue
                || hides(&policy.matched)
                || hides(&policy.unmatched)
                || policy.matched_rules.iter().any(|rule| Self::rule_hides_a_member(rule)),
        }
    }

    pub fn rule_hides_a_member(rule: &str) -> bool {
        rule.ends_with("unknownFutureValue")
    }

    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.idle += other.idle;
        self.known += other.known;
        self.with_conditions |= other.with_conditions;
        self.with_rules |= other.with_rules;
        self.hides_members |= other.hides_members;
    }
}

/// Joins words behind a text.
pub fn write_joined(
    words: impl IntoIterator<Item = impl AsRef<str>>,
    between: &str,
    text: &mut String,
) {
    for (at, word) in words.into_iter().enumerate() {
        if at > 0 {
            text.push_str(between);
        }
        text.push_str(word.as_ref());
    }
}

/// `appliedConditionalAccessPolicyResult` (Graph beta metadata), for one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyResult {
    Success,
    Failure,
    NotApplied,
    NotEnabled,
    #[default]
    Unknown,
    /// Graph hides later members behind this one unless asked not to.
    UnknownFutureValue,
    ReportOnlySuccess,
    ReportOnlyFailure,
    ReportOnlyNotApplied,
    ReportOnlyInterrupted,
    Other(String),
}

impl PolicyResult {
    /// From Graph's word in any case, or from its number.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        NAMED_RESULTS
            .iter()
            .find(|(name, number, _)| name.eq_ignore_ascii_case(text) || *number == text)
            .map_or_else(|| Self::Other(text.to_owned()), |(_, _, result)| result.clone())
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => NAMED_RESULTS
                .iter()
                .find(|(_, _, result)| result == known)
                .map_or("unknown", |(name, _, _)| name),
        }
    }

    /// Whether the log says what this policy did.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown | Self::UnknownFutureValue | Self::Other(_))
    }

    /// A policy in report-only mode that would have refused or interrupted.
    pub fn would_block(&self) -> bool {
        matches!(self, Self::ReportOnlyFailure | Self::ReportOnlyInterrupted)
    }

    /// The policy did not look at this sign-in: the bulk of every record.
    pub fn is_idle(&self) -> bool {
        matches!(self, Self::NotApplied | Self::NotEnabled | Self::ReportOnlyNotApplied)
    }
}

static NAMED_RESULTS: [(&str, &str, PolicyResult); 10] = [
    ("success", "0", PolicyResult::Success),
    ("failure", "1", PolicyResult::Failure),
    ("notApplied", "2", PolicyResult::NotApplied),
    ("notEnabled", "3", PolicyResult::NotEnabled),
    ("unknown", "4", PolicyResult::Unknown),
    ("unknownFutureValue", "5", PolicyResult::UnknownFutureValue),
    ("reportOnlySuccess", "6", PolicyResult::ReportOnlySuccess),
    ("reportOnlyFailure", "7", PolicyResult::ReportOnlyFailure),
    ("reportOnlyNotApplied", "8", PolicyResult::ReportOnlyNotApplied),
    ("reportOnlyInterrupted", "9", PolicyResult::ReportOnlyInterrupted),
];

/// A set of `conditionalAccessConditions`: a bit mask in diagnostic settings and Log
/// Analytics, comma-joined names in Graph and portal JSON. Unknown bits and words survive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    mask: u64,
    other: Vec<String>,
}

/// Bit and Graph name (beta metadata, `conditionalAccessConditions`), in the order in which
/// people read them: who, what, where, how.
const CONDITIONS: [(u64, &str, &str); 17] = [
    (2, "users", "users"),
    (1, "application", "application"),
    (8, "location", "location"),
    (1024, "ipAddressSeenByAzureAD", "location"),
    (2048, "ipAddressSeenByResourceProvider", "location"),
    (4, "devicePlatform", "device platform"),
    (16, "clientType", "client type"),
    (256, "deviceState", "device state"),
    (512, "client", "client"),
    (32, "signInRisk", "sign-in risk"),
    (64, "userRisk", "user risk"),
    (65536, "insiderRisk", "insider risk"),
    (128, "time", "time"),
    (32768, "authenticationFlows", "authentication flow"),
    (8192, "servicePrincipals", "service principals"),
    (16384, "servicePrincipalRisk", "service principal risk"),
    (4096, "unknownFutureValue", "a condition that this export hides"),
];

impl Conditions {
    pub fn from_mask(mask: u64) -> Self {
        Self { mask, other: Vec::new() }
    }

    /// From comma-joined names in any case, or from a mask written as digits.
    pub fn parse(text: &str) -> Self {
        if let Ok(mask) = text.trim().parse() {
            return Self::from_mask(mask);
        }
        let mut conditions = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            conditions.insert(word);
        }
        conditions
    }

    fn insert(&mut self, word: &str) {
        let known = CONDITIONS.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(word));
        match known {
            Some((bit, _, _)) => self.mask |= bit,
            None if word.eq_ignore_ascii_case("none") => {}
            None => self.other.push(word.to_owned()),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.mask == 0 && self.other.is_empty()
    }

    /// The export hid a member of the set (`unknownFutureValue`).
    pub fn hides_a_member(&self) -> bool {
        self.mask & 4096 != 0
    }

    /// Graph's names, then unknown bits as `bit131072`, then unknown words.
    pub fn names(&self) -> Vec<String> {
        self.words().map(Cow::into_owned).collect()
    }

    /// The same names, joined by commas.
    pub fn write_names(&self, text: &mut String) {
        write_joined(self.words(), ",", text);
    }

    fn words(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let known = CONDITIONS.iter().filter(|(bit, _, _)| self.mask & bit != 0);
        let all_known: u64 = CONDITIONS.iter().map(|(bit, _, _)| bit).sum();
        let mut unknown = self.mask & !all_known;
        let unknown = std::iter::from_fn(move || {
            let bit = unknown & unknown.wrapping_neg();
            unknown ^= bit;
            (bit != 0).then_some(bit)
        });
        known
            .map(|(_, name, _)| Cow::Borrowed(*name))
            .chain(unknown.map(|bit| Cow::Owned(format!("bit{bit}"))))
            .chain(self.other.iter().map(|word| Cow::Borrowed(word.as_str())))
    }
}

/// Names of conditions in the order of the vocabulary, whatever order the rows brought them in.
pub fn in_reading_order(names: &BTreeSet<String>) -> Vec<String> {
    let joined: Vec<&str> = names.iter().map(String::as_str).collect();
    Conditions::parse(&joined.join(",")).names()
}

/// The word that people read for a condition's Graph name: the two `ipAddressSeenBy…`
/// members qualify location and are no reason of their own.
pub fn condition_word(name: &str) -> &str {
    CONDITIONS.iter().find(|(_, known, _)| *known == name).map_or(name, |(_, _, word)| word)
}

/// The word that people read for a control's name in a log.
pub fn control_word(name: &str) -> &str {
    const WORDS: [(&str, &str); 11] = [
        ("Block", "block"),
        ("Mfa", "multifactor authentication"),
        ("RequireCompliantDevice", "compliant device"),
        ("RequireDomainJoinedDevice", "hybrid joined device"),
        ("RequireApprovedApp", "approved client app"),
        ("RequireCompliantApp", "app protection policy"),
        ("RequirePasswordChange", "password change"),
        ("SignInFrequency", "sign-in frequency"),
        ("PersistentBrowserSessionMode", "persistent browser session"),
        ("AppEnforcedRestrictions", "app enforced restrictions"),
        ("CloudAppSecurity", "app control"),
    ];
    WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(name, |(_, word)| word)
}

/// `conditionalAccessStatus`: the outcome for the whole sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionalAccessStatus {
    Success,
    Failure,
    NotApplied,
    Other(String),
}

impl ConditionalAccessStatus {
    /// From Graph's word, the portal's ("Not Applied") or the number; empty is none.
    pub fn parse(text: &str) -> Option<Self> {
        let word: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        Some(match word.to_ascii_lowercase().as_str() {
            "" => return None,
            "success" | "0" => Self::Success,
            "failure" | "1" => Self::Failure,
            "notapplied" | "2" => Self::NotApplied,
            _ => Self::Other(text.trim().to_owned()),
        })
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::NotApplied => "notApplied",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for ConditionalAccessStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_and_names_of_the_same_block_say_the_same() {
        let names = Conditions::parse("application,users,location,ipAddressSeenByAzureAD");
        assert_eq!(names, Conditions::from_mask(1035));
        assert_eq!(names, Conditions::parse("1035"));
        assert_eq!(names.names(), ["users", "application", "location", "ipAddressSeenByAzureAD"]);
    }

    #[test]
    fn unknown_bits_and_words_survive() {
        assert_eq!(Conditions::from_mask(131_073).names(), ["application", "bit131072"]);
        assert_eq!(Conditions::parse("users,moonPhase").names(), ["users", "moonPhase"]);
        assert!(Conditions::parse("none").is_empty());
    }

    #[test]
    fn results_are_read_in_any_case_and_by_number() {
        assert_eq!(PolicyResult::parse("ReportOnlyFailure"), PolicyResult::ReportOnlyFailure);
        assert_eq!(PolicyResult::parse("1"), PolicyResult::Failure);
        assert_eq!(PolicyResult::parse("later").as_str(), "later");
    }

    #[test]
    fn an_authentication_strength_is_the_demand_when_no_control_is_listed() {
        let policy = AppliedPolicy {
            authentication_strength: Some("Phishing-resistant MFA".to_owned()),
            ..AppliedPolicy::default()
        };
        assert_eq!(policy.demanded_controls(), ["authentication strength: Phishing-resistant MFA"]);
    }
}
