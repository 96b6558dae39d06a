//! The comparison for programs, schema 1: structs of its own, so that ours can change.
//!
//! Within schema 1 keys are only added.

use std::io::{self, Write};

use serde::Serialize;

use super::super::json::{Moment, write_visible};
use super::{ComparedSide, Comparison};
use crate::change::{
    ChangeKind, CustomerChange, CustomerStanding, PolicyFate, ProviderChange, RouteChange,
    RouteFate,
};

const SCHEMA: u32 = 1;

/// Writes the comparison for machines.
///
/// # Errors
/// The sink does not take it.
pub fn write_comparison_json(sink: &mut impl Write, comparison: &Comparison<'_>) -> io::Result<()> {
    let changes = comparison.changes;
    let customers = changes.customers.iter().chain(&changes.unchanged).map(Customer::of);
    let document = Document {
        schema: SCHEMA,
        tool_version: comparison.tool_version,
        old: Side::of(&comparison.old),
        new: Side::of(&comparison.new),
        warnings: comparison.warnings(),
        new_block: changes.new_block().is_some(),
        customers: customers.collect(),
        providers: &changes.providers,
    };
    write_visible(sink, &document)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool_version: &'a str,
    old: Side<'a>,
    new: Side<'a>,
    warnings: Vec<String>,
    /// What `--fail-on new-block` asks.
    new_block: bool,
    customers: Vec<Customer<'a>>,
    providers: &'a [ProviderChange],
}

#[derive(Serialize)]
struct Side<'a> {
    input: &'a str,
    since: Option<Moment>,
    until: Option<Moment>,
    newest_evidence: Option<Moment>,
    customers: usize,
}

impl<'a> Side<'a> {
    fn of(side: &'a ComparedSide<'a>) -> Self {
        Self {
            input: &side.input,
            since: side.since.map(Moment),
            until: side.until.map(Moment),
            newest_evidence: side.standing.newest_evidence.map(Moment),
            customers: side.standing.customers.len(),
        }
    }
}

#[derive(Serialize)]
struct Customer<'a> {
    change: ChangeKind,
    new_block: bool,
    child_tenant_id: String,
    child_name: Option<&'a str>,
    partner_tenant_id: String,
    /// `None`: OLD does not know it.
    old: Option<State<'a>>,
    new: State<'a>,
    policies: Vec<Policy<'a>>,
    routes: Vec<Route<'a>>,
}

impl<'a> Customer<'a> {
    fn of(change: &'a CustomerChange) -> Self {
        let policies = change.policies.iter().map(|policy| Policy {
            became: policy.fate,
            policy_id: &policy.policy.policy_id,
            policy_name: &policy.policy.policy_name,
            demanded: &policy.policy.demanded,
        });
        Self {
            change: change.kind,
            new_block: change.kind.is_new_block(),
            child_tenant_id: change.now.child_tenant_id.to_string(),
            child_name: change.now.child_name.as_deref(),
            partner_tenant_id: change.now.partner_tenant_id.to_string(),
            old: change.then.as_ref().map(State::of),
            new: State::of(&change.now),
            policies: policies.collect(),
            routes: change.routes.iter().map(Route::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct State<'a> {
    state: &'static str,
    doubt: Option<&'static str>,
    as_of: Option<Moment>,
    since: Option<Moment>,
    since_before_evidence: bool,
    tries: u64,
    blocked_tries: u64,
    blocking_policies: Vec<&'a str>,
    policy_not_shown: bool,
    failing_error_code: Option<i32>,
}

impl<'a> State<'a> {
    fn of(customer: &'a CustomerStanding) -> Self {
        let policies = customer.policies.iter().map(|policy| policy.policy_id.as_str());
        Self {
            state: customer.state.as_str(),
            doubt: customer.doubt.map(|doubt| doubt.as_str()),
            as_of: customer.as_of.map(Moment),
            since: customer.since.map(Moment),
            since_before_evidence: customer.since_before_evidence,
            tries: customer.tries,
            blocked_tries: customer.blocked_tries,
            blocking_policies: policies.collect(),
            policy_not_shown: customer.policy_not_shown,
            failing_error_code: customer.error_code,
        }
    }
}

#[derive(Serialize)]
struct Policy<'a> {
    became: PolicyFate,
    policy_id: &'a str,
    policy_name: &'a str,
    demanded: &'a [String],
}

#[derive(Serialize)]
struct Route<'a> {
    became: RouteFate,
    account: &'a str,
    kind: &'static str,
    app: &'a str,
    app_name: &'a str,
    resource: &'a str,
}

impl<'a> Route<'a> {
    fn of(route: &'a RouteChange) -> Self {
        Self {
            became: route.fate,
            account: &route.account,
            kind: if route.is_integration { "integration" } else { "person" },
            app: &route.app,
            app_name: &route.app_name,
            resource: &route.resource,
        }
    }
}
