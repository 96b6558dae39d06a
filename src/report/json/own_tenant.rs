//! The partner's own side in summary.json.

use serde::Serialize;

use super::Moment;
use crate::report::own_tenant::Told;
use crate::summary::partner_side::{Finding, PartnerSide, PassthroughTenant};
use crate::who::AccountKind;

#[derive(Serialize)]
pub(super) struct OwnTenant<'a> {
    partner_tenant_id: String,
    /// `here`, `outbound only` or `missing`.
    own_log: &'static str,
    /// `flags`: accounts and apps that the user named; `looks`: accounts that look like
    /// integrations.
    chosen_by: &'static str,
    accounts: &'a [String],
    sign_ins: u64,
    findings: Vec<OwnFinding<'a>>,
    passthrough: Vec<Passthrough<'a>>,
    /// Sign-ins that customers refused for want of MFA.
    mfa_refused: u64,
    mfa_refused_customers: u64,
    /// Why they did would stand in the partner's own log, which is not here.
    cannot_tell: bool,
}

impl<'a> OwnTenant<'a> {
    pub(super) fn of(side: &'a PartnerSide) -> Self {
        Self {
            partner_tenant_id: side.partner_tenant_id.to_string(),
            own_log: side.own_log.as_str(),
            chosen_by: side.chosen_by.as_str(),
            accounts: &side.accounts,
            sign_ins: side.sign_ins,
            findings: side.findings.iter().map(OwnFinding::of).collect(),
            passthrough: side.passthrough.iter().map(Passthrough::of).collect(),
            mfa_refused: side.mfa_refused,
            mfa_refused_customers: side.mfa_refused_customers,
            cannot_tell: side.lacks_log(),
        }
    }
}

#[derive(Serialize)]
struct OwnFinding<'a> {
    kind: &'static str,
    cases: &'static [&'static str],
    account: &'a str,
    account_kind: &'static str,
    sign_ins: u64,
    interactive_sign_ins: u64,
    first_at: Moment,
    last_at: Moment,
    apps: Vec<&'a str>,
    resources: Vec<&'a str>,
    error_codes: Vec<i32>,
    said: Vec<&'a str>,
    customers: Vec<String>,
    mfa_asked_since: Option<Moment>,
    seen: String,
    means: &'static str,
    to_do: &'static str,
    cannot_show: &'static str,
}

impl<'a> OwnFinding<'a> {
    fn of(finding: &'a Finding) -> Self {
        let told = Told::of(finding);
        let kind =
            if finding.is_integration { AccountKind::Integration } else { AccountKind::Person };
        Self {
            kind: finding.kind.as_str(),
            cases: finding.cases(),
            account: &finding.account,
            account_kind: kind.as_str(),
            sign_ins: finding.sign_ins,
            interactive_sign_ins: finding.interactive_sign_ins,
            first_at: Moment(finding.first_at),
            last_at: Moment(finding.last_at),
            apps: finding.apps.iter().map(String::as_str).collect(),
            resources: finding.resources.iter().map(String::as_str).collect(),
            error_codes: finding.error_codes.iter().copied().collect(),
            said: finding.said.iter().map(String::as_str).collect(),
            customers: finding.customers.iter().map(ToString::to_string).collect(),
            mfa_asked_since: finding.mfa_asked_since.map(Moment),
            seen: told.seen,
            means: told.means,
            to_do: told.to_do,
            cannot_show: told.cannot_show,
        }
    }
}

#[derive(Serialize)]
struct Passthrough<'a> {
    tenant_id: String,
    name: Option<&'a str>,
    sign_ins: u64,
    tries: u64,
    first_at: Moment,
    last_at: Moment,
    accounts: Vec<&'a str>,
    error_codes: Vec<i32>,
}

impl<'a> Passthrough<'a> {
    fn of(tenant: &'a PassthroughTenant) -> Self {
        Self {
            tenant_id: tenant.tenant_id.to_string(),
            name: tenant.name.as_deref(),
            sign_ins: tenant.sign_ins,
            tries: tenant.tries,
            first_at: Moment(tenant.first_at),
            last_at: Moment(tenant.last_at),
            accounts: tenant.accounts.iter().map(String::as_str).collect(),
            error_codes: tenant.error_codes.iter().copied().collect(),
        }
    }
}
