//! report.html: one page that runs nothing and fetches nothing.
//!
//! It opens from a disk, a share or a mail, and folds by `<details>` alone. Every text goes through
//! [`draw`], and `maud` escapes it; nothing out of a log stands in an attribute that is followed
//! or run. Sentences and tables are those of report.md.

mod acts;
mod chart;
mod customer;
mod customers;
mod draw;
mod evidence;
mod head;
mod lists;
mod strip;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::tickets::{Ticket, tickets_of};
use super::{RunFacts, words};
use crate::summary::{CustomerSummary, Summary};
use crate::tenant::TenantId;
use draw::say_short;

/// Of a customer's name in a link; its section tells it whole.
const NAME_COLUMNS: usize = 80;

const STYLE: &str = include_str!("style.css");

/// Above this a page is slow to open and no mail takes it: the sections of the customers that are
/// not so bad are shortened and then left out, and it is said how many.
const BYTES_MAX: usize = 1_950_000;

/// Writes the whole summary as one page.
pub fn write_html(
    sink: &mut impl Write,
    summary: &Summary,
    facts: Option<&RunFacts>,
) -> io::Result<()> {
    let unknown = RunFacts::default();
    let mut page = Page::of(summary, facts.unwrap_or(&unknown));
    sink.write_all(page.draw().into_string().as_bytes())?;
    sink.write_all(b"\n")
}

/// What all pieces of the page look at.
struct Page<'a> {
    summary: &'a Summary,
    facts: &'a RunFacts,
    tickets: BTreeMap<(TenantId, TenantId), Vec<Ticket>>,
    /// Customers with a section, by customer and partner.
    linked: BTreeSet<(TenantId, TenantId)>,
}

impl<'a> Page<'a> {
    fn of(summary: &'a Summary, facts: &'a RunFacts) -> Self {
        let mut tickets: BTreeMap<(TenantId, TenantId), Vec<Ticket>> = BTreeMap::new();
        for ticket in tickets_of(summary) {
            let of = (ticket.customer_tenant_id, ticket.partner_tenant_id);
            tickets.entry(of).or_default().push(ticket);
        }
        let linked = summary.customers.iter().filter(|customer| customer::has_section(customer));
        let linked = linked.map(key_of).collect();
        Self { summary, facts, tickets, linked }
    }

    fn tickets_of(&self, customer: &CustomerSummary) -> &[Ticket] {
        self.tickets.get(&key_of(customer)).map_or(&[], Vec::as_slice)
    }

    /// Whether some log reaches back further than a moment.
    fn begins_before(&self, moment: DateTime<Utc>) -> bool {
        let exports = self.summary.exports.iter();
        exports.filter_map(|export| export.first_at).any(|first| first < moment)
    }

    /// A customer's name; where there are several partners, with the one that is meant.
    fn name_of(&self, customer: &CustomerSummary) -> String {
        let name = words::customer(customer);
        let partners = &self.summary.partners;
        let partner = partners.iter().find(|one| one.tenant_id == customer.partner_tenant_id);
        match partner {
            Some(partner) if partners.len() > 1 => format!("{name} ({})", words::partner(partner)),
            _ => name,
        }
    }

    /// A link to the customer's section, or its name where it has none.
    fn link(&self, customer: &CustomerSummary) -> Markup {
        let name = say_short(&self.name_of(customer), NAME_COLUMNS);
        html! {
            @if self.linked.contains(&key_of(customer)) {
                a href=(format!("#{}", customer::anchor(customer))) { (name) }
            } @else {
                span { (name) }
            }
        }
    }

    /// What stands above the customers' sections, and links to them.
    fn above(&self) -> Markup {
        html! {
            (head::draw(self))
            (acts::draw(self))
            (customers::draw(self))
        }
    }

    fn draw(&mut self) -> Markup {
        let below = html! {
            (lists::draw(self))
            (evidence::draw(self))
        };
        let others = STYLE.len() + self.above().0.len() + below.0.len();
        let sections = customer::draw_all(self, others);
        // No link leads to what had no room.
        self.linked = sections.shown;
        let (above, sections) = (self.above(), sections.markup);
        let policy = format!("default-src 'none'; style-src 'sha256-{}'", hash_of(STYLE));
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (head::title(self.summary)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the answer" }
                    (above)
                    (sections)
                    (below)
                }
            }
        }
    }
}

fn key_of(customer: &CustomerSummary) -> (TenantId, TenantId) {
    (customer.child_tenant_id, customer.partner_tenant_id)
}

/// The hash by which the page's own style is let in, and no other.
fn hash_of(style: &str) -> String {
    STANDARD.encode(Sha256::digest(style.as_bytes()))
}
