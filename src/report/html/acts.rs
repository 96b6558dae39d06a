//! What to do, in cards by who acts; and what is wrong in the partner's own tenant.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::super::own_tenant::{self, PASSTHROUGH, Told};
use super::super::todo::{self, Act, Group};
use super::super::{accounts, tables, words};
use super::customer::{has_section, ticket_text};
use super::draw::{folded, more, say, section, table, tell};
use super::{Page, key_of};
use crate::summary::CustomerSummary;

/// Customers linked from a card.
const LINKS_MAX: usize = 12;
/// Actions told in a card.
const LINES_MAX: usize = 12;
/// Tickets whose text stands in a card; all others stand in the customers' sections.
const TICKETS_MAX: usize = 3;
/// Policies beside the cards.
const POLICIES_MAX: usize = 20;
const ROWS_MAX: usize = 100;

/// The cards that are always there; a further one only if somebody has to do with it.
const ALWAYS: [Act; 4] = [Act::OwnTenant, Act::ChangePolicy, Act::Consent, Act::Investigate];

pub(super) fn draw(page: &Page<'_>) -> Markup {
    let groups = todo::groups(page.summary);
    let is_shown = |act: &Act| groups.contains_key(act) || ALWAYS.contains(act);
    let nothing = Group::default();
    let policies = tables::policies_to_change(page.summary);
    let body = html! {
        @if page.summary.customers.is_empty() {
            p { "Nothing yet: no customer of a listed partner is in these logs." }
        } @else {
            div.cards {
                @for act in Act::ALL.into_iter().filter(is_shown) {
                    (card(page, act, groups.get(&act).unwrap_or(&nothing)))
                }
            }
        }
        (table("Policies that block now, those of most customers first", &policies, POLICIES_MAX))
        (folded_accounts(page))
        (own_tenant(page))
    };
    section("do", "What to do", &body)
}

fn folded_accounts(page: &Page<'_>) -> Markup {
    const TITLE: &str = "Accounts that do not get through";
    let blocked = accounts::blocked(page.summary);
    html! {
        @if !blocked.rows.is_empty() {
            (folded(&html! { (TITLE) }, &table(TITLE, &blocked, ROWS_MAX)))
        }
    }
}

/// Who acts, in a word or two above the heading.
pub(super) fn actor(act: Act) -> &'static str {
    match act {
        Act::OwnTenant => "You, at home",
        Act::ChangePolicy => "The customer, a policy",
        Act::Consent => "The customer, a consent",
        Act::Investigate => "You and the customer, together",
        Act::OtherByCustomer => "The customer, otherwise",
        Act::ExportAgain => "You, another export",
    }
}

fn card(page: &Page<'_>, act: Act, group: &Group) -> Markup {
    let count = u64::try_from(group.customers.len()).unwrap_or(u64::MAX);
    let class = format!("card act-{}", act.number());
    html! {
        article class=(class) {
            p.actor { span.number { (act.number()) } (actor(act)) }
            @if group.customers.is_empty() {
                h3 { (empty(act)) }
            } @else {
                h3 { (say(&todo::heading(act, group))) }
                p.customers { (words::customers(count)) }
                (actions(act, group))
                (links(page, group))
                p { strong { "Who can do it. " } (tell(&who(act, group))) }
                p { strong { "How to check. " } (check(act)) }
                @if matches!(act, Act::ChangePolicy | Act::Consent) { (tickets(page, act, group)) }
            }
        }
    }
}

fn empty(act: Act) -> &'static str {
    match act {
        Act::OwnTenant => "Nothing to do in your own tenant",
        Act::ChangePolicy => "No policy to ask a change of",
        Act::Consent => "No consent to ask for",
        Act::Investigate => "Nothing that must stay shut",
        Act::OtherByCustomer | Act::ExportAgain => "Nothing",
    }
}

fn actions(act: Act, group: &Group) -> Markup {
    // The heading of a consent says all.
    let lines = if act == Act::Consent { Vec::new() } else { group.lines() };
    let left_out = lines.len().saturating_sub(LINES_MAX);
    html! {
        @if !lines.is_empty() {
            ul.actions {
                @for (action, code, customers) in lines.iter().take(LINES_MAX) {
                    li {
                        (say(action))
                        " " span.code { (say(code)) }
                        @let customers = u64::try_from(*customers).unwrap_or(u64::MAX);
                        " " span.soft.whole { (words::customers(customers)) }
                    }
                }
            }
            (more(left_out, "actions"))
        }
    }
}

