//! What to do, customer by customer.

use std::collections::BTreeMap;

use super::super::customer as steps;
use super::super::tickets::{Kind, Ticket, tickets_of};
use super::super::todo::Act;
use super::super::words;
use super::Names;
use super::sheet::{Cell, Column, Sheet, count_of};
use crate::policy::in_reading_order;
use crate::remedy::{PlannedPolicy, Step};
use crate::summary::{CustomerSummary, FailureSummary, Summary};
use crate::tenant::TenantId;

const COLUMNS: &[Column] = &[
    Column::of("who", 7.0),
    Column::of("who acts", 40.0),
    Column::name("customer"),
    Column::name("partner"),
    Column::of("step", 7.0),
    Column::of("what to do", 70.0),
    Column::of("policy", 44.0),
    Column::of("applied because of", 32.0),
    Column::of("required", 32.0),
    Column::of("error code", 13.0),
    Column::of("cause", 60.0),
    Column::count("routes"),
    Column::count("tries"),
    Column::of("tries let through with the steps before (share)", 18.0),
    Column::of("ticket", 14.0),
    Column::id("policy id"),
    Column::id("customer tenant id"),
];

/// One row for each policy of each step, and for each failure that no policy explains.
pub(super) fn what_to_do(summary: &Summary) -> Sheet<'_> {
    let context = Context { names: Names::of(summary), tickets: ticket_keys(summary) };
    let mut rows: Vec<(Act, Vec<Cell<'_>>)> = Vec::new();
    for customer in &summary.customers {
        rows.extend(context.rows(customer));
    }
    // Within each kind of work the worst customers stay first.
    rows.sort_by_key(|(act, _)| *act);
    Sheet {
        name: "what to do",
        told: "what one customer's trouble asks for, by who acts; what a step would let through is \
               what these logs show, and no promise",
        columns: COLUMNS,
        count: count_of(&rows),
        rows: Box::new(rows.into_iter().map(|(_, cells)| cells)),
        whole: "summary.json, to_do of each tenant",
    }
}

/// By customer, partner and kind.
type TicketKeys = BTreeMap<(TenantId, TenantId, Kind), String>;

fn ticket_keys(summary: &Summary) -> TicketKeys {
    let tickets = tickets_of(summary).into_iter();
    let key = |ticket: &Ticket| (ticket.customer_tenant_id, ticket.partner_tenant_id, ticket.kind);
    tickets.map(|ticket| (key(&ticket), ticket.key)).collect()
}

struct Context<'a> {
    names: Names<'a>,
    tickets: TicketKeys,
}

impl<'a> Context<'a> {
    fn rows(&self, customer: &'a CustomerSummary) -> Vec<(Act, Vec<Cell<'a>>)> {
        let plan = &customer.to_do.plan;
        let mut rows = Vec::new();
        for (number, step) in plan.steps.iter().enumerate() {
            for policy in step.policies.iter().filter_map(|&place| plan.policies.get(place)) {
                rows.push(self.policy(customer, number + 1, step, policy));
            }
        }
        rows.extend(customer.to_do.failures.iter().map(|one| self.failure(customer, one)));
        rows
    }

    /// Who acts, and where.
    fn head(&self, act: Act, customer: &'a CustomerSummary) -> Vec<Cell<'a>> {
        vec![
            Cell::places(act.number()),
            Cell::text(acting(act)),
            Cell::text(words::customer(customer)),
            Cell::text(self.names.partner(customer.partner_tenant_id)),
        ]
    }

    fn ticket(&self, act: Act, customer: &CustomerSummary) -> Cell<'a> {
        let kind = match act {
            Act::ChangePolicy => Kind::Change,
            Act::Consent => Kind::Consent,
            _ => return Cell::Blank,
        };
        let of = (customer.child_tenant_id, customer.partner_tenant_id, kind);
        self.tickets.get(&of).map_or(Cell::Blank, |key| Cell::text(key.clone()))
    }

    fn policy(
        &self,
        customer: &'a CustomerSummary,
        number: usize,
        step: &Step,
        policy: &'a PlannedPolicy,
    ) -> (Act, Vec<Cell<'a>>) {
        let (act, facts) = (Act::of_class(policy.class), &policy.facts);
        let codes: Vec<String> =
            facts.codes.iter().map(|code| words::error_code(Some(*code))).collect();
        let is_shut = act == Act::Investigate;
        let mut cells = self.head(act, customer);
        cells.extend([
            Cell::places(number),
            Cell::text(steps::told_remedy(policy)),
            Cell::text(words::policy(&facts.policy_name, &facts.policy_id)),
            Cell::text(words::conditions(&in_reading_order(&facts.matched))),
            Cell::text(steps::required(policy)),
            match (facts.codes.first(), facts.codes.len()) {
                (Some(only), 1) => Cell::Code(*only),
                _ => Cell::text(codes.join(", ")),
            },
            Cell::Blank,
            Cell::Count(policy.refused.routes),
            Cell::Count(policy.refused.tries),
            match is_shut {
                true => Cell::Blank,
                false => Cell::share(step.let_through.tries, customer.to_do.plan.total.tries),
            },
            self.ticket(act, customer),
            Cell::text(facts.policy_id.as_str()),
            Cell::tenant(Some(customer.child_tenant_id)),
        ]);
        (act, cells)
    }

    fn failure(
        &self,
        customer: &'a CustomerSummary,
        failure: &'a FailureSummary,
    ) -> (Act, Vec<Cell<'a>>) {
        let act = Act::of_failure(failure);
        let mut cells = self.head(act, customer);
        cells.extend([
            Cell::Blank,
            Cell::text(steps::failure_remedy(failure)),
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::code(failure.error_code),
            Cell::text(failure.cause.as_str()),
            Cell::Count(failure.routes),
            Cell::Count(failure.tries),
            Cell::Blank,
            self.ticket(act, customer),
            Cell::Blank,
            Cell::tenant(Some(customer.child_tenant_id)),
        ]);
        (act, cells)
    }
}

/// Who acts, in the words of a filter.
pub(super) fn acting(act: Act) -> &'static str {
    match act {
        Act::OwnTenant => "you, in your own tenant or tool",
        Act::ChangePolicy => "the customer changes a policy",
        Act::Consent => "the customer consents",
        Act::Investigate => "do NOT open, investigate",
        Act::OtherByCustomer => "the customer, not about a policy",
        Act::ExportAgain => "you, export again",
    }
}
