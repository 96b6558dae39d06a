//! From what a log tells of a policy's refusals to the remedy. Pure; `tests/remedies.csv` is
//! the specification, and its rows are checked against this file.

use std::collections::BTreeSet;

/// What a policy can demand, as far as it makes a difference to the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    Block,
    Mfa,
    /// An authentication strength: certain methods.
    Strength,
    /// A compliant or hybrid joined device.
    Device,
    /// An approved client app or an app protection policy: no outside user can meet it
    /// (Microsoft, authentication-conditional-access).
    ManagedApp,
    /// A password change or the remediation of a risk: both happen at home.
    RemediateRisk,
    /// A control that the table does not know: terms of use, a third party's, a later one.
    Unknown,
}

impl Control {
    /// From a grant control's name in a log or in Graph (`builtInControls` of the metadata).
    pub fn of_grant(name: &str) -> Self {
        const NAMES: [(&str, Control); 14] = [
            ("block", Control::Block),
            ("mfa", Control::Mfa),
            ("requiremfa", Control::Mfa),
            ("requiremultifactorauthentication", Control::Mfa),
            ("requirecompliantdevice", Control::Device),
            ("compliantdevice", Control::Device),
            ("requiredomainjoineddevice", Control::Device),
            ("domainjoineddevice", Control::Device),
            ("requireapprovedapp", Control::ManagedApp),
            ("approvedapplication", Control::ManagedApp),
            ("requirecompliantapp", Control::ManagedApp),
            ("compliantapplication", Control::ManagedApp),
            ("requirepasswordchange", Control::RemediateRisk),
            ("passwordchange", Control::RemediateRisk),
        ];
        if name.starts_with("authentication strength") {
            return Self::Strength;
        }
        let word: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let word = word.to_lowercase();
        if word.contains("riskremediation") {
            return Self::RemediateRisk;
        }
        NAMES
            .iter()
            .find(|(known, _)| *known == word)
            .map_or(Self::Unknown, |(_, control)| *control)
    }
}

/// Whether the addresses of the refused tries are known from a success of this partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Address {
    /// Every one of them.
    Seen,
    /// At least one of them never.
    NeverSeen,
    /// The log names no address.
    #[default]
    NotTold,
}

/// As what the account came in (`crossTenantAccessType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Relation {
    /// By a delegated relationship, or the log does not say otherwise.
    #[default]
    ServiceProvider,
    /// As a guest or by direct connect.
    B2b,
}

/// What the log tells of the refusals of one policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub policy_id: String,
    pub policy_name: String,
    /// Grant controls as the log names them.
    pub demanded: BTreeSet<String>,
    /// Session controls as the log names them.
    pub session: BTreeSet<String>,
    /// Graph's names of the conditions because of which the policy applied; empty where the
    /// export lists none.
    pub matched: BTreeSet<String>,
    /// Error codes of the refused tries.
    pub codes: BTreeSet<i32>,
    pub address: Address,
    pub relation: Relation,
    /// Some of the refused accounts is an integration: no person is there to answer.
    pub unattended: bool,
    /// Some refused try came from a client of legacy authentication (`clientAppUsed`).
    pub legacy_client: bool,
    /// Of some refused try the log does not tell, in words that are known, what client it was.
    pub unknown_client: bool,
    /// Some refused try was made by device code, or its token goes back to one.
    pub device_code: bool,
}

/// Why an exclusion is all that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exclude {
    /// It blocks by user and app alone.
    Everybody,
    /// It blocks by location, and the addresses are known.
    Location,
    /// It demands a device that an unattended app can never show.
    Device,
    /// It demands what no user from outside can show.
    ManagedApp,
    /// It hands over to a third party, whose answer does not count across tenants.
    ThirdParty,
    /// It blocks by platform or by kind of client.
    Client,
}

/// What the log leaves open, so that nobody should change anything before it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unclear {
    /// Why the policy applied.
    Conditions,
    /// What the policy demands.
    Controls,
}

/// What has to be found out before anything is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    SignInRisk,
    InsiderRisk,
    /// The address never got in.
    UnknownAddress,
}

