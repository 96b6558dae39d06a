//! One normalised record of a sign-in log.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error_code::ErrorCode;
use crate::policy::{AppliedPolicy, ConditionalAccessStatus, PolicyFacts, write_joined};
use crate::tenant::TenantId;

/// A sign-in as an export tells it, whatever the kind of export.
///
/// An empty text in an export is no value, so it is `None` here. Field names are those of the
/// dataset's columns; each follows the Graph `signIn` property of the same meaning. Its texts are
/// its own, or `T` borrows them from where it lies encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn<T = String> {
    /// Graph's `id` (request id) in lower case.
    pub sign_in_id: Option<T>,
    /// `createdDateTime`: when the sign-in began.
    #[serde(with = "crate::time::text")]
    pub created_at: DateTime<Utc>,
    /// Azure Monitor's `time`: when this state of the attempt was published. `None` in Graph
    /// and portal copies, which hold only the final state.
    #[serde(with = "crate::time::text::maybe")]
    pub published_at: Option<DateTime<Utc>>,
    pub sign_in_type: SignInType,
    /// The tenant whose log this is, where the record's envelope says so.
    pub exporting_tenant: Option<TenantId>,
    pub home_tenant: Option<TenantId>,
    pub resource_tenant: Option<TenantId>,
    /// `None` where the export has no such field.
    pub cross_tenant_access: Option<CrossTenantAccess>,
    pub user_id: Option<T>,
    pub user_principal_name: Option<T>,
    pub user_display_name: Option<T>,
    pub user_type: Option<T>,
    pub service_principal_id: Option<T>,
    pub service_principal_name: Option<T>,
    pub app_id: Option<T>,
    pub app_name: Option<T>,
    pub app_owner_tenant: Option<TenantId>,
    pub resource_id: Option<T>,
    pub resource_name: Option<T>,
    pub resource_service_principal_id: Option<T>,
    pub ip_address: Option<T>,
    pub country: Option<T>,
    pub city: Option<T>,
    pub asn: Option<i64>,
    pub client_app: Option<T>,
    pub user_agent: Option<T>,
    pub device_id: Option<T>,
    pub operating_system: Option<T>,
    pub browser: Option<T>,
    pub is_compliant: Option<bool>,
    pub is_managed: Option<bool>,
    pub trust_type: Option<T>,
    pub authentication_requirement: Option<T>,
    /// Methods of the authentication steps, joined.
    pub authentication_methods: Option<T>,
    pub session_lifetime_policies: Option<T>,
    pub authentication_protocol: Option<T>,
    pub original_transfer_method: Option<T>,
    pub incoming_token_type: Option<T>,
    pub network_location: Option<T>,
    pub risk_state: Option<T>,
    pub risk_level: Option<T>,
    pub outcome: Outcome,
    pub failure_reason: Option<T>,
    pub additional_details: Option<T>,
    pub conditional_access_status: Option<ConditionalAccessStatus>,
    /// Without those that did not look at the sign-in, unless they are asked for.
    pub applied_policies: Vec<AppliedPolicy<T>>,
    /// What all of them show, those that are not kept included.
    #[serde(skip)]
    pub policy_facts: PolicyFacts,
    pub row_evidence: RowEvidence,
    pub correlation_id: Option<T>,
    pub session_id: Option<T>,
    pub unique_token_id: Option<T>,
}

impl<T: AsRef<str>> SignIn<T> {
    /// The name under which people know the account: its user principal name, else the name
    /// shown (a GDAP user has no mail address), else an id.
    pub fn account(&self) -> Option<&str> {
        [
            &self.user_principal_name,
            &self.user_display_name,
            &self.service_principal_name,
            &self.user_id,
            &self.service_principal_id,
        ]
        .into_iter()
        .find_map(|name| name.as_ref().map(AsRef::as_ref))
    }
}

/// What the log says came out: an error code, or only the portal's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Code(ErrorCode),
    /// No code: the portal's Status column, or Azure Monitor's `resultSignature`.
    Word(StatusWord),
    /// A code with the portal's word beside it.
    Both(ErrorCode, StatusWord),
}

impl Outcome {
    pub fn new(code: Option<ErrorCode>, word: Option<StatusWord>) -> Option<Self> {
        match (code, word) {
            (Some(code), Some(word)) => Some(Self::Both(code, word)),
            (Some(code), None) => Some(Self::Code(code)),
            (None, Some(word)) => Some(Self::Word(word)),
            (None, None) => None,
        }
    }

    pub fn code(self) -> Option<ErrorCode> {
        match self {
            Self::Code(code) | Self::Both(code, _) => Some(code),
            Self::Word(StatusWord::Success) => Some(ErrorCode::SUCCESS),
            Self::Word(_) => None,
        }
    }

    pub fn word(self) -> Option<StatusWord> {
        match self {
            Self::Word(word) | Self::Both(_, word) => Some(word),
            Self::Code(_) => None,
        }
    }
}

/// The portal's Status column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusWord {
    Success,
    Failure,
    Interrupted,
}

