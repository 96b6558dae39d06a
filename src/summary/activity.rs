//! What the rows add up to: counts by customer and provider, routes with their histories,
//! policies, causes. Filled slice by slice; plain Rust.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::custody::Span;
use super::model::{Counts, PolicyFigures};
use super::refusals::{PolicySets, Refused};
use super::state::{RouteHistory, Try};
use super::tries::{TryFolder, TryRow};
use crate::attribution::Verdict;
use crate::tenant::TenantId;

/// A provider, where the records name it, and a customer.
pub(super) type Pair = (Option<TenantId>, TenantId);

/// Everything that `sign_ins` and `applied_policies` tell.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Rows of the dataset, whatever the options.
    pub(super) rows: u64,
    /// All rows that the options cover, whatever their side; tries of the counted ones.
    pub(super) totals: Counts,
    /// Rows of the customers' side that name no customer.
    pub(super) unplaced: Counts,
    pub(super) pairs: BTreeMap<Pair, PairActivity>,
    /// Home tenants of rows that were joined by the list of partners.
    pub(super) matched_by_list: BTreeSet<TenantId>,
    pub(super) routes: Routes,
    /// Sets of policies, which routes and tries name by number; the policies in them are texts
    /// of the routes.
    pub(super) policy_sets: PolicySets,
    pub(super) policies: BTreeMap<(TenantId, String), PolicyActivity>,
    pub(super) causes: BTreeMap<(Option<i32>, Pair), CauseActivity>,
}

/// Counted rows of one provider at one customer.
#[derive(Debug, Clone, Default)]
pub(super) struct PairActivity {
    pub(super) counts: Counts,
    pub(super) span: Option<Span>,
    /// Some row comes from the customer's own log.
    pub(super) inbound: bool,
    /// Some row lists policies.
    pub(super) lists_policies: bool,
    /// Paths of the exports that the rows come from.
    pub(super) sources: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CauseActivity {
    pub(super) sign_ins: u64,
    pub(super) tries: u64,
}

/// One policy of one customer.
#[derive(Debug, Clone, Default)]
pub(super) struct PolicyActivity {
    /// The name in the newest row: policies get renamed.
    pub(super) name: String,
    named_at: Option<DateTime<Utc>>,
    pub(super) matched: BTreeSet<String>,
    pub(super) demanded: BTreeSet<String>,
    pub(super) by_partner: BTreeMap<Option<TenantId>, PolicyFigures>,
    pub(super) last_blocked_at: Option<DateTime<Utc>>,
}

impl PolicyActivity {
    pub(super) fn name_at(&mut self, name: &str, at: DateTime<Utc>) {
        let newer = self.named_at.is_none_or(|known| (known, self.name.as_str()) < (at, name));
        if newer {
            self.named_at = Some(at);
            name.clone_into(&mut self.name);
        }
    }
}

/// The five parts of a route as numbers of [`Texts`]; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RouteKey {
    pub(super) partner: u32,
    pub(super) child: u32,
    pub(super) account: u32,
    pub(super) app: u32,
    pub(super) resource: u32,
}

/// A route and what happened on it.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) key: RouteKey,
    pub(super) pair: Pair,
    pub(super) app_name: u32,
    pub(super) history: RouteHistory,
    pub(super) tries: u64,
    /// What each policy blocked on it without dispute.
    pub(super) blocks: BTreeMap<String, RoutePolicy>,
    /// What each report-only policy would have blocked.
    pub(super) would_block: BTreeMap<String, RoutePolicy>,
    /// Which policies together refuse its tries.
    pub(super) refused: Refused,
    pub(super) circumstances: Circumstances,
    /// What the rows say of each error code.
    pub(super) told: BTreeMap<Option<i32>, Told>,
}

/// Why sign-ins fail, as their rows say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// When the row was.
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) category: Option<String>,
    pub(super) who_fixes: Option<String>,
    pub(super) cause: Option<String>,
    pub(super) remedy: Option<String>,
}

/// What one policy did on one route.
#[derive(Debug, Clone)]
pub(super) struct RoutePolicy {
    /// Since ever.
    pub(super) sign_ins: u64,
    pub(super) first_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
    pub(super) matched: BTreeSet<String>,
    pub(super) demanded: BTreeSet<String>,
    pub(super) session: BTreeSet<String>,
}

