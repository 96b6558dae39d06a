//! Brings lists, custody and activity together into the [`Summary`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::{Activity, Pair, Route};
use super::custody::{Custody, Span};
use super::lists::Lists;
use super::model::{
    BlockedAccount, BlockingPolicy, CauseFigures, CauseSummary, Counts, CustomerSummary,
    PartnerSummary, PolicyFigures, PolicySummary, ProviderCustomer, ProviderSummary, Summary, ToDo,
    Totals,
};
use super::proof::Closer;
use super::state::{CustomerState, Evidence, Judgement, RouteState, RouteView, customer_state};
use super::to_do::Case;
use crate::error_code::ErrorCode;
use crate::policy::in_reading_order;
use crate::tenant::TenantId;

/// Evidence that ends this many days before the newest is called stale.
const STALE_DAYS: i64 = 3;
/// Trouble within this many days of the evidence's start may be older than the evidence.
const START_DAYS: i64 = 1;

/// Makes the summary out of what was read.
pub(super) fn assemble(
    lists: &Lists,
    custody: &Custody,
    activity: &Activity,
    closer: &Closer,
) -> Summary {
    let known = Known::of(lists, custody, activity, closer);
    let customers = known.customers();
    let mut ledger = custody.ledger;
    ledger.rows = activity.rows;
    Summary {
        newest_evidence: known.newest,
        totals: Totals {
            records: ledger.records,
            partner: ledger.partner,
            other: ledger.other,
            duplicate: ledger.duplicate,
            rejected: ledger.rejected,
            removed: ledger.removed,
            counts: activity.totals,
        },
        ledger,
        unplaced: activity.unplaced,
        tenants_in_logs: known.tenants_in_logs(),
        has_customer_list: lists.customers.values().any(|customer| customer.listed),
        partners: known.partners(&customers),
        partner_sides: Vec::new(),
        customers,
        policies: policies_of(activity),
        causes: known.causes(),
        other_providers: known.other_providers(),
        exports: custody.exports.clone(),
        routes: Vec::new(),
        failed_days: Vec::new(),
        came_in: Vec::new(),
        only_rows: Vec::new(),
        is_redacted: false,
    }
}

/// What was read, indexed for the questions below.
struct Known<'a> {
    lists: &'a Lists,
    custody: &'a Custody,
    activity: &'a Activity,
    closer: &'a Closer,
    partners: BTreeSet<TenantId>,
    routes: BTreeMap<Pair, Vec<&'a Route>>,
    /// From first to last moment of the evidence on each customer.
    spans: BTreeMap<TenantId, Span>,
    newest: Option<DateTime<Utc>>,
}

impl<'a> Known<'a> {
    fn of(
        lists: &'a Lists,
        custody: &'a Custody,
        activity: &'a Activity,
        closer: &'a Closer,
    ) -> Self {
        let mut routes: BTreeMap<Pair, Vec<&Route>> = BTreeMap::new();
        for route in &activity.routes.all {
            routes.entry(route.pair).or_default().push(route);
        }
        let spans = spans_of(custody, activity);
        let newest = spans.values().map(|span| span.last).max();
        let partners = listed_partners(lists, activity);
        Self { lists, custody, activity, closer, partners, routes, spans, newest }
    }

    /// The exports that tell of a customer: its own, else those that its rows come from.
    fn exports_on(&self, child: TenantId, partner: TenantId) -> BTreeSet<usize> {
        if let Some(logs) = self.custody.logs.get(&child)
            && !logs.exports.is_empty()
        {
            return logs.exports.clone();
        }
        let pair = self.activity.pairs.get(&(Some(partner), child));
        let sources = pair.into_iter().flat_map(|pair| &pair.sources);
        sources.filter_map(|path| self.custody.export_at(path)).collect()
    }

    fn evidence(&self, child: TenantId, partner: TenantId, exports: &BTreeSet<usize>) -> Evidence {
        let rows = self.activity.pairs.get(&(Some(partner), child));
        let blind = match (self.custody.all_blind(exports), rows) {
            (Some(blind), _) => blind,
            (None, Some(rows)) => !rows.lists_policies,
            (None, None) => return Evidence::Absent,
        };
        if blind { Evidence::Blind } else { Evidence::Sound }
    }

