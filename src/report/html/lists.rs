//! What happened over all customers: failures over time, other providers, what will block, causes,
//! and who came in.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use maud::{Markup, html};

use super::super::table::{Column, Table};
use super::super::{clean, tables, words};
use super::draw::{ADDRESS_CAVEAT, folded, more, say, section, table};
use super::{Page, chart};
use crate::remedy::facts::is_microsoft_managed;
use crate::summary::{Address, CameIn, PolicySummary, ProviderCustomer, ProviderSummary};
use crate::who::short_account;

const ROWS_MAX: usize = 100;
/// Providers whose customers are listed.
const PROVIDERS_MAX: usize = 20;
/// What came in first within so many days is new.
const NEW_DAYS: i64 = 7;
/// Entries shown of who came in.
const CAME_IN_MAX: usize = 150;

pub(super) fn draw(page: &Page<'_>) -> Markup {
    html! {
        (chart::draw(page))
        (other_providers(page))
        (coming(page))
        (causes(page))
        (policies(page))
        (came_in(page))
    }
}

fn other_providers(page: &Page<'_>) -> Markup {
    let providers = &page.summary.other_providers;
    let body = html! {
        @if providers.is_empty() {
            p { "No service provider came in, or tried to, that is not on your list." }
        } @else {
            p { "Not on your list. Ask the customer who this is; nothing here lets one of them in." }
            (table("Other providers (last: UTC)", &tables::other_providers(page.summary), ROWS_MAX))
            @for provider in providers.iter().take(PROVIDERS_MAX) {
                @let title = format!("Where: {}", words::provider(provider, 60));
                @let customers = where_tried(provider);
                (folded(&say(&title), &table("At which customers (first, last: UTC)", &customers, ROWS_MAX)))
            }
            (more(providers.len().saturating_sub(PROVIDERS_MAX), "providers"))
        }
    };
    section("others", "Other providers", &body)
}

fn where_tried(provider: &ProviderSummary) -> Table {
    let mut table = Table::new(vec![
        Column::left("customer", 12),
        Column::right("got in"),
        Column::right("blocked"),
        Column::right("failed"),
        Column::left("first", 16),
        Column::left("last", 16),
    ]);
    let mut customers: Vec<&ProviderCustomer> = provider.customers.iter().collect();
    customers.sort_by_key(|customer| std::cmp::Reverse(customer.counts.succeeded));
    table.rows.extend(customers.into_iter().map(|customer| {
        let counts = customer.counts;
        vec![
            words::tenant(customer.child_name.as_deref(), customer.child_tenant_id),
            words::number(counts.succeeded),
            words::number(counts.blocked + counts.unexplained),
            words::number(counts.failed),
            customer.first_at.map(words::full_moment).unwrap_or_default(),
            customer.last_at.map(words::full_moment).unwrap_or_default(),
        ]
    }));
    table
}

fn coming(page: &Page<'_>) -> Markup {
    let would_block = |policy: &&PolicySummary| policy.figures.would_block_sign_ins > 0;
    let coming: Vec<&PolicySummary> = page.summary.policies.iter().filter(would_block).collect();
    let managed: BTreeSet<_> = coming
        .iter()
        .filter(|policy| is_microsoft_managed(&policy.policy_name))
        .map(|policy| policy.child_tenant_id)
        .collect();
    let customers = words::customers(u64::try_from(managed.len()).unwrap_or(u64::MAX));
    let body = html! {
        @if coming.is_empty() {
            p { "No policy in report-only mode would have blocked a provider's sign-in." }
        } @else {
            p { "These policies are in report-only mode: once somebody turns one on, it blocks." }
            @if !managed.is_empty() {
                p {
                    "At " (customers) " one of them is Microsoft's own: it turns itself on, no sooner than \
                     45 days after it came."
                }
            }
            (table("Report-only policies that would block", &coming_table(page, coming), ROWS_MAX))
        }
    };
    section("coming", "Coming blocks", &body)
}

/// Those of most sign-ins first.
fn coming_table(page: &Page<'_>, mut coming: Vec<&PolicySummary>) -> Table {
    coming.sort_by_key(|policy| std::cmp::Reverse(policy.figures.would_block_sign_ins));
    tables::policies(page.summary, coming.into_iter()).without_blank_columns()
}

