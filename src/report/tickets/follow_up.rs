//! How tickets stand against those of the run before.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Kind, Status, Ticket};
use crate::summary::state::RouteState;
use crate::summary::{RouteSummary, Summary};
use crate::tenant::TenantId;

/// Resolved tickets are told for so many days of evidence, so that no reader misses them.
const RESOLVED_DAYS: i64 = 30;

/// Reads tickets.json of an earlier run; `None` if it is of a newer version, or damaged. Anyone
/// can edit the file: a ticket whose own file would lie elsewhere is passed over.
pub fn parse_tickets(text: &[u8]) -> Option<Vec<Ticket>> {
    #[derive(Deserialize)]
    struct Document {
        schema: u32,
        tickets: Vec<Ticket>,
    }
    let document: Document = serde_json::from_slice(text).ok()?;
    let tickets = (document.schema == super::draw::SCHEMA).then_some(document.tickets)?;
    Some(tickets.into_iter().filter(|ticket| is_file_name(&ticket.file)).collect())
}

/// Whether a name is one that tickets give to their files.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

type Place = (TenantId, TenantId, Kind);

fn place(ticket: &Ticket) -> Place {
    (ticket.customer_tenant_id, ticket.partner_tenant_id, ticket.kind)
}

/// Gives the tickets their status; those of the run before that are not asked for any more come
/// behind, resolved where the routes got in, else as they were: no evidence resolves nothing.
pub fn follow_up(tickets: Vec<Ticket>, before: Vec<Ticket>, summary: &Summary) -> Vec<Ticket> {
    let open: BTreeMap<Place, &Ticket> = before
        .iter()
        .filter(|ticket| ticket.status != Status::Resolved)
        .map(|ticket| (place(ticket), ticket))
        .collect();
    let mut now: Vec<Ticket> = tickets
        .into_iter()
        .map(|mut ticket| {
            if let Some(&earlier) = open.get(&place(&ticket)) {
                continue_from(&mut ticket, earlier);
            }
            ticket
        })
        .collect();
    let asked: BTreeSet<Place> = now.iter().map(place).collect();
    let left = before.into_iter().filter(|ticket| !asked.contains(&place(ticket)));
    let left: Vec<Ticket> = left.filter_map(|ticket| ending(ticket, summary)).collect();
    now.extend(left);
    now
}

fn continue_from(ticket: &mut Ticket, earlier: &Ticket) {
    ticket.approver = ticket.approver.take().or_else(|| earlier.approver.clone());
    if earlier.fingerprint == ticket.fingerprint && earlier.key == ticket.key {
        ticket.status = Status::Still;
        return;
    }
    ticket.status = Status::Changed;
    ticket.replaces = (earlier.key != ticket.key).then(|| earlier.key.clone());
}

/// What becomes of a ticket that nobody would write today.
fn ending(mut ticket: Ticket, summary: &Summary) -> Option<Ticket> {
    let (child, partner) = (ticket.customer_tenant_id, ticket.partner_tenant_id);
    // Of a partner that is not listed any more nothing is asked.
    summary.partners.iter().find(|listed| listed.tenant_id == partner)?;
    if ticket.status == Status::Resolved {
        let newest = summary.newest_evidence?;
        let is_old = ticket.as_of.is_none_or(|as_of| (newest - as_of).num_days() > RESOLVED_DAYS);
        return (!is_old).then_some(ticket);
    }
    let routes: BTreeMap<[String; 3], &RouteSummary> = summary
        .routes
        .iter()
        .filter(|route| route.child_tenant_id == child && route.partner_tenant_id == partner)
        .map(|route| (route_id(route), route))
        .collect();
    let got_in = |id: &[String; 3]| {
        routes.get(id).is_some_and(|route| {
            let is_in = matches!(route.state, Some(RouteState::Recovered | RouteState::GettingIn));
            is_in && route.last_at > ticket.last_try_at
        })
    };
    let is_trouble =
        |id: &[String; 3]| routes.get(id).is_some_and(|route| route.state.is_some_and(is_trouble));
    let customer = summary.customers.iter().find(|customer| {
        customer.child_tenant_id == child && customer.partner_tenant_id == partner
    });
    if !ticket.routes.is_empty() && ticket.routes.iter().all(&got_in) {
        ticket.status = Status::Resolved;
        ticket.as_of = customer.and_then(|customer| customer.now).or(ticket.as_of);
    } else if ticket.routes.iter().any(is_trouble) {
        // It still fails, and for another reason: this is not what to ask for now.
        return None;
    } else {
        ticket.status = Status::Still;
        let note = "No new try since this was written: nothing tells whether it was done.";
        if ticket.internal_note.first().map(String::as_str) != Some(note) {
            ticket.internal_note.insert(0, note.to_owned());
        }
    }
    Some(ticket)
}

fn is_trouble(state: RouteState) -> bool {
    matches!(state, RouteState::Blocked | RouteState::Intermittent | RouteState::Failing)
}

pub(super) fn route_id(route: &RouteSummary) -> [String; 3] {
    [route.account.clone(), route.app.clone(), route.resource.clone()]
}