    /// The customers of a listed partner: where it came in, and those in which no listed
    /// partner did, since they may be anyone's.
    fn children_of(&self, partner: TenantId) -> BTreeSet<TenantId> {
        let listed = self.lists.customers.iter().filter(|(_, customer)| customer.listed);
        let known = listed.map(|(&child, _)| child).chain(self.custody.logs.keys().copied());
        let seen =
            |partner: TenantId, child| self.activity.pairs.contains_key(&(Some(partner), child));
        let unclaimed =
            |child: &TenantId| !self.partners.iter().any(|&partner| seen(partner, *child));
        let mut children: BTreeSet<TenantId> = known.filter(unclaimed).collect();
        let pairs = self.activity.pairs.keys();
        children.extend(pairs.filter(|pair| pair.0 == Some(partner)).map(|pair| pair.1));
        children.retain(|child| !self.partners.contains(child));
        children
    }

    fn tenants_in_logs(&self) -> u64 {
        let logs = self.custody.logs.keys().chain(self.spans.keys());
        let tenants: BTreeSet<&TenantId> =
            logs.filter(|tenant| !self.partners.contains(tenant)).collect();
        count(tenants.len())
    }

    fn customers(&self) -> Vec<CustomerSummary> {
        let pairs = self.partners.iter().flat_map(|&partner| {
            self.children_of(partner).into_iter().map(move |child| (partner, child))
        });
        let mut customers: Vec<CustomerSummary> =
            pairs.map(|(partner, child)| self.customer(partner, child)).collect();
        customers.sort_by_cached_key(|customer| {
            (
                customer.state,
                std::cmp::Reverse(customer.blocked_tries),
                customer.child_name.is_none(),
                customer.child_name.as_ref().map(|name| name.to_lowercase()),
                customer.child_tenant_id,
                customer.partner_tenant_id,
            )
        });
        customers
    }

    fn customer(&self, partner: TenantId, child: TenantId) -> CustomerSummary {
        let exports = self.exports_on(child, partner);
        let routes = self.routes.get(&(Some(partner), child)).map_or(&[][..], Vec::as_slice);
        let span = self.spans.get(&child).copied();
        let now = span.map_or(DateTime::UNIX_EPOCH, |span| span.last);
        let judgement = self.judge(partner, routes, now, self.evidence(child, partner, &exports));
        let trouble = Trouble::of(routes, now, judgement.state);
        let rows = self.activity.pairs.get(&(Some(partner), child));
        let listed = self.lists.customers.get(&child);
        let blocking_policies = self.blocking_policies(child, &trouble, now);
        CustomerSummary {
            child_tenant_id: child,
            child_name: self.lists.customer_name(child),
            partner_tenant_id: partner,
            is_listed: listed.is_some_and(|customer| customer.listed),
            state: judgement.state,
            doubt: judgement.doubt,
            recovered: judgement.recovered,
            now: span.map(|span| span.last),
            is_stale: self
                .newest
                .is_some_and(|newest| span.is_some() && newest - now > TimeDelta::days(STALE_DAYS)),
            since: trouble.since,
            since_before_evidence: trouble
                .since
                .zip(span)
                .is_some_and(|(since, span)| since - span.first <= TimeDelta::days(START_DAYS)),
            first_at: rows.and_then(|rows| rows.span).map(|span| span.first),
            last_at: rows.and_then(|rows| rows.span).map(|span| span.last),
            blind_spots: self.custody.blind_spots(&exports),
            outbound_only: rows.is_some_and(|rows| !rows.inbound),
            counts: rows.map(|rows| rows.counts).unwrap_or_default(),
            blocked_tries: trouble.blocked_tries(),
            all_accounts_blocked: judgement.all_accounts_blocked,
            blocked_accounts: self.blocked_accounts(partner, &trouble),
            policy_not_shown: trouble.is_block
                && (trouble.unexplained || blocking_policies.is_empty()),
            blocking_policies,
            failing_error_code: trouble.failing_error_code(),
            days: Vec::new(),
            to_do: self.to_do(&judgement, routes, (partner, child), now),
        }
    }

