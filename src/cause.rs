//! Why a sign-in did not succeed, who can put it right, and how: from all that its record says.
//! Pure.
//!
//! The code decides where it is known, its circumstances where the code alone does not. "Error
//! codes are subject to change at any time" (Microsoft, reference of error codes), so an unknown
//! one falls back to the log's own reason, then to its family, never to silence.
//! `tests/cause.csv` is the specification.

mod circumstances;
mod reason;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::error_code::{Category, ErrorCode, ErrorCodeEntry, WhoFixes};
use crate::sign_in::{CrossTenantAccess, SignInType};

pub use reason::{entry_named_in, entry_of_reason};

/// What a record says of a sign-in that did not succeed.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    pub code: Option<ErrorCode>,
    pub failure_reason: Option<&'a str>,
    pub additional_details: Option<&'a str>,
    pub sign_in_type: SignInType,
    pub way: Way,
    /// A policy has the result failure, and nothing in the record disputes it.
    pub policy_failed: bool,
    /// Conditional Access as a whole failed.
    pub conditional_access_failed: bool,
}

/// The way by which an account came to a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Through GDAP, as `serviceProvider`.
    ServiceProvider,
    /// As a B2B guest, or by B2B direct connect.
    Guest,
    /// `passthrough`: to a tenant that it has no access to (Microsoft, concept-interactive-sign-ins).
    Passthrough,
    /// Into its own tenant.
    Home,
    /// The export does not tell.
    Unknown,
}

impl Way {
    /// A service provider that is a guest as well was judged as a service provider.
    pub fn of(access: Option<&CrossTenantAccess>, is_home: bool) -> Self {
        match access {
            Some(access) if access.is_service_provider() => Self::ServiceProvider,
            _ if is_home => Self::Home,
            Some(access) if access.is_b2b() => Self::Guest,
            Some(access) if access.is_passthrough() => Self::Passthrough,
            _ => Self::Unknown,
        }
    }
}

/// Why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub category: Category,
    pub who_fixes: WhoFixes,
    pub cause: Cow<'static, str>,
    pub remedy: Cow<'static, str>,
    pub basis: Basis,
}

/// By what a cause was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The code is in the table.
    Code,
    /// The words of the log's reason.
    Reason,
    /// The range in which an unknown code lies, or that Conditional Access refused.
    Family,
    /// Nothing: what the log says is told as it is.
    Unknown,
}

impl Basis {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Reason => "reason",
            Self::Family => "family",
            Self::Unknown => "unknown",
        }
    }
}

impl Cause {
    fn of_entry(entry: &'static ErrorCodeEntry, basis: Basis) -> Self {
        Self {
            category: entry.category,
            who_fixes: entry.who_fixes,
            cause: Cow::Borrowed(&entry.cause),
            remedy: Cow::Borrowed(&entry.remedy),
            basis,
        }
    }
}

/// Judges a sign-in that did not succeed.
pub fn cause_of(facts: &Circumstances<'_>) -> Cause {
    if let Some(entry) = known(facts.code) {
        return circumstances::refine(Cause::of_entry(entry, Basis::Code), entry.code, facts);
    }
    if let Some(entry) = reason::entry_of(facts) {
        return circumstances::refine(Cause::of_entry(entry, Basis::Reason), entry.code, facts);
    }
    if let Some(category) = reason::category_of(facts) {
        return in_general(category, Basis::Reason).unwrap_or_else(|| unknown(facts));
    }
    let family = family_of(facts).and_then(|category| in_general(category, Basis::Family));
    family.unwrap_or_else(|| unknown(facts))
}

/// What the table says of a code; a success is no cause of a failure.
fn known(code: Option<ErrorCode>) -> Option<&'static ErrorCodeEntry> {
    code.filter(|&code| code != ErrorCode::SUCCESS).and_then(ErrorCode::entry)
}

/// Ranges of codes that mean one thing.
const FAMILIES: [(RangeInclusive<i32>, Category); 3] = [
    (53_000..=53_099, Category::ConditionalAccess),
    (530_000..=530_999, Category::ConditionalAccess),
    (7_000_000..=7_000_999, Category::AppRegistration),
];

/// In this range, weak words for a second factor are enough.
const ACCOUNTS: RangeInclusive<i32> = 50_000..=50_999;

