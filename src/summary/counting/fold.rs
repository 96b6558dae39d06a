//! Brings together what the row groups tell, their rows in the order of time.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::super::activity::{Activity, RouteKey, Told, counts_of};
use super::super::custody::Span;
use super::super::hash::{ByNumber, NumberSet};
use super::super::model::PolicyFigures;
use super::super::partner_side::{Judge, OwnRow, user_id_of};
use super::super::proof::FoundProof;
use super::super::texts::Texts;
use super::super::tries::{TryFolder, TryRow};
use super::Found;
use super::acting::{ActedOn, Acting};
use super::columns::{self, sign};
use super::days;
use super::digest::{Class, CountedRow, Digest};
use crate::attribution::Verdict;
use crate::relation::Side;
use crate::tenant::TenantId;

/// Addresses kept of a route.
const ADDRESSES_MAX: usize = 64;
/// Correlation ids that are kept apart of one tenant that the partner tried without access.
const CORRELATIONS_MAX: usize = 1 << 20;

/// What has been brought together so far.
pub(super) struct Fold<'a, 'l> {
    pub(super) activity: Activity,
    folder: TryFolder,
    sign_ins: Vec<OpenRows>,
    policies: Vec<OpenActing>,
    proof: FoundProof,
    judge: &'a mut Judge<'l>,
    passthrough: BTreeMap<(TenantId, TenantId, u32), Correlations>,
}

/// Distinct correlation ids.
#[derive(Default)]
struct Correlations {
    known: NumberSet<u128>,
    /// Sign-ins without one, and what is no longer kept apart.
    others: u64,
}

/// A row group whose rows are not all brought in.
struct OpenRows {
    digest: Digest,
    place: usize,
    next: usize,
    /// The number of each of its routes, as soon as a row of it was brought in.
    routes: Vec<Option<u32>>,
    numbers: Numbers,
}

impl OpenRows {
    fn head(&self) -> Option<&CountedRow> {
        self.digest.rows.get(self.next)
    }

    fn class(&self, row: &CountedRow) -> Option<&Class> {
        self.digest.classes.get(row.class as usize)
    }

    /// Whether one of its rows stands before a row of another row group.
    fn order(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let (Some(a), Some(b)) = (self.digest.rows.get(row), other.digest.rows.get(other_row))
        else {
            return Ordering::Equal;
        };
        let side = |open: &Self, row| open.class(row).map(|class| class.side);
        let ids = || {
            let own = self.digest.ids.get(row)?;
            Some(own.cmp(other.digest.ids.get(other_row)?))
        };
        a.at.cmp(&b.at)
            .then_with(|| side(self, a).cmp(&side(other, b)))
            .then_with(|| ids().unwrap_or(Ordering::Equal))
            .then_with(|| self.place.cmp(&other.place))
    }
}

/// A row group of policies that may still meet sign-ins.
struct OpenActing {
    acting: Acting,
    next: usize,
    /// The reading of each of its policies.
    readings: Vec<u32>,
    /// The set of policies that block, of each of its sets, as soon as it was asked for.
    refusals: Vec<Option<u32>>,
    /// By pair, set and dispute.
    met: ByNumber<(u32, u32, bool), Met>,
}

#[derive(Debug, Clone, Copy)]
struct Met {
    sign_ins: u64,
    last: i64,
}

impl OpenActing {
    /// Forgets sign-ins before a moment.
    fn go_to(&mut self, at: i64) {
        let behind = self.acting.sign_ins.get(self.next..).unwrap_or_default();
        if behind.first().is_some_and(|next| next.at < at) {
            self.next += behind.partition_point(|next| next.at < at);
        }
    }

    /// The places of what acted on a sign-in.
    fn find(&mut self, wanted: (i64, u32, u128)) -> std::ops::Range<usize> {
        let key = |acted: &ActedOn| (acted.at, acted.side, acted.id);
        let sign_ins = &self.acting.sign_ins;
        while sign_ins.get(self.next).is_some_and(|acted| acted.at < wanted.0) {
            self.next += 1;
        }
        let rest = sign_ins.get(self.next..).unwrap_or_default();
        let from = match rest.first().map(|acted| key(acted).cmp(&wanted)) {
            Some(Ordering::Equal) => 0,
            Some(Ordering::Less) => rest.partition_point(|acted| key(acted) < wanted),
            _ => return 0..0,
        };
        let same = rest.iter().skip(from).take_while(|acted| key(acted) == wanted).count();
        self.next + from..self.next + from + same
    }
}

