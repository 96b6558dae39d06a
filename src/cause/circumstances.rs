//! Where a code alone does not decide: the circumstances of the sign-in.

use std::borrow::Cow;

use super::{Cause, Circumstances, Way};
use crate::error_code::{Category, CodeKind, ErrorCode, WhoFixes};
use crate::sign_in::SignInType;

/// Adapts what the table says of a code to the sign-in in which it stands.
pub(super) fn refine(cause: Cause, code: ErrorCode, facts: &Circumstances<'_>) -> Cause {
    let cause = by_words(cause, code, facts);
    let cause = if is_plain_mfa(code) { multifactor(&cause, facts) } else { by_way(cause, facts) };
    by_kind(cause, code, facts.sign_in_type)
}

fn says(facts: &Circumstances<'_>, words: &[&str]) -> bool {
    let texts = facts.failure_reason.iter().chain(&facts.additional_details);
    texts.into_iter().any(|text| {
        let text = text.to_ascii_lowercase();
        words.iter().any(|word| text.contains(word))
    })
}

/// Codes with two meanings, told apart by the reason beside them.
fn by_words(cause: Cause, code: ErrorCode, facts: &Circumstances<'_>) -> Cause {
    match code.0 {
        50_053 if says(facts, &["malicious", "hostile"]) => Cause {
            category: Category::Risk,
            who_fixes: WhoFixes::Both,
            cause: Cow::Borrowed("The sign-in came from an address that is known to be hostile."),
            remedy: Cow::Borrowed(
                "Investigate with the customer who signed in from there. Never exclude anyone from \
                 a policy for it, and never mark the address as trusted.",
            ),
            ..cause
        },
        50_053 if says(facts, &["locked", "too many times"]) => Cause {
            cause: Cow::Borrowed("The account is locked after repeated wrong passwords."),
            remedy: Cow::Borrowed(
                "Find and stop the source of the wrong passwords, wait, then re-authorise.",
            ),
            ..cause
        },
        500_121 if says(facts, &["denied", "declined", "fraud"]) => Cause {
            cause: Cow::Borrowed("The person refused the MFA prompt."),
            remedy: Cow::Borrowed(
                "Ask whose prompt it was: one that nobody expected is a possible attack. Else sign \
                 in again and accept it.",
            ),
            ..cause
        },
        530_032 if says(facts, &["risk"]) => Cause {
            cause: Cow::Borrowed("The account is blocked for its risk in the home tenant."),
            ..cause
        },
        _ => cause,
    }
}

/// Codes that only say that MFA is wanting.
fn is_plain_mfa(code: ErrorCode) -> bool {
    [50_072, 50_074, 50_076, 50_079].contains(&code.0)
}

