//! What is the same for everybody, and may stay: words of Microsoft's and names of public apps.
//! Whatever is not on a list here is somebody's own and goes.

use std::sync::LazyLock;

use crate::policy::{condition_word, control_word};
use crate::remedy::facts::Control;
use crate::tools;

pub(super) const SECURITY_DEFAULTS: &str = "SecurityDefaults";

/// Apps and resources of Microsoft with which providers sign in, and to which.
const FIRST_PARTY: [&str; 42] = [
    "ACOM Azure Website",
    "Azure Active Directory PowerShell",
    "Azure CLI",
    "Azure Key Vault",
    "Azure Portal",
    "Azure PowerShell",
    "Azure Resource Manager",
    "Dynamics 365 Business Central",
    "Exchange Online",
    "Exchange Online PowerShell",
    "Exchange REST API Based Powershell",
    "Graph Explorer",
    "Log Analytics API",
    "Microsoft 365 Admin portal",
    "Microsoft 365 Security and Compliance Center",
    "Microsoft Admin Center",
    "Microsoft App Access Panel",
    "Microsoft Authentication Broker",
    "Microsoft Azure CLI",
    "Microsoft Azure Management",
    "Microsoft Azure PowerShell",
    "Microsoft Entra admin center",
    "Microsoft Exchange REST API Based Powershell",
    "Microsoft Graph",
    "Microsoft Graph Command Line Tools",
    "Microsoft Graph PowerShell",
    "Microsoft Intune",
    "Microsoft Intune API",
    "Microsoft Office 365 Portal",
    "Microsoft Partner Center",
    "Microsoft Teams",
    "Microsoft Teams Admin Portal Service",
    "Office 365",
    "Office 365 Exchange Online",
    "Office 365 Management APIs",
    "Office 365 SharePoint Online",
    "Office365 Shell WCSS-Client",
    "OfficeHome",
    "Partner Customer Delegated Admin Offline Processor",
    "Partner Center",
    "Windows Azure Active Directory",
    "Windows Azure Service Management API",
];

/// Ids of apps of Microsoft, beside those of the table of tools.
const FIRST_PARTY_IDS: [&str; 8] = [
    "00000002-0000-0000-c000-000000000000",
    "00000002-0000-0ff1-ce00-000000000000",
    "00000003-0000-0000-c000-000000000000",
    "00000003-0000-0ff1-ce00-000000000000",
    "00000006-0000-0ff1-ce00-000000000000",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "c5393580-f805-4401-95e8-94b7a6ef2fc2",
    "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd",
];

/// Names and ids of the table of tools.
static TOOLS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let texts = tools::all()
        .iter()
        .flat_map(|tool| [tool.app_id.as_deref(), tool.app_name.as_deref(), Some(&tool.name)]);
    texts.flatten().collect()
});

/// The public name or id of an app as it is written here.
pub(super) fn app(text: &str) -> Option<&'static str> {
    let public = FIRST_PARTY.iter().chain(&FIRST_PARTY_IDS).chain(TOOLS.iter()).copied();
    find(public, text)
}

/// The name of a tool that comes with the program.
pub(super) fn tool(name: &str) -> Option<&'static str> {
    find(tools::all().iter().map(|tool| tool.name.as_str()), name)
}