impl<'a, 'l> Fold<'a, 'l> {
    pub(super) fn new(judge: &'a mut Judge<'l>) -> Self {
        Self {
            activity: Activity::default(),
            folder: TryFolder::default(),
            sign_ins: Vec::new(),
            policies: Vec::new(),
            proof: FoundProof::default(),
            judge,
            passthrough: BTreeMap::new(),
        }
    }

    /// Takes what a row group tells; its rows wait until all before them are there.
    pub(super) fn take(&mut self, found: Found, place: usize) {
        match found {
            Found::SignIns(digest) => {
                let mut digest = *digest;
                for class in &digest.classes {
                    self.add_class(class, &digest.texts);
                }
                self.proof.add(std::mem::take(&mut digest.proof), place);
                self.add_passthrough(&digest);
                self.add_own(&digest);
                days::add_days(&mut self.activity, &digest);
                let routes = vec![None; digest.routes.len()];
                let numbers = Numbers::of(&digest.texts);
                let open = OpenRows { digest, place, next: 0, routes, numbers };
                // All its rows may be home rows.
                if open.head().is_some() {
                    self.sign_ins.push(open);
                }
            }
            Found::Policies(acting) => self.open_acting(acting),
        }
    }

    fn open_acting(&mut self, acting: Acting) {
        let texts = &mut self.activity.routes.texts;
        let mut numbers = Numbers::of(&acting.texts);
        let mut readings = Vec::with_capacity(acting.policies.len());
        for policy in &acting.policies {
            let key = policy.texts.map(|text| numbers.get(text, &acting.texts, texts));
            readings.push(self.activity.readings.number(texts, key));
        }
        let refusals = vec![None; acting.sets.len()];
        let met = ByNumber::default();
        self.policies.push(OpenActing { acting, next: 0, readings, refusals, met });
    }

    /// Adds the sums of a class.
    fn add_class(&mut self, class: &Class, texts: &Texts) {
        let disputed = if class.disputed { class.rows } else { 0 };
        let counts = class.verdict.map(|verdict| counts_of(verdict, class.rows, disputed));
        if let Some(counts) = counts {
            self.activity.totals += counts;
        }
        if let (true, Some(verdict)) = (class.is_unplaced, class.verdict) {
            self.activity.unplaced += counts_of(verdict, class.rows, 0);
        }
        if let (true, columns::OUTBOUND, Some(partner)) =
            (class.is_of_list, class.side, class.partner)
        {
            self.judge.see_outbound(partner);
        }
        let Some(child) = class.child.filter(|_| class.counts) else { return };
        let pair = (class.partner, child);
        if class.is_of_list {
            self.activity.matched_by_list.extend(class.partner);
        }
        let entry = self.activity.pairs.entry(pair).or_default();
        if let Some(counts) = counts {
            entry.counts += counts;
        }
        let span = time(class.first).zip(time(class.last));
        entry.span = Span::join_any(entry.span, span.map(|(first, last)| Span { first, last }));
        entry.inbound |= class.side == columns::INBOUND;
        entry.lists_policies |= class.lists_policies;
        if let Some(source) = texts.filled(class.source)
            && !entry.sources.contains(source)
        {
            entry.sources.insert(source.to_owned());
        }
        if class.verdict.is_some_and(|verdict| verdict.is_flagged()) {
            let cause = self.activity.causes.entry((class.error_code, pair)).or_default();
            cause.sign_ins += class.rows;
        }
    }

