//! What changed from one sweep to the next, or from one span of time to a later one: how things
//! stood, and how they stand.

mod routes;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::summary::state::CustomerState;
use crate::tenant::TenantId;
use routes::{Pairs, may_resolve, named_none, new_policies};

pub use routes::{PolicyChange, PolicyFate, RouteChange, RouteFate};
pub use standing::{CustomerStanding, PolicyStanding, ProviderStanding, RouteStanding, Standing};

/// What became of a customer, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Blocked, wholly or partly, and was not; or wholly, and was partly.
    NewlyBlocked,
    /// Blocked before, and now by a policy that did not block it then.
    OtherPolicy,
    /// Blocked before by no policy that the log named, and now by one that it names: whether it
    /// is another one cannot be told.
    PolicyNamed,
    /// Fails for another reason than a policy.
    NewlyFailing,
    /// Was blocked or failing, and no newer try shows whether it still is.
    NoLongerShown,
    /// It cannot be told whether it blocks.
    CannotTell,
    /// On the list, without a log.
    NoLog,
    /// The evidence ends before that of then: it is not what came of it.
    OlderEvidence,
    /// Was shut out wholly, and is partly.
    Eased,
    /// Some of what did not get in does, by newer tries; no newer try shows the rest.
    PartlyResolved,
    /// Did not get in, and does, by newer tries of the same accounts.
    Resolved,
    /// Gets in, and was without a log or could not be told.
    CanTell,
    /// As before, blocked by the same policies, by newer tries.
    StillBlocked,
    /// As before, failing, by newer tries.
    StillFailing,
    /// Counts as before, by the tries that were known then.
    NoNewTry,
}

impl ChangeKind {
    /// Someone is shut out who was not, or by something else as far as can be told.
    pub fn is_new_block(self) -> bool {
        matches!(self, Self::NewlyBlocked | Self::OtherPolicy | Self::PolicyNamed)
    }

    /// Trouble that was there before: nothing to tell to who was told of it.
    pub fn is_unchanged(self) -> bool {
        matches!(self, Self::StillBlocked | Self::StillFailing | Self::NoNewTry)
    }

    /// Says something of now that newer evidence must bear out.
    fn is_of_now(self) -> bool {
        !matches!(self, Self::NoLongerShown | Self::CannotTell | Self::NoLog | Self::NoNewTry)
    }

    fn between(
        before: Option<&CustomerStanding>,
        now: &CustomerStanding,
        routes: &Pairs<'_>,
    ) -> Option<Self> {
        use CustomerState::{Blocked, CannotTell, Failing, GettingIn, NoLog, Partly};
        let Some(before) = before else {
            return match now.state {
                Blocked | Partly => Some(Self::NewlyBlocked),
                Failing => Some(Self::NewlyFailing),
                CannotTell => Some(Self::CannotTell),
                NoLog => Some(Self::NoLog),
                GettingIn => None,
            };
        };
        let kind = match (before.state, now.state) {
            (Blocked | Partly, Blocked | Partly) => Self::of_block(before, now, routes),
            (Failing, Failing) if routes.is_known() && !routes.is_failing_again(before) => {
                Self::NoNewTry
            }
            (Failing, Failing) => Self::StillFailing,
            (same, now) if same == now => return None,
            (_, Blocked | Partly) => Self::NewlyBlocked,
            (_, Failing) => Self::NewlyFailing,
            (Blocked | Partly | Failing, CannotTell | NoLog) => Self::NoLongerShown,
            (_, CannotTell) => Self::CannotTell,
            (_, NoLog) => Self::NoLog,
            (Blocked | Partly | Failing, GettingIn) => Self::of_entry(before, now, routes),
            (_, GettingIn) => Self::CanTell,
        };
        match kind {
            Self::StillBlocked | Self::StillFailing if now.ends_before(before) => {
                Some(Self::NoNewTry)
            }
            kind if kind.is_of_now() && now.ends_before(before) => Some(Self::OlderEvidence),
            kind => Some(kind),
        }
    }

    /// Blocked then and now, wholly or partly.
    fn of_block(before: &CustomerStanding, now: &CustomerStanding, routes: &Pairs<'_>) -> Self {
        use CustomerState::{Blocked, Partly};
        let is_known = routes.is_known();
        match (before.state, now.state) {
            // Where others only did not come again, nobody is shut out who was not.
            (Partly, Blocked) if !is_known || routes.is_worse() => Self::NewlyBlocked,
            _ if new_policies(Some(before), now).is_empty() => {
                Self::of_same_policies(before, now, routes)
            }
            _ if named_none(before) => Self::PolicyNamed,
            _ => Self::OtherPolicy,
        }
    }

    fn of_same_policies(
        before: &CustomerStanding,
        now: &CustomerStanding,
        routes: &Pairs<'_>,
    ) -> Self {
        use CustomerState::{Blocked, Partly};
        let is_known = routes.is_known();
        match (before.state, now.state) {
            (Blocked, Partly)
                if !is_known || routes.fates_of_then().any(|fate| fate == RouteFate::GotIn) =>
            {
                Self::Eased
            }
            _ if !is_known || routes.is_blocked_again(before) => Self::StillBlocked,
            _ => Self::NoNewTry,
        }
    }

