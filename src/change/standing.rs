//! How things stand at one moment, as far as a change is worth telling.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::summary::state::{CustomerState, Doubt, RouteState};
use crate::summary::{CustomerSummary, ProviderSummary, RouteSummary, Summary};
use crate::tenant::TenantId;

/// Of the file that keeps a standing; a reader passes over fields that it does not know.
pub(super) const SCHEMA: u32 = 1;

/// How things stand, as far as a change is worth telling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub(super) schema: u32,
    /// The last moment of all evidence.
    pub newest_evidence: Option<DateTime<Utc>>,
    /// By customer and partner.
    pub customers: Vec<CustomerStanding>,
    /// Other providers that got in somewhere, by tenant.
    pub providers: Vec<ProviderStanding>,
    /// The listed partners' tenants, with their names.
    #[serde(default)]
    pub partners: BTreeMap<TenantId, Option<String>>,
}

/// A customer as one listed partner meets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerStanding {
    pub child_tenant_id: TenantId,
    pub child_name: Option<String>,
    pub partner_tenant_id: TenantId,
    pub state: CustomerState,
    /// Why it cannot be told.
    #[serde(default)]
    pub doubt: Option<Doubt>,
    /// What was blocked once was tried again and got in.
    #[serde(default)]
    pub recovered: bool,
    pub since: Option<DateTime<Utc>>,
    /// The trouble is as old as the evidence, so it may be older.
    #[serde(default)]
    pub since_before_evidence: bool,
    /// The last moment of this customer's evidence.
    pub as_of: Option<DateTime<Utc>>,
    /// The policies that block now.
    pub policies: Vec<PolicyStanding>,
    /// Some block has no policy in the log.
    pub policy_not_shown: bool,
    /// The most frequent one, of a customer that fails for other reasons.
    pub error_code: Option<i32>,
    /// All tries, and the blocked ones of the routes that are blocked.
    #[serde(default)]
    pub tries: u64,
    #[serde(default)]
    pub blocked_tries: u64,
    /// Every route of this moment; a file keeps those in trouble, which are what a later moment
    /// is asked about. None where an older version wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteStanding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStanding {
    pub policy_id: String,
    pub policy_name: String,
    /// Graph's names of the controls.
    pub demanded: Vec<String>,
}

/// One account's way to one resource by one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteStanding {
    pub account: String,
    pub is_integration: bool,
    pub app: String,
    pub app_name: String,
    pub resource: String,
    /// `None`: not tried lately.
    pub state: Option<RouteState>,
    /// The newest try that was no interruption.
    pub last_at: Option<DateTime<Utc>>,
    /// When each policy last blocked it, by the policy's id, since its trouble began.
    pub policies: BTreeMap<String, DateTime<Utc>>,
    /// Some block has no policy in the log.
    pub policy_not_shown: bool,
}

/// A provider that is not on the list, and where it got in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStanding {
    pub home_tenant_id: Option<TenantId>,
    pub name: Option<String>,
    pub child_tenant_ids: BTreeSet<TenantId>,
}

impl Standing {
    pub fn of(summary: &Summary) -> Self {
        let mut routes: BTreeMap<(TenantId, TenantId), Vec<RouteStanding>> = BTreeMap::new();
        for route in &summary.routes {
            let key = (route.child_tenant_id, route.partner_tenant_id);
            routes.entry(key).or_default().push(RouteStanding::of(route));
        }
        let customer = |customer: &CustomerSummary| {
            let standing = CustomerStanding::of(customer);
            CustomerStanding {
                routes: routes.remove(&standing.key()).unwrap_or_default(),
                ..standing
            }
        };
        let mut customers: Vec<CustomerStanding> = summary.customers.iter().map(customer).collect();
        customers.sort_by_key(CustomerStanding::key);
        let providers = summary.other_providers.iter().map(ProviderStanding::of);
        let mut providers: Vec<ProviderStanding> =
            providers.filter(|provider| !provider.child_tenant_ids.is_empty()).collect();
        providers.sort_by_key(|provider| provider.home_tenant_id);
        let partners =
            summary.partners.iter().map(|partner| (partner.tenant_id, partner.name.clone()));
        Self {
            schema: SCHEMA,
            newest_evidence: summary.newest_evidence,
            customers,
            providers,
            partners: partners.collect(),
        }
    }

    /// Forgets a customer: what is left of it is what `now` says. The others stay as they were, so
    /// that a change that was not told yet is still told.
    #[must_use]
    pub fn forgetting(mut self, child: TenantId, now: &Self) -> Self {
        let is_it = |customer: &CustomerStanding| customer.child_tenant_id == child;
        self.customers.retain(|customer| !is_it(customer));
        self.customers.extend(now.customers.iter().filter(|customer| is_it(customer)).cloned());
        self.customers.sort_by_key(CustomerStanding::key);
        for provider in &mut self.providers {
            provider.child_tenant_ids.remove(&child);
        }
        self.providers.retain(|provider| !provider.child_tenant_ids.is_empty());
        self
    }