    fn judge(
        &self,
        partner: TenantId,
        routes: &[&Route],
        now: DateTime<Utc>,
        evidence: Evidence,
    ) -> Judgement {
        let views: Vec<RouteView<'_>> = routes
            .iter()
            .map(|route| {
                let account = self.activity.routes.text(route.key.account);
                RouteView {
                    account,
                    is_integration: self.lists.is_integration(partner, account),
                    state: route.history.state(now),
                }
            })
            .collect();
        customer_state(&views, evidence)
    }

    fn blocked_accounts(&self, partner: TenantId, trouble: &Trouble<'_>) -> Vec<BlockedAccount> {
        if !trouble.is_block {
            return Vec::new();
        }
        let routes: Vec<&Route> = trouble.routes.iter().map(|&(route, _)| route).collect();
        accounts_of(self.activity, self.lists, partner, &routes)
    }

    fn to_do(
        &self,
        judgement: &Judgement,
        routes: &[&Route],
        (partner, child): (TenantId, TenantId),
        now: DateTime<Utc>,
    ) -> ToDo {
        let (lists, activity, closer) = (self.lists, self.activity, self.closer);
        Case { lists, activity, closer, partner, child, routes, now }.to_do(judgement)
    }

    /// Policies that blocked a route after its trouble began: older blocks are history.
    fn blocking_policies(
        &self,
        child: TenantId,
        trouble: &Trouble<'_>,
        now: DateTime<Utc>,
    ) -> Vec<BlockingPolicy> {
        if !trouble.is_block {
            return Vec::new();
        }
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for (route, _) in &trouble.routes {
            let from = route.history.blocks_from(now);
            for (policy, blocks) in self.activity.policies_of(&route.blocks) {
                if from.is_none_or(|from| blocks.last_at >= from) {
                    *found.entry(policy).or_default() += blocks.sign_ins;
                }
            }
        }
        let mut policies: Vec<BlockingPolicy> = found
            .into_iter()
            .filter_map(|(id, blocked_sign_ins)| {
                let policy = self.activity.policies.get(&(child, id.to_owned()))?;
                Some(BlockingPolicy {
                    policy_id: id.to_owned(),
                    policy_name: policy.name.clone(),
                    demanded: policy.demanded.iter().cloned().collect(),
                    matched: in_reading_order(&policy.matched),
                    blocked_sign_ins,
                })
            })
            .collect();
        policies.sort_by_key(|policy| std::cmp::Reverse(policy.blocked_sign_ins));
        policies
    }

    fn partners(&self, customers: &[CustomerSummary]) -> Vec<PartnerSummary> {
        let mut partners: Vec<PartnerSummary> = self
            .partners
            .iter()
            .map(|&partner| {
                let own = customers.iter().filter(|customer| customer.partner_tenant_id == partner);
                partner_of(partner, self.lists, own)
            })
            .collect();
        partners.sort_by_key(|partner| std::cmp::Reverse(partner.counts.sign_ins()));
        partners
    }

