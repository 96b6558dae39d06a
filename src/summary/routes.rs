//! The routes of listed partners as plain values: what a comparison must know of each one.

use std::collections::{BTreeMap, BTreeSet};

use super::activity::{Activity, Route};
use super::lists::Lists;
use super::model::{RouteBlock, RouteSummary, Summary};
use crate::tenant::TenantId;

/// Every route of a listed partner, as it stands at the end of its customer's evidence.
pub(super) fn routes_of(
    lists: &Lists,
    activity: &Activity,
    summary: &Summary,
) -> Vec<RouteSummary> {
    let partners: BTreeSet<TenantId> =
        summary.partners.iter().map(|partner| partner.tenant_id).collect();
    let ends: BTreeMap<_, _> = summary
        .customers
        .iter()
        .map(|customer| ((customer.partner_tenant_id, customer.child_tenant_id), customer.now))
        .collect();
    let route = |route: &Route| {
        let partner = route.pair.0.filter(|partner| partners.contains(partner))?;
        let now = ends.get(&(partner, route.pair.1)).copied().flatten()?;
        let text = |number| activity.routes.text(number).to_owned();
        let account = text(route.key.account);
        let from = route.history.blocks_from(now);
        let blocks = activity.policies_of(&route.blocks);
        let blocks = blocks.iter().filter(|(_, at)| from.is_none_or(|f| at.last_at >= f));
        Some(RouteSummary {
            child_tenant_id: route.pair.1,
            partner_tenant_id: partner,
            is_integration: lists.is_integration(partner, &account),
            account,
            app: text(route.key.app),
            app_name: text(route.app_name),
            resource: text(route.key.resource),
            state: route.history.state(now),
            last_at: route.history.newest_at(),
            blocks: blocks
                .map(|(policy, block)| RouteBlock {
                    policy_id: (*policy).to_owned(),
                    last_at: block.last_at,
                })
                .collect(),
            policy_not_shown: route.history.is_unexplained(),
        })
    };
    let mut routes: Vec<RouteSummary> = activity.routes.all.iter().filter_map(route).collect();
    // Whatever order the slices brought them in.
    routes.sort_by(|a, b| key(a).cmp(&key(b)));
    routes
}

fn key(route: &RouteSummary) -> (TenantId, TenantId, [&str; 3]) {
    let path = [&route.account, &route.app, &route.resource].map(String::as_str);
    (route.child_tenant_id, route.partner_tenant_id, path)
}
