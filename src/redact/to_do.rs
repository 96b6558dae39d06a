//! What to do, and the proof of it, without anybody's name. Pure.

use super::summary::all;
use super::{Redactor, known};
use crate::error_code::Category;
use crate::remedy::{Facts, Plan, PlannedPolicy};
use crate::summary::{BlockedAccount, BlockingPolicy, FailureSummary, Proof, ToDo, Waiting};

/// In the place of the log's own reason, which may name anyone.
pub(super) const REASON_LEFT_OUT: &str =
    "Not known here; what the log says is left out of a redacted report.";

impl Redactor {
    pub(super) fn to_do(&self, to_do: ToDo) -> ToDo {
        let ToDo { plan, refused_accounts, failures, doer, waiting, proof } = to_do;
        ToDo {
            plan: self.plan(plan),
            refused_accounts: all(refused_accounts, |accounts| {
                all(accounts, |one| self.blocked_account(one))
            }),
            failures: all(failures, |one| self.failure(one)),
            doer,
            waiting: all(waiting, |one| self.waiting(one)),
            proof: all(proof, |one| self.proof(one)),
        }
    }

    fn plan(&self, plan: Plan) -> Plan {
        let Plan { policies, steps, total, unknown, is_exact } = plan;
        let policies = all(policies, |planned| {
            let PlannedPolicy { facts, remedy, class, refused, is_held_back } = planned;
            PlannedPolicy { facts: self.facts(facts), remedy, class, refused, is_held_back }
        });
        Plan { policies, steps, total, unknown, is_exact }
    }

    fn facts(&self, facts: Facts) -> Facts {
        let Facts {
            policy_id,
            policy_name,
            demanded,
            session,
            matched,
            codes,
            address,
            relation,
            unattended,
            legacy_client,
            unknown_client,
            device_code,
        } = facts;
        Facts {
            policy_id: self.policy_id(&policy_id),
            policy_name: self.policy(&policy_name),
            demanded: demanded.iter().map(|name| self.control(name)).collect(),
            session: session.iter().map(|name| self.control(name)).collect(),
            matched: matched.iter().map(|name| self.condition(name)).collect(),
            codes,
            address,
            relation,
            unattended,
            legacy_client,
            unknown_client,
            device_code,
        }
    }

    fn failure(&self, failure: FailureSummary) -> FailureSummary {
        let FailureSummary {
            error_code,
            is_unexplained,
            category,
            who_fixes,
            cause,
            remedy,
            accounts,
            routes,
            tries,
        } = failure;
        // Causes of all other categories are sentences of this program.
        let is_the_logs = category == Category::Unknown && !cause.is_empty();
        FailureSummary {
            error_code,
            is_unexplained,
            category,
            who_fixes,
            cause: if is_the_logs { REASON_LEFT_OUT.to_owned() } else { cause },
            remedy,
            accounts: all(accounts, |one| self.blocked_account(one)),
            routes,
            tries,
        }
    }

    fn waiting(&self, waiting: Waiting) -> Waiting {
        let Waiting { policy_id, policy_name, demanded, kind, is_certain, first_at, last_at } =
            waiting;
        Waiting {
            policy_id: self.policy_id(&policy_id),
            policy_name: self.policy(&policy_name),
            demanded: all(demanded, |name| self.control(&name)),
            kind,
            is_certain,
            first_at,
            last_at,
        }
    }

    /// The log's reason can name accounts and tenants; the code beside it says as much.
    fn proof(&self, proof: Proof) -> Proof {
        let Proof {
            at,
            sign_in_id,
            correlation_id,
            error_code,
            failure_reason: _,
            is_blocked,
            account,
            user_id,
            app_id,
            app_name,
            resource_id,
            resource_name,
            client_app,
            ip_address,
            country,
            operating_system,
            risk_level,
            source_export,
            source_offset,
        } = proof;
        let app = |text: Option<String>| text.map(|text| self.app(&text));
        Proof {
            at,
            sign_in_id: self.request(&sign_in_id),
            correlation_id: correlation_id.map(|id| self.correlation(&id)),
            error_code,
            failure_reason: None,
            is_blocked,
            account: account.map(|account| self.account(&account)),
            user_id: user_id.map(|id| self.account(&id)),
            app_id: app(app_id),
            app_name: app(app_name),
            resource_id: app(resource_id),
            resource_name: app(resource_name),
            client_app: client_app.map(|text| {
                known::client_app(&text).map_or_else(|| self.text("client", &text), str::to_owned)
            }),
            ip_address: ip_address.map(|address| self.address(&address)),
            country: country.map(|country| self.country(country)),
            operating_system: operating_system
                .and_then(|text| known::operating_system(&text).map(str::to_owned)),
            risk_level: risk_level.and_then(|text| known::risk_level(&text).map(str::to_owned)),
            source_export: source_export.map(|path| self.export(&path)),
            source_offset,
        }
    }

    pub(super) fn blocked_account(&self, account: BlockedAccount) -> BlockedAccount {
        let BlockedAccount { account, account_name, is_integration, tool, apps } = account;
        BlockedAccount {
            account: self.account(&account),
            account_name: account_name.map(|name| self.account(&name)),
            is_integration,
            tool: tool.map(|tool| self.tool(&tool)),
            apps: all(apps, |app| self.app(&app)),
        }
    }

    pub(super) fn blocking_policy(&self, policy: BlockingPolicy) -> BlockingPolicy {
        let BlockingPolicy { policy_id, policy_name, demanded, matched, blocked_sign_ins } = policy;
        BlockingPolicy {
            policy_id: self.policy_id(&policy_id),
            policy_name: self.policy(&policy_name),
            demanded: all(demanded, |name| self.control(&name)),
            matched: all(matched, |name| self.condition(&name)),
            blocked_sign_ins,
        }
    }

    pub(super) fn condition(&self, name: &str) -> String {
        if known::is_condition(name) { name.to_owned() } else { self.text("condition", name) }
    }

    /// A control; of an authentication strength the beginning stays, by which it is known for one,
    /// and what the log says of its result goes.
    pub(super) fn control(&self, name: &str) -> String {
        if known::is_control(name) {
            return name.to_owned();
        }
        let Some(strength) = name.strip_prefix(known::STRENGTH) else {
            return self.text("control", name);
        };
        let strength = strength.trim_start_matches([':', ' ']);
        let strength = strength.rsplit_once(" (").map_or(strength, |(name, _)| name);
        let public = known::STRENGTHS.iter().find(|public| public.eq_ignore_ascii_case(strength));
        let strength =
            public.map_or_else(|| self.text("strength", strength), |&public| public.to_owned());
        format!("{}: {strength}", known::STRENGTH)
    }
}