/// What to do about a policy that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The partner investigates the account's risk and clears it at home.
    ClearRisk,
    /// Sign in again in the browser, by authorization code: a token out of a device code stays
    /// marked (Microsoft, authentication flows).
    SignInInBrowser,
    /// Give up legacy authentication.
    StopLegacyClient,
    /// Sign in again with Microsoft MFA in the partner tenant.
    SignInWithMfa,
    /// Sign in again with a method that the strength accepts.
    SignInWithStrength,
    /// Sign in again; the session was over.
    SignInAgain,
    /// Sign in with MFA; security defaults know no exclusion.
    MeetSecurityDefaults,
    /// The customer trusts MFA of the partner's tenant for its guests.
    TrustMfa,
    /// The customer trusts the partner's devices, and the person signs in from a managed one.
    TrustDevices,
    Exclude(Exclude),
    /// Exclude from the policy that limits the session, and keep its grant part.
    ExcludeFromSession,
    LookFirst(Unclear),
    Investigate(Danger),
}

/// In which order it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Fixed in the partner's own tenant.
    OwnTenant,
    /// The customer makes the condition one that can be met.
    MeetCondition,
    /// The customer excludes the partner, behind a replacement policy.
    Exclusion,
    /// Nothing is opened.
    Never,
}

impl Class {
    pub const ALL: [Self; 4] = [Self::OwnTenant, Self::MeetCondition, Self::Exclusion, Self::Never];

    /// The word of the machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OwnTenant => "own_tenant",
            Self::MeetCondition => "meet_condition",
            Self::Exclusion => "exclusion",
            Self::Never => "never",
        }
    }
}

impl Remedy {
    pub fn class(self) -> Class {
        match self {
            Self::ClearRisk
            | Self::SignInInBrowser
            | Self::StopLegacyClient
            | Self::SignInWithMfa
            | Self::SignInWithStrength
            | Self::SignInAgain
            | Self::MeetSecurityDefaults => Class::OwnTenant,
            Self::TrustMfa | Self::TrustDevices => Class::MeetCondition,
            Self::Exclude(_) | Self::ExcludeFromSession | Self::LookFirst(_) => Class::Exclusion,
            Self::Investigate(_) => Class::Never,
        }
    }

    /// An exclusion would be wrong, whatever else is tried.
    pub fn never_exclude(self) -> bool {
        matches!(
            self,
            Self::ClearRisk
                | Self::SignInInBrowser
                | Self::StopLegacyClient
                | Self::MeetSecurityDefaults
                | Self::Investigate(_)
        )
    }

    /// The word of the machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClearRisk => "clear_risk",
            Self::SignInInBrowser => "sign_in_in_browser",
            Self::StopLegacyClient => "stop_legacy_client",
            Self::SignInWithMfa => "sign_in_with_mfa",
            Self::SignInWithStrength => "sign_in_with_strength",
            Self::SignInAgain => "sign_in_again",
            Self::MeetSecurityDefaults => "meet_security_defaults",
            Self::TrustMfa => "trust_mfa",
            Self::TrustDevices => "trust_devices",
            Self::Exclude(Exclude::Everybody) => "exclude",
            Self::Exclude(Exclude::Location) => "exclude_location",
            Self::Exclude(Exclude::Device) => "exclude_device",
            Self::Exclude(Exclude::ManagedApp) => "exclude_managed_app",
            Self::Exclude(Exclude::ThirdParty) => "exclude_third_party",
            Self::Exclude(Exclude::Client) => "exclude_client",
            Self::ExcludeFromSession => "exclude_from_session",
            Self::LookFirst(Unclear::Conditions) => "look_at_conditions",
            Self::LookFirst(Unclear::Controls) => "look_at_controls",
            Self::Investigate(Danger::SignInRisk) => "investigate_sign_in_risk",
            Self::Investigate(Danger::InsiderRisk) => "investigate_insider_risk",
            Self::Investigate(Danger::UnknownAddress) => "investigate_address",
        }
    }
}

/// Codes by which Entra refuses an account that is a risk at home (codes table, category risk).
const RISK_CODES: [i32; 6] = [530_034, 53_011, 530_032, 53_004, 50_135, 50_142];
/// A refresh token that goes back to a device code, now forbidden.
const DEVICE_CODE_CODES: [i32; 1] = [530_036];
/// The session is older than a policy allows.
const SESSION_CODES: [i32; 4] = [50_078, 70_043, 70_044, 70_046];
/// A session control that cannot be put on a user without an account in the tenant.
const SESSION_NOT_SUPPORTED: i32 = 50_178;
/// The token holds no MFA at all: that is no session that grew old.
const NO_MFA_CODES: [i32; 4] = [50_072, 50_074, 50_076, 50_079];
/// The sign-in was handed to a third party.
const THIRD_PARTY_CODES: [i32; 7] = [50_158, 50_159, 50_161, 50_170, 50_172, 50_176, 50_177];

