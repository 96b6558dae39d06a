//! What a row is a sign of. Pure.

use super::FindingKind;
use super::rows::OwnRow;
use crate::relation::Side;

/// Codes that ask for MFA: in a customer's log they say that the partner's token lacks it.
pub(super) const WANTS_MFA: [i32; 5] = [50072, 50074, 50076, 50079, 500121];
/// Codes of a risk that is judged in the home tenant (L1.5).
pub(super) const RISK: [i32; 6] = [530034, 53011, 530032, 53004, 50135, 50142];
/// Codes of MFA that is not Microsoft's (L2.2).
pub(super) const THIRD_PARTY: [i32; 7] = [50158, 50161, 50159, 50170, 50172, 50176, 50177];

/// Whether an error code tells of the partner's own side.
pub(in crate::summary) fn is_told_by(code: i32) -> bool {
    [&WANTS_MFA[..], &RISK, &THIRD_PARTY].iter().any(|codes| codes.contains(&code))
}

/// Microsoft Graph and Partner Center refuse delegated tokens without an MFA claim.
const MFA_CLAIM_RESOURCES: [&str; 2] =
    ["00000003-0000-0000-c000-000000000000", "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"];
const MFA_CLAIM_NAMES: [&str; 2] = ["microsoft graph", "partner center"];

/// What is wrong by a row, with the log's own words for it.
pub(super) fn findings(row: &OwnRow<'_>) -> Vec<(FindingKind, Option<String>)> {
    let mut found = Vec::new();
    let has_code = |codes: &[i32]| row.error_code.is_some_and(|code| codes.contains(&code));
    if let Some(state) = row.risk_state.filter(|state| is_risky(state)) {
        let level = row.risk_level.filter(|level| is_level(level));
        let level = level.map(|level| format!(", risk level {level}")).unwrap_or_default();
        found.push((FindingKind::Risk, Some(format!("riskState {state}{level}"))));
    } else if has_code(&RISK) {
        found.push((FindingKind::Risk, None));
    }
    if has_code(&THIRD_PARTY) {
        found.push((FindingKind::ThirdPartyMfa, None));
    }
    if row.side == Side::Home && row.succeeded && row.is_user {
        found.extend(mfa_finding(row));
    }
    found
}

/// A sign-in is a sign of one thing: what the log says outright goes first.
fn mfa_finding(row: &OwnRow<'_>) -> Option<(FindingKind, Option<String>)> {
    if let Some(skipped) = skipped(row) {
        return Some((FindingKind::MfaSkipped, Some(skipped)));
    }
    if by_claim(row) {
        let said = row.details.or(row.methods).unwrap_or_default().to_owned();
        return Some((FindingKind::MfaByClaim, Some(said)));
    }
    is_single_factor(row).then_some((FindingKind::SingleFactor, None))
}

/// Microsoft's words in `status.additionalDetails`, or a sign-in with one factor from a location
/// that the tenant trusts.
fn skipped(row: &OwnRow<'_>) -> Option<String> {
    let details = row.details.filter(|text| holds(text, "mfa requirement skipped"));
    let trusted = row
        .network
        .filter(|text| row.is_interactive && is_single_factor(row) && holds(text, "trustednamed"));
    details.or(trusted).map(str::to_owned)
}

/// No person was asked for MFA, since a token of an earlier sign-in was good enough.
fn by_claim(row: &OwnRow<'_>) -> bool {
    let by_details = row.details.is_some_and(|text| holds(text, "satisfied by claim in the token"));
    let methods = methods(row);
    let by_methods = methods.contains(&"previously satisfied")
        && methods.iter().all(|method| ["previously satisfied", "password"].contains(method));
    row.is_interactive
        && !is_single_factor(row)
        && (by_details || is_multi_factor(row) && by_methods)
}

/// MFA as it should be: asked of a person, by a method of Entra's.
pub(super) fn mfa_was_asked(row: &OwnRow<'_>) -> bool {
    let asked = row.details.is_some_and(|text| holds(text, "mfa completed"))
        || methods(row).iter().any(|method| !["previously satisfied", "password"].contains(method));
    row.succeeded
        && row.is_interactive
        && is_multi_factor(row)
        && asked
        && !by_claim(row)
        && skipped(row).is_none()
}

pub(super) fn asks_for_mfa_claim(row: &OwnRow<'_>) -> bool {
    let id = row.resource_id;
    let name = row.resource_name;
    id.is_some_and(|id| MFA_CLAIM_RESOURCES.iter().any(|known| known.eq_ignore_ascii_case(id)))
        || name.is_some_and(|name| MFA_CLAIM_NAMES.iter().any(|known| holds(name, known)))
}

fn methods<'a>(row: &'a OwnRow<'_>) -> Vec<&'a str> {
    // The lower-case words that matter here hold no comma.
    let lower = row.methods_lower.as_deref().unwrap_or_default();
    lower.split(',').map(str::trim).filter(|method| !method.is_empty()).collect()
}

fn is_single_factor(row: &OwnRow<'_>) -> bool {
    row.requirement.is_some_and(|text| plain(text).starts_with("singlefactor"))
}

fn is_multi_factor(row: &OwnRow<'_>) -> bool {
    row.requirement.is_some_and(|text| plain(text).starts_with("multifactor"))
}

/// The partner's own log and the codes of a user's risk tell of the user; what else a customer's
/// log marks is the risk of a sign-in.
pub(super) fn is_users_risk(row: &OwnRow<'_>) -> bool {
    row.side != Side::Inbound || row.error_code.is_some_and(|code| RISK.contains(&code))
}

/// `atRisk` and `At risk` are one word; what was dismissed, remediated or found safe is none.
fn is_risky(state: &str) -> bool {
    ["atrisk", "confirmedcompromised"].contains(&plain(state).as_str())
}

fn is_level(level: &str) -> bool {
    ["low", "medium", "high"].contains(&plain(level).as_str())
}

/// Letters and digits only, in lower case: the portal writes words where Graph has one.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn holds(text: &str, lower: &str) -> bool {
    text.to_lowercase().contains(lower)
}