fn causes(page: &Page<'_>) -> Markup {
    let causes = tables::causes(page.summary);
    let body = html! {
        @if causes.rows.is_empty() {
            p { "No sign-in failed in these logs." }
        } @else {
            p { "What the error codes say. For one of them: tenantsweep explain CODE." }
            (table("Error codes, those of most customers first", &causes, ROWS_MAX))
            @let failing = tables::failing(page.summary);
            (table("Customers that fail for other reasons than a policy (since: UTC)", &failing, ROWS_MAX))
        }
    };
    section("causes", "Causes", &body)
}

fn policies(page: &Page<'_>) -> Markup {
    let blocking =
        page.summary.policies.iter().filter(|policy| policy.figures.blocked_sign_ins > 0);
    let policies = tables::policies(page.summary, blocking);
    let body = html! {
        @if policies.rows.is_empty() {
            p { "No policy blocked a sign-in in these logs." }
        } @else {
            p {
                "Over all counted sign-ins, past ones included. One that three policies block counts once \
                 for each of them. Disputed: the status of the sign-in says otherwise."
            }
            (table("Policies by customer (last blocked: UTC)", &policies.without_blank_columns(), ROWS_MAX))
        }
    };
    section("policies", "Policies", &body)
}

fn came_in(page: &Page<'_>) -> Markup {
    let came_in = &page.summary.came_in;
    let (listed, others): (Vec<&CameIn>, Vec<&CameIn>) =
        came_in.iter().partition(|entry| entry.is_listed);
    let body = html! {
        @if came_in.is_empty() {
            p { "No sign-in of a provider succeeded in these logs." }
        } @else {
            p {
                "Sign-ins that succeeded, by account, app and address; those of most sign-ins first. New: \
                 not seen in these logs before their last 7 days."
            }
            @let (others, listed) = (came_in_table(page, &others), came_in_table(page, &listed));
            (table("Other providers, not on your list (first, last: UTC)", &others, CAME_IN_MAX))
            (table("Your partner tenants (first, last: UTC)", &listed, CAME_IN_MAX))
            p.note { (ADDRESS_CAVEAT) }
        }
    };
    section("came-in", "Who came in", &body)
}

fn came_in_table(page: &Page<'_>, came_in: &[&CameIn]) -> Table {
    let mut table = Table::new(vec![
        Column::left("provider", 12),
        Column::left("account", 12),
        Column::left("kind", 11),
        Column::left("app", 12),
        Column::left("address", 15),
        Column::left("country", 7),
        Column::right("customers"),
        Column::right("sign-ins"),
        Column::left("first", 12),
        Column::left("last", 12),
    ]);
    table.rows.extend(came_in.iter().map(|entry| came_in_cells(page, entry)));
    table
}

/// When it came in first; whether that is new, where the logs reach back further.
fn first_of(page: &Page<'_>, entry: &CameIn) -> String {
    let since = page.summary.newest_evidence.map(|newest| newest - TimeDelta::days(NEW_DAYS));
    let is_new = |since| entry.first_at >= since && page.begins_before(since);
    let new = if since.is_some_and(is_new) { ", new" } else { "" };
    format!("{}{new}", words::moment(entry.first_at))
}

fn came_in_cells(page: &Page<'_>, entry: &CameIn) -> Vec<String> {
    let known =
        page.summary.partners.iter().find(|one| Some(one.tenant_id) == entry.home_tenant_id);
    let provider = match (known, entry.home_tenant_id) {
        (Some(partner), _) => words::partner(partner),
        (None, Some(id)) => {
            let name = entry.provider_name.as_deref().map(|name| clean::clean(name, 60));
            name.map(|name| format!("{name} ")).unwrap_or_default() + &id.short()
        }
        (None, None) => "home tenant not named".to_owned(),
    };
    let account = short_account(&entry.account).into_owned();
    vec![
        provider,
        if account.is_empty() { "not named".to_owned() } else { account },
        if entry.is_integration { "tool" } else { "person" }.to_owned(),
        entry.app.clone(),
        match &entry.address {
            Address::Known(address) => address.clone(),
            Address::NotShown => "not shown".to_owned(),
            Address::Others => "further addresses".to_owned(),
        },
        entry.country.clone().unwrap_or_default(),
        entry.customers.len().to_string(),
        words::number(entry.sign_ins),
        first_of(page, entry),
        words::moment(entry.last_at),
    ]
}
