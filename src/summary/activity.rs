//! What the rows add up to: counts by customer and provider, routes with their histories,
//! policies, causes. Filled slice by slice; plain Rust.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::custody::{Span, split_list};
use super::hash::ByNumber;
use super::model::{Counts, PolicyFigures};
use super::over_time::{CameFrom, Days, Failed};
use super::refusals::{PolicySets, Refused};
use super::state::{RouteHistory, Try};
use super::texts::Texts;
use super::tries::{TryFolder, TryRow};
use crate::attribution::Verdict;
use crate::remedy::Facts;
use crate::tenant::TenantId;
use crate::tools::ToolList;

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
    pub(super) readings: Readings,
    /// The tools behind apps, by id and name of the app as texts of the routes.
    tools: ByNumber<(u32, u32), Option<String>>,
    /// Sets of policies, which routes and tries name by number; the policies in them are texts
    /// of the routes.
    pub(super) policy_sets: PolicySets,
    pub(super) policies: BTreeMap<(TenantId, String), PolicyActivity>,
    pub(super) causes: BTreeMap<(Option<i32>, Pair), CauseActivity>,
    /// Rows that did not succeed, by day and reason.
    pub(super) failed: Failed,
    /// Tries by the number of their pair and by error code.
    tries_by_code: ByNumber<(u32, Option<i32>), u64>,
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
    pub(super) days: Days,
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
    /// The number of that pair.
    pub(super) pair_number: u32,
    pub(super) app_name: u32,
    pub(super) history: RouteHistory,
    pub(super) tries: u64,
    /// What each policy blocked on it without dispute.
    pub(super) blocks: Acts,
    /// What each report-only policy would have blocked.
    pub(super) would_block: Acts,
    /// Which policies together refuse its tries.
    pub(super) refused: Refused,
    pub(super) circumstances: Circumstances,
    /// From where its sign-ins got in.
    pub(super) came_from: CameFrom,
    /// What the rows say of each error code.
    pub(super) told: BTreeMap<Option<i32>, Told>,
}

/// Why sign-ins fail, as their rows say it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// When the row was, in microseconds.
    pub(super) at: i64,
    /// Texts of the routes.
    pub(super) category: u32,
    pub(super) who_fixes: u32,
    pub(super) cause: u32,
    pub(super) remedy: u32,
}

/// What policies did on one route, by the number of their reading.
#[derive(Debug, Clone, Default)]
pub(super) struct Acts(Vec<Act>);

#[derive(Debug, Clone, Copy)]
struct Act {
    reading: u32,
    /// Since ever.
    sign_ins: u64,
    /// In microseconds.
    first: i64,
    last: i64,
}

impl Acts {
    /// Counts a sign-in; sign-ins come in the order of time.
    pub(super) fn add(&mut self, reading: u32, at: i64) {
        match self.0.binary_search_by_key(&reading, |act| act.reading) {
            Ok(place) => {
                if let Some(act) = self.0.get_mut(place) {
                    act.sign_ins += 1;
                    act.last = at;
                }
            }
            Err(place) => {
                self.0.insert(place, Act { reading, sign_ins: 1, first: at, last: at });
            }
        }
    }

    pub(super) fn readings(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|act| act.reading)
    }
}

/// A policy as rows name it: the same one may apply for other reasons in other rows.
#[derive(Debug)]
pub(super) struct Reading {
    /// A text of the routes: the policy's id, else its name.
    pub(super) policy: u32,
    pub(super) name: u32,
    pub(super) matched: BTreeSet<String>,
    pub(super) demanded: BTreeSet<String>,
    pub(super) session: BTreeSet<String>,
    /// It applied because of a risk of the user at home.
    pub(super) names_risk: bool,
}

/// The readings of policies by number.
#[derive(Debug, Default)]
pub(super) struct Readings {
    numbers: ByNumber<[u32; 5], u32>,
    all: Vec<Reading>,
}

impl Readings {
    /// The number of a reading: texts of id, name, matched conditions, demanded and session
    /// controls.
    pub(super) fn number(&mut self, texts: &mut Texts, key: [u32; 5]) -> u32 {
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let [id, name, matched, demanded, session] = key;
        let policy = texts.filled(id).or(texts.filled(name)).unwrap_or_default().to_owned();
        let set = |number: u32, split: fn(&str) -> Vec<String>| -> BTreeSet<String> {
            texts.filled(number).map(split).unwrap_or_default().into_iter().collect()
        };
        let (matched, demanded) = (set(matched, split_list), set(demanded, split_controls));
        let session = set(session, split_list);
        let policy = texts.number(Some(&policy));
        let number = u32::try_from(self.all.len()).unwrap_or_default();
        let facts = Facts { matched, demanded, ..Facts::default() };
        let names_risk = facts.is_user_risk();
        let Facts { matched, demanded, .. } = facts;
        self.all.push(Reading { policy, name, matched, demanded, session, names_risk });
        self.numbers.insert(key, number);
        number
    }

    pub(super) fn get(&self, number: u32) -> Option<&Reading> {
        self.all.get(usize::try_from(number).ok()?)
    }
}

/// Controls joined by commas; the name of an authentication strength may hold commas itself.
fn split_controls(text: &str) -> Vec<String> {
    if text.starts_with("authentication strength:") {
        return vec![text.to_owned()];
    }
    split_list(text)
}

/// What one policy did on one route.
#[derive(Debug, Clone)]
pub(super) struct RoutePolicy<'a> {
    pub(super) sign_ins: u64,
    pub(super) first_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
    /// One at least.
    pub(super) readings: Vec<&'a Reading>,
}

impl<'a> RoutePolicy<'a> {
    fn add(&mut self, other: Self) {
        self.sign_ins += other.sign_ins;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.readings.extend(other.readings);
    }