impl StatusWord {
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "success" => Some(Self::Success),
            "failure" | "failed" => Some(Self::Failure),
            "interrupted" => Some(Self::Interrupted),
            _ => None,
        }
    }
}

/// The log in which a sign-in stands (`signInEventTypes`, Azure Monitor's `category`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SignInType {
    InteractiveUser,
    NonInteractiveUser,
    ServicePrincipal,
    ManagedIdentity,
    /// The export does not tell interactive from non-interactive.
    Unknown,
}

impl SignInType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InteractiveUser => "interactiveUser",
            Self::NonInteractiveUser => "nonInteractiveUser",
            Self::ServicePrincipal => "servicePrincipal",
            Self::ManagedIdentity => "managedIdentity",
            Self::Unknown => "unknown",
        }
    }

    /// A person or an integration that signs in as a user.
    pub fn is_user(self) -> bool {
        matches!(self, Self::InteractiveUser | Self::NonInteractiveUser | Self::Unknown)
    }
}

/// `crossTenantAccessType`: a flag enum (Graph `signInAccessType`), so lists and numbers occur.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossTenantAccess {
    mask: u32,
    other: Vec<String>,
}

const ACCESS_TYPES: [(u32, &str); 6] = [
    (1, "b2bCollaboration"),
    (2, "b2bDirectConnect"),
    (4, "microsoftSupport"),
    (8, "serviceProvider"),
    (16, "unknownFutureValue"),
    (32, "passthrough"),
];

impl CrossTenantAccess {
    pub fn from_mask(mask: u32) -> Self {
        Self { mask, other: Vec::new() }
    }

    /// From Graph's words, the portal's ("Service provider"), a comma list of them, or digits.
    pub fn parse(text: &str) -> Self {
        if let Ok(mask) = text.trim().parse() {
            return Self::from_mask(mask);
        }
        let mut access = Self::default();
        for part in text.split(',') {
            access.insert(part);
        }
        access
    }

    fn insert(&mut self, part: &str) {
        let word: String = part.chars().filter(|c| !c.is_whitespace()).collect();
        let known = ACCESS_TYPES.iter().find(|(_, name)| name.eq_ignore_ascii_case(&word));
        match known {
            Some((bit, _)) => self.mask |= bit,
            None if word.is_empty() || word.eq_ignore_ascii_case("none") => {}
            None => self.other.push(part.trim().to_owned()),
        }
    }

    pub fn is_service_provider(&self) -> bool {
        self.mask & 8 != 0
    }

    /// B2B collaboration or direct connect.
    pub fn is_b2b(&self) -> bool {
        self.mask & 3 != 0
    }

    /// A user tried a tenant that he has no access to.
    pub fn is_passthrough(&self) -> bool {
        self.mask & 32 != 0
    }

    /// Graph's words, comma-joined; `none` for the empty set.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text);
        text
    }

    /// Writes what [`Self::to_text`] says behind a text.
    pub fn write_to(&self, text: &mut String) {
        let known: u32 = ACCESS_TYPES.iter().map(|(bit, _)| bit).sum();
        let unknown =
            (0..32).map(|shift| 1u32 << shift).filter(|bit| self.mask & bit & !known != 0);
        let words = ACCESS_TYPES
            .iter()
            .filter(|(bit, _)| self.mask & bit != 0)
            .map(|(_, name)| Cow::Borrowed(*name))
            .chain(unknown.map(|bit| Cow::Owned(format!("bit{bit}"))))
            .chain(self.other.iter().map(|word| Cow::Borrowed(word.as_str())));
        let before = text.len();
        write_joined(words, ",", text);
        if text.len() == before {
            text.push_str("none");
        }
    }
}

/// How much of Conditional Access a record can show, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RowEvidence {
    /// No policy and no status.
    None,
    /// The status of the whole sign-in only (portal CSV).
    StatusOnly,
    /// Policies with their results, without conditions (Graph v1.0).
    Results,
    /// Policies with the conditions that matched.
    Conditions,
}

impl RowEvidence {
    /// Judges what a record holds.
    pub fn of(policies: PolicyFacts, status: Option<&ConditionalAccessStatus>) -> Self {
        if policies.with_conditions {
            Self::Conditions
        } else if policies.count > 0 {
            Self::Results
        } else if status.is_some() {
            Self::StatusOnly
        } else {
            Self::None
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StatusOnly => "status only",
            Self::Results => "results",
            Self::Conditions => "conditions",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_provider_in_every_spelling() {
        let spellings =
            ["serviceProvider", "Service provider", "8", "b2bCollaboration, ServiceProvider", "40"];
        for text in spellings {
            assert!(CrossTenantAccess::parse(text).is_service_provider(), "{text}");
        }
        for text in ["none", "", "b2bCollaboration", "passthrough", "32"] {
            assert!(!CrossTenantAccess::parse(text).is_service_provider(), "{text}");
        }
        assert_eq!(CrossTenantAccess::parse("72").to_text(), "serviceProvider,bit64");
        assert_eq!(CrossTenantAccess::parse("newKind").to_text(), "newKind");
    }
}
