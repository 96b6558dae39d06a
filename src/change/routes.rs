//! What became of the routes and the policies of one customer. Pure.
//!
//! Only the same account with the same app at the same resource shows what became of a route:
//! that a technician gets into the portal says nothing of a tool.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

use super::standing::{CustomerStanding, PolicyStanding, RouteStanding, Trouble};
use crate::summary::state::{CustomerState, RouteState, SWING_DAYS};

/// What became of a route, what hurts most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteFate {
    /// Blocked now; before it got in, or was not seen.
    BlockedNow,
    /// Blocked before, tried again, and blocked.
    StillBlocked,
    /// Fails now for another reason than a policy.
    Failing,
    /// Did not get in before, tried again, and got in.
    GotIn,
    /// Blocked at times before, and got in, as it did at times: that shows nothing before the days
    /// are over in which it swung.
    GotInAtTimes,
    /// Did not get in before; no newer try shows whether it does now.
    NotTried,
    /// Tried again, and the log could not have shown a block.
    CannotTell,
}

/// A route that is in trouble, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteChange {
    pub fate: RouteFate,
    pub account: String,
    pub is_integration: bool,
    pub app: String,
    pub app_name: String,
    pub resource: String,
}

/// What became of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyFate {
    /// Blocks now, and did not.
    New,
    /// Blocks now; the log before named no policy, so it may have blocked then.
    FirstNamed,
    /// Blocked then and since.
    Still,
    /// What it blocked was tried again, and it did not block that.
    NotSince,
    /// What it blocked was not tried again, or the log does not show by which policy.
    NotSeen,
}

/// A policy that blocks, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyChange {
    pub fate: PolicyFate,
    #[serde(flatten)]
    pub policy: PolicyStanding,
}

/// A route then and now.
#[derive(Debug)]
struct Pair<'a> {
    fate: RouteFate,
    /// If it was in trouble.
    before: Option<&'a RouteStanding>,
    now: Option<&'a RouteStanding>,
}

/// The routes of a customer that are in trouble, or were.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    pairs: Vec<Pair<'a>>,
    /// The routes of then are known; a file of an older version has none.
    is_known: bool,
}

impl<'a> Pairs<'a> {
    pub(super) fn between(before: Option<&'a CustomerStanding>, now: &'a CustomerStanding) -> Self {
        let is_known =
            before.is_none_or(|before| !before.is_in_trouble() || !before.routes.is_empty());
        let routes: BTreeMap<_, &RouteStanding> =
            now.routes.iter().map(|route| (route.key(), route)).collect();
        let troubled: BTreeMap<_, &RouteStanding> = before
            .filter(|before| before.is_in_trouble())
            .into_iter()
            .flat_map(CustomerStanding::routes_in_trouble)
            .map(|route| (route.key(), route))
            .collect();
        let mut pairs: Vec<Pair<'_>> = troubled
            .iter()
            .map(|(key, &before)| {
                let route = routes.get(key).copied();
                Pair { fate: fate_of(before, route, now), before: Some(before), now: route }
            })
            .collect();
        let new = now.routes_in_trouble().filter(|route| !troubled.contains_key(&route.key()));
        pairs.extend(new.map(|route| Pair {
            fate: match route.trouble() {
                Some(Trouble::Failure) => RouteFate::Failing,
                _ => RouteFate::BlockedNow,
            },
            before: None,
            now: Some(route),
        }));
        pairs.sort_by_key(|pair| pair.fate);
        if !is_known {
            pairs.clear();
        }
        Self { pairs, is_known }
    }

    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// What became of those that were in trouble.
    pub(super) fn fates_of_then(&self) -> impl Iterator<Item = RouteFate> {
        self.pairs.iter().filter(|pair| pair.before.is_some()).map(|pair| pair.fate)
    }

    /// A route is blocked at every try that was not, or was at times.
    pub(super) fn is_worse(&self) -> bool {
        let blocked = |route: Option<&RouteStanding>| {
            route.is_some_and(|route| route.state == Some(RouteState::Blocked))
        };
        self.pairs.iter().any(|pair| blocked(pair.now) && !blocked(pair.before))
    }

    /// A try after `before` was blocked.
    pub(super) fn is_blocked_again(&self, before: &CustomerStanding) -> bool {
        self.is_refused_again(before, Trouble::Block)
    }

    /// A try after `before` failed for another reason.
    pub(super) fn is_failing_again(&self, before: &CustomerStanding) -> bool {
        self.is_refused_again(before, Trouble::Failure)
    }

    fn is_refused_again(&self, before: &CustomerStanding, wanted: Trouble) -> bool {
        self.pairs.iter().any(|pair| {
            let Some(now) = pair.now.filter(|now| now.trouble() == Some(wanted)) else {
                return false;
            };
            pair.before.map_or(now.last_at > before.as_of, |before| now.is_tried_after(before))
        })
    }

