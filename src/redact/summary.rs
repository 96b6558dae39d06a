//! A summary without anybody's name. Pure.
//!
//! Every struct is taken apart field by field: a field that is added later does not compile before
//! it is decided here whether it stays.

use std::collections::BTreeSet;

use super::{Redactor, known};
use crate::summary::partner_side::{Finding, PartnerSide, PassthroughTenant};
use crate::summary::{
    Address, CameIn, CauseSummary, CustomerSummary, ExportSummary, FailedBy, FailedDays,
    PartnerSummary, PolicySummary, ProviderCustomer, ProviderSummary, RouteBlock, RouteSummary,
    Summary,
};
use crate::tenant::TenantId;

/// The same summary with pseudonyms, whatever format it is then written in.
pub fn redacted(summary: Summary, by: &Redactor) -> Summary {
    let Summary {
        newest_evidence,
        totals,
        ledger,
        unplaced,
        tenants_in_logs,
        has_customer_list,
        partners,
        partner_sides,
        customers,
        policies,
        causes,
        other_providers,
        exports,
        routes,
        failed_days,
        came_in,
        only_rows,
        is_redacted: _,
    } = summary;
    Summary {
        newest_evidence,
        totals,
        ledger,
        unplaced,
        tenants_in_logs,
        has_customer_list,
        partners: all(partners, |one| by.partner_summary(one)),
        partner_sides: all(partner_sides, |one| by.partner_side(one)),
        customers: all(customers, |one| by.customer_summary(one)),
        policies: all(policies, |one| by.policy_summary(one)),
        causes: all(causes, cause_summary),
        other_providers: all(other_providers, |one| by.provider_summary(one)),
        exports: all(exports, |one| by.export_summary(one)),
        routes: all(routes, |one| by.route_summary(one)),
        failed_days: all(failed_days, |one| by.failed_days(one)),
        came_in: all(came_in, |one| by.came_in(one)),
        only_rows: only_rows.iter().map(|words| only_kind(words)).collect(),
        is_redacted: true,
    }
}

/// By what sign-ins were chosen, but not by which one of it; error codes are nobody's.
fn only_kind(words: &str) -> String {
    match words.split_once(' ') {
        Some(("error", _)) | None => words.to_owned(),
        Some((kind, _)) => format!("{kind} left out"),
    }
}

pub(super) fn all<T>(items: Vec<T>, turn: impl FnMut(T) -> T) -> Vec<T> {
    items.into_iter().map(turn).collect()
}

/// The words of the table of codes name nobody.
fn cause_summary(cause: CauseSummary) -> CauseSummary {
    let CauseSummary { error_code, cause, all, listed } = cause;
    CauseSummary { error_code, cause, all, listed }
}

impl Redactor {
    fn partner_summary(&self, partner: PartnerSummary) -> PartnerSummary {
        let PartnerSummary { tenant_id, name, states, unlisted_customers, logs_wanted, counts } =
            partner;
        PartnerSummary {
            tenant_id: self.tenant(tenant_id),
            name: name.map(|name| self.partner(&name)),
            states,
            unlisted_customers,
            logs_wanted,
            counts,
        }
    }

    fn customer_summary(&self, customer: CustomerSummary) -> CustomerSummary {
        let CustomerSummary {
            child_tenant_id,
            child_name,
            partner_tenant_id,
            is_listed,
            state,
            doubt,
            recovered,
            now,
            is_stale,
            since,
            since_before_evidence,
            first_at,
            last_at,
            blind_spots,
            outbound_only,
            counts,
            blocked_tries,
            all_accounts_blocked,
            blocked_accounts,
            blocking_policies,
            policy_not_shown,
            failing_error_code,
            days,
            to_do,
        } = customer;
        CustomerSummary {
            child_tenant_id: self.tenant(child_tenant_id),
            child_name: child_name.map(|name| self.customer(&name)),
            partner_tenant_id: self.tenant(partner_tenant_id),
            is_listed,
            state,
            doubt,
            recovered,
            now,
            is_stale,
            since,
            since_before_evidence,
            first_at,
            last_at,
            blind_spots,
            outbound_only,
            counts,
            blocked_tries,
            all_accounts_blocked,
            blocked_accounts: all(blocked_accounts, |one| self.blocked_account(one)),
            blocking_policies: all(blocking_policies, |one| self.blocking_policy(one)),
            policy_not_shown,
            failing_error_code,
            days,
            to_do: self.to_do(to_do),
        }
    }