/// For GDAP sign-ins MFA is done in the partner's tenant and always trusted by the customer; the
/// inbound setting to trust MFA is not applied to them, so it is a cure for guests only (Microsoft,
/// cross-tenant-access-settings-b2b-collaboration, trust settings).
fn multifactor(cause: &Cause, facts: &Circumstances<'_>) -> Cause {
    let (who_fixes, why, remedy) = match (facts.way, facts.policy_failed) {
        (Way::Guest, _) => (
            WhoFixes::Both,
            "MFA is demanded of a B2B guest, and what the guest did at home does not count here.",
            "Finish the MFA prompt as a guest; or let the customer trust MFA of your partner tenant \
             in its inbound cross-tenant access settings, which works for B2B guests. For work as a \
             provider, come in through GDAP.",
        ),
        (Way::Home, true) => (
            WhoFixes::Partner,
            "A policy of your own partner tenant demands MFA, and the token carries none.",
            "Sign the account in again with Microsoft MFA. Keep the policy: customers rely on it.",
        ),
        (Way::Home, false) => (
            WhoFixes::Partner,
            "MFA is demanded in your own partner tenant, by no policy in the log: security defaults, \
             per-user MFA, or Microsoft's demand on partners.",
            "Enforce Microsoft MFA for the account on every sign-in, with no bypass for trusted \
             addresses, then re-authorise.",
        ),
        (_, true) => (
            WhoFixes::Partner,
            "A policy of the customer demands MFA, and the token of your partner account carries no \
             MFA claim that counts here.",
            "Sign the integration in again with Microsoft MFA in your partner tenant. MFA done there \
             always counts for GDAP sign-ins, so a plain MFA policy needs no exclusion. If the policy \
             demands a third-party control or a strength that the account cannot meet: exclude this \
             partner's service provider users from that policy only, with a policy of its own for it \
             in place first.",
        ),
        (_, false) => (
            WhoFixes::Partner,
            "MFA is demanded, by no policy in the log: per-user MFA, a remembered MFA that ran out, \
             a change of network, or Microsoft's own demand on partners.",
            "Enforce Microsoft MFA for the account in your partner tenant on every sign-in, with no \
             bypass for trusted addresses, then re-authorise. Check also that the app is enabled for \
             sign-in in the customer tenant.",
        ),
    };
    Cause {
        category: cause.category,
        who_fixes,
        cause: Cow::Borrowed(why),
        remedy: Cow::Borrowed(remedy),
        basis: cause.basis,
    }
}

/// What the table says of policies is meant for a service provider in a customer tenant.
fn by_way(cause: Cause, facts: &Circumstances<'_>) -> Cause {
    let by_policy = cause.remedy.contains("service provider users");
    let is_app =
        matches!(facts.sign_in_type, SignInType::ServicePrincipal | SignInType::ManagedIdentity);
    let (who_fixes, remedy) = match facts.way {
        _ if by_policy && is_app => (
            WhoFixes::Child,
            "An app signed in as itself, so policies on users do not apply: look at the policies \
             for workload identities of that tenant, and meet their condition.",
        ),
        Way::Home if by_policy => (
            WhoFixes::Partner,
            "Meet the condition of that policy of your own tenant. A risk, a device-code sign-in or a \
             legacy client: never exclude. Otherwise take the account out of that one policy only, \
             never out of all, and keep MFA demanded of it: without an MFA claim in its token every \
             customer refuses it.",
        ),
        Way::Guest if by_policy => (
            WhoFixes::Both,
            "What is set for service provider users does not reach a B2B guest. Come in through GDAP; \
             or meet the condition as a guest, with the customer's trust of your partner tenant in \
             its inbound cross-tenant access settings.",
        ),
        Way::Passthrough => {
            let why = "It came as passthrough: to a tenant that the account has no access to.";
            return Cause { cause: Cow::Owned(format!("{} {why}", cause.cause)), ..cause };
        }
        _ => return cause,
    };
    Cause { who_fixes, remedy: Cow::Borrowed(remedy), ..cause }
}

/// An interrupt asks a person for something and may go on; where no person is, it is final.
fn by_kind(cause: Cause, code: ErrorCode, sign_in_type: SignInType) -> Cause {
    let Some(entry) = code.entry().filter(|entry| entry.kind == CodeKind::Interrupt) else {
        return cause;
    };
    if sign_in_type == SignInType::InteractiveUser {
        let remedy = match cause.remedy.starts_with("Ignore") || cause.remedy.starts_with("None") {
            true => cause.remedy,
            false => Cow::Owned(format!(
                "Ignore it if a success with the same correlation id follows. Otherwise: {}",
                cause.remedy
            )),
        };
        let why = format!("{} A step of a sign-in by a person, not yet a failure.", cause.cause);
        return Cause { cause: Cow::Owned(why), remedy, ..cause };
    }
    if entry.kind_noninteractive == CodeKind::Failure
        && sign_in_type == SignInType::NonInteractiveUser
    {
        let why = format!("{} No person was there to go on, so it is final.", cause.cause);
        return Cause { cause: Cow::Owned(why), ..cause };
    }
    cause
}
