//! The table of all customers, by state, with thirty days of each.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::super::todo::{self, Act};
use super::super::words;
use super::Page;
use super::customer::has_section;
use super::draw::{more, say, say_short, section};
use super::{acts, head, strip};
use crate::summary::state::CustomerState;
use crate::summary::{CustomerSummary, Summary};
use crate::tenant::TenantId;

/// Rows of the table; more make the page too heavy.
const ROWS_MAX: usize = 1_000;
/// Of a customer's name, which is told whole in its section.
const NAME_COLUMNS: usize = 80;

/// Whether all customers are in the table.
pub(super) fn is_whole(summary: &Summary) -> bool {
    summary.customers.len() <= ROWS_MAX
}

pub(super) fn draw(page: &Page<'_>) -> Markup {
    let customers = &page.summary.customers;
    let acts = acts_of(page);
    let shown = &customers[..customers.len().min(ROWS_MAX)];
    let body = html! {
        @if customers.is_empty() {
            p { "No customer of a listed partner is in these logs." }
        } @else {
            p.wide {
                "The worst first. A state is as of the last moment of that customer's evidence, never of \
                 the clock."
            }
            (strip::legend())
            (legend_of_acts(&acts))
            div.scroll role="region" aria-label="All customers" tabindex="0" {
                table.customers {
                    caption { "All customers by state (since, as of, days: UTC)" }
                    thead {
                        tr {
                            th scope="col" { "customer" }
                            th scope="col" { "who is refused" }
                            th scope="col" { "since" }
                            th.n scope="col" { "tries" }
                            th scope="col" { "30 days" }
                            th scope="col" { "who acts" }
                        }
                    }
                    @for state in CustomerState::ALL {
                        @let of_state: Vec<&CustomerSummary> =
                            shown.iter().filter(|one| one.state == state).collect();
                        @if !of_state.is_empty() {
                            tbody {
                                tr.group id=(head::class(state)) {
                                    th scope="rowgroup" colspan="6" {
                                        (head::mark(state)) " " span.soft { (of_state.len()) }
                                    }
                                }
                                @for customer in of_state {
                                    @let acts = acts.get(&customer.child_tenant_id);
                                    (row(page, customer, acts.filter(|_| has_section(customer))))
                                }
                            }
                        }
                    }
                }
            }
            (more(customers.len() - shown.len(), "customers"))
        }
    };
    section("customers", "Customers", &body)
}

/// What the numbers of those who act mean, as in the cards.
fn legend_of_acts(acts: &BTreeMap<TenantId, Vec<Act>>) -> Markup {
    let known: BTreeSet<Act> = acts.values().flatten().copied().collect();
    html! {
        @if !known.is_empty() {
            p.legend {
                "Who acts:"
                @for act in known { span { (number(act)) " " (acts::actor(act)) } }
            }
        }
    }
}

/// The number of a card.
fn number(act: Act) -> Markup {
    html! { span class=(format!("number act-{}", act.number())) { (act.number()) } }
}

/// Who acts for each customer.
fn acts_of(page: &Page<'_>) -> BTreeMap<TenantId, Vec<Act>> {
    let mut acts: BTreeMap<TenantId, Vec<Act>> = BTreeMap::new();
    for (act, group) in todo::groups(page.summary) {
        for &customer in &group.customers {
            acts.entry(customer).or_default().push(act);
        }
    }
    acts
}

fn row(page: &Page<'_>, customer: &CustomerSummary, acts: Option<&Vec<Act>>) -> Markup {
    let is_refused = !customer.blocked_accounts.is_empty();
    let refused = if is_refused { words::who(customer) } else { String::new() };
    let last = page.summary.newest_evidence.map(|newest| newest.date_naive());
    html! {
        tr {
            th scope="row" { (page.link(customer)) }
            td data-l="who is refused" { (say_short(&refused, NAME_COLUMNS)) (beside(customer)) }
            td data-l="since" { (say(&words::since_and_as_of(customer))) }
            td.n data-l="tries" { @if customer.blocked_tries > 0 { (words::number(customer.blocked_tries)) } }
            td data-l="30 days" { @if let Some(last) = last { (strip::draw(&customer.days, last)) } }
            td data-l="who acts" {
                @if let Some(acts) = acts { span { @for &act in acts { (number(act)) " " } } }
            }
        }
    }
}

/// What else is to be known of a customer that nobody is refused by.
fn beside(customer: &CustomerSummary) -> Markup {
    let code = customer.failing_error_code.filter(|_| customer.state == CustomerState::Failing);
    html! {
        @if let Some(doubt) = customer.doubt { span.soft { (words::doubt_words(doubt)) } }
        @else if let Some(code) = code { span.code { (words::error_code(Some(code))) } }
        @else if customer.recovered && customer.state == CustomerState::GettingIn {
            span.soft { "recovered" }
        }
    }
}