    /// Shows the judge of the partner's own side the sign-ins that tell of it.
    fn add_own(&mut self, digest: &Digest) {
        for rows in &digest.own {
            let Some(class) = digest.classes.get(rows.class as usize) else { continue };
            let side = match class.side {
                columns::HOME => Side::Home,
                columns::INBOUND => Side::Inbound,
                columns::OUTBOUND => Side::Outbound,
                _ => continue,
            };
            let times = time(rows.first).zip(time(rows.last));
            let (Some(partner), Some((first_at, last_at))) = (class.partner, times) else {
                continue;
            };
            let [account, user_id, app_id, app_name, resource_id, resource_name, rest @ ..] =
                rows.texts.map(|text| digest.texts.filled(text));
            let [access, requirement, methods, details, network, risk_state, risk_level] = rest;
            self.judge.add(&OwnRow {
                partner,
                side,
                child: class.child,
                account: account.unwrap_or_default(),
                user_id: user_id_of(account.unwrap_or_default(), user_id),
                is_user: rows.signs & sign::MACHINE == 0,
                is_interactive: rows.signs & sign::IS_INTERACTIVE != 0,
                app_id,
                app_name,
                resource_id,
                resource_name,
                access,
                requirement,
                methods,
                methods_lower: methods.map(str::to_lowercase),
                details,
                network,
                risk_state,
                risk_level,
                error_code: class.error_code,
                succeeded: class.verdict == Some(Verdict::Succeeded),
                sign_ins: rows.sign_ins,
                first_at,
                last_at,
            });
        }
    }

    fn add_passthrough(&mut self, digest: &Digest) {
        for &(class, access, correlation) in &digest.passthrough {
            let Some(class) = digest.classes.get(class as usize) else { continue };
            let (Some(partner), Some(child)) = (class.partner, class.child) else { continue };
            let access = self.activity.routes.texts.number(digest.texts.get(access));
            let found = self.passthrough.entry((partner, child, access)).or_default();
            match correlation {
                None => found.others += 1,
                Some(correlation) => {
                    found.known.insert(correlation);
                }
            }
            if found.known.len() >= CORRELATIONS_MAX {
                found.others += count(found.known.len());
                found.known.clear();
            }
        }
    }

    /// Brings in all rows before a moment; all, if there is none.
    pub(super) fn go_to(&mut self, until: Option<i64>) {
        let is_due = |row: &CountedRow| until.is_none_or(|until| row.at < until);
        loop {
            let due = (0..self.sign_ins.len())
                .filter(|&open| self.sign_ins[open].head().is_some_and(is_due));
            let least = due.min_by(|&a, &b| {
                let (a, b) = (&self.sign_ins[a], &self.sign_ins[b]);
                a.order(a.next, b, b.next)
            });
            let Some(least) = least else { break };
            let open = self.sign_ins.swap_remove(least);
            let end = self.end_of_turn(&open, until);
            let open = self.bring_in(open, end);
            if open.head().is_some() {
                self.sign_ins.push(open);
            } else {
                self.close_rows(open);
            }
        }
        for mut open in std::mem::take(&mut self.policies) {
            open.go_to(until.unwrap_or(i64::MAX));
            if until.is_some() && open.next < open.acting.sign_ins.len() {
                self.policies.push(open);
            } else {
                self.close_acting(&open);
            }
        }
    }

    /// Up to where the rows of a row group come before the moment and all other rows.
    fn end_of_turn(&self, open: &OpenRows, until: Option<i64>) -> usize {
        let others = self.sign_ins.iter();
        let rival = others.min_by(|a, b| a.order(a.next, b, b.next));
        let is_in = |row: usize, found: &CountedRow| {
            until.is_none_or(|until| found.at < until)
                && rival.is_none_or(|rival| open.order(row, rival, rival.next).is_lt())
        };
        let rows = open.digest.rows.iter().enumerate().skip(open.next);
        open.next + rows.take_while(|&(row, found)| is_in(row, found)).count()
    }

    /// Hands rows to the folder of tries, with the policies that blocked them.
    fn bring_in(&mut self, mut open: OpenRows, end: usize) -> OpenRows {
        for place in open.next..end {
            let Some(&row) = open.digest.rows.get(place) else { break };
            let Some(route) = self.route_of(&mut open, row.route) else { continue };
            let Some(class) = open.class(&row) else { continue };
            let (side, disputed) = (class.side, class.disputed);
            let (verdict, error_code) = (class.verdict, class.error_code);
            let refusal = match row.id {
                0 => 0,
                id => self.act((row.at, side, id), route, disputed),
            };
            let Some(verdict) = verdict else { continue };
            if verdict.is_flagged()
                && let Some(pair) =
                    self.activity.routes.get_mut(route).map(|route| route.pair_number)
            {
                self.activity.failed.add(row.at, pair, refusal, error_code);
            }
            let correlation = (row.correlation != 0).then_some(row.correlation);
            let at = row.at;
            let next = TryRow { route, correlation, at, verdict, disputed, error_code, refusal };
            self.activity.add_row(&mut self.folder, next);
        }
        open.next = end;
        open
    }