    fn causes(&self) -> Vec<CauseSummary> {
        let mut by_code: BTreeMap<Option<i32>, CauseSets> = BTreeMap::new();
        for (&(code, (partner, child)), found) in &self.activity.causes {
            let sets = by_code.entry(code).or_default();
            let is_listed = partner.is_some_and(|partner| self.partners.contains(&partner));
            let (all, listed) = (&mut sets.all, is_listed.then_some(&mut sets.listed));
            for (figures, children) in [Some(all), listed].into_iter().flatten() {
                figures.sign_ins += found.sign_ins;
                figures.tries += found.tries;
                children.insert(child);
            }
        }
        let figures = |(figures, children): (CauseFigures, BTreeSet<TenantId>)| CauseFigures {
            customers: count(children.len()),
            ..figures
        };
        let mut causes: Vec<CauseSummary> = by_code
            .into_iter()
            .map(|(error_code, sets)| CauseSummary {
                error_code,
                cause: error_code
                    .and_then(|code| ErrorCode(code).entry())
                    .map(|entry| entry.cause.clone()),
                all: figures(sets.all),
                listed: figures(sets.listed),
            })
            .collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.all.sign_ins));
        causes
    }

    fn other_providers(&self) -> Vec<ProviderSummary> {
        let mut by_provider: BTreeMap<Option<TenantId>, ProviderSummary> = BTreeMap::new();
        for (&(provider, child), rows) in &self.activity.pairs {
            if provider.is_some_and(|provider| self.partners.contains(&provider)) {
                continue;
            }
            let summary = by_provider.entry(provider).or_insert_with(|| self.provider(provider));
            summary.counts += rows.counts;
            let first = rows.span.map(|span| span.first);
            summary.first_at = [summary.first_at, first].into_iter().flatten().min();
            summary.last_at = summary.last_at.max(rows.span.map(|span| span.last));
            let listed = self.lists.customers.get(&child);
            summary.customers.push(ProviderCustomer {
                child_tenant_id: child,
                child_name: self.lists.customer_name(child),
                is_listed: listed.is_some_and(|customer| customer.listed),
                first_at: first,
                last_at: rows.span.map(|span| span.last),
                counts: rows.counts,
            });
        }
        let mut providers: Vec<ProviderSummary> = by_provider.into_values().collect();
        providers.sort_by_key(|provider| {
            (std::cmp::Reverse(provider.customers.len()), provider.home_tenant_id)
        });
        providers
    }

    fn provider(&self, provider: Option<TenantId>) -> ProviderSummary {
        let mut tries: BTreeMap<&str, u64> = BTreeMap::new();
        for route in self.activity.routes.all.iter().filter(|route| route.pair.0 == provider) {
            *tries.entry(self.activity.routes.text(route.key.account)).or_default() += route.tries;
        }
        let most = tries.into_iter().max_by_key(|&(account, tries)| (tries, account));
        ProviderSummary {
            home_tenant_id: provider,
            name: provider.and_then(|provider| self.lists.partner_name(provider)),
            example_account: most.map(|(account, _)| account.to_owned()).filter(|a| !a.is_empty()),
            counts: Counts::default(),
            first_at: None,
            last_at: None,
            customers: Vec::new(),
        }
    }
}

/// The accounts of routes with the apps that they used there, integrations first.
pub(super) fn accounts_of(
    activity: &Activity,
    lists: &Lists,
    partner: TenantId,
    routes: &[&Route],
) -> Vec<BlockedAccount> {
    let texts = &activity.routes;
    let mut apps: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut tools: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for route in routes {
        let account = texts.text(route.key.account);
        let app = texts.app_shown(route);
        apps.entry(account).or_default().extend((!app.is_empty()).then_some(app));
        tools.entry(account).or_default().extend(activity.tool_of(route));
    }
    let name =
        |account| lists.people.account(partner, account).and_then(|known| known.name.clone());
    let mut accounts: Vec<BlockedAccount> = apps
        .into_iter()
        .map(|(account, apps)| BlockedAccount {
            account: account.to_owned(),
            account_name: name(account),
            is_integration: lists.is_integration(partner, account),
            tool: tools.get(account).and_then(only_one),
            apps: apps.into_iter().map(str::to_owned).collect(),
        })
        .collect();
    accounts.sort_by_key(|account| !account.is_integration);
    accounts
}

/// Figures and customers of one error code, of all providers and of listed ones.
#[derive(Default)]
struct CauseSets {
    all: (CauseFigures, BTreeSet<TenantId>),
    listed: (CauseFigures, BTreeSet<TenantId>),
}

/// The routes that make a customer's state, where that state is trouble.
struct Trouble<'a> {
    routes: Vec<(&'a Route, RouteState)>,
    is_block: bool,
    since: Option<DateTime<Utc>>,
    unexplained: bool,
}

