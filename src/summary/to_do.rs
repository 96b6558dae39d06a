//! What to do about one customer's trouble: brings routes, policies and proof together for
//! [`remedy`](crate::remedy).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::{Activity, Circumstances, Pair, Route, RouteKey, RoutePolicy};
use super::assemble::accounts_of;
use super::lists::Lists;
use super::model::{BlockedAccount, Doer, FailureSummary, ToDo, Waiting, WaitingKind};
use super::proof::Closer;
use super::state::{CustomerState, Judgement, RouteState};
use crate::error_code::{Category, ErrorCode, WhoFixes};
use crate::remedy::facts::{Address, Facts, Relation, is_risk_code};
use crate::remedy::{Refusals, RefusedRoute, Remedy, plan};
use crate::tenant::TenantId;

/// A visit to the portal this many days before the customer's "now" is lately.
const LATELY_DAYS: i64 = 7;
/// Apps in which a customer's policies can be changed: Azure portal and Entra admin center share
/// the first id (Microsoft, verify-first-party-apps-sign-in); then Graph PowerShell and Graph
/// Explorer.
const PORTAL_APPS: [&str; 3] = [
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
    "14d82eec-204b-4c2f-b7e8-296a70dab67e",
    "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
];
/// The same by name, for exports without ids.
const PORTAL_NAMES: [&str; 3] =
    ["azure portal", "microsoft entra admin center", "microsoft azure ad admin portal"];

/// What there is to know of one customer and partner.
pub(super) struct Case<'a> {
    pub(super) lists: &'a Lists,
    pub(super) activity: &'a Activity,
    pub(super) closer: &'a Closer,
    pub(super) partner: TenantId,
    pub(super) child: TenantId,
    pub(super) routes: &'a [&'a Route],
    pub(super) now: DateTime<Utc>,
}

/// A route that does not get through.
struct RefusedNow<'a> {
    route: &'a Route,
    state: RouteState,
    from: Option<DateTime<Utc>>,
    is_integration: bool,
}

/// What refused routes tell of one policy.
#[derive(Default)]
struct ToldOf<'a> {
    /// The routes, and of them those that a risk of the user shuts out.
    routes: Vec<&'a Route>,
    at_risk: Vec<&'a Route>,
    facts: Facts,
    guest: bool,
    service_provider: bool,
    address: Option<Address>,
}

impl<'a> ToldOf<'a> {
    fn add(
        &mut self,
        one: &RefusedNow<'a>,
        found: &RoutePolicy<'_>,
        address: Address,
        codes: &[i32],
    ) {
        self.routes.push(one.route);
        if found.names_risk() || codes.iter().any(|&code| is_risk_code(code)) {
            self.at_risk.push(one.route);
        }
        let facts = &mut self.facts;
        facts.demanded.extend(found.demanded().cloned());
        facts.session.extend(found.session().cloned());
        facts.matched.extend(found.matched().cloned());
        facts.unattended |= one.is_integration;
        let how = &one.route.circumstances;
        facts.legacy_client |= how.legacy_client;
        facts.unknown_client |= how.unknown_client;
        facts.device_code |= how.device_code;
        facts.codes.extend(codes);
        self.guest |= how.guest;
        self.service_provider |= how.service_provider;
        self.address = Some(worst(self.address, address));
    }

    fn facts(&self, policy_id: String, policy_name: String) -> Facts {
        let mut facts = Facts { policy_id, policy_name, ..self.facts.clone() };
        facts.address = self.address.unwrap_or_default();
        if self.guest && !self.service_provider {
            facts.relation = Relation::B2b;
        }
        facts
    }
}

/// The error codes of a route, as far as they tell of a policy.
struct Codes<'a> {
    all: Vec<i32>,
    without_risk: Vec<i32>,
    /// Policies that name the user's risk; two are enough to know that another one does.
    of_risk: Vec<&'a str>,
}

impl<'a> Codes<'a> {
    fn of(one: &RefusedNow<'a>, blocks: &[(&'a str, RoutePolicy<'a>)]) -> Self {
        let of_risk = blocks.iter().filter(|(_, found)| found.names_risk());
        let of_risk = of_risk.map(|&(id, _)| id).take(2).collect();
        let codes = one.route.refused.codes(one.state, one.from);
        let all: Vec<i32> = codes.filter_map(|(code, _)| code).collect();
        let without_risk = all.iter().copied().filter(|&code| !is_risk_code(code)).collect();
        Self { all, without_risk, of_risk }
    }