    /// The number of a route; new ones get theirs, and the name of their app, in the order of
    /// time.
    fn route_of(&mut self, open: &mut OpenRows, local: u32) -> Option<u32> {
        if let Some(Some(known)) = open.routes.get(local as usize) {
            return Some(*known);
        }
        let OpenRows { digest, numbers, .. } = open;
        let seen = digest.routes.get(local as usize)?;
        let routes = &mut self.activity.routes;
        let mut text = |number| numbers.get(number, &digest.texts, &mut routes.texts);
        let key = RouteKey {
            partner: text(seen.key.partner),
            child: text(seen.key.child),
            account: text(seen.key.account),
            app: text(seen.key.app),
            resource: text(seen.key.resource),
        };
        let app_name = text(seen.app_name);
        let number = routes.number(key, seen.pair, app_name)?;
        *open.routes.get_mut(local as usize)? = Some(number);
        Some(number)
    }

    /// Counts the policies that acted on a sign-in; gives the number of the set of those that
    /// blocked it without dispute.
    fn act(&mut self, sign_in: (i64, u32, u128), route: u32, disputed: bool) -> u32 {
        let mut refusals: Vec<u32> = Vec::new();
        let activity = &mut self.activity;
        for open in &mut self.policies {
            for place in open.find(sign_in) {
                let Some(&ActedOn { set, .. }) = open.acting.sign_ins.get(place) else { continue };
                let Some(found) = activity.routes.get_mut(route) else { continue };
                let policies = open.acting.sets.get(set as usize);
                for &policy in policies.into_iter().flatten() {
                    let policy = policy as usize;
                    let Some(seen) = open.acting.policies.get(policy) else { continue };
                    let Some(&reading) = open.readings.get(policy) else { continue };
                    if seen.blocks && !disputed {
                        found.blocks.add(reading, sign_in.0);
                    } else if seen.would_block {
                        found.would_block.add(reading, sign_in.0);
                    }
                }
                let fresh = Met { sign_ins: 0, last: sign_in.0 };
                let met = open.met.entry((found.pair_number, set, disputed)).or_insert(fresh);
                met.sign_ins += 1;
                met.last = sign_in.0;
                if !disputed {
                    refusals.push(refusal_of(open, set, activity));
                }
            }
        }
        refusals.retain(|&refusal| refusal != 0);
        activity.policy_sets.union(&refusals)
    }

    /// Adds what is known of the routes of a row group when all its rows are in.
    fn close_rows(&mut self, mut open: OpenRows) {
        let routes = &mut self.activity.routes;
        let mut numbers = std::mem::replace(&mut open.numbers, Numbers(Vec::new()));
        let digest = &open.digest;
        for (seen, number) in digest.routes.iter().zip(&open.routes) {
            let Some(route) = number.and_then(|number| routes.get_mut(number)) else { continue };
            if seen.looked_at == 0 {
                continue;
            }
            let known = &mut route.circumstances;
            known.non_interactive |= seen.all & sign::INTERACTIVE == 0;
            known.legacy_client |= seen.any & sign::LEGACY_CLIENT != 0;
            known.unknown_client |= seen.all & sign::MODERN_CLIENT == 0;
            known.device_code |= seen.any & sign::DEVICE_CODE != 0;
            known.service_provider |= seen.any & sign::SERVICE_PROVIDER != 0;
            known.guest |= seen.any & sign::GUEST != 0;
        }
        let global = |local: u32| open.routes.get(local as usize).copied().flatten();
        let mut addresses: Vec<(u32, u32)> = digest.addresses.iter().copied().collect();
        addresses.sort_unstable();
        for (local, address) in addresses {
            let Some(address) = digest.texts.filled(address) else { continue };
            let number = routes.texts.known(address);
            let Some(route) = global(local).and_then(|number| routes.get_mut(number)) else {
                continue;
            };
            let known = &mut route.circumstances;
            if number.is_some_and(|number| known.addresses.contains(&number)) {
                continue;
            }
            if known.addresses.len() < ADDRESSES_MAX {
                let number = routes.texts.number(Some(address));
                if let Some(route) = global(local).and_then(|number| routes.get_mut(number)) {
                    route.circumstances.addresses.insert(number);
                }
            } else {
                known.has_more_addresses = true;
            }
        }
        days::add_addresses(routes, digest, &open.routes);
        for (&(local, code), seen) in &digest.told {
            let text = |number| numbers.get(number, &digest.texts, &mut routes.texts);
            let [category, who_fixes, cause, remedy] = seen.texts.map(text);
            let Some(route) = global(local).and_then(|number| routes.get_mut(number)) else {
                continue;
            };
            // Of each code the newest row is believed.
            let told = route.told.entry(code).or_default();
            if *told == Told::default() || told.at <= seen.at {
                *told = Told { at: seen.at, category, who_fixes, cause, remedy };
            }
        }
    }