/// Whether a code says that the account is a risk in its home tenant.
pub fn is_risk_code(code: i32) -> bool {
    RISK_CODES.contains(&code)
}

impl Facts {
    /// Microsoft's own policies can be edited in their state and exclusions only.
    pub fn is_microsoft_managed(&self) -> bool {
        is_microsoft_managed(&self.policy_name)
    }

    /// Several controls: a log does not say whether any one of them would do.
    pub fn has_several_controls(&self) -> bool {
        let blocks = self.demanded.iter().any(|name| Control::of_grant(name) == Control::Block);
        self.demanded.len() > 1 && !blocks
    }

    /// The policy applied because of a risk of the user at home.
    pub fn is_user_risk(&self) -> bool {
        self.matched("userRisk") || self.demands(Control::RemediateRisk)
    }

    fn matched(&self, condition: &str) -> bool {
        self.matched.contains(condition)
    }

    fn demands(&self, control: Control) -> bool {
        self.demanded.iter().any(|name| Control::of_grant(name) == control)
    }

    fn has_code(&self, codes: &[i32]) -> bool {
        codes.iter().any(|code| self.codes.contains(code))
    }

    /// There is a code, and no other than these.
    fn has_only_codes(&self, codes: &[i32]) -> bool {
        !self.codes.is_empty() && self.codes.iter().all(|code| codes.contains(code))
    }

    /// The log leaves open why the policy applied: it lists no conditions, or one that is hidden
    /// or unknown and may be the very one that matters.
    pub fn hides_conditions(&self) -> bool {
        let known = |name: &String| {
            let word = crate::policy::condition_word(name);
            ["users", "application"].contains(&word) || CLIENT_CONDITIONS.contains(&word)
        };
        self.matched.is_empty() || !self.matched.iter().all(known)
    }

    /// Nothing but MFA or an authentication strength is demanded.
    pub fn demands_only_mfa(&self) -> bool {
        let mut controls = self.demanded.iter().map(|name| Control::of_grant(name));
        controls.all(|control| matches!(control, Control::Mfa | Control::Strength))
    }

    fn name_has(&self, words: &[&str]) -> bool {
        let name = self.policy_name.to_lowercase();
        words.iter().any(|word| name.contains(word))
    }
}

/// Microsoft's own policies say so in their names.
pub fn is_microsoft_managed(name: &str) -> bool {
    let name = name.trim_start().to_lowercase();
    name.starts_with("microsoft-managed") || name.starts_with("microsoft managed")
}

/// The remedy for one policy. The most dangerous reading wins: what one refusal forbids, no
/// other refusal of the same policy allows.
pub fn remedy_of(facts: &Facts) -> Remedy {
    if facts.policy_id.eq_ignore_ascii_case("SecurityDefaults") {
        return security_defaults(facts);
    }
    danger(facts).unwrap_or_else(|| {
        let remedy = by_control(facts);
        let asked = if opens(remedy) { not_to_open(facts) } else { None };
        asked.unwrap_or(remedy)
    })
}

fn security_defaults(facts: &Facts) -> Remedy {
    if facts.has_code(&RISK_CODES) {
        return Remedy::ClearRisk;
    }
    // They block legacy protocols, which know no MFA.
    if facts.legacy_client { Remedy::StopLegacyClient } else { Remedy::MeetSecurityDefaults }
}

/// Whether a remedy takes the partner out of the policy.
fn opens(remedy: Remedy) -> bool {
    matches!(remedy, Remedy::Exclude(_) | Remedy::ExcludeFromSession)
}

/// What forbids an exclusion, whatever control is behind it: an exclusion takes the policy's
/// condition away, too.
fn not_to_open(facts: &Facts) -> Option<Remedy> {
    if facts.matched.is_empty() {
        return danger_by_name(facts);
    }
    let location =
        facts.matched.iter().any(|name| crate::policy::condition_word(name) == "location");
    (location && facts.address != Address::Seen)
        .then_some(Remedy::Investigate(Danger::UnknownAddress))
}