/// The customers of a group, the worst first.
fn customers_of<'a>(page: &Page<'a>, group: &Group) -> Vec<&'a CustomerSummary> {
    let mut known = BTreeSet::new();
    let customers = page.summary.customers.iter();
    customers
        .filter(|customer| group.customers.contains(&customer.child_tenant_id))
        .filter(|customer| has_section(customer) && known.insert(key_of(customer)))
        .collect()
}

fn links(page: &Page<'_>, group: &Group) -> Markup {
    let customers = customers_of(page, group);
    let left_out = customers.len().saturating_sub(LINKS_MAX);
    html! {
        ul.links {
            @for customer in customers.iter().take(LINKS_MAX) { li { (page.link(customer)) } }
            @if left_out > 0 { li { a href="#customers" { "and " (left_out) " more" } } }
        }
    }
}

fn who(act: Act, group: &Group) -> String {
    match act {
        Act::OwnTenant => "You, in your own Entra tenant or in the tool itself.".to_owned(),
        Act::ChangePolicy => match group.own_hands.len() {
            0 => "The customer's Conditional Access Administrator or Security Administrator."
                .to_owned(),
            own => format!(
                "The customer's Conditional Access Administrator or Security Administrator; in {own} of \
                 them your technicians get into the portal and may do it, once the customer approves."
            ),
        },
        Act::Consent => {
            "The customer's Privileged Role Administrator or Cloud Application Administrator."
                .to_owned()
        }
        Act::Investigate => {
            "You and the customer's security people. Until it is explained, nothing is opened."
                .to_owned()
        }
        Act::OtherByCustomer => {
            "An administrator of the customer; the cause says what for.".to_owned()
        }
        Act::ExportAgain => "Whoever exports the customer's log, as Security Reader.".to_owned(),
    }
}

fn check(act: Act) -> &'static str {
    match act {
        Act::OwnTenant => {
            "Sign in again, wait for the tool's next try, then export and sweep again: the customer must \
             be getting in."
        }
        Act::ChangePolicy => {
            "Conditional Access > What If, as each ticket says; then wait for the next try and sweep \
             again."
        }
        Act::Consent => {
            "Enterprise applications > the app > Permissions, then the tool's next try."
        }
        Act::Investigate => {
            "The risk is explained and closed where it was raised, and the next try gets in."
        }
        Act::OtherByCustomer => "The next try gets in.",
        Act::ExportAgain => "The new log lists policies: sweep it, and the state is told.",
    }
}

/// The text of the first tickets, folded, and where the others are.
fn tickets(page: &Page<'_>, act: Act, group: &Group) -> Markup {
    let wanted = match act {
        Act::Consent => super::super::tickets::Kind::Consent,
        _ => super::super::tickets::Kind::Change,
    };
    let all: Vec<_> = customers_of(page, group)
        .into_iter()
        .flat_map(|customer| page.tickets_of(customer))
        .filter(|ticket| ticket.kind == wanted)
        .collect();
    let left_out = all.len().saturating_sub(TICKETS_MAX);
    html! {
        @for ticket in all.iter().take(TICKETS_MAX) {
            (folded(&say(&ticket.title), &ticket_text(ticket)))
        }
        @if left_out > 0 {
            p.soft {
                (left_out) " more " (if left_out == 1 { "ticket" } else { "tickets" })
                ": in the customers' sections, and as files in tickets/."
            }
        }
    }
}

fn own_tenant(page: &Page<'_>) -> Markup {
    html! {
        @for (side, title) in own_tenant::told_sides(page.summary) {
            div.own {
                h3 { (say(&title)) }
                p { (tell(&own_tenant::basis(side))) }
                @for finding in side.findings.iter().take(ROWS_MAX) {
                    @let told = Told::of(finding);
                    details.fold {
                        summary { (say(&told.title)) }
                        dl {
                            @for (what, text) in told.lines() { dt { (what) } dd { (tell(text)) } }
                        }
                    }
                }
                (more(side.findings.len().saturating_sub(ROWS_MAX), "findings"))
                @if !side.passthrough.is_empty() {
                    @let tried = own_tenant::passthrough(side);
                    (table("Tried a tenant it has no access to (last: UTC)", &tried, ROWS_MAX))
                    p.note { (PASSTHROUGH) }
                }
            }
        }
    }
}