    /// Where another policy names the user's risk, the risk is its own.
    fn of_policy(&self, id: &str) -> &[i32] {
        let is_explained = self.of_risk.iter().any(|&other| other != id);
        if is_explained { &self.without_risk } else { &self.all }
    }
}

/// Routes that fail with the same code.
#[derive(Default)]
struct Failing<'a> {
    routes: Vec<&'a Route>,
    tries: u64,
}

impl<'a> Case<'a> {
    /// What to do; nothing where the customer is in no trouble.
    pub(super) fn to_do(&self, judgement: &Judgement) -> ToDo {
        let in_trouble = matches!(
            judgement.state,
            CustomerState::Blocked | CustomerState::Partly | CustomerState::Failing
        );
        if !in_trouble {
            return ToDo::default();
        }
        let refused = self.refused();
        let order = self.policies_in_order(&refused);
        let pair: Pair = (Some(self.partner), self.child);
        let told = self.told(&order, &refused);
        let facts = order.iter().zip(&told).map(|(&policy, told)| self.facts_of(policy, told));
        let plan = plan(&self.refusals(&refused, &order, facts.collect()));
        let accounts = told.iter().zip(&plan.policies);
        ToDo {
            refused_accounts: accounts
                .map(|(told, planned)| self.accounts(told, planned.remedy))
                .collect(),
            plan,
            failures: self.failures(&refused),
            doer: self.doer(judgement),
            waiting: self.waiting(&refused, &order),
            proof: self.closer.proof_of(pair),
        }
    }

