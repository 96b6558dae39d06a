//! A change at one customer in words.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::words;
use super::Comparison;
use crate::change::{
    ChangeKind, CustomerChange, CustomerStanding, PolicyChange, PolicyFate, RouteChange, RouteFate,
};
use crate::error_code::ErrorCode;
use crate::summary::state::CustomerState;

/// What is said of a customer.
pub(super) struct Entry {
    pub(super) who: String,
    /// State then and now.
    pub(super) states: String,
    pub(super) since: String,
    pub(super) as_of: String,
    pub(super) tries: String,
    pub(super) policies: Vec<PolicyLine>,
    /// What became of whom.
    pub(super) routes: String,
    /// Why the answer is not another one.
    pub(super) notes: Vec<String>,
}

/// What became of a policy.
pub(super) struct PolicyLine {
    pub(super) fate: &'static str,
    pub(super) name: String,
    pub(super) required: String,
}

impl Entry {
    pub(super) fn of(comparison: &Comparison<'_>, change: &CustomerChange) -> Self {
        let now = &change.now;
        let then = change.then.as_ref();
        let customer = words::tenant(now.child_name.as_deref(), now.child_tenant_id);
        let who = match comparison.partner_of(change) {
            Some(partner) => format!("{customer} ({partner})"),
            None => customer,
        };
        Self {
            who,
            states: format!(
                "{} -> {}",
                then.map_or_else(|| "not in OLD".to_owned(), state),
                state(now)
            ),
            since: since(change),
            as_of: pair(then.map(|then| moment(then.as_of)), &moment(now.as_of)),
            tries: tries(then, now),
            policies: policies(change),
            routes: routes(&change.routes),
            notes: notes(change),
        }
    }
}

fn state(customer: &CustomerStanding) -> String {
    let state = customer.state.as_str();
    match customer.error_code {
        Some(code) => format!("{state} {}", ErrorCode(code)),
        None => state.to_owned(),
    }
}

/// Since when it is in trouble, or was.
fn since(change: &CustomerChange) -> String {
    let now = Some(&change.now).filter(|now| now.is_in_trouble());
    let then = change.then.as_ref().filter(|then| then.is_in_trouble());
    let told = |customer: &CustomerStanding| match customer.since {
        Some(at) if customer.since_before_evidence => format!("before {}", words::day(at)),
        Some(at) => words::moment(at),
        None if customer.state == CustomerState::Partly => "at times".to_owned(),
        None => String::new(),
    };
    match (then, now) {
        // A look at a later span does not see when it began.
        (Some(then), Some(now)) if change.kind.is_unchanged() && then.since < now.since => {
            if then.since.is_some() { told(then) } else { told(now) }
        }
        (_, Some(now)) => told(now),
        (Some(then), None) => match told(then) {
            at if at.is_empty() => at,
            at => format!("was so since {at}").replace("since at times", "at times"),
        },
        (None, None) => String::new(),
    }
}

fn moment(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(|| "none".to_owned(), words::moment)
}

fn pair(then: Option<String>, now: &str) -> String {
    let then = then.unwrap_or_else(|| "none".to_owned());
    format!("{then} -> {now}")
}

/// All tries, and the blocked ones.
fn tries(then: Option<&CustomerStanding>, now: &CustomerStanding) -> String {
    let count = |of: fn(&CustomerStanding) -> u64| {
        format!("{} -> {}", words::number(then.map_or(0, of)), words::number(of(now)))
    };
    format!("{}, blocked {}", count(|c| c.tries), count(|c| c.blocked_tries))
}

fn policies(change: &CustomerChange) -> Vec<PolicyLine> {
    let line = |policy: &PolicyChange| PolicyLine {
        fate: fate_of_policy(policy.fate, change.kind),
        name: match policy.policy.policy_name.as_str() {
            "" => policy.policy.policy_id.clone(),
            name => name.to_owned(),
        },
        required: words::controls(&policy.policy.demanded),
    };
    let mut lines: Vec<PolicyLine> = change.policies.iter().map(line).collect();
    let not_shown = |customer: Option<&CustomerStanding>| {
        customer.is_some_and(|customer| customer.policy_not_shown)
    };
    let unnamed =
        [(not_shown(change.then.as_ref()), "then"), (not_shown(Some(&change.now)), "now")];
    lines.extend(unnamed.into_iter().filter(|(is_so, _)| *is_so).map(|(_, fate)| PolicyLine {
        fate,
        name: "policy not shown by this log".to_owned(),
        required: String::new(),
    }));
    lines
}

