//! Day by day: what customers saw of a partner, why sign-ins failed; and who came in from where.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use super::activity::{Activity, Route};
use super::hash::ByNumber;
use super::lists::Lists;
use super::model::{Counts, Summary};
use crate::tenant::TenantId;

/// Days of a customer that are kept, the newest one included: as long as Entra keeps sign-ins.
pub const CUSTOMER_DAYS: i32 = 30;
/// Days over which failures are told.
pub const FAILED_DAYS: i32 = 90;
/// Reasons of one day that are kept apart.
const REASONS_MAX: usize = 1 << 16;
/// Addresses kept apart of one route.
const ADDRESSES_MAX: usize = 64;
const DAY_MICROS: i64 = 86_400_000_000;

/// Sign-ins of one partner at one customer on one day (UTC); no tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCounts {
    pub day: NaiveDate,
    pub counts: Counts,
}

/// Why sign-ins did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailedBy {
    /// These policies blocked them together, without dispute; their names.
    Policies(Vec<String>),
    /// No policy that the log shows; the error code, where there is one.
    Code(Option<i32>),
}

/// Sign-ins that did not succeed for one reason, by day (UTC). Each is in one of these only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDays {
    pub by: FailedBy,
    pub days: BTreeMap<NaiveDate, u64>,
}

impl FailedDays {
    /// Of all days.
    pub fn sign_ins(&self) -> u64 {
        self.days.values().sum()
    }
}

/// An account of a provider that got in with one app from one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameIn {
    /// `None`: the records do not name the home tenant.
    pub home_tenant_id: Option<TenantId>,
    pub provider_name: Option<String>,
    /// One of the user's partners.
    pub is_listed: bool,
    /// By the name under which people know it, else as the log names it; blank where it does not.
    pub account: String,
    pub is_integration: bool,
    /// The app's name, else its id.
    pub app: String,
    pub address: Address,
    /// As the log names it, of the first of these sign-ins.
    pub country: Option<String>,
    pub sign_ins: u64,
    pub customers: BTreeSet<TenantId>,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// Where sign-ins came from, as the log says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    Known(String),
    NotShown,
    /// Addresses beyond those that are kept apart.
    Others,
}

/// Sign-ins that got in on one route from one address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entries {
    pub(super) sign_ins: u64,
    /// In microseconds.
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Entries {
    pub(super) fn at(at: i64) -> Self {
        Self { sign_ins: 0, first: at, last: at }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.sign_ins += other.sign_ins;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// The number of a day, from the start of 1970.
pub(super) fn day_of(at: i64) -> i32 {
    i32::try_from(at.div_euclid(DAY_MICROS)).unwrap_or_default()
}

fn date_of(day: i32) -> NaiveDate {
    let date = DateTime::from_timestamp(i64::from(day) * 86_400, 0);
    date.unwrap_or_default().date_naive()
}

/// What one customer saw of one provider, by day.
#[derive(Debug, Clone, Default)]
pub(super) struct Days(BTreeMap<i32, Counts>);

impl Days {
    /// Adds to a day; days that are too old for the newest one are forgotten.
    pub(super) fn add(&mut self, day: i32, counts: Counts) {
        *self.0.entry(day).or_default() += counts;
        forget_old(&mut self.0, CUSTOMER_DAYS);
    }

    fn counts(&self) -> Vec<DayCounts> {
        let days = self.0.iter();
        days.map(|(&day, &counts)| DayCounts { day: date_of(day), counts }).collect()
    }
}

fn forget_old<T>(days: &mut BTreeMap<i32, T>, kept: i32) {
    let Some((&newest, _)) = days.last_key_value() else { return };
    while days.first_key_value().is_some_and(|(&first, _)| first <= newest - kept) {
        days.pop_first();
    }
}

/// Why sign-ins did not succeed: number of the pair, of the set of policies, and the code.
type Reason = (u32, u32, Option<i32>);

/// Sign-ins that did not succeed, by day and reason.
#[derive(Debug, Default)]
pub(super) struct Failed(BTreeMap<i32, ByNumber<Reason, u64>>);

impl Failed {
    /// Counts a sign-in of a pair; where policies blocked it, they are the reason.
    pub(super) fn add(&mut self, at: i64, pair: u32, policies: u32, code: Option<i32>) {
        let reason = (pair, policies, code.filter(|_| policies == 0));
        let day = day_of(at);
        let is_new = !self.0.contains_key(&day);
        let reasons = self.0.entry(day).or_default();
        let is_full = reasons.len() >= REASONS_MAX && !reasons.contains_key(&reason);
        let reason = if is_full { (pair, 0, code) } else { reason };
        *reasons.entry(reason).or_default() += 1;
        if is_new {
            forget_old(&mut self.0, FAILED_DAYS);
        }
    }

    /// Leaves only what is of some pairs, by their numbers.
    pub(super) fn keep(&mut self, wanted: impl Fn(u32) -> bool) {
        for reasons in self.0.values_mut() {
            reasons.retain(|&(pair, ..), _| wanted(pair));
        }
    }
}

/// Where sign-ins on one route came from.
#[derive(Debug, Clone, Default)]
pub(super) struct CameFrom {
    /// By text of the routes, 0 for not shown; with the text of the country.
    addresses: BTreeMap<u32, (Entries, u32)>,
    others: Option<Entries>,
}

impl CameFrom {
    /// Whether one more address, by its number, can be kept apart.
    pub(super) fn has_room_for(&self, address: Option<u32>) -> bool {
        let is_known = address.is_some_and(|address| self.addresses.contains_key(&address));
        is_known || self.addresses.len() < ADDRESSES_MAX
    }

    /// Adds what got in from an address and country; `None`: from one that is not kept apart.
    pub(super) fn add(&mut self, from: Option<(u32, u32)>, entries: Entries) {
        let fresh = Entries { sign_ins: 0, ..entries };
        match from {
            Some((address, country)) => {
                self.addresses.entry(address).or_insert((fresh, country)).0.add(entries);
            }
            None => self.others.get_or_insert(fresh).add(entries),
        }
    }

    /// Each address, with its country.
    fn all<'a>(&self, activity: &'a Activity) -> Vec<(Address, Option<&'a str>, Entries)> {
        let text = |number| activity.routes.texts.filled(number);
        let address = |number| match text(number) {
            Some(address) => Address::Known(address.to_owned()),
            None => Address::NotShown,
        };
        let known = self.addresses.iter();
        let known =
            known.map(|(&number, &(found, country))| (address(number), text(country), found));
        known.chain(self.others.map(|found| (Address::Others, None, found))).collect()
    }
}

/// Adds to a summary what is told by day and by address.
pub(super) fn add_to(summary: &mut Summary, lists: &Lists, activity: &Activity) {
    for customer in &mut summary.customers {
        let pair = (Some(customer.partner_tenant_id), customer.child_tenant_id);
        let days = activity.pairs.get(&pair).map(|pair| pair.days.counts());
        customer.days = days.unwrap_or_default();
    }
    let partners: BTreeSet<TenantId> =
        summary.partners.iter().map(|partner| partner.tenant_id).collect();
    summary.failed_days = failed_days(activity, &partners);
    summary.came_in = came_in(activity, lists, &partners);
}

/// Of listed partners; of all providers where none is listed. Most sign-ins first.
fn failed_days(activity: &Activity, partners: &BTreeSet<TenantId>) -> Vec<FailedDays> {
    let mut found: BTreeMap<FailedBy, BTreeMap<NaiveDate, u64>> = BTreeMap::new();
    for (&day, reasons) in &activity.failed.0 {
        for (&(pair, policies, code), &sign_ins) in reasons {
            let Some((partner, child)) = activity.routes.pair(pair) else { continue };
            if !partners.is_empty() && partner.is_none_or(|partner| !partners.contains(&partner)) {
                continue;
            }
            let by = match policies {
                0 => FailedBy::Code(code),
                set => FailedBy::Policies(names_of(activity, child, set)),
            };
            *found.entry(by).or_default().entry(date_of(day)).or_default() += sign_ins;
        }
    }
    let mut failed: Vec<FailedDays> =
        found.into_iter().map(|(by, days)| FailedDays { by, days }).collect();
    failed.sort_by_key(|failed| std::cmp::Reverse(failed.sign_ins()));
    failed
}

/// The names of the policies in a set, as the customer calls them.
fn names_of(activity: &Activity, child: TenantId, set: u32) -> Vec<String> {
    let name = |&policy: &u32| {
        let id = activity.routes.text(policy).to_owned();
        let known = activity.policies.get(&(child, id.clone()));
        known.map(|known| known.name.clone()).filter(|name| !name.is_empty()).unwrap_or(id)
    };
    let names: BTreeSet<String> = activity.policy_sets.get(set).iter().map(name).collect();
    names.into_iter().collect()
}

/// What makes an entry: provider, account, whether that is a tool's, app, address.
type EntryKey<'a> = (Option<TenantId>, &'a str, bool, &'a str, Address);

/// What is added up of one: sign-ins, customers, countries.
type Found<'a> = (Entries, BTreeSet<TenantId>, BTreeSet<&'a str>);