    pub(super) fn changes(&self) -> Vec<RouteChange> {
        let change = |pair: &Pair<'_>| {
            let route = pair.now.or(pair.before)?;
            Some(RouteChange {
                fate: pair.fate,
                account: route.account.clone(),
                // A short look may hold too few sign-ins to show that it is one.
                is_integration: [pair.before, pair.now]
                    .into_iter()
                    .flatten()
                    .any(|route| route.is_integration),
                app: route.app.clone(),
                app_name: route.app_name.clone(),
                resource: route.resource.clone(),
            })
        };
        self.pairs.iter().filter_map(change).collect()
    }

    /// The policies of then and of now, the new ones first.
    pub(super) fn policies(
        &self,
        before: Option<&CustomerStanding>,
        now: &CustomerStanding,
    ) -> Vec<PolicyChange> {
        let then = before.iter().flat_map(|before| &before.policies);
        let fate = match before.is_some_and(named_none) {
            true => PolicyFate::FirstNamed,
            false => PolicyFate::New,
        };
        let fresh = new_policies(before, now);
        let fresh = fresh.into_iter().map(|policy| PolicyChange { fate, policy });
        let known = then.map(|policy| {
            let newest = now.policies.iter().find(|known| is_same(known, policy));
            let fate = match before {
                Some(before) => self.fate_of_policy(&policy.policy_id, before, now),
                None => PolicyFate::Still,
            };
            PolicyChange { fate, policy: newest.unwrap_or(policy).clone() }
        });
        let mut policies: Vec<PolicyChange> = fresh.chain(known).collect();
        policies.sort_by_key(|change| change.fate);
        policies
    }

    fn fate_of_policy(
        &self,
        policy: &str,
        before: &CustomerStanding,
        now: &CustomerStanding,
    ) -> PolicyFate {
        let blocks_now = now.policies.iter().any(|known| known.policy_id == policy);
        let may_resolve = may_resolve(before, now);
        if !self.is_known {
            let is_over = may_resolve && now.state == CustomerState::GettingIn && now.recovered;
            return match (blocks_now, is_over) {
                (true, _) => PolicyFate::Still,
                (false, true) => PolicyFate::NotSince,
                (false, false) => PolicyFate::NotSeen,
            };
        }
        if self.pairs.iter().any(|pair| pair.is_blocked_again_by(policy)) {
            return PolicyFate::Still;
        }
        let mut blocked_then = self
            .pairs
            .iter()
            .filter(|pair| pair.before.is_some_and(|route| route.policies.contains_key(policy)))
            .peekable();
        let was_seen = blocked_then.peek().is_some();
        if may_resolve && was_seen && blocked_then.all(Pair::shows_its_policies) {
            return PolicyFate::NotSince;
        }
        PolicyFate::NotSeen
    }
}

impl Pair<'_> {
    /// By a try after those that were known then.
    fn is_blocked_again_by(&self, policy: &str) -> bool {
        let now = self.now.filter(|route| route.trouble() == Some(Trouble::Block));
        let Some(&at) = now.and_then(|route| route.policies.get(policy)) else { return false };
        self.before.is_none_or(|before| Some(at) > before.last_at)
    }

    /// It was tried again, and which policies stood in its way is known.
    fn shows_its_policies(&self) -> bool {
        match self.fate {
            RouteFate::GotIn => true,
            RouteFate::StillBlocked => self.now.is_some_and(|route| !route.policy_not_shown),
            _ => false,
        }
    }
}

fn fate_of(
    before: &RouteStanding,
    route: Option<&RouteStanding>,
    now: &CustomerStanding,
) -> RouteFate {
    let tried = route.filter(|route| route.is_tried_after(before));
    match tried.and_then(|route| route.state) {
        None => RouteFate::NotTried,
        Some(RouteState::Blocked | RouteState::Intermittent) => match before.trouble() {
            Some(Trouble::Block) => RouteFate::StillBlocked,
            _ => RouteFate::BlockedNow,
        },
        Some(RouteState::Failing) => RouteFate::Failing,
        Some(_) if now.state == CustomerState::CannotTell => RouteFate::CannotTell,
        Some(_) if tried.is_some_and(|tried| may_swing_on(before, tried)) => {
            RouteFate::GotInAtTimes
        }
        Some(RouteState::Recovered | RouteState::GettingIn) => RouteFate::GotIn,
    }
}

/// What went in and out is over only when it has been in for as long as swings count.
fn may_swing_on(before: &RouteStanding, tried: &RouteStanding) -> bool {
    let swing = TimeDelta::days(SWING_DAYS);
    before.state == Some(RouteState::Intermittent)
        && before.last_at.zip(tried.last_at).is_none_or(|(before, now)| now - before < swing)
}

/// The evidence of now could show that something is over.
pub(super) fn may_resolve(before: &CustomerStanding, now: &CustomerStanding) -> bool {
    let is_blind = matches!(now.state, CustomerState::CannotTell | CustomerState::NoLog);
    !is_blind && now.reaches_beyond(before)
}

/// The policies that block now and did not before.
pub(super) fn new_policies(
    before: Option<&CustomerStanding>,
    now: &CustomerStanding,
) -> Vec<PolicyStanding> {
    let then = before.map_or(&[][..], |before| &before.policies);
    let is_new = |policy: &&PolicyStanding| !then.iter().any(|known| is_same(known, policy));
    now.policies.iter().filter(is_new).cloned().collect()
}

/// It was blocked, and the log named no policy: it may have been any.
pub(super) fn named_none(before: &CustomerStanding) -> bool {
    before.is_blocked() && before.policies.is_empty() && before.policy_not_shown
}

/// Policies get renamed.
fn is_same(one: &PolicyStanding, other: &PolicyStanding) -> bool {
    one.policy_id == other.policy_id
}