fn fate_of_policy(fate: PolicyFate, kind: ChangeKind) -> &'static str {
    match fate {
        // Of older evidence nothing is new.
        PolicyFate::New if kind == ChangeKind::OlderEvidence => "now",
        PolicyFate::New => "new",
        PolicyFate::FirstNamed => "named now",
        PolicyFate::Still => "still",
        PolicyFate::NotSince => "no more",
        PolicyFate::NotSeen => "not seen",
    }
}

/// Who, by what became of them.
fn routes(routes: &[RouteChange]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (fate, words) in [
        (RouteFate::StillBlocked, "blocked again"),
        (RouteFate::BlockedNow, "blocked now"),
        (RouteFate::Failing, "failing, not by a policy"),
        (RouteFate::GotIn, "got in again"),
        (RouteFate::GotInAtTimes, "got in, as at times before"),
        (RouteFate::NotTried, "not tried again"),
        (RouteFate::CannotTell, "tried again, cannot tell"),
    ] {
        // Who is blocked again may be blocked at one more resource.
        let is_said = |route: &RouteChange| {
            fate == RouteFate::BlockedNow
                && routes.iter().any(|other| {
                    other.fate == RouteFate::StillBlocked && other.account == route.account
                })
        };
        let own: Vec<&RouteChange> =
            routes.iter().filter(|route| route.fate == fate && !is_said(route)).collect();
        if !own.is_empty() {
            parts.push(format!("{words}: {}", who(&own)));
        }
    }
    parts.join("; ")
}

/// Tools by the names of their apps; persons are counted.
fn who(routes: &[&RouteChange]) -> String {
    let tools = routes.iter().filter(|route| route.is_integration);
    let tools: BTreeSet<&str> = tools.map(|route| tool(route)).collect();
    let persons = routes.iter().filter(|route| !route.is_integration);
    let persons: BTreeSet<&str> = persons.map(|route| route.account.as_str()).collect();
    let mut names: Vec<String> = tools.into_iter().map(str::to_owned).collect();
    if !persons.is_empty() {
        names.push(words::counted(persons.len() as u64, "person", "persons"));
    }
    names.join(", ")
}

fn tool(route: &RouteChange) -> &str {
    [&route.app_name, &route.account, &route.app]
        .into_iter()
        .find(|name| !name.is_empty())
        .map_or("not named", String::as_str)
}

/// Why the answer is not another one.
fn notes(change: &CustomerChange) -> Vec<String> {
    let doubt = |side: &str, customer: Option<&CustomerStanding>| {
        let doubt = customer.and_then(|customer| customer.doubt)?;
        Some(format!("{side}: {}.", words::doubt_words(doubt)))
    };
    let doubts = [doubt("OLD", change.then.as_ref()), doubt("NEW", Some(&change.now))];
    let reason = change.then.as_ref().and_then(|then| reason(change, then)).map(str::to_owned);
    doubts.into_iter().chain([reason]).flatten().collect()
}

fn reason(change: &CustomerChange, then: &CustomerStanding) -> Option<&'static str> {
    use CustomerState::{CannotTell, NoLog};
    let (kind, now) = (change.kind, &change.now);
    match (kind, now.state) {
        (ChangeKind::NoLongerShown, NoLog) => return Some("NEW has no log of it."),
        (ChangeKind::NoLongerShown | ChangeKind::CannotTell, CannotTell) => return None,
        (ChangeKind::NoLog, _) => return None,
        _ => {}
    }
    let at_times = || change.routes.iter().any(|route| route.fate == RouteFate::GotInAtTimes);
    match kind {
        _ if now.as_of < then.as_of => Some("Its evidence in NEW ends before that in OLD."),
        _ if now.as_of == then.as_of => Some("Its evidence in NEW reaches no further than in OLD."),
        ChangeKind::NoLongerShown if at_times() => {
            Some("It got in at times before as well, so a success shows nothing yet.")
        }
        ChangeKind::NoLongerShown => {
            Some("Others get in; what did not get in was not tried again.")
        }
        ChangeKind::NoNewTry => {
            Some("It counts as before by tries that OLD has already; none came after them.")
        }
        ChangeKind::NewlyBlocked if !then.is_in_trouble() && now.since < then.as_of => {
            Some("It began before OLD's evidence ends, and the logs of OLD do not show it.")
        }
        _ => None,
    }
}