/// What must not be opened, whatever is demanded.
fn danger(facts: &Facts) -> Option<Remedy> {
    if facts.is_user_risk() || facts.has_code(&RISK_CODES) {
        return Some(Remedy::ClearRisk);
    }
    if facts.matched("signInRisk") || facts.matched("servicePrincipalRisk") {
        return Some(Remedy::Investigate(Danger::SignInRisk));
    }
    if facts.matched("insiderRisk") {
        return Some(Remedy::Investigate(Danger::InsiderRisk));
    }
    if facts.matched("authenticationFlows") || facts.has_code(&DEVICE_CODE_CODES) {
        return Some(Remedy::SignInInBrowser);
    }
    if !facts.demands(Control::Block) {
        return None;
    }
    let legacy = facts.legacy_client || facts.name_has(&["legacy"]);
    if legacy && (facts.matched.is_empty() || facts.matched("clientType")) {
        return Some(Remedy::StopLegacyClient);
    }
    if facts.matched.is_empty() && facts.device_code {
        return Some(Remedy::SignInInBrowser);
    }
    not_to_open(facts)
}

/// Where the export does not say why a policy applied, its name may warn, but never allow.
fn danger_by_name(facts: &Facts) -> Option<Remedy> {
    if facts.name_has(&["device code", "device-code", "authentication flow", "auth flow"]) {
        return Some(Remedy::SignInInBrowser);
    }
    if facts.name_has(&["user risk", "risky user"]) {
        return Some(Remedy::ClearRisk);
    }
    facts.name_has(&["risk"]).then_some(Remedy::Investigate(Danger::SignInRisk))
}

fn by_control(facts: &Facts) -> Remedy {
    if facts.demands(Control::Block) {
        return block(facts);
    }
    if session_is_over(facts) {
        // Where the policy lists no limit of the session, to exclude from it may change nothing: the
        // customer's "remember MFA" ends sessions, too (Microsoft, 50078 after 14 days).
        let is_limited = !facts.session.is_empty() || is_not_supported(facts);
        return if facts.unattended && is_limited {
            Remedy::ExcludeFromSession
        } else {
            Remedy::SignInAgain
        };
    }
    let known = facts.demanded.iter().map(|name| control(Control::of_grant(name), facts));
    // Of several controls the one that is hardest to meet: which of them would do is not told.
    known
        .max_by_key(|remedy| (remedy.class(), *remedy))
        .unwrap_or(Remedy::LookFirst(Unclear::Controls))
}

fn block(facts: &Facts) -> Remedy {
    if facts.matched.is_empty() {
        return Remedy::LookFirst(Unclear::Conditions);
    }
    let words: BTreeSet<&str> =
        facts.matched.iter().map(|name| crate::policy::condition_word(name)).collect();
    let others: Vec<&str> =
        words.into_iter().filter(|word| !["users", "application"].contains(word)).collect();
    match others[..] {
        [] => Remedy::Exclude(Exclude::Everybody),
        _ if others.iter().all(|word| *word == "location") => Remedy::Exclude(Exclude::Location),
        // Policies about the client are mostly there to block legacy authentication.
        _ if facts.unknown_client && facts.matched("clientType") => {
            Remedy::LookFirst(Unclear::Conditions)
        }
        _ if others.iter().all(|word| CLIENT_CONDITIONS.contains(word)) => {
            Remedy::Exclude(Exclude::Client)
        }
        // A condition that is hidden or unknown may be the very one that matters.
        _ => Remedy::LookFirst(Unclear::Conditions),
    }
}

const CLIENT_CONDITIONS: [&str; 5] =
    ["location", "device platform", "client type", "device state", "client"];

/// The policy limits the session, and that is what ended it. A code of the route that tells of a
/// session is not enough: a policy that demands a device did not end it.
fn session_is_over(facts: &Facts) -> bool {
    let is_listed = !facts.session.is_empty();
    let only_mfa = facts.demands_only_mfa();
    let frequency = facts.session.iter().any(|name| {
        let word: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        word.eq_ignore_ascii_case("SignInFrequency")
    });
    let tells_of_session = facts.has_only_codes(&SESSION_CODES)
        || only_mfa && facts.has_code(&SESSION_CODES)
        || is_not_supported(facts);
    facts.demanded.is_empty() && is_listed
        || frequency && only_mfa && !facts.has_only_codes(&NO_MFA_CODES)
        || (is_listed || only_mfa) && tells_of_session
}

