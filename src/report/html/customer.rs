//! A section for each customer in trouble: why, what to do in order, the ticket, the proof.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::super::customer;
use super::super::tickets::Ticket;
use super::super::words;
use super::draw::{folded, say, table, tell};
use super::{BYTES_MAX, Page, head, key_of};
use crate::summary::CustomerSummary;
use crate::tenant::TenantId;

/// Proof of each customer, where there are few and where there are many of them.
const PROOF_ROWS: usize = 5;
const PROOF_ROWS_OF_MANY: usize = 2;
const MANY: usize = 150;
/// Rows of each table of a section.
const ROWS_MAX: usize = 30;
/// The part of a ticket that stands in a table of its own here.
const PROOF: &str = "Proof";
/// Lines of a part of a ticket.
const LINES_MAX: usize = 40;

/// Where the customer's section is; made of ids alone.
pub(super) fn anchor(customer: &CustomerSummary) -> String {
    format!("c-{}-{}", customer.child_tenant_id, customer.partner_tenant_id.short())
}

/// Whether there is anything to tell beyond the customer's row.
pub(super) fn has_section(customer: &CustomerSummary) -> bool {
    let plan = &customer.to_do.plan;
    let is_known = !plan.steps.is_empty() || !customer.to_do.failures.is_empty();
    is_known || plan.unknown.tries > 0
}

/// The sections, and whose they are.
pub(super) struct Sections {
    pub(super) markup: Markup,
    pub(super) shown: BTreeSet<(TenantId, TenantId)>,
}

/// The sections, as many as fit beside what else the page holds.
pub(super) fn draw_all(page: &Page<'_>, others: usize) -> Sections {
    let customers: Vec<&CustomerSummary> =
        page.summary.customers.iter().filter(|customer| has_section(customer)).collect();
    let room = BYTES_MAX.saturating_sub(others);
    let mut sections: Vec<Markup> = Vec::new();
    let mut bytes = 0;
    for customer in &customers {
        let section = draw(page, customer, false);
        bytes += section.0.len();
        if bytes > room {
            break;
        }
        sections.push(section);
    }
    let mut shortened = sections.len();
    // Once each has its place, the first ones get the text of their tickets.
    for (section, customer) in sections.iter_mut().zip(&customers) {
        let full = draw(page, customer, true);
        bytes += full.0.len() - section.0.len().min(full.0.len());
        if bytes > room {
            break;
        }
        shortened -= 1;
        *section = full;
    }
    let left_out = customers.len() - sections.len();
    let shown = customers.iter().take(sections.len()).map(|customer| key_of(customer)).collect();
    let markup = html! {
        @if !customers.is_empty() {
            section id="each" aria-labelledby="each-heading" {
                h2 id="each-heading" { "Customer by customer" }
                p.note {
                    "What a step would let through is what these logs show, together with the steps before \
                     it; it is no promise. How to make each change stands in remedies/."
                }
                @for section in &sections { (section) }
                @if shortened > 0 {
                    p.more {
                        "The last " (shortened) " of these sections are without the text of the ticket: \
                         it is in tickets/."
                    }
                }
                @if left_out > 0 {
                    p.more {
                        "And " (left_out) " more customers, which would make this page too heavy: \
                         tenantsweep report DIR --tenant ID --format html, report.md, tickets/."
                    }
                }
            }
        }
    };
    Sections { markup, shown }
}

fn draw(page: &Page<'_>, customer: &CustomerSummary, is_full: bool) -> Markup {
    let since = since(customer);
    let tickets = page.tickets_of(customer);
    html! {
        details.customer {
            summary {
                h3 { (say(&page.name_of(customer))) }
                (head::mark(customer.state))
                @if !since.is_empty() { span.soft { (say(&since)) } }
            }
            div id=(anchor(customer)) tabindex="-1" {
                p.soft {
                    "Tenant " code { (customer.child_tenant_id) } ". "
                    (say(&words::state_of(customer))) ", as of " (say(&words::as_of(customer))) " UTC."
                }
                (why(customer))
                (remarks(customer))
                @for ticket in tickets { (ticket_of(ticket, is_full)) }
                (check(tickets))
                (proof(page, customer))
                p { a href="#customers" { "All customers" } }
            }
        }
    }
}

/// `since 12 Nov 02:10`, `at times`.
fn since(customer: &CustomerSummary) -> String {
    let since = words::since(customer);
    if customer.since.is_some() { format!("since {since}") } else { since }
}

fn why(customer: &CustomerSummary) -> Markup {
    html! {
        (table("Why, and what to do in order", &customer::steps(customer), ROWS_MAX))
        (table("Failing for other reasons", &customer::failures(customer), ROWS_MAX))
    }
}

fn remarks(customer: &CustomerSummary) -> Markup {
    let remarks = customer::remarks(customer);
    html! {
        @if !remarks.is_empty() {
            ul.remarks { @for remark in remarks.iter().take(LINES_MAX) { li { (tell(remark)) } } }
        }
    }
}

fn ticket_of(ticket: &Ticket, is_full: bool) -> Markup {
    html! {
        @if is_full {
            @let title = html! {
                strong { "The ticket" } ": what is asked, what is given up, how to check, undo. "
                span.soft { (say(&ticket.title)) }
            };
            (folded(&title, &ticket_text(ticket)))
        } @else {
            p { strong { "The ticket" } ": " (say(&ticket.title)) " (tickets/" (say(&ticket.file)) ")" }
        }
    }
}

/// What a ticket says as well, where there is one.
fn check(tickets: &[Ticket]) -> Markup {
    html! {
        @if tickets.is_empty() {
            p {
                strong { "How to check" }
                ": after the next try export and sweep again; it must be getting in."
            }
        }
    }
}

/// What the customer reads, and what only the partner does.
pub(super) fn ticket_text(ticket: &Ticket) -> Markup {
    html! {
        div.ticket {
            p.soft {
                "Key " code { (say(&ticket.key)) } ", priority " (ticket.priority)
                ". For: " (say(&ticket.assignee))
                @if let Some(review) = ticket.review { " Review on " (review) "." }
            }
            dl {
                @for section in ticket.sections.iter().filter(|section| section.title != PROOF) {
                    dt { (section.title) }
                    @for line in section.lines.iter().take(LINES_MAX) { dd { (tell(line)) } }
                }
                @if !ticket.internal_note.is_empty() {
                    dt { "For you only" }
                    @for line in ticket.internal_note.iter().take(LINES_MAX) { dd { (tell(line)) } }
                }
            }
        }
    }
}

fn proof(page: &Page<'_>, customer: &CustomerSummary) -> Markup {
    let is_of_many = page.linked.len() > MANY;
    let rows = if is_of_many { PROOF_ROWS_OF_MANY } else { PROOF_ROWS };
    let mut proof = customer::proof(customer);
    proof.rows.truncate(rows);
    table("Proof: the newest refused sign-ins", &proof, rows)
}
