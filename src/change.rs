//! What changed from one sweep to the next: how things stood, and how they stand.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::summary::state::{CustomerState, Doubt};
use crate::summary::{CustomerSummary, ProviderSummary, Summary};
use crate::tenant::TenantId;

/// Of the file that keeps a standing; a reader passes over fields that it does not know.
const SCHEMA: u32 = 1;

/// How things stand, as far as a change is worth telling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    schema: u32,
    /// The last moment of all evidence.
    pub newest_evidence: Option<DateTime<Utc>>,
    /// By customer and partner.
    pub customers: Vec<CustomerStanding>,
    /// Other providers that got in somewhere, by tenant.
    pub providers: Vec<ProviderStanding>,
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStanding {
    pub policy_id: String,
    pub policy_name: String,
    /// Graph's names of the controls.
    pub demanded: Vec<String>,
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
        let mut customers: Vec<CustomerStanding> =
            summary.customers.iter().map(CustomerStanding::of).collect();
        customers.sort_by_key(CustomerStanding::key);
        let providers = summary.other_providers.iter().map(ProviderStanding::of);
        let mut providers: Vec<ProviderStanding> =
            providers.filter(|provider| !provider.child_tenant_ids.is_empty()).collect();
        providers.sort_by_key(|provider| provider.home_tenant_id);
        Self { schema: SCHEMA, newest_evidence: summary.newest_evidence, customers, providers }
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
        serde_json::to_vec(self)
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
        }
    }

    fn key(&self) -> (TenantId, TenantId) {
        (self.child_tenant_id, self.partner_tenant_id)
    }

    /// The evidence of this one reaches further: it shows something that the other could not.
    fn reaches_beyond(&self, before: &Self) -> bool {
        self.as_of > before.as_of
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

/// What became of a customer, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Blocked, wholly or partly, and was not; or wholly, and was partly.
    NewlyBlocked,
    /// Blocked before, and now by a policy that did not block it then.
    OtherPolicy,
    /// Fails for another reason than a policy.
    NewlyFailing,
    /// Was blocked or failing, and no newer try shows whether it still is.
    NoLongerShown,
    /// It cannot be told whether it blocks.
    CannotTell,
    /// On the list, without a log.
    NoLog,
    /// Was blocked wholly, and is partly.
    Eased,
    /// Did not get in, and does, by newer tries.
    Resolved,
    /// Gets in, and was without a log or could not be told.
    CanTell,
}

impl ChangeKind {
    /// Someone is shut out who was not, or by something else.
    pub fn is_new_block(self) -> bool {
        matches!(self, Self::NewlyBlocked | Self::OtherPolicy)
    }

    fn between(before: Option<&CustomerStanding>, now: &CustomerStanding) -> Option<Self> {
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
        match (before.state, now.state) {
            (Partly, Blocked) => Some(Self::NewlyBlocked),
            (Blocked | Partly, Blocked | Partly) if !new_policies(Some(before), now).is_empty() => {
                Some(Self::OtherPolicy)
            }
            (Blocked, Partly) => Some(Self::Eased),
            (same, now) if same == now => None,
            (_, Blocked | Partly) => Some(Self::NewlyBlocked),
            (_, Failing) => Some(Self::NewlyFailing),
            (Blocked | Partly | Failing, CannotTell | NoLog) => Some(Self::NoLongerShown),
            (_, CannotTell) => Some(Self::CannotTell),
            (_, NoLog) => Some(Self::NoLog),
            // A block that is not tried any more is not over.
            (Blocked | Partly, GettingIn) if !now.recovered => Some(Self::NoLongerShown),
            (Blocked | Partly | Failing, GettingIn) if !now.reaches_beyond(before) => {
                Some(Self::NoLongerShown)
            }
            (Blocked | Partly | Failing, GettingIn) => Some(Self::Resolved),
            (_, GettingIn) => Some(Self::CanTell),
        }
    }
}

/// The policies that block now and did not before.
fn new_policies(before: Option<&CustomerStanding>, now: &CustomerStanding) -> Vec<PolicyStanding> {
    let known: BTreeSet<&str> = before
        .iter()
        .flat_map(|before| before.policies.iter().map(|policy| policy.policy_id.as_str()))
        .collect();
    now.policies.iter().filter(|policy| !known.contains(&*policy.policy_id)).cloned().collect()
}

/// A change at one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerChange {
    pub kind: ChangeKind,
    pub before: Option<CustomerState>,
    #[serde(flatten)]
    pub now: CustomerStanding,
    pub new_policies: Vec<PolicyStanding>,
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
    pub providers: Vec<ProviderChange>,
}