fn is_not_supported(facts: &Facts) -> bool {
    facts.codes.contains(&SESSION_NOT_SUPPORTED)
}

fn control(control: Control, facts: &Facts) -> Remedy {
    match control {
        Control::Mfa if facts.has_code(&THIRD_PARTY_CODES) => Remedy::Exclude(Exclude::ThirdParty),
        Control::Mfa => match facts.relation {
            Relation::ServiceProvider => Remedy::SignInWithMfa,
            Relation::B2b => Remedy::TrustMfa,
        },
        Control::Strength => Remedy::SignInWithStrength,
        Control::Device if facts.unattended => Remedy::Exclude(Exclude::Device),
        Control::Device => Remedy::TrustDevices,
        Control::ManagedApp => Remedy::Exclude(Exclude::ManagedApp),
        Control::RemediateRisk => Remedy::ClearRisk,
        Control::Unknown if facts.has_code(&THIRD_PARTY_CODES) => {
            Remedy::Exclude(Exclude::ThirdParty)
        }
        Control::Block | Control::Unknown => Remedy::LookFirst(Unclear::Controls),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the specification.
    #[derive(Debug, serde::Deserialize)]
    struct Line {
        case: String,
        demanded: String,
        session: String,
        matched: String,
        codes: String,
        address: String,
        /// `integration` or `person`, `b2b`, `legacy`, `device_code`, joined by blanks.
        marks: String,
        name: String,
        remedy: String,
        class: String,
        exclusion: String,
    }

    fn list(text: &str) -> BTreeSet<String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    impl Line {
        fn facts(&self) -> Facts {
            let mark = |word: &str| self.marks.split(' ').any(|mark| mark == word);
            Facts {
                policy_id: if mark("defaults") { "SecurityDefaults" } else { "p" }.to_owned(),
                policy_name: self.name.clone(),
                demanded: list(&self.demanded),
                session: list(&self.session),
                matched: list(&self.matched),
                codes: list(&self.codes).iter().map(|code| code.parse().unwrap()).collect(),
                address: match self.address.as_str() {
                    "seen" => Address::Seen,
                    "never" => Address::NeverSeen,
                    _ => Address::NotTold,
                },
                relation: if mark("b2b") { Relation::B2b } else { Relation::ServiceProvider },
                unattended: mark("integration"),
                legacy_client: mark("legacy"),
                unknown_client: mark("unknown_client"),
                device_code: mark("device_code"),
            }
        }
    }

    #[test]
    fn every_line_of_the_specification_holds() {
        let text = include_str!("../../tests/remedies.csv");
        let lines: Vec<Line> = csv::Reader::from_reader(text.as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(lines.len() >= 40);
        let wrong: Vec<String> = lines
            .iter()
            .filter_map(|line| {
                let remedy = remedy_of(&line.facts());
                let exclusion = if remedy.never_exclude() {
                    "never"
                } else if remedy.class() == Class::Exclusion {
                    "asked"
                } else {
                    "last"
                };
                let found = (remedy.as_str(), remedy.class().as_str(), exclusion);
                let wanted = (&*line.remedy, &*line.class, &*line.exclusion);
                (found != wanted).then(|| format!("{}: {found:?}, not {wanted:?}", line.case))
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_risk_is_never_excluded_whatever_else_is_there() {
        let controls = ["Block", "Mfa", "RequireCompliantDevice", "SignInFrequency", "Moon"];
        let conditions = ["users", "application", "location", "clientType", "userRisk"];
        for control in controls {
            for mask in 0..32 {
                let picked = conditions.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
                let matched: BTreeSet<String> =
                    picked.map(|(_, name)| (*name).to_owned()).collect();
                let risky = matched.contains("userRisk");
                let facts = Facts {
                    demanded: BTreeSet::from([control.to_owned()]),
                    matched,
                    address: Address::Seen,
                    unattended: true,
                    ..Facts::default()
                };
                assert_eq!(remedy_of(&facts) == Remedy::ClearRisk, risky, "{facts:?}");
                let with_code = Facts { codes: BTreeSet::from([530_034]), ..facts };
                assert!(remedy_of(&with_code).never_exclude(), "{with_code:?}");
            }
        }
    }
}
