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
    pub category: Category,
    pub who_fixes: WhoFixes,
    pub is_conditional_access: Certainty,
    /// In an interactive sign-in.
    pub kind: CodeKind,
    /// In every other sign-in.
    pub kind_noninteractive: CodeKind,
    /// How sure the sources are.
    pub confidence: Confidence,
    /// Keys of the sources, joined by blanks: REF and REF25 are Microsoft's "Microsoft Entra
    /// authentication and authorization error codes" of 2024 and 2025, SUP its support articles,
    /// SIR, CATS and HTS its pages on sign-in and Conditional Access troubleshooting, CAFLOW the
    /// one on authentication flows, WB its workbooks, MSAL its library; CIPP, ISS, COMM, MSB and
    /// SPRAY are public tools and issues; REC is memory alone.
    pub source: String,
    pub cause: String,
    pub remedy: String,
}

/// The kind of cause behind a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    AppRegistration,
    Certificate,
    ConditionalAccess,
    Consent,
    ConsumerMsa,
    Credential,
    CrossTenantPolicy,
    Device,
    Federation,
    InterruptUi,
    Mfa,
    NationalCloud,
    OnPremAuth,
    PartnerRelationship,
    PasswordChange,
    ProtocolRequest,
    Risk,
    Saml,
    SeamlessSso,
    SecurityDefaults,
    ServicePrincipal,
    Success,
    Tenant,
    ThrottlingTransient,
    TokenSession,
    /// Nothing tells. No code of the table has it.
    Unknown,
    UserAccount,
}

impl Category {
    /// As in the table and in the dataset, and the words for people.
    const NAMED: [(Self, &'static str, &'static str); 27] = [
        (Self::AppRegistration, "app_registration", "registration of the app"),
        (Self::Certificate, "certificate", "certificate"),
        (Self::ConditionalAccess, "conditional_access", "Conditional Access"),
        (Self::Consent, "consent", "consent"),
        (Self::ConsumerMsa, "consumer_msa", "personal Microsoft account"),
        (Self::Credential, "credential", "password"),
        (Self::CrossTenantPolicy, "cross_tenant_policy", "cross-tenant policy"),
        (Self::Device, "device", "device"),
        (Self::Federation, "federation", "federated identity provider"),
        (Self::InterruptUi, "interrupt_ui", "a normal step of a sign-in"),
        (Self::Mfa, "mfa", "multifactor authentication"),
        (Self::NationalCloud, "national_cloud", "another cloud"),
        (Self::OnPremAuth, "on_prem_auth", "sign-in agents on premises"),
        (Self::PartnerRelationship, "partner_relationship", "relationship of partner and customer"),
        (Self::PasswordChange, "password_change", "change of a password"),
        (Self::ProtocolRequest, "protocol_request", "faulty request"),
        (Self::Risk, "risk", "risk"),
        (Self::Saml, "saml", "SAML application"),
        (Self::SeamlessSso, "seamless_sso", "seamless sign-on"),
        (Self::SecurityDefaults, "security_defaults", "security defaults"),
        (Self::ServicePrincipal, "service_principal", "app or service in the customer tenant"),
        (Self::Success, "success", "success"),
        (Self::Tenant, "tenant", "tenant"),
        (Self::ThrottlingTransient, "throttling_transient", "passing fault or too many requests"),
        (Self::TokenSession, "token_session", "token or session that is over"),
        (Self::Unknown, "unknown", "not known"),
        (Self::UserAccount, "user_account", "account"),
    ];

    /// As it stands in the table and in the dataset.
    pub fn as_str(self) -> &'static str {
        self.named().1
    }

    /// From what [`Self::as_str`] says.
    pub fn parse(text: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(_, name, _)| *name == text).map(|(known, _, _)| known)
    }

    /// As people read it.
    pub fn words(self) -> &'static str {
        self.named().2
    }

    fn named(self) -> (Self, &'static str, &'static str) {
        let unknown = (Self::Unknown, "unknown", "not known");
        Self::NAMED.into_iter().find(|(known, _, _)| *known == self).unwrap_or(unknown)
    }
}

/// Who can put it right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoFixes {
    Partner,
    Child,
    Both,
    Microsoft,
}

impl WhoFixes {
    /// From what [`Self::as_str`] says.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Partner, Self::Child, Self::Both, Self::Microsoft];
        all.into_iter().find(|who| who.as_str() == text)
    }

    /// As it stands in the table and in the dataset.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Child => "child",
            Self::Both => "both",
            Self::Microsoft => "microsoft",
        }
    }

    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Partner => "you, in your partner tenant or tool",
            Self::Child => "the customer (child tenant)",
            Self::Both => "you and the customer",
            Self::Microsoft => "Microsoft",
        }
    }
}

/// How sure the sources of a row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    High,
    Medium,
    Low,
}

impl Confidence {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
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
        let named = all().iter().all(|entry| entry.category != Category::Unknown);
        assert!(named);
        let challenge = ErrorCode(50097).entry().map(|e| (e.kind, e.kind_noninteractive));
        assert_eq!(challenge, Some((CodeKind::Interrupt, CodeKind::Failure)));
    }

    #[test]
    fn every_category_has_its_own_words() {
        for (category, name, _) in Category::NAMED {
            assert_eq!(category.as_str(), name);
            assert_eq!(serde_json::to_string(&category).ok(), Some(format!("\"{name}\"")));
        }
        let words: std::collections::BTreeSet<_> =
            Category::NAMED.iter().map(|(_, _, words)| words).collect();
        assert_eq!(words.len(), Category::NAMED.len());
    }
}