    fn policy_summary(&self, policy: PolicySummary) -> PolicySummary {
        let PolicySummary {
            child_tenant_id,
            policy_id,
            policy_name,
            matched,
            demanded,
            figures,
            by_partner,
            last_blocked_at,
        } = policy;
        let by_partner = by_partner.into_iter();
        PolicySummary {
            child_tenant_id: self.tenant(child_tenant_id),
            policy_id: self.policy_id(&policy_id),
            policy_name: self.policy(&policy_name),
            matched: all(matched, |name| self.condition(&name)),
            demanded: all(demanded, |name| self.control(&name)),
            figures,
            by_partner: by_partner
                .map(|(partner, figures)| (partner.map(|one| self.tenant(one)), figures))
                .collect(),
            last_blocked_at,
        }
    }

    fn provider_summary(&self, provider: ProviderSummary) -> ProviderSummary {
        let ProviderSummary {
            home_tenant_id,
            name,
            example_account,
            counts,
            first_at,
            last_at,
            customers,
        } = provider;
        ProviderSummary {
            home_tenant_id: home_tenant_id.map(|tenant| self.tenant(tenant)),
            name: name.map(|name| self.provider(&name)),
            example_account: example_account.map(|account| self.account(&account)),
            counts,
            first_at,
            last_at,
            customers: all(customers, |one| self.provider_customer(one)),
        }
    }

    fn provider_customer(&self, customer: ProviderCustomer) -> ProviderCustomer {
        let ProviderCustomer { child_tenant_id, child_name, is_listed, first_at, last_at, counts } =
            customer;
        ProviderCustomer {
            child_tenant_id: self.tenant(child_tenant_id),
            child_name: child_name.map(|name| self.customer(&name)),
            is_listed,
            first_at,
            last_at,
            counts,
        }
    }

    /// The hash of an export leads back to it for whoever has it, so it goes as well.
    fn export_summary(&self, export: ExportSummary) -> ExportSummary {
        let ExportSummary {
            path,
            sha256: _,
            dialect,
            exporting_tenant_id,
            bytes,
            records,
            partner,
            other,
            undecided,
            duplicate,
            rejected,
            unfinished,
            first_at,
            last_at,
            blind_spots,
            is_blind,
        } = export;
        ExportSummary {
            path: self.export(&path),
            sha256: None,
            dialect,
            exporting_tenant_id: exporting_tenant_id.map(|tenant| self.tenant(tenant)),
            bytes,
            records,
            partner,
            other,
            undecided,
            duplicate,
            rejected,
            unfinished,
            first_at,
            last_at,
            blind_spots,
            is_blind,
        }
    }

    fn route_summary(&self, route: RouteSummary) -> RouteSummary {
        let RouteSummary {
            child_tenant_id,
            partner_tenant_id,
            account,
            is_integration,
            app,
            app_name,
            resource,
            state,
            last_at,
            blocks,
            policy_not_shown,
        } = route;
        let block = |RouteBlock { policy_id, last_at }: RouteBlock| RouteBlock {
            policy_id: self.policy_id(&policy_id),
            last_at,
        };
        RouteSummary {
            child_tenant_id: self.tenant(child_tenant_id),
            partner_tenant_id: self.tenant(partner_tenant_id),
            account: self.account(&account),
            is_integration,
            app: self.app(&app),
            app_name: self.app(&app_name),
            resource: self.app(&resource),
            state,
            last_at,
            blocks: all(blocks, block),
            policy_not_shown,
        }
    }

