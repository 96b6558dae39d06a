//! What stands in which column, decided once for all formats.

use std::collections::{BTreeMap, BTreeSet};

use super::clean;
use super::table::{Column, Table};
use super::todo::Act;
use super::words;
use crate::summary::state::CustomerState;
use crate::summary::{
    BlockingPolicy, CauseSummary, CustomerSummary, PolicySummary, ProviderSummary, Summary,
};
use crate::tenant::TenantId;

/// Customers that block, with their policies below each other, at most `policies_max` of each.
pub(super) fn blocked(summary: &Summary, policies_max: usize) -> Table {
    let mut table = Table::new(vec![
        Column::left("customer", 12),
        Column::left("tool", 8),
        Column::left("since", 12),
        Column::right("tries"),
        Column::left("policy", 16),
        Column::left("required", 16),
    ]);
    let names = PartnerNames::of(summary);
    for customer in summary.customers.iter().filter(|customer| is_blocked(customer)) {
        add_blocked(&mut table, customer, &names, policies_max);
    }
    table
}

/// Blocked now or partly.
pub(super) fn is_blocked(customer: &CustomerSummary) -> bool {
    matches!(customer.state, CustomerState::Blocked | CustomerState::Partly)
}

fn add_blocked(
    table: &mut Table,
    customer: &CustomerSummary,
    names: &PartnerNames,
    policies_max: usize,
) {
    let mut head = vec![
        names.beside(words::customer(customer), customer.partner_tenant_id),
        words::who(customer),
        words::since_and_as_of(customer),
        words::number(customer.blocked_tries),
    ];
    let mut policies: Vec<[String; 2]> = customer
        .blocking_policies
        .iter()
        .map(|policy| {
            let [name, required] = policy_cells(policy);
            // A pointer says more than the condition, and there is room for one of them.
            let beside = see(customer, &policy.policy_id)
                .map_or_else(|| beyond_users(&policy.matched), |act| format!(" -> see {act}"));
            [name, format!("{required}{beside}")]
        })
        .collect();
    if customer.policy_not_shown {
        policies.push(["policy not shown by this log".to_owned(), String::new()]);
    }
    if policies.len() > policies_max {
        let more = policies.len() - policies_max;
        policies.truncate(policies_max);
        policies.push([format!("and {more} more"), String::new()]);
    }
    for [policy, required] in policies {
        head.extend([policy, required]);
        table.rows.push(std::mem::replace(&mut head, vec![String::new(); 4]));
    }
}

/// What a policy looks at beyond users and apps: ` (location)`.
fn beyond_users(matched: &[String]) -> String {
    let others: Vec<String> = matched
        .iter()
        .filter(|name| !["users", "application"].contains(&name.as_str()))
        .cloned()
        .collect();
    if others.is_empty() { String::new() } else { format!(" ({})", words::conditions(&others)) }
}

/// Points to who acts where it is not the customer that changes the policy.
fn see(customer: &CustomerSummary, policy: &str) -> Option<usize> {
    let planned = customer.to_do.plan.policies.iter().find(|one| one.facts.policy_id == policy);
    let act = planned.map(|planned| Act::of_class(planned.class));
    act.filter(|act| *act != Act::ChangePolicy).map(Act::number)
}

fn policy_cells(policy: &BlockingPolicy) -> [String; 2] {
    [policy_name(&policy.policy_name, &policy.policy_id), words::controls(&policy.demanded)]
}

fn policy_name(name: &str, id: &str) -> String {
    if name.is_empty() { id.to_owned() } else { name.to_owned() }
}

/// Says beside a customer which partner is meant, where there are several.
struct PartnerNames(BTreeMap<TenantId, String>);

impl PartnerNames {
    fn of(summary: &Summary) -> Self {
        let name = |partner| words::partner(partner);
        Self(summary.partners.iter().map(|p| (p.tenant_id, name(p))).collect())
    }

    fn beside(&self, customer: String, partner: TenantId) -> String {
        match self.0.get(&partner) {
            Some(name) if self.0.len() > 1 => format!("{customer} ({name})"),
            _ => customer,
        }
    }
}

/// Policies that stand in the way now, those of most customers first.
pub(super) fn policies_to_change(summary: &Summary) -> Table {
    let mut found: BTreeMap<(String, String, String), BTreeSet<TenantId>> = BTreeMap::new();
    for customer in summary.customers.iter().filter(|customer| is_blocked(customer)) {
        for policy in &customer.blocking_policies {
            let [name, required] = policy_cells(policy);
            let key = (name, required, words::conditions(&policy.matched));
            found.entry(key).or_default().insert(customer.child_tenant_id);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, children)| std::cmp::Reverse(children.len()));
    let mut table = Table::new(vec![
        Column::left("policy that blocks", 20),
        Column::left("required", 12),
        Column::left("applied because of", 18),
        Column::right("customers"),
    ]);
    for ((name, required, because), children) in found {
        table.rows.push(vec![name, required, because, children.len().to_string()]);
    }
    table
}

/// Error codes of listed partners' sign-ins, or of all providers' where none is listed.
pub(super) fn causes(summary: &Summary) -> Table {
    let figures = |cause: &CauseSummary| {
        if summary.partners.is_empty() { cause.all } else { cause.listed }
    };
    let mut causes: Vec<_> =
        summary.causes.iter().filter(|cause| figures(cause).sign_ins > 0).collect();
    causes.sort_by_key(|cause| {
        let figures = figures(cause);
        std::cmp::Reverse((figures.customers, figures.tries))
    });
    let mut table = Table::new(vec![
        Column::left("error code", 13),
        Column::left("cause", 20),
        Column::right("tries"),
        Column::right("sign-ins").in_documents(),
        Column::right("customers"),
    ]);
    for cause in causes {
        let figures = figures(cause);
        table.rows.push(vec![
            words::error_code(cause.error_code),
            words::cause(cause.error_code, cause.cause.as_deref()),
            words::number(figures.tries),
            words::number(figures.sign_ins),
            words::number(figures.customers),
        ]);
    }
    table
}