fn find(words: impl Iterator<Item = &'static str>, text: &str) -> Option<&'static str> {
    let mut words = words;
    words.find(|word| word.eq_ignore_ascii_case(text.trim()))
}

/// Graph's name of a condition; other words are a later Entra's, or anyone's.
pub(super) fn is_condition(name: &str) -> bool {
    const SAME_WORD: [&str; 5] = ["users", "application", "location", "client", "time"];
    let is_bit = name.strip_prefix("bit").is_some_and(|bit| bit.parse::<u64>().is_ok());
    is_bit || SAME_WORD.contains(&name) || condition_word(name) != name
}

/// A control of Microsoft's, of a grant or of a session.
pub(super) fn is_control(name: &str) -> bool {
    let is_grant = match Control::of_grant(name) {
        // These two are known by a part of the text, and the rest of it may be anything.
        Control::RemediateRisk | Control::Strength | Control::Unknown => false,
        Control::Block | Control::Mfa | Control::Device | Control::ManagedApp => true,
    };
    let is_word = name.chars().all(|c| c.is_ascii_alphabetic() || c == ' ');
    let is_listed = control_word(name) != name || find(CONTROLS.iter().copied(), name).is_some();
    is_word && (is_grant || is_listed)
}

/// Controls that are known by nothing but their names.
const CONTROLS: [&str; 9] = [
    "PasswordChange",
    "RequireRiskRemediation",
    "RiskRemediation",
    "ContinuousAccessEvaluation",
    "DisableResilienceDefaults",
    "SecureSignInSession",
    "SecureApp",
    "TermsOfUse",
    "UnknownFutureValue",
];

/// How an authentication strength begins among the controls.
pub(super) const STRENGTH: &str = "authentication strength";

/// The strengths that every tenant has.
pub(super) const STRENGTHS: [&str; 3] =
    ["Multifactor authentication", "Passwordless MFA", "Phishing-resistant MFA"];

/// Client apps as Entra names them (`clientAppUsed`).
pub(super) fn client_app(text: &str) -> Option<&'static str> {
    const CLIENTS: [&str; 15] = [
        "Browser",
        "Mobile Apps and Desktop clients",
        "Exchange ActiveSync",
        "Exchange Online PowerShell",
        "Exchange Web Services",
        "Authenticated SMTP",
        "Autodiscover",
        "IMAP4",
        "MAPI Over HTTP",
        "Offline Address Book",
        "Other clients",
        "Outlook Anywhere (RPC over HTTP)",
        "POP3",
        "Reporting Web Services",
        "Unknown",
    ];
    find(CLIENTS.iter().copied(), text)
}

/// The family of an operating system; its version may be anything.
pub(super) fn operating_system(text: &str) -> Option<&'static str> {
    const SYSTEMS: [&str; 6] = ["Windows", "macOS", "iOS", "Android", "Linux", "ChromeOS"];
    let text = text.trim().to_lowercase();
    SYSTEMS.iter().copied().find(|system| text.starts_with(&system.to_lowercase()))
}

pub(super) fn risk_level(text: &str) -> Option<&'static str> {
    find(["none", "low", "medium", "high", "hidden"].into_iter(), text)
}

/// Two letters are a country; what a log writes out may be another thing.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// What Entra says of MFA in words of its own, and risk states.
pub(super) fn said(text: &str) -> Option<&'static str> {
    const SAID: [&str; 14] = [
        "MFA requirement satisfied by claim in the token",
        "MFA requirement satisfied by claim provided by external provider",
        "MFA requirement skipped due to IP address",
        "MFA requirement skipped due to remembered device",
        "MFA requirement skipped due to app password",
        "MFA requirement skipped due to location",
        "MFA requirement skipped due to registered device",
        "Previously satisfied",
        "Password",
        "trustedNamedLocation",
        "riskState atRisk",
        "riskState atRisk, risk level low",
        "riskState atRisk, risk level medium",
        "riskState atRisk, risk level high",
    ];
    find(SAID.iter().copied(), text)
}

/// How a cause begins that is the log's own reason (`cause.rs`).
pub(super) const LOG_SAYS: &str = "the log says:";

/// Words of Graph's enumerations, which columns hold that may also hold anything else.
pub(super) fn word(text: &str) -> Option<&'static str> {
    const WORDS: [&str; 44] = [
        "atRisk",
        "authorizationCode",
        "b2bCollaboration",
        "b2bDirectConnect",
        "block",
        "blocked",
        "confirmedCompromised",
        "confirmedSafe",
        "delegated",
        "deviceCode",
        "deviceCodeFlow",
        "dismissed",
        "failure",
        "false",
        "guest",
        "hidden",
        "high",
        "low",
        "medium",
        "member",
        "microsoftSupport",
        "mfa",
        "multiFactorAuthentication",
        "none",
        "notApplied",
        "notEnabled",
        "oAuth2",
        "passthrough",
        "password",
        "primaryRefreshToken",
        "refreshToken",
        "remediated",
        "reportOnlyFailure",
        "reportOnlyInterrupted",
        "reportOnlyNotApplied",
        "reportOnlySuccess",
        "ropc",
        "saml20",
        "serviceProvider",
        "singleFactorAuthentication",
        "success",
        "true",
        "unknownFutureValue",
        "wsFederation",
    ];
    find(WORDS.iter().copied(), text)
}