/// Other providers before listed partners, then those with most sign-ins.
fn came_in(activity: &Activity, lists: &Lists, partners: &BTreeSet<TenantId>) -> Vec<CameIn> {
    let mut found: BTreeMap<EntryKey<'_>, Found<'_>> = BTreeMap::new();
    for route in &activity.routes.all {
        for (address, country, entries) in route.came_from.all(activity) {
            let key = entry_key(activity, lists, route, address);
            let fresh = || (Entries { sign_ins: 0, ..entries }, BTreeSet::new(), BTreeSet::new());
            let (all, customers, countries) = found.entry(key).or_insert_with(fresh);
            all.add(entries);
            customers.insert(route.pair.1);
            countries.extend(country);
        }
    }
    let time = |micros| DateTime::from_timestamp_micros(micros).unwrap_or_default();
    let entry = |(key, found): (EntryKey<'_>, Found<'_>)| {
        let (provider, account, is_integration, app, address) = key;
        let (entries, customers, countries) = found;
        CameIn {
            home_tenant_id: provider,
            provider_name: provider.and_then(|provider| lists.partner_name(provider)),
            is_listed: provider.is_some_and(|provider| partners.contains(&provider)),
            account: account.to_owned(),
            is_integration,
            app: app.to_owned(),
            address,
            country: countries.first().map(|country| (*country).to_owned()),
            sign_ins: entries.sign_ins,
            customers,
            first_at: time(entries.first),
            last_at: time(entries.last),
        }
    };
    let mut came_in: Vec<CameIn> = found.into_iter().map(entry).collect();
    came_in.sort_by_key(|entry| (entry.is_listed, std::cmp::Reverse(entry.sign_ins)));
    came_in
}

/// An account goes by another name in each customer's log; what is known of it joins them.
fn entry_key<'a>(
    activity: &'a Activity,
    lists: &'a Lists,
    route: &Route,
    address: Address,
) -> EntryKey<'a> {
    let provider = route.pair.0;
    let account = activity.routes.text(route.key.account);
    let known = provider.and_then(|provider| lists.people.account(provider, account));
    let is_integration = known.is_some_and(|known| known.is_integration());
    let name = known.and_then(|known| known.name.as_deref()).unwrap_or(account);
    (provider, name, is_integration, activity.routes.app_shown(route), address)
}