fn family_of(facts: &Circumstances<'_>) -> Option<Category> {
    if facts.policy_failed || facts.conditional_access_failed {
        return Some(Category::ConditionalAccess);
    }
    let code = facts.code?.0;
    let by_range = FAMILIES.iter().find(|(range, _)| range.contains(&code));
    let by_range = by_range.map(|(_, category)| *category);
    let speaks = || ACCOUNTS.contains(&code) && reason::speaks_of_a_second_factor(facts);
    by_range.or_else(|| speaks().then_some(Category::Mfa))
}

/// A kind of cause, who can put it right, what it means, and what to do.
type General = (Category, WhoFixes, &'static str, &'static str);

const IN_GENERAL: [General; 9] = [
    (
        Category::ConditionalAccess,
        WhoFixes::Both,
        "Conditional Access refused the sign-in, by a code that is not known here.",
        "Name the policies with result failure, and why they applied. If the condition can be met, \
         meet it. A risk, a device-code sign-in or a legacy client: never exclude. Otherwise \
         exclude this partner's service provider users from each policy named only, with a policy \
         of its own for them in place first.",
    ),
    (
        Category::Mfa,
        WhoFixes::Partner,
        "Multifactor authentication is demanded and was not done, or does not count here.",
        "Sign the account in again with Microsoft MFA in your partner tenant, and enforce it there \
         on every sign-in.",
    ),
    (
        Category::Risk,
        WhoFixes::Partner,
        "The account or the sign-in is judged to be at risk.",
        "Investigate in your partner tenant (Entra > Protection > Risky users), then clear the \
         risk. Never exclude anyone from a policy for it.",
    ),
    (
        Category::Consent,
        WhoFixes::Both,
        "The app, or one of its permissions, is not consented to.",
        "Repeat the consent for this customer, or let an administrator of the customer consent.",
    ),
    (
        Category::TokenSession,
        WhoFixes::Partner,
        "The token or session is expired or revoked.",
        "Re-authorise the integration; if it was revoked, find out by whom in the audit log of \
         your partner tenant.",
    ),
    (
        Category::PartnerRelationship,
        WhoFixes::Both,
        "The account is not known in the customer tenant, or only as a guest.",
        "Check that the GDAP relationship is active, that the account is in a security group \
         assigned to it, and the tenant id. If a guest object of that account exists, find out \
         what it is used for; delete it only after that.",
    ),
    (
        Category::AppRegistration,
        WhoFixes::Partner,
        "The app or its credential was refused, by a code that is not known here.",
        "The owner of the app checks its secret or certificate, and its registration.",
    ),
    (
        Category::ServicePrincipal,
        WhoFixes::Both,
        "The app or the service asked for is missing or disabled in the customer tenant.",
        "Check app id and tenant id. Install or enable it only if you know it from Microsoft's or \
         the vendor's documentation.",
    ),
    (
        Category::Device,
        WhoFixes::Both,
        "The device is not known, or not what is demanded.",
        "Re-authorise in a browser that is not tied to a device. Look for a failed policy on \
         devices.",
    ),
];

fn in_general(category: Category, basis: Basis) -> Option<Cause> {
    let (category, who_fixes, cause, remedy) =
        *IN_GENERAL.iter().find(|(known, ..)| *known == category)?;
    let (cause, remedy) = (Cow::Borrowed(cause), Cow::Borrowed(remedy));
    Some(Cause { category, who_fixes, cause, remedy, basis })
}

/// Longest text of a log in a cause.
const REASON_CHARS: usize = 400;

fn unknown(facts: &Circumstances<'_>) -> Cause {
    let reason = facts.failure_reason.or(facts.additional_details).map(str::trim);
    let cause = match (reason.filter(|reason| !reason.is_empty()), facts.code) {
        (Some(reason), _) => {
            let reason: String = reason.chars().take(REASON_CHARS).collect();
            Cow::Owned(format!("Not known here; the log says: {reason}"))
        }
        (None, Some(_)) => Cow::Borrowed("A code that is not known here; the log gives no reason."),
        (None, None) => Cow::Borrowed("The log gives neither a code nor a reason."),
    };
    let remedy = "Read the whole record (tenantsweep show), and look the code up at \
                  https://login.microsoftonline.com/error.";
    Cause {
        category: Category::Unknown,
        who_fixes: WhoFixes::Both,
        cause,
        remedy: Cow::Borrowed(remedy),
        basis: Basis::Unknown,
    }
}