impl RoutePolicy {
    /// Adds this to what is known of the policy on the same route.
    pub(super) fn add_to(self, known: &mut BTreeMap<String, Self>, policy: &str) {
        match known.get_mut(policy) {
            None => {
                known.insert(policy.to_owned(), self);
            }
            Some(known) => {
                known.sign_ins += self.sign_ins;
                known.first_at = known.first_at.min(self.first_at);
                known.last_at = known.last_at.max(self.last_at);
                known.matched.extend(self.matched);
                known.demanded.extend(self.demanded);
                known.session.extend(self.session);
            }
        }
    }
}

/// How the refused sign-ins of a route were made.
#[derive(Debug, Clone, Default)]
pub(super) struct Circumstances {
    /// Some record comes without a person.
    pub(super) non_interactive: bool,
    /// Some client is one of legacy authentication.
    pub(super) legacy_client: bool,
    /// Of some the log does not tell, in words that are known, what client it was.
    pub(super) unknown_client: bool,
    /// Some sign-in was by device code, or its token goes back to one.
    pub(super) device_code: bool,
    /// Some record says that a guest came, and none that a service provider did.
    pub(super) guest: bool,
    pub(super) service_provider: bool,
    /// Where they came from; of very many only some.
    pub(super) addresses: BTreeSet<Box<str>>,
    pub(super) has_more_addresses: bool,
}

/// The routes by number.
#[derive(Debug, Default)]
pub(super) struct Routes {
    pub(super) texts: Texts,
    pub(super) all: Vec<Route>,
    by_key: HashMap<RouteKey, u32>,
}

impl Routes {
    /// The number of a route, made on first sight; `None` without a customer's tenant id.
    pub(super) fn number(&mut self, key: RouteKey, app_name: u32) -> Option<u32> {
        if let Some(&number) = self.by_key.get(&key) {
            return Some(number);
        }
        let partner = self.texts.get(key.partner).and_then(TenantId::parse);
        let child = self.texts.get(key.child).and_then(TenantId::parse)?;
        let number = u32::try_from(self.all.len()).ok()?;
        self.by_key.insert(key, number);
        self.all.push(Route {
            key,
            pair: (partner, child),
            app_name,
            history: RouteHistory::default(),
            tries: 0,
            blocks: BTreeMap::new(),
            would_block: BTreeMap::new(),
            refused: Refused::default(),
            circumstances: Circumstances::default(),
            told: BTreeMap::new(),
        });
        Some(number)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Route> {
        self.all.get_mut(usize::try_from(number).ok()?)
    }

    /// A text of a route; blank where the log had none.
    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number).unwrap_or_default()
    }
}

/// Each distinct text once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Texts {
    /// The number of a text, from 1; 0 for none.
    pub(super) fn number(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        self.texts.push(text.into());
        let number = u32::try_from(self.texts.len()).unwrap_or_default();
        self.numbers.insert(text.into(), number);
        number
    }

    fn get(&self, number: u32) -> Option<&str> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        self.texts.get(place).map(AsRef::as_ref)
    }
}

impl Activity {
    /// Takes a counted row in the order of time.
    pub(super) fn add_row(&mut self, folder: &mut TryFolder, row: TryRow) {
        folder.push(row, &mut |route, found, sets| self.add_try(route, &found, sets));
    }

    /// Takes the tries that are open after the last row.
    pub(super) fn finish_tries(&mut self, folder: TryFolder) {
        folder.finish(&mut |route, found, sets| self.add_try(route, &found, sets));
    }

    fn add_try(&mut self, number: u32, found: &Try, sets: &[u32]) {
        let set = self.policy_sets.union(sets);
        let Some(route) = self.routes.get_mut(number) else { return };
        route.history.add(found);
        route.refused.add(found, set, &mut self.policy_sets);
        route.tries += 1;
        let pair = route.pair;
        self.totals.tries += 1;
        self.pairs.entry(pair).or_default().counts.tries += 1;
        if found.verdict.is_flagged() {
            self.causes.entry((found.error_code, pair)).or_default().tries += 1;
        }
    }
}

/// The verdict that a column names.
pub(super) fn verdict_of(text: &str) -> Option<Verdict> {
    Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == text)
}

/// `count` rows of one verdict, `disputed` of them disputed.
pub(super) fn counts_of(verdict: Verdict, count: u64, disputed: u64) -> Counts {
    let mut counts = Counts { disputed, ..Counts::default() };
    match verdict {
        Verdict::Succeeded => counts.succeeded = count,
        Verdict::Blocked => counts.blocked = count,
        Verdict::Interrupted => counts.interrupted = count,
        Verdict::Failed => counts.failed = count,
        Verdict::Unexplained => counts.unexplained = count,
    }
    counts
}