    /// In trouble then, getting in now. A block that is not tried any more is not over.
    fn of_entry(before: &CustomerStanding, now: &CustomerStanding, routes: &Pairs<'_>) -> Self {
        if !may_resolve(before, now) {
            return Self::NoLongerShown;
        }
        if !routes.is_known() {
            return match before.is_blocked() && !now.recovered {
                true => Self::NoLongerShown,
                false => Self::Resolved,
            };
        }
        let is = |wanted| move |fate: RouteFate| fate == wanted;
        if routes.fates_of_then().next().is_none() {
            Self::NoLongerShown
        } else if routes.fates_of_then().all(is(RouteFate::GotIn)) {
            Self::Resolved
        } else if routes.fates_of_then().any(is(RouteFate::GotIn)) {
            Self::PartlyResolved
        } else if !routes.fates_of_then().any(is(RouteFate::Failing)) {
            Self::NoLongerShown
        } else if before.is_blocked() {
            Self::NewlyFailing
        } else {
            Self::Eased
        }
    }
}

/// A change at one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerChange {
    pub kind: ChangeKind,
    pub before: Option<CustomerState>,
    #[serde(flatten)]
    pub now: CustomerStanding,
    pub new_policies: Vec<PolicyStanding>,
    /// How it stood; the routes of both stand below.
    #[serde(skip)]
    pub then: Option<CustomerStanding>,
    #[serde(skip)]
    pub routes: Vec<RouteChange>,
    /// Of then and of now.
    #[serde(skip)]
    pub policies: Vec<PolicyChange>,
}

impl CustomerChange {
    fn between(before: Option<&CustomerStanding>, now: &CustomerStanding) -> Option<Self> {
        let routes = Pairs::between(before, now);
        let mut change = Self {
            kind: ChangeKind::between(before, now, &routes)?,
            before: before.map(|before| before.state),
            new_policies: new_policies(before, now),
            then: before.map(CustomerStanding::without_routes),
            routes: routes.changes(),
            policies: routes.policies(before, now),
            now: now.without_routes(),
        };
        let name = || before.and_then(|before| before.child_name.clone());
        change.now.child_name = change.now.child_name.or_else(name);
        Some(change)
    }
}

/// A provider that is not on the list got in where it had not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProviderChange {
    pub home_tenant_id: Option<TenantId>,
    pub name: Option<String>,
    /// Where it got in for the first time.
    pub child_tenant_ids: BTreeSet<TenantId>,
}

/// All that changed, the most urgent first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// There was nothing to compare with: all trouble counts as new.
    pub is_first: bool,
    pub customers: Vec<CustomerChange>,
    /// Trouble that is as it was: no change, but an answer to who asks what became of it.
    #[serde(skip)]
    pub unchanged: Vec<CustomerChange>,
    pub providers: Vec<ProviderChange>,
}

impl Changes {
    pub fn between(before: Option<&Standing>, now: &Standing) -> Self {
        let customers = before.iter().flat_map(|before| &before.customers);
        let known: BTreeMap<_, &CustomerStanding> =
            customers.map(|customer| (customer.key(), customer)).collect();
        let is_there: BTreeSet<_> = now.customers.iter().map(CustomerStanding::key).collect();
        // Trouble does not end by a log that is not there any more.
        let gone: Vec<CustomerStanding> = known
            .values()
            .filter(|before| before.is_in_trouble() && !is_there.contains(&before.key()))
            .map(|before| before.gone())
            .collect();
        let all = now.customers.iter().chain(&gone);
        let mut customers: Vec<CustomerChange> = all
            .filter_map(|now| CustomerChange::between(known.get(&now.key()).copied(), now))
            .collect();
        customers.sort_by_key(|change| (change.kind, change.now.key()));
        let (unchanged, customers) =
            customers.into_iter().partition(|change| change.kind.is_unchanged());
        let before_of = |home: Option<TenantId>| {
            let providers = before.iter().flat_map(|before| &before.providers);
            providers.filter(move |provider| provider.home_tenant_id == home)
        };
        // Who got in by evidence that ends before that of then may have been known already.
        let is_older: BTreeSet<TenantId> = now
            .customers
            .iter()
            .filter(|now| known.get(&now.key()).is_some_and(|before| now.ends_before(before)))
            .map(|now| now.child_tenant_id)
            .collect();
        let provider = |now: &ProviderStanding| {
            let known: BTreeSet<TenantId> = before_of(now.home_tenant_id)
                .flat_map(|provider| provider.child_tenant_ids.iter().copied())
                .chain(is_older.iter().copied())
                .collect();
            let new: BTreeSet<TenantId> =
                now.child_tenant_ids.difference(&known).copied().collect();
            (!new.is_empty()).then(|| ProviderChange {
                home_tenant_id: now.home_tenant_id,
                name: now.name.clone(),
                child_tenant_ids: new,
            })
        };
        Self {
            is_first: before.is_none(),
            customers,
            unchanged,
            providers: now.providers.iter().filter_map(provider).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn len(&self) -> usize {
        self.customers.len() + self.providers.len()
    }

    /// The first customer that is newly shut out.
    pub fn new_block(&self) -> Option<&CustomerChange> {
        self.customers.iter().find(|change| change.kind.is_new_block())
    }
}