    /// Reads what [`Self::to_json`] wrote; nothing if it is of a newer version, or damaged.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|standing: &Self| standing.schema == SCHEMA)
    }

    /// # Errors
    /// None that a standing can cause.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut kept = self.clone();
        for customer in &mut kept.customers {
            customer.routes.retain(|route| route.trouble().is_some());
        }
        serde_json::to_vec(&kept)
    }
}

impl CustomerStanding {
    fn of(customer: &CustomerSummary) -> Self {
        let policies = customer.blocking_policies.iter().map(|policy| PolicyStanding {
            policy_id: policy.policy_id.clone(),
            policy_name: policy.policy_name.clone(),
            demanded: policy.demanded.clone(),
        });
        Self {
            child_tenant_id: customer.child_tenant_id,
            child_name: customer.child_name.clone(),
            partner_tenant_id: customer.partner_tenant_id,
            state: customer.state,
            doubt: customer.doubt,
            recovered: customer.recovered,
            since: customer.since,
            since_before_evidence: customer.since_before_evidence,
            as_of: customer.now,
            policies: policies.collect(),
            policy_not_shown: customer.policy_not_shown,
            error_code: customer.failing_error_code,
            tries: customer.counts.tries,
            blocked_tries: customer.blocked_tries,
            routes: Vec::new(),
        }
    }

    /// What is left of a customer that the later evidence does not have at all.
    pub(super) fn gone(&self) -> Self {
        Self {
            child_tenant_id: self.child_tenant_id,
            child_name: self.child_name.clone(),
            partner_tenant_id: self.partner_tenant_id,
            state: CustomerState::NoLog,
            doubt: None,
            recovered: false,
            since: None,
            since_before_evidence: false,
            as_of: None,
            policies: Vec::new(),
            policy_not_shown: false,
            error_code: None,
            tries: 0,
            blocked_tries: 0,
            routes: Vec::new(),
        }
    }

    /// The same without its routes, for a change, which tells of them by itself.
    pub(super) fn without_routes(&self) -> Self {
        let mut standing = self.clone();
        standing.routes.clear();
        standing
    }

    /// Blocked, wholly or partly.
    pub fn is_blocked(&self) -> bool {
        matches!(self.state, CustomerState::Blocked | CustomerState::Partly)
    }

    /// Blocked, or failing for other reasons.
    pub fn is_in_trouble(&self) -> bool {
        self.is_blocked() || self.state == CustomerState::Failing
    }

    /// The routes that make its trouble.
    pub(super) fn routes_in_trouble(&self) -> impl Iterator<Item = &RouteStanding> {
        let wanted = match self.state {
            CustomerState::Blocked | CustomerState::Partly => Some(Trouble::Block),
            CustomerState::Failing => Some(Trouble::Failure),
            _ => None,
        };
        self.routes.iter().filter(move |route| wanted.is_some() && route.trouble() == wanted)
    }

    pub(super) fn key(&self) -> (TenantId, TenantId) {
        (self.child_tenant_id, self.partner_tenant_id)
    }

    /// The evidence of this one reaches further: it shows something that the other could not.
    pub(super) fn reaches_beyond(&self, before: &Self) -> bool {
        self.as_of > before.as_of
    }

    /// Its evidence ends before the other one's: it is not what came of that.
    pub(super) fn ends_before(&self, before: &Self) -> bool {
        self.as_of.is_some() && self.as_of < before.as_of
    }
}

/// In what way a route does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Block,
    Failure,
}

impl RouteStanding {
    fn of(route: &RouteSummary) -> Self {
        let blocks = route.blocks.iter().map(|block| (block.policy_id.clone(), block.last_at));
        Self {
            account: route.account.clone(),
            is_integration: route.is_integration,
            app: route.app.clone(),
            app_name: route.app_name.clone(),
            resource: route.resource.clone(),
            state: route.state,
            last_at: route.last_at,
            policies: blocks.collect(),
            policy_not_shown: route.policy_not_shown,
        }
    }

    pub(super) fn key(&self) -> (&str, &str, &str) {
        (&self.account, &self.app, &self.resource)
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self.state? {
            RouteState::Blocked | RouteState::Intermittent => Some(Trouble::Block),
            RouteState::Failing => Some(Trouble::Failure),
            RouteState::Recovered | RouteState::GettingIn => None,
        }
    }

    /// It was tried after the other one's last try.
    pub(super) fn is_tried_after(&self, before: &Self) -> bool {
        self.last_at > before.last_at
    }
}

impl ProviderStanding {
    fn of(provider: &ProviderSummary) -> Self {
        let got_in = provider.customers.iter().filter(|customer| customer.counts.succeeded > 0);
        Self {
            home_tenant_id: provider.home_tenant_id,
            name: provider.name.clone().or_else(|| provider.example_account.clone()),
            child_tenant_ids: got_in.map(|customer| customer.child_tenant_id).collect(),
        }
    }
}
