//! Customers, their policies, causes, and other providers: what the summary counts.

use super::super::{tables, words};
use super::Names;
use super::sheet::{Cell, Column, Sheet, count_of};
use crate::summary::{CauseSummary, Counts, CustomerSummary, PolicySummary, Summary};

const CUSTOMERS: &[Column] = &[
    Column::name("customer"),
    Column::of("state", 24.0),
    Column::name("partner"),
    Column::moment("since (UTC)"),
    Column::of("since before the evidence", 15.0),
    Column::moment("as of (UTC)"),
    Column::of("stale", 9.0),
    Column::of("who does not get through", 30.0),
    Column::of("policies that block now", 44.0),
    Column::count("blocked tries"),
    Column::of("failing with", 13.0),
    Column::count("tries"),
    Column::count("sign-ins"),
    Column::of("got in (share)", 10.0),
    Column::count("succeeded"),
    Column::count("blocked"),
    Column::count("unexplained"),
    Column::count("failed"),
    Column::count("interrupted"),
    Column::count("disputed"),
    Column::moment("first sign-in (UTC)"),
    Column::moment("last sign-in (UTC)"),
    Column::of("on your list", 9.0),
    Column::of("what these logs cannot show", 36.0),
    Column::id("customer tenant id"),
    Column::id("partner tenant id"),
];

/// One row for each customer and listed partner, worst first.
pub(super) fn customers(summary: &Summary) -> Sheet<'_> {
    let names = Names::of(summary);
    Sheet {
        name: "customers",
        told: "a customer as one of your listed partners meets it, worst first",
        columns: CUSTOMERS,
        rows: Box::new(summary.customers.iter().map(move |one| customer(one, &names))),
        count: count_of(&summary.customers),
        whole: "summary.json, tenants",
    }
}

fn customer<'a>(customer: &'a CustomerSummary, names: &Names<'a>) -> Vec<Cell<'a>> {
    let is_refused = tables::is_blocked(customer);
    let mut policies: Vec<String> = customer
        .blocking_policies
        .iter()
        .map(|policy| words::policy(&policy.policy_name, &policy.policy_id))
        .collect();
    if customer.policy_not_shown {
        policies.push("policy not shown by this log".to_owned());
    }
    let mut cells = vec![
        Cell::text(words::customer(customer)),
        Cell::text(words::state_of(customer)),
        Cell::text(names.partner(customer.partner_tenant_id)),
        Cell::moment(customer.since),
        Cell::Flag(customer.since_before_evidence),
        Cell::moment(customer.now),
        Cell::Flag(customer.is_stale),
        if is_refused { Cell::text(words::who(customer)) } else { Cell::Blank },
        Cell::text(policies.join("; ")),
        Cell::Count(customer.blocked_tries),
        Cell::code(customer.failing_error_code),
    ];
    cells.extend(counts(customer.counts));
    cells.extend([
        Cell::moment(customer.first_at),
        Cell::moment(customer.last_at),
        Cell::Flag(customer.is_listed),
        Cell::text(blind_spots(&customer.blind_spots)),
        Cell::tenant(Some(customer.child_tenant_id)),
        Cell::tenant(Some(customer.partner_tenant_id)),
    ]);
    cells
}

/// Tries, sign-ins, the share that got in, then by verdict.
fn counts<'a>(counts: Counts) -> [Cell<'a>; 9] {
    [
        Cell::Count(counts.tries),
        Cell::Count(counts.sign_ins()),
        Cell::share(counts.succeeded, counts.sign_ins()),
        Cell::Count(counts.succeeded),
        Cell::Count(counts.blocked),
        Cell::Count(counts.unexplained),
        Cell::Count(counts.failed),
        Cell::Count(counts.interrupted),
        Cell::Count(counts.disputed),
    ]
}

/// What logs cannot show, in words for people.
pub(super) fn blind_spots(names: &[String]) -> String {
    let told: Vec<&str> = names.iter().map(|name| words::blind_spot_words(name)).collect();
    told.join("; ")
}

const POLICIES: &[Column] = &[
    Column::name("customer"),
    Column::of("policy", 44.0),
    Column::of("required", 32.0),
    Column::of("applied because of", 32.0),
    Column::count("blocked sign-ins"),
    Column::count("disputed"),
    Column::count("report-only, would block"),
    Column::moment("last blocked (UTC)"),
    Column::id("policy id"),
    Column::id("customer tenant id"),
];

/// One row for each customer and policy that blocked or would have; most blocked first.
pub(super) fn policies(summary: &Summary) -> Sheet<'_> {
    let names = Names::of(summary);
    Sheet {
        name: "policies",
        told: "a policy of a customer, over all counted sign-ins of every provider; a sign-in that \
               three policies block counts once for each of them",
        columns: POLICIES,
        rows: Box::new(summary.policies.iter().map(move |one| policy(one, &names))),
        count: count_of(&summary.policies),
        whole: "summary.json, policies",
    }
}

