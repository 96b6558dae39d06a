//! A summary of one customer, in which nothing of any other is told: neither its name nor a
//! figure to which it adds.

use std::collections::BTreeSet;

use super::activity::Activity;
use super::custody::Custody;
use super::model::{Counts, Ledger, Summary, Totals};
use crate::tenant::TenantId;

/// Leaves of what was counted only what is of one customer.
pub(super) fn keep(only: TenantId, activity: &mut Activity, custody: &mut Custody) {
    activity.pairs.retain(|pair, _| pair.1 == only);
    activity.routes.all.retain(|route| route.pair.1 == only);
    activity.policies.retain(|(customer, _), _| *customer == only);
    activity.causes.retain(|(_, pair), _| pair.1 == only);
    let routes = &activity.routes;
    activity.failed.keep(|pair| routes.pair(pair).is_some_and(|pair| pair.1 == only));
    activity.unplaced = Counts::default();
    activity.totals = Counts::default();
    for pair in activity.pairs.values() {
        activity.totals += pair.counts;
    }
    activity.rows = activity.totals.sign_ins();
    custody.logs.retain(|&tenant, _| tenant == only);
    // The ledger is one of the whole dataset.
    custody.ledger = Ledger::default();
}

/// Leaves of the exports only those that tell of the customer, and of the totals its own.
pub(super) fn keep_exports(
    only: TenantId,
    summary: &mut Summary,
    activity: &Activity,
    custody: &Custody,
) {
    let own = custody.logs.get(&only).into_iter().flat_map(|logs| &logs.exports);
    let own = own.filter_map(|&number| custody.exports.get(number)).map(|export| &export.path);
    let sources = activity.pairs.values().flat_map(|pair| &pair.sources);
    let told: BTreeSet<&String> = own.chain(sources).collect();
    summary.exports.retain(|export| told.contains(&export.path));
    summary.ledger = Ledger::default();
    let counts = summary.totals.counts;
    summary.totals = Totals { partner: counts.sign_ins(), counts, ..Totals::default() };
}