    fn failed_days(&self, failed: FailedDays) -> FailedDays {
        let FailedDays { by, days } = failed;
        let by = match by {
            FailedBy::Policies(names) => FailedBy::Policies(all(names, |name| self.policy(&name))),
            FailedBy::Code(code) => FailedBy::Code(code),
        };
        FailedDays { by, days }
    }

    fn came_in(&self, entry: CameIn) -> CameIn {
        let CameIn {
            home_tenant_id,
            provider_name,
            is_listed,
            account,
            is_integration,
            app,
            address,
            country,
            sign_ins,
            customers,
            first_at,
            last_at,
        } = entry;
        let name = |name: String| {
            if is_listed { self.partner(&name) } else { self.provider(&name) }
        };
        CameIn {
            home_tenant_id: home_tenant_id.map(|tenant| self.tenant(tenant)),
            provider_name: provider_name.map(name),
            is_listed,
            account: self.account(&account),
            is_integration,
            app: self.app(&app),
            address: match address {
                Address::Known(address) => Address::Known(self.address(&address)),
                other @ (Address::NotShown | Address::Others) => other,
            },
            country: country.map(|country| self.country(country)),
            sign_ins,
            customers: self.tenants(customers),
            first_at,
            last_at,
        }
    }

    fn partner_side(&self, side: PartnerSide) -> PartnerSide {
        let PartnerSide {
            partner_tenant_id,
            own_log,
            chosen_by,
            accounts,
            sign_ins,
            findings,
            passthrough,
            mfa_refused,
            mfa_refused_customers,
        } = side;
        PartnerSide {
            partner_tenant_id: self.tenant(partner_tenant_id),
            own_log,
            chosen_by,
            accounts: all(accounts, |account| self.account(&account)),
            sign_ins,
            findings: all(findings, |one| self.finding(one)),
            passthrough: all(passthrough, |one| self.passthrough(one)),
            mfa_refused,
            mfa_refused_customers,
        }
    }

    fn finding(&self, finding: Finding) -> Finding {
        let Finding {
            kind,
            account,
            is_integration,
            sign_ins,
            interactive_sign_ins,
            first_at,
            last_at,
            apps,
            resources,
            asks_for_mfa_claim,
            error_codes,
            said,
            customers,
            is_users_risk,
            mfa_asked_since,
        } = finding;
        let apps_of = |names: BTreeSet<String>| names.iter().map(|name| self.app(name)).collect();
        Finding {
            kind,
            account: self.account(&account),
            is_integration,
            sign_ins,
            interactive_sign_ins,
            first_at,
            last_at,
            apps: apps_of(apps),
            resources: apps_of(resources),
            asks_for_mfa_claim,
            error_codes,
            said: said.iter().map(|text| self.said(text)).collect(),
            customers: self.tenants(customers),
            is_users_risk,
            mfa_asked_since,
        }
    }

    fn passthrough(&self, tenant: PassthroughTenant) -> PassthroughTenant {
        let PassthroughTenant {
            tenant_id,
            name,
            sign_ins,
            tries,
            first_at,
            last_at,
            accounts,
            error_codes,
        } = tenant;
        PassthroughTenant {
            tenant_id: self.tenant(tenant_id),
            name: name.map(|name| self.customer(&name)),
            sign_ins,
            tries,
            first_at,
            last_at,
            accounts: accounts.iter().map(|account| self.account(account)).collect(),
            error_codes,
        }
    }

    fn tenants(&self, tenants: BTreeSet<TenantId>) -> BTreeSet<TenantId> {
        tenants.into_iter().map(|tenant| self.tenant(tenant)).collect()
    }

    pub(super) fn country(&self, country: String) -> String {
        if known::is_country(&country) { country } else { self.text("country", &country) }
    }

    /// What the log says, if it is one of Microsoft's own sentences.
    fn said(&self, text: &str) -> String {
        known::said(text).map_or_else(|| self.text("words", text), str::to_owned)
    }
}