fn policy<'a>(policy: &'a PolicySummary, names: &Names<'a>) -> Vec<Cell<'a>> {
    vec![
        Cell::text(names.customer(policy.child_tenant_id)),
        Cell::text(words::policy(&policy.policy_name, &policy.policy_id)),
        Cell::text(words::controls(&policy.demanded)),
        Cell::text(words::conditions(&policy.matched)),
        Cell::Count(policy.figures.blocked_sign_ins),
        Cell::Count(policy.figures.disputed_sign_ins),
        Cell::Count(policy.figures.would_block_sign_ins),
        Cell::moment(policy.last_blocked_at),
        Cell::text(policy.policy_id.as_str()),
        Cell::tenant(Some(policy.child_tenant_id)),
    ]
}

const CAUSES: &[Column] = &[
    Column::of("error code", 13.0),
    Column::of("cause", 70.0),
    Column::of("who can put it right", 24.0),
    Column::count("sign-ins"),
    Column::of("share of these", 10.0),
    Column::count("tries"),
    Column::count("customers"),
    Column::of("what to do, in general", 90.0),
];

/// One row for each error code of flagged sign-ins, most sign-ins first.
pub(super) fn causes(summary: &Summary) -> Sheet<'_> {
    let figures = |cause: &CauseSummary| {
        if summary.partners.is_empty() { cause.all } else { cause.listed }
    };
    let is_told = move |cause: &&CauseSummary| figures(cause).sign_ins > 0;
    let told: Vec<&CauseSummary> = summary.causes.iter().filter(is_told).collect();
    let whole: u64 = told.iter().map(|cause| figures(cause).sign_ins).sum();
    Sheet {
        name: "causes",
        told: if summary.partners.is_empty() {
            "an error code of refused sign-ins of all providers, since no partner was given"
        } else {
            "an error code of refused sign-ins of your listed partners"
        },
        columns: CAUSES,
        count: count_of(&told),
        rows: Box::new(told.into_iter().map(move |cause| {
            let (figures, entry) = (figures(cause), cause.error_code.and_then(entry));
            vec![
                Cell::code(cause.error_code),
                Cell::text(words::cause(cause.error_code, cause.cause.as_deref())),
                Cell::text_if(entry.map(|entry| entry.who_fixes.words())),
                Cell::Count(figures.sign_ins),
                Cell::share(figures.sign_ins, whole),
                Cell::Count(figures.tries),
                Cell::Count(figures.customers),
                Cell::text_if(entry.map(|entry| entry.remedy.as_str())),
            ]
        })),
        whole: "summary.json, causes",
    }
}

fn entry(code: i32) -> Option<&'static crate::error_code::ErrorCodeEntry> {
    crate::error_code::ErrorCode(code).entry()
}

const PROVIDERS: &[Column] = &[
    Column::name("other provider"),
    Column::name("customer"),
    Column::count("tries"),
    Column::count("sign-ins"),
    Column::of("got in (share)", 10.0),
    Column::count("succeeded"),
    Column::count("blocked"),
    Column::count("unexplained"),
    Column::count("failed"),
    Column::count("interrupted"),
    Column::count("disputed"),
    Column::moment("first sign-in (UTC)"),
    Column::moment("last sign-in (UTC)"),
    Column::id("provider's tenant id"),
    Column::id("customer tenant id"),
];

/// Of a provider's name beside its id.
const NAME_COLUMNS: usize = 120;

/// One row for each provider that is not listed and each customer where it came.
pub(super) fn other_providers(summary: &Summary) -> Sheet<'_> {
    let pairs = summary
        .other_providers
        .iter()
        .flat_map(|provider| provider.customers.iter().map(move |customer| (provider, customer)));
    let count = summary.other_providers.iter().map(|provider| count_of(&provider.customers)).sum();
    Sheet {
        name: "other providers",
        told: "a provider that is not on your list, at one customer: ask the customer who this is",
        columns: PROVIDERS,
        rows: Box::new(pairs.map(|(provider, customer)| {
            let name = words::tenant(customer.child_name.as_deref(), customer.child_tenant_id);
            let mut cells =
                vec![Cell::text(words::provider(provider, NAME_COLUMNS)), Cell::text(name)];
            cells.extend(counts(customer.counts));
            cells.extend([
                Cell::moment(customer.first_at),
                Cell::moment(customer.last_at),
                Cell::tenant(provider.home_tenant_id),
                Cell::tenant(Some(customer.child_tenant_id)),
            ]);
            cells
        })),
        count,
        whole: "summary.json, other_providers",
    }
}
