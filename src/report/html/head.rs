//! The top of the page: the answer, the states, where to go.

use maud::{Markup, html};

use super::super::{sentences, todo, words};
use super::draw::{plain, say, tell};
use super::{Page, customers};
use crate::dataset::Custody;
use crate::redact::CAVEAT;
use crate::summary::state::CustomerState;
use crate::summary::{PartnerSummary, Summary};

/// The bar of states is so many units wide.
const BAR: u64 = 1_000;
/// A state that has a customer is to be seen.
const SEGMENT_MIN: u64 = 8;

/// Of a partner's name in the title of the page.
const NAME_COLUMNS: usize = 60;

/// Sections and their headings in the order of the page.
const SECTIONS: [(&str, &str); 13] = [
    ("do", "What to do"),
    ("customers", "Customers"),
    ("time", "Over time"),
    ("others", "Other providers"),
    ("coming", "Coming blocks"),
    ("causes", "Causes"),
    ("policies", "Policies"),
    ("came-in", "Who came in"),
    ("evidence", "Evidence"),
    ("export", "Export again"),
    ("files", "Files"),
    ("ledger", "Ledger"),
    ("made", "How made"),
];

/// The title of the page, which the browser shows.
pub(super) fn title(summary: &Summary) -> String {
    let partners: Vec<String> = summary
        .partners
        .iter()
        .map(|partner| plain(&words::partner(partner), NAME_COLUMNS))
        .collect();
    match partners.as_slice() {
        [] => "tenantsweep report".to_owned(),
        names => format!(
            "tenantsweep: {}",
            words::and(&names.iter().map(String::as_str).collect::<Vec<_>>())
        ),
    }
}

pub(super) fn draw(page: &Page<'_>) -> Markup {
    let Page { summary, facts, .. } = page;
    let answers = sentences::answers(summary);
    html! {
        header {
            p.brand { "tenantsweep" span { (words::work(facts)) } }
            h1 id="main" tabindex="-1" {
                @for answer in answers.iter().take(1) { (tell(answer)) }
            }
            @for answer in answers.iter().skip(1) { p.answer { (tell(answer)) } }
            @if let Some(only) = sentences::only_some(summary) { p.answer { (tell(&only)) } }
            @if summary.is_redacted { p.answer { (CAVEAT) } }
            @if let Some(turns) = todo::turns(summary) { p.lead { (tell(&turns)) } }
            p.asof { (tell(&words::full_stop(&sentences::evidence(summary)))) " All times are UTC." }
            @if facts.custody != Custody::default() {
                ul.custody {
                    @for line in words::custody(&facts.custody) { li { (say(&line)) } }
                }
            }
            @for partner in &summary.partners { (states(page, partner)) }
        }
        nav aria-label="Sections" {
            ul { @for (id, title) in SECTIONS { li { a href=(format!("#{id}")) { (title) } } } }
        }
    }
}

/// A partner's customers by state, as a bar and in figures.
fn states(page: &Page<'_>, partner: &PartnerSummary) -> Markup {
    let all = partner.customers();
    let several = page.summary.partners.len() > 1;
    let known: Vec<(CustomerState, u64)> = CustomerState::ALL
        .into_iter()
        .map(|state| (state, partner.in_state(state)))
        .filter(|&(_, count)| count > 0)
        .collect();
    html! {
        @if all > 0 {
            div.states {
                @if several { h2 { (say(&words::partner(partner))) } }
                (bar(&known, all))
                ul {
                    @for (state, count) in known {
                        li {
                            span.count { (words::number(count)) }
                            @if customers::is_whole(page.summary) {
                                a href=(format!("#{}", class(state))) { (mark(state)) }
                            } @else {
                                (mark(state))
                            }
                        }
                    }
                    li.all {
                        span.count { "= " (words::number(all)) }
                        span { (if all == 1 { "customer" } else { "customers" }) }
                    }
                }
            }
        }
    }
}

fn bar(states: &[(CustomerState, u64)], all: u64) -> Markup {
    let wanted = |count: u64| (count * BAR / all.max(1)).max(SEGMENT_MIN);
    let total: u64 = states.iter().map(|&(_, count)| wanted(count)).sum();
    let mut at = 0;
    let mut segments = Vec::new();
    for &(state, count) in states {
        let width = wanted(count) * BAR / total.max(1);
        segments.push((class(state), at, width));
        at += width;
    }
    let told: Vec<String> = states
        .iter()
        .map(|&(state, count)| format!("{} {}", words::number(count), words::state(state)))
        .collect();
    html! {
        svg.bar viewBox=(format!("0 0 {BAR} 12")) preserveAspectRatio="none" role="img" {
            title { (told.join(", ")) }
            @for (class, at, width) in segments {
                rect class=(class) x=(at) y="0" width=(width) height="12" {}
            }
        }
    }
}

/// A state by shape and word; the colour only helps.
pub(super) fn mark(state: CustomerState) -> Markup {
    let shape = match state {
        CustomerState::Blocked => "M1 1h10v10H1z",
        CustomerState::Partly => "M1 1h10v10H1zM6 2v8h4V2z",
        CustomerState::Failing => "M6 1l5.5 10H.5z",
        CustomerState::GettingIn => "M6 1a5 5 0 100 10A5 5 0 006 1z",
        CustomerState::CannotTell => "M6 1a5 5 0 100 10A5 5 0 006 1zM6 3a3 3 0 110 6 3 3 0 010-6z",
        CustomerState::NoLog => "M1 5h10v2H1z",
    };
    html! {
        span class=(format!("state {}", class(state))) {
            svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" {
                path fill-rule="evenodd" d=(shape) {}
            }
            (words::state(state))
        }
    }
}

/// The class of a state in the style.
pub(super) fn class(state: CustomerState) -> &'static str {
    match state {
        CustomerState::Blocked => "s-blocked",
        CustomerState::Partly => "s-partly",
        CustomerState::Failing => "s-failing",
        CustomerState::GettingIn => "s-in",
        CustomerState::CannotTell => "s-unknown",
        CustomerState::NoLog => "s-none",
    }
}