    /// Adds the sums of the policies of a row group when it meets no more sign-ins.
    fn close_acting(&mut self, open: &OpenActing) {
        let activity = &mut self.activity;
        for (&(pair, set, disputed), met) in &open.met {
            let Some((partner, child)) = activity.routes.pair(pair) else { continue };
            let policies = open.acting.sets.get(set as usize);
            for &place in policies.into_iter().flatten() {
                let Some(seen) = open.acting.policies.get(place as usize) else { continue };
                let reading = open.readings.get(place as usize);
                let Some(reading) = reading.and_then(|&number| activity.readings.get(number))
                else {
                    continue;
                };
                let Some(last) = time(met.last) else { continue };
                let id = activity.routes.text(reading.policy);
                let count = |is: bool| if is { met.sign_ins } else { 0 };
                let figures = PolicyFigures {
                    blocked_sign_ins: count(seen.blocks),
                    disputed_sign_ins: count(seen.blocks && disputed),
                    would_block_sign_ins: count(seen.would_block),
                };
                let policy = activity.policies.entry((child, id.to_owned())).or_default();
                policy.name_at(activity.routes.text(reading.name), last);
                policy.matched.extend(reading.matched.iter().cloned());
                policy.demanded.extend(reading.demanded.iter().cloned());
                *policy.by_partner.entry(partner).or_default() += figures;
                if seen.blocks {
                    policy.last_blocked_at = policy.last_blocked_at.max(Some(last));
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> (Activity, FoundProof) {
        self.go_to(None);
        self.activity.finish_tries(self.folder);
        for ((partner, child, _), found) in self.passthrough {
            self.judge.add_tries(partner, child, found.others + count(found.known.len()));
        }
        (self.activity, self.proof)
    }
}

/// The number of the set of those policies of a set that block.
fn refusal_of(open: &mut OpenActing, set: u32, activity: &mut Activity) -> u32 {
    let Some(known) = open.refusals.get_mut(set as usize) else { return 0 };
    if let Some(known) = known {
        return *known;
    }
    let policies = open.acting.sets.get(set as usize).into_iter().flatten();
    let blocking = policies.filter_map(|&place| {
        let seen = open.acting.policies.get(place as usize).filter(|seen| seen.blocks);
        seen.and_then(|_| open.readings.get(place as usize))
    });
    let ids = blocking.filter_map(|&number| Some(activity.readings.get(number)?.policy));
    let number = activity.policy_sets.number(ids.collect());
    *known = Some(number);
    number
}

/// The numbers that texts of a row group have among all.
struct Numbers(Vec<Option<u32>>);

impl Numbers {
    fn of(texts: &Texts) -> Self {
        Self(vec![None; texts.len() + 1])
    }

    fn get(&mut self, number: u32, from: &Texts, to: &mut Texts) -> u32 {
        let known = self.0.get_mut(number as usize);
        match known {
            Some(Some(known)) => *known,
            Some(known) => *known.insert(to.number(from.filled(number))),
            None => 0,
        }
    }
}

fn time(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