    /// Some sign-in met it because of a risk of the user at home.
    pub(super) fn names_risk(&self) -> bool {
        self.readings.iter().any(|reading| reading.names_risk)
    }

    pub(super) fn matched(&self) -> impl Iterator<Item = &'a String> {
        self.readings.iter().flat_map(|reading| &reading.matched)
    }

    pub(super) fn demanded(&self) -> impl Iterator<Item = &'a String> {
        self.readings.iter().flat_map(|reading| &reading.demanded)
    }

    pub(super) fn session(&self) -> impl Iterator<Item = &'a String> {
        self.readings.iter().flat_map(|reading| &reading.session)
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
    /// Where they came from, as texts of the routes; of very many only some.
    pub(super) addresses: BTreeSet<u32>,
    pub(super) has_more_addresses: bool,
}

/// The routes by number.
#[derive(Debug, Default)]
pub(super) struct Routes {
    pub(super) texts: Texts,
    pub(super) all: Vec<Route>,
    by_key: ByNumber<RouteKey, u32>,
    /// Providers and customers that have routes.
    pairs: Vec<Pair>,
    pair_numbers: BTreeMap<Pair, u32>,
}

impl Routes {
    /// The number of a route of a pair, made on first sight.
    pub(super) fn number(&mut self, key: RouteKey, pair: Pair, app_name: u32) -> Option<u32> {
        if let Some(&number) = self.by_key.get(&key) {
            return Some(number);
        }
        let number = u32::try_from(self.all.len()).ok()?;
        let next = u32::try_from(self.pairs.len()).ok()?;
        let pair_number = *self.pair_numbers.entry(pair).or_insert(next);
        if pair_number == next {
            self.pairs.push(pair);
        }
        self.by_key.insert(key, number);
        self.all.push(Route {
            key,
            pair,
            pair_number,
            app_name,
            history: RouteHistory::default(),
            tries: 0,
            blocks: Acts::default(),
            would_block: Acts::default(),
            refused: Refused::default(),
            circumstances: Circumstances::default(),
            came_from: CameFrom::default(),
            told: BTreeMap::new(),
        });
        Some(number)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Route> {
        self.all.get_mut(usize::try_from(number).ok()?)
    }

    pub(super) fn pair(&self, number: u32) -> Option<Pair> {
        self.pairs.get(usize::try_from(number).ok()?).copied()
    }

    /// An app's name, else its id.
    pub(super) fn app_shown(&self, route: &Route) -> &str {
        self.texts.filled(route.app_name).unwrap_or_else(|| self.text(route.key.app))
    }

    /// A text of a route; blank where the log had none.
    pub(super) fn text(&self, number: u32) -> &str {
        self.texts.get(number).unwrap_or_default()
    }
}

impl Activity {
    /// Takes a counted row in the order of time.
    pub(super) fn add_row(&mut self, folder: &mut TryFolder, row: TryRow) {
        folder.push(row, &mut |route, found, sets| self.add_try(route, &found, sets));
    }

    /// Takes the tries that are open after the last row, and adds up the tries of all.
    pub(super) fn finish_tries(&mut self, folder: TryFolder) {
        folder.finish(&mut |route, found, sets| self.add_try(route, &found, sets));
        for route in &self.routes.all {
            self.totals.tries += route.tries;
            self.pairs.entry(route.pair).or_default().counts.tries += route.tries;
        }
        for (&(pair, code), tries) in &self.tries_by_code {
            if let Some(pair) = self.routes.pair(pair) {
                self.causes.entry((code, pair)).or_default().tries += tries;
            }
        }
    }

    /// Finds the tools behind the apps of all routes.
    pub(super) fn find_tools(&mut self, tools: &ToolList) {
        for route in &self.routes.all {
            let (texts, app) = (&self.routes, (route.key.app, route.app_name));
            self.tools.entry(app).or_insert_with(|| {
                let shown = texts.app_shown(route);
                // What is no app id matches none.
                let tool = tools.tool_of(Some(texts.text(route.key.app)), Some(shown));
                tool.map(|(tool, _)| tool.name.clone())
            });
        }
    }

    pub(super) fn tool_of(&self, route: &Route) -> Option<&str> {
        self.tools.get(&(route.key.app, route.app_name))?.as_deref()
    }

    fn add_try(&mut self, number: u32, found: &Try, sets: &[u32]) {
        let set = self.policy_sets.union(sets);
        let Some(route) = self.routes.get_mut(number) else { return };
        route.history.add(found);
        route.refused.add(found, set, &mut self.policy_sets);
        route.tries += 1;
        if found.verdict.is_flagged() {
            *self.tries_by_code.entry((route.pair_number, found.error_code)).or_default() += 1;
        }
    }

    /// What policies did on a route, by id.
    pub(super) fn policies_of<'a>(&'a self, acts: &Acts) -> Vec<(&'a str, RoutePolicy<'a>)> {
        let mut found: Vec<(&str, RoutePolicy<'_>)> = Vec::with_capacity(acts.0.len());
        let policy = |act: &Act| {
            let reading = self.readings.get(act.reading)?;
            let policy = RoutePolicy {
                sign_ins: act.sign_ins,
                first_at: DateTime::from_timestamp_micros(act.first)?,
                last_at: DateTime::from_timestamp_micros(act.last)?,
                readings: vec![reading],
            };
            Some((self.routes.text(reading.policy), policy))
        };
        let mut policies: Vec<_> = acts.0.iter().filter_map(policy).collect();
        policies.sort_by_key(|(id, _)| *id);
        for (id, policy) in policies {
            match found.last_mut() {
                Some((known, all)) if *known == id => all.add(policy),
                _ => found.push((id, policy)),
            }
        }
        found
    }
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