impl Changes {
    pub fn between(before: Option<&Standing>, now: &Standing) -> Self {
        let customers = before.iter().flat_map(|before| &before.customers);
        let known: BTreeMap<_, &CustomerStanding> =
            customers.map(|customer| (customer.key(), customer)).collect();
        let change = |now: &CustomerStanding| {
            let before = known.get(&now.key()).copied();
            Some(CustomerChange {
                kind: ChangeKind::between(before, now)?,
                before: before.map(|before| before.state),
                new_policies: new_policies(before, now),
                now: now.clone(),
            })
        };
        let mut customers: Vec<CustomerChange> = now.customers.iter().filter_map(change).collect();
        customers.sort_by_key(|change| (change.kind, change.now.key()));
        let before_of = |home: Option<TenantId>| {
            let providers = before.iter().flat_map(|before| &before.providers);
            providers.filter(move |provider| provider.home_tenant_id == home)
        };
        let provider = |now: &ProviderStanding| {
            let known: BTreeSet<TenantId> = before_of(now.home_tenant_id)
                .flat_map(|provider| provider.child_tenant_ids.iter().copied())
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

#[cfg(test)]
mod tests {
    use super::ChangeKind::*;
    use super::*;
    use CustomerState::{Blocked, Failing, GettingIn, Partly};

    fn tenant(number: u32) -> TenantId {
        TenantId::parse(&format!("c0000000-0000-4000-8000-{number:012}")).expect("a GUID")
    }

    fn customer(state: CustomerState, policies: &[&str]) -> CustomerStanding {
        let policy = |id: &&str| PolicyStanding {
            policy_id: (*id).to_owned(),
            policy_name: format!("name of {id}"),
            demanded: vec!["block".to_owned()],
        };
        CustomerStanding {
            child_tenant_id: tenant(1),
            child_name: None,
            partner_tenant_id: tenant(99),
            state,
            doubt: None,
            recovered: state == GettingIn,
            since: None,
            since_before_evidence: false,
            as_of: None,
            policies: policies.iter().map(policy).collect(),
            policy_not_shown: false,
            error_code: None,
        }
    }

    fn at(hour: i64, customer: CustomerStanding) -> CustomerStanding {
        CustomerStanding { as_of: DateTime::from_timestamp(hour * 3600, 0), ..customer }
    }

    fn standing(customers: Vec<CustomerStanding>) -> Standing {
        Standing { schema: SCHEMA, customers, ..Standing::default() }
    }

    fn kind(before: Option<CustomerStanding>, now: CustomerStanding) -> Option<ChangeKind> {
        let before = before.map(|before| standing(vec![before]));
        let changes = Changes::between(before.as_ref(), &standing(vec![now]));
        assert_eq!(changes.is_first, before.is_none());
        changes.customers.first().map(|change| change.kind)
    }

    #[test]
    fn each_way_from_state_to_state_has_a_name() {
        let none: &[&str] = &[];
        let cases: &[(Option<CustomerState>, CustomerState, Option<ChangeKind>)] = &[
            (None, Blocked, Some(NewlyBlocked)),
            (None, Partly, Some(NewlyBlocked)),
            (None, Failing, Some(NewlyFailing)),
            (None, GettingIn, None),
            (None, CustomerState::CannotTell, Some(CannotTell)),
            (None, CustomerState::NoLog, Some(NoLog)),
            (Some(GettingIn), Blocked, Some(NewlyBlocked)),
            (Some(Partly), Blocked, Some(NewlyBlocked)),
            (Some(CustomerState::NoLog), Partly, Some(NewlyBlocked)),
            (Some(Blocked), Blocked, None),
            (Some(Blocked), Partly, Some(Eased)),
            (Some(Blocked), GettingIn, Some(Resolved)),
            (Some(Failing), GettingIn, Some(Resolved)),
            (Some(Blocked), Failing, Some(NewlyFailing)),
            (Some(Failing), Failing, None),
            // Blind evidence resolves nothing.
            (Some(Blocked), CustomerState::CannotTell, Some(NoLongerShown)),
            (Some(Partly), CustomerState::NoLog, Some(NoLongerShown)),
            (Some(GettingIn), CustomerState::CannotTell, Some(CannotTell)),
            (Some(CustomerState::CannotTell), GettingIn, Some(CanTell)),
            (Some(CustomerState::NoLog), GettingIn, Some(CanTell)),
            (Some(CustomerState::NoLog), CustomerState::NoLog, None),
        ];
        for &(before, now, expected) in cases {
            let before = before.map(|state| at(1, customer(state, none)));
            let now = at(2, customer(now, none));
            assert_eq!(kind(before.clone(), now.clone()), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn only_newer_tries_that_got_in_resolve_a_block() {
        for trouble in [Blocked, Partly, Failing] {
            let before = || Some(at(2, customer(trouble, &["a"])));
            let now = || customer(GettingIn, &[]);
            assert_eq!(kind(before(), at(3, now())), Some(Resolved));
            for not_newer in [at(2, now()), at(1, now()), now()] {
                assert_eq!(kind(before(), not_newer), Some(NoLongerShown));
            }
        }
        // Others get in; what was blocked did not come again.
        let others = CustomerStanding { recovered: false, ..at(3, customer(GettingIn, &[])) };
        assert_eq!(kind(Some(at(2, customer(Blocked, &["a"]))), others), Some(NoLongerShown));
    }

    #[test]
    fn a_policy_that_did_not_block_before_is_a_new_block() {
        let before = Some(customer(Blocked, &["a"]));
        assert_eq!(kind(before.clone(), customer(Blocked, &["a", "b"])), Some(OtherPolicy));
        assert_eq!(kind(before.clone(), customer(Blocked, &["b"])), Some(OtherPolicy));
        assert_eq!(kind(before.clone(), customer(Partly, &["b"])), Some(OtherPolicy));
        assert_eq!(kind(before, customer(Partly, &["a"])), Some(Eased));
        assert_eq!(kind(Some(customer(Blocked, &["a", "b"])), customer(Blocked, &["a"])), None);
        assert!(OtherPolicy.is_new_block() && NewlyBlocked.is_new_block());
        assert!(!Eased.is_new_block());
    }

    #[test]
    fn another_provider_is_told_where_it_got_in_first() {
        let provider = |children: &[u32]| ProviderStanding {
            home_tenant_id: Some(tenant(50)),
            name: Some("Northwind".to_owned()),
            child_tenant_ids: children.iter().map(|&number| tenant(number)).collect(),
        };
        let at =
            |children: &[u32]| Standing { providers: vec![provider(children)], ..standing(vec![]) };
        let new = |before: Option<Standing>, now: Standing| -> Vec<TenantId> {
            let changes = Changes::between(before.as_ref(), &now);
            changes.providers.into_iter().flat_map(|provider| provider.child_tenant_ids).collect()
        };
        assert_eq!(new(None, at(&[1, 2])), [tenant(1), tenant(2)]);
        assert_eq!(new(Some(at(&[1])), at(&[1, 2])), [tenant(2)]);
        assert!(new(Some(at(&[1, 2])), at(&[1])).is_empty());
    }

    #[test]
    fn what_is_forgotten_leaves_and_what_was_not_told_stays() {
        let other = CustomerStanding { child_tenant_id: tenant(2), ..customer(GettingIn, &[]) };
        let provider = |child| ProviderStanding {
            home_tenant_id: Some(tenant(50)),
            name: None,
            child_tenant_ids: BTreeSet::from([tenant(child)]),
        };
        let before = Standing {
            providers: vec![provider(1)],
            ..standing(vec![customer(Blocked, &["a"]), other.clone()])
        };
        let now = CustomerStanding { state: Blocked, ..other.clone() };
        let now = standing(vec![customer(CustomerState::NoLog, &[]), now]);
        let kept = before.forgetting(tenant(1), &now);
        assert_eq!(kept, standing(vec![customer(CustomerState::NoLog, &[]), other]));
        let told = Changes::between(Some(&kept), &now);
        assert_eq!(told.new_block().map(|change| change.now.child_tenant_id), Some(tenant(2)));
        assert_eq!(told.len(), 1);
    }

    #[test]
    fn a_standing_comes_back_from_its_file_and_a_newer_or_damaged_one_is_none() {
        let kept = standing(vec![customer(Blocked, &["a"])]);
        let text = kept.to_json().expect("JSON");
        assert_eq!(Standing::parse(&text), Some(kept));
        let text = String::from_utf8(text).expect("UTF-8");
        let more = text.replacen('{', r#"{"added_later":1,"#, 1);
        assert!(Standing::parse(more.as_bytes()).is_some());
        assert_eq!(
            Standing::parse(text.replace(r#""schema":1"#, r#""schema":2"#).as_bytes()),
            None
        );
        assert_eq!(Standing::parse(&text.as_bytes()[..40]), None);
    }
}