impl<'a> Trouble<'a> {
    fn of(routes: &[&'a Route], now: DateTime<Utc>, state: CustomerState) -> Self {
        let is_block = matches!(state, CustomerState::Blocked | CustomerState::Partly);
        let wanted: &[RouteState] = match state {
            CustomerState::Blocked | CustomerState::Partly => {
                &[RouteState::Blocked, RouteState::Intermittent]
            }
            CustomerState::Failing => &[RouteState::Failing],
            _ => &[],
        };
        let routes: Vec<(&Route, RouteState)> = routes
            .iter()
            .filter_map(|&route| Some((route, route.history.state(now)?)))
            .filter(|(_, state)| wanted.contains(state))
            .collect();
        Self {
            since: routes.iter().filter_map(|(route, _)| route.history.since(now)).min(),
            unexplained: routes.iter().any(|(route, _)| route.history.is_unexplained()),
            is_block,
            routes,
        }
    }

    fn blocked_tries(&self) -> u64 {
        let tries = |&(route, state): &(&Route, RouteState)| route.history.blocked_tries(state);
        self.routes.iter().map(tries).sum()
    }

    /// The code with which most of the routes fail.
    fn failing_error_code(&self) -> Option<i32> {
        if self.is_block {
            return None;
        }
        let mut routes: BTreeMap<i32, u64> = BTreeMap::new();
        for (route, _) in &self.routes {
            if let Some(code) = route.history.newest_error_code() {
                *routes.entry(code).or_default() += 1;
            }
        }
        routes
            .into_iter()
            .max_by_key(|&(code, routes)| (routes, std::cmp::Reverse(code)))
            .map(|(code, _)| code)
    }
}

pub(super) fn listed_partners(lists: &Lists, activity: &Activity) -> BTreeSet<TenantId> {
    let by_table = lists.partners.iter().filter(|(_, partner)| partner.listed);
    let by_rows =
        activity.matched_by_list.iter().filter(|partner| !lists.partners.contains_key(partner));
    by_table.map(|(&partner, _)| partner).chain(by_rows.copied()).collect()
}

/// A customer's evidence: its own logs and every row on it; where only another tenant's log
/// tells of it, that log.
fn spans_of(custody: &Custody, activity: &Activity) -> BTreeMap<TenantId, Span> {
    let mut spans: BTreeMap<TenantId, Span> = BTreeMap::new();
    let mut add = |tenant: TenantId, span: Option<Span>| {
        if let Some(span) = Span::join_any(spans.get(&tenant).copied(), span) {
            spans.insert(tenant, span);
        }
    };
    for (&tenant, logs) in &custody.logs {
        add(tenant, logs.span);
    }
    for (&(_, child), rows) in &activity.pairs {
        add(child, rows.span);
        if !custody.logs.contains_key(&child) {
            let sources = rows.sources.iter().filter_map(|path| custody.export_at(path));
            add(child, custody.span_of(&sources.collect()));
        }
    }
    spans
}

fn partner_of<'a>(
    partner: TenantId,
    lists: &Lists,
    customers: impl Iterator<Item = &'a CustomerSummary>,
) -> PartnerSummary {
    let has_list = lists.customers.values().any(|customer| customer.listed);
    let mut summary = PartnerSummary {
        tenant_id: partner,
        name: lists.partner_name(partner),
        states: CustomerState::ALL.into_iter().map(|state| (state, 0)).collect(),
        unlisted_customers: 0,
        logs_wanted: 0,
        counts: Counts::default(),
    };
    for customer in customers {
        *summary.states.entry(customer.state).or_default() += 1;
        summary.counts += customer.counts;
        summary.unlisted_customers += u64::from(has_list && !customer.is_listed);
        let trouble = matches!(
            customer.state,
            CustomerState::Blocked | CustomerState::Partly | CustomerState::Failing
        );
        summary.logs_wanted += u64::from(trouble && customer.outbound_only);
    }
    summary
}

fn policies_of(activity: &Activity) -> Vec<PolicySummary> {
    let mut policies: Vec<PolicySummary> = activity
        .policies
        .iter()
        .map(|((child, id), policy)| {
            let mut figures = PolicyFigures::default();
            for &of_partner in policy.by_partner.values() {
                figures += of_partner;
            }
            PolicySummary {
                child_tenant_id: *child,
                policy_id: id.clone(),
                policy_name: policy.name.clone(),
                matched: in_reading_order(&policy.matched),
                demanded: policy.demanded.iter().cloned().collect(),
                figures,
                by_partner: policy.by_partner.clone(),
                last_blocked_at: policy.last_blocked_at,
            }
        })
        .collect();
    policies.sort_by_key(|policy| std::cmp::Reverse(policy.figures.blocked_sign_ins));
    policies
}

fn only_one(names: &BTreeSet<&str>) -> Option<String> {
    names.first().filter(|_| names.len() == 1).map(|name| (*name).to_owned())
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