    fn refused(&self) -> Vec<RefusedNow<'a>> {
        let wanted = [RouteState::Blocked, RouteState::Intermittent, RouteState::Failing];
        let refused = self.routes.iter().filter_map(|&route| {
            let state = route.history.state(self.now).filter(|state| wanted.contains(state))?;
            let account = self.activity.routes.text(route.key.account);
            Some(RefusedNow {
                route,
                state,
                from: route.history.blocks_from(self.now),
                is_integration: self.lists.is_integration(self.partner, account),
            })
        });
        refused.collect()
    }

    /// Policies that refuse now, by text number: most tries first, then by name.
    fn policies_in_order(&self, refused: &[RefusedNow<'_>]) -> Vec<u32> {
        let mut tries: BTreeMap<u32, u64> = BTreeMap::new();
        for one in refused.iter().filter(|one| one.state != RouteState::Failing) {
            for (set, count) in one.route.refused.sets(one.state, one.from) {
                for &policy in self.activity.policy_sets.get(set) {
                    *tries.entry(policy).or_default() += count;
                }
            }
        }
        let mut order: Vec<(u32, u64)> = tries.into_iter().collect();
        // The id last: the numbers of texts depend on the order in which they were met.
        order.sort_by_cached_key(|&(policy, tries)| {
            let id = self.activity.routes.text(policy);
            (std::cmp::Reverse(tries), self.policy_name(id), id)
        });
        order.into_iter().map(|(policy, _)| policy).collect()
    }

    fn policy_name(&self, id: &str) -> String {
        let policy = self.activity.policies.get(&(self.child, id.to_owned()));
        policy.map(|policy| policy.name.clone()).unwrap_or_default()
    }

    fn refusals(
        &self,
        refused: &[RefusedNow<'_>],
        order: &[u32],
        policies: Vec<Facts>,
    ) -> Refusals {
        let place_of: BTreeMap<u32, usize> =
            order.iter().enumerate().map(|(place, &policy)| (policy, place)).collect();
        let mut refusals = Refusals { policies, routes: Vec::new() };
        for one in refused.iter().filter(|one| one.state != RouteState::Failing) {
            let mut found = RefusedRoute::default();
            for (set, tries) in one.route.refused.sets(one.state, one.from) {
                let policies = self.activity.policy_sets.get(set);
                let places: BTreeSet<usize> =
                    policies.iter().filter_map(|policy| place_of.get(policy).copied()).collect();
                if places.is_empty() {
                    found.unknown_tries += tries;
                } else {
                    found.sets.push((places, tries));
                }
            }
            refusals.routes.push(found);
        }
        refusals
    }

    /// What the refused routes tell of each policy. Looks at a route once: a record may name
    /// thousands of policies.
    fn told(&self, order: &[u32], refused: &[RefusedNow<'a>]) -> Vec<ToldOf<'a>> {
        let mut told: BTreeMap<u32, ToldOf<'a>> = BTreeMap::new();
        for one in refused.iter().filter(|one| one.state != RouteState::Failing) {
            let sets = one.route.refused.sets(one.state, one.from);
            let policies: BTreeSet<u32> =
                sets.flat_map(|(set, _)| self.activity.policy_sets.get(set)).copied().collect();
            let address = self.address(&one.route.circumstances);
            let blocks = self.activity.policies_of(&one.route.blocks);
            let codes = Codes::of(one, &blocks);
            for policy in policies {
                let id = self.activity.routes.text(policy);
                let place = blocks.binary_search_by_key(&id, |(id, _)| id);
                if let Some((_, found)) = place.ok().and_then(|place| blocks.get(place)) {
                    let told = told.entry(policy).or_default();
                    told.add(one, found, address, codes.of_policy(id));
                }
            }
        }
        order.iter().map(|policy| told.remove(policy).unwrap_or_default()).collect()
    }

    fn facts_of(&self, policy: u32, told: &ToldOf<'_>) -> Facts {
        let id = self.activity.routes.text(policy);
        told.facts(id.to_owned(), self.policy_name(id))
    }

    /// Whom a policy refuses. To clear a risk is for the accounts that are one, as far as the log
    /// tells them apart: nobody should be sent to clear another's.
    fn accounts(&self, told: &ToldOf<'_>, remedy: Remedy) -> Vec<BlockedAccount> {
        let at_risk = remedy == Remedy::ClearRisk && !told.at_risk.is_empty();
        let routes = if at_risk { &told.at_risk } else { &told.routes };
        accounts_of(self.activity, self.lists, self.partner, routes)
    }

    fn address(&self, how: &Circumstances) -> Address {
        if how.addresses.is_empty() {
            return Address::NotTold;
        }
        let seen = self.closer.addresses_seen.get(&self.partner);
        let text = |address| self.activity.routes.text(address);
        let is_seen = |address: &str| seen.is_some_and(|seen| seen.contains(address));
        if !how.has_more_addresses && how.addresses.iter().all(|&address| is_seen(text(address))) {
            Address::Seen
        } else {
            Address::NeverSeen
        }
    }

    /// Tries that no policy in the log explains, by code.
    fn failures(&self, refused: &[RefusedNow<'_>]) -> Vec<FailureSummary> {
        let mut found: BTreeMap<(Option<i32>, bool), Failing<'_>> = BTreeMap::new();
        for one in refused {
            let unexplained = one.state != RouteState::Failing;
            let known = one.route.refused.sets(one.state, one.from).any(|(set, _)| set != 0);
            if unexplained && known {
                continue;
            }
            for (code, tries) in one.route.refused.codes(one.state, one.from) {
                let failing = found.entry((code, unexplained)).or_default();
                failing.tries += tries;
                failing.routes.push(one.route);
            }
        }
        let mut failures: Vec<FailureSummary> = found
            .into_iter()
            .map(|((code, unexplained), failing)| self.failure(code, unexplained, &failing))
            .collect();
        failures.sort_by_key(|failure| std::cmp::Reverse((failure.routes, failure.tries)));
        failures
    }

    fn failure(
        &self,
        code: Option<i32>,
        is_unexplained: bool,
        failing: &Failing<'_>,
    ) -> FailureSummary {
        let (lists, activity) = (self.lists, self.activity);
        let entry = code.and_then(|code| ErrorCode(code).entry());
        let told = failing.routes.iter().filter_map(|route| route.told.get(&code));
        let told = told.max_by_key(|told| told.at).copied().unwrap_or_default();
        // Datasets of older versions have no such columns.
        let told_text = |number| activity.routes.texts.filled(number);
        let category = told_text(told.category).and_then(Category::parse);
        let who_fixes = told_text(told.who_fixes).and_then(WhoFixes::parse);
        let text = |told: u32, known: Option<&String>| {
            told_text(told).map(str::to_owned).or_else(|| known.cloned()).unwrap_or_default()
        };
        FailureSummary {
            error_code: code,
            is_unexplained,
            category: category.or(entry.map(|entry| entry.category)).unwrap_or(Category::Unknown),
            who_fixes: who_fixes.or(entry.map(|entry| entry.who_fixes)).unwrap_or(WhoFixes::Both),
            cause: text(told.cause, entry.map(|entry| &entry.cause)),
            remedy: text(told.remedy, entry.map(|entry| &entry.remedy)),
            accounts: accounts_of(activity, lists, self.partner, &failing.routes),
            routes: u64::try_from(failing.routes.len()).unwrap_or(u64::MAX),
            tries: failing.tries,
        }
    }

    /// Who can change a policy there, from what technicians did at the portal.
    fn doer(&self, judgement: &Judgement) -> Doer {
        let portal = self.routes.iter().filter(|route| self.is_portal(route));
        let mut last_in = None;
        // Tools that are refused tell nothing of what technicians can do.
        let blocks_a_person = self.routes.iter().any(|route| {
            let account = self.activity.routes.text(route.key.account);
            route.history.state(self.now) == Some(RouteState::Blocked)
                && !self.lists.is_integration(self.partner, account)
        });
        let mut refused = judgement.all_accounts_blocked && blocks_a_person;
        for route in portal {
            let lately = route
                .history
                .newest_at()
                .filter(|&at| at >= self.now - TimeDelta::days(LATELY_DAYS));
            match route.history.state(self.now) {
                Some(RouteState::GettingIn | RouteState::Recovered) => {
                    last_in = last_in.max(lately);
                }
                Some(RouteState::Blocked) => refused = true,
                _ => {}
            }
        }
        match last_in {
            Some(at) => Doer::Technicians(at),
            None if refused => Doer::CustomerOnly,
            None => Doer::NotShown,
        }
    }

    fn is_portal(&self, route: &Route) -> bool {
        let texts = &self.activity.routes;
        let app = texts.text(route.key.app).to_lowercase();
        let name = texts.text(route.app_name).to_lowercase();
        let account = texts.text(route.key.account);
        (PORTAL_APPS.contains(&app.as_str()) || PORTAL_NAMES.contains(&name.as_str()))
            && !self.lists.is_integration(self.partner, account)
    }

    /// What waits behind the plan.
    fn waiting(&self, refused: &[RefusedNow<'_>], planned: &[u32]) -> Vec<Waiting> {
        let planned: BTreeSet<&str> =
            planned.iter().map(|&policy| self.activity.routes.text(policy)).collect();
        let apps: BTreeSet<u32> = refused.iter().map(|one| one.route.key.app).collect();
        let refused: HashSet<RouteKey> = refused.iter().map(|one| one.route.key).collect();
        let mut found: BTreeMap<(String, WaitingKind), Waiting> = BTreeMap::new();
        for route in self.routes.iter().filter(|route| apps.contains(&route.key.app)) {
            let own = refused.contains(&route.key);
            let recent = self.now - TimeDelta::days(super::state::RECENT_DAYS);
            let would_block = self.activity.policies_of(&route.would_block);
            let report_only = would_block.iter().map(|it| (WaitingKind::ReportOnly, it, own));
            // What blocked this route or another one of the app before may do so again.
            let blocks = self.activity.policies_of(&route.blocks);
            let blocks = blocks.iter().map(|it| (WaitingKind::Blocks, it, false));
            for (kind, (id, met), is_certain) in report_only.chain(blocks) {
                if planned.contains(id) || met.last_at < recent {
                    continue;
                }
                let waiting = self.waiting_policy(id, met, kind, is_certain);
                found
                    .entry(((*id).to_owned(), kind))
                    .and_modify(|known| merge(known, &waiting))
                    .or_insert(waiting);
            }
        }
        let mut waiting: Vec<Waiting> = found.into_values().collect();
        waiting.sort_by_cached_key(|one| (!one.is_certain, one.kind, one.policy_name.clone()));
        waiting
    }

    fn waiting_policy(
        &self,
        id: &str,
        met: &RoutePolicy<'_>,
        kind: WaitingKind,
        is_certain: bool,
    ) -> Waiting {
        let demanded: BTreeSet<&String> = met.demanded().collect();
        Waiting {
            policy_id: id.to_owned(),
            policy_name: self.policy_name(id),
            demanded: demanded.into_iter().cloned().collect(),
            kind,
            is_certain,
            first_at: met.first_at,
            last_at: met.last_at,
        }
    }
}

fn merge(known: &mut Waiting, other: &Waiting) {
    known.is_certain |= other.is_certain;
    known.first_at = known.first_at.min(other.first_at);
    known.last_at = known.last_at.max(other.last_at);
    for control in &other.demanded {
        if !known.demanded.contains(control) {
            known.demanded.push(control.clone());
        }
    }
}

/// One route from an unknown address is enough to look first.
fn worst(known: Option<Address>, next: Address) -> Address {
    match (known, next) {
        (Some(Address::NeverSeen), _) | (_, Address::NeverSeen) => Address::NeverSeen,
        (Some(Address::NotTold), _) | (_, Address::NotTold) => Address::NotTold,
        _ => Address::Seen,
    }
}