/// Providers that are not on the list.
pub(super) fn other_providers(summary: &Summary) -> Table {
    let mut table = Table::new(vec![
        Column::left("other provider", 20),
        Column::left("home tenant", 36).in_documents(),
        Column::right("customers"),
        Column::right("got in"),
        Column::right("blocked"),
        Column::right("sign-ins"),
        Column::left("last", 12),
    ]);
    for provider in &summary.other_providers {
        table.rows.push(provider_cells(provider));
    }
    table
}

fn provider_cells(provider: &ProviderSummary) -> Vec<String> {
    vec![
        words::provider(provider, clean::CELL_COLUMNS_MAX),
        provider.home_tenant_id.map(|id| id.to_string()).unwrap_or_default(),
        provider.customers.len().to_string(),
        words::number(provider.counts.succeeded),
        words::number(provider.counts.blocked + provider.counts.unexplained),
        words::number(provider.counts.sign_ins()),
        provider.last_at.map(words::moment).unwrap_or_default(),
    ]
}

/// Every customer with its state, for documents.
pub(super) fn customers<'a>(customers: impl Iterator<Item = &'a CustomerSummary>) -> Table {
    let mut table = Table::new(vec![
        Column::left("customer", 12),
        Column::left("customer (child) tenant", 36),
        Column::left("state", 12),
        Column::left("as of", 16),
        Column::left("since", 12),
        Column::right("tries"),
        Column::right("blocked"),
        Column::right("failed"),
        Column::right("succeeded"),
        Column::right("interrupted"),
        Column::left("what these logs cannot show", 12),
    ]);
    for customer in customers {
        let counts = customer.counts;
        table.rows.push(vec![
            words::customer(customer),
            customer.child_tenant_id.to_string(),
            words::state_of(customer),
            words::as_of(customer),
            words::since(customer),
            words::number(counts.tries),
            words::number(counts.blocked + counts.unexplained),
            words::number(counts.failed),
            words::number(counts.succeeded),
            words::number(counts.interrupted),
            customer.blind_spots.join(", "),
        ]);
    }
    table
}

/// Customers that fail for other reasons than a policy.
pub(super) fn failing(summary: &Summary) -> Table {
    let mut table = Table::new(vec![
        Column::left("customer", 12),
        Column::left("since", 12),
        Column::left("error code", 13),
        Column::left("cause", 20),
    ]);
    let names = PartnerNames::of(summary);
    let failing = summary.customers.iter().filter(|c| c.state == CustomerState::Failing);
    for customer in failing {
        let code = customer.failing_error_code;
        let cause = summary.causes.iter().find(|cause| code.is_some() && cause.error_code == code);
        table.rows.push(vec![
            names.beside(words::customer(customer), customer.partner_tenant_id),
            words::since_and_as_of(customer),
            words::error_code(code),
            words::cause(code, cause.and_then(|cause| cause.cause.as_deref())),
        ]);
    }
    table
}

/// Policies of each customer over all counted sign-ins, or those in report-only mode.
pub(super) fn policies<'a>(
    summary: &Summary,
    policies: impl Iterator<Item = &'a PolicySummary>,
) -> Table {
    let names: BTreeMap<TenantId, String> = summary
        .customers
        .iter()
        .map(|customer| (customer.child_tenant_id, words::customer(customer)))
        .collect();
    let mut table = Table::new(vec![
        Column::left("customer", 12),
        Column::left("policy", 16),
        Column::left("required", 12),
        Column::left("applied because of", 18),
        Column::right("blocked sign-ins"),
        Column::right("disputed"),
        Column::right("report-only, would block"),
        Column::left("last blocked", 12),
    ]);
    for policy in policies {
        let name = names.get(&policy.child_tenant_id).cloned();
        table.rows.push(vec![
            name.unwrap_or_else(|| policy.child_tenant_id.short()),
            policy_name(&policy.policy_name, &policy.policy_id),
            words::controls(&policy.demanded),
            words::conditions(&policy.matched),
            words::number(policy.figures.blocked_sign_ins),
            words::number(policy.figures.disputed_sign_ins),
            words::number(policy.figures.would_block_sign_ins),
            policy.last_blocked_at.map(words::full_moment).unwrap_or_default(),
        ]);
    }
    table
}

/// Each live export: what it holds and what it cannot show.
pub(super) fn exports(summary: &Summary) -> Table {
    let mut table = Table::new(vec![
        Column::left("file", 20),
        Column::left("kind of export", 12),
        Column::right("records"),
        Column::right("partners'"),
        Column::right("other"),
        Column::right("double"),
        Column::right("unreadable"),
        Column::left("from", 16),
        Column::left("to", 16),
        Column::left("cannot show", 12),
    ]);
    for export in &summary.exports {
        table.rows.push(vec![
            export.path.clone(),
            export.dialect.clone().unwrap_or_default(),
            words::number(export.records),
            words::number(export.partner),
            words::number(export.other),
            words::number(export.duplicate),
            words::number(export.rejected),
            export.first_at.map(words::full_moment).unwrap_or_default(),
            export.last_at.map(words::full_moment).unwrap_or_default(),
            export.blind_spots.join(", "),
        ]);
    }
    table
}
