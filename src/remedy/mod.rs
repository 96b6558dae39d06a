//! From "which policy blocked" to "what to do, in which order". Pure: no dataset, no format.
//!
//! [`facts`] finds the remedy of one policy, [`order`] the order of all, and [`plan`] brings
//! them together for one customer and one partner. What a plan lets through is what these logs
//! show, never a promise.

pub mod facts;
pub mod order;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

pub use facts::{Class, Danger, Exclude, Facts, Remedy, Unclear};
pub use order::Share;

use order::{EXACT_MAX, Need};

/// The tries of one route that are refused now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedRoute {
    /// Each set of policies, as places in [`Refusals::policies`], and the tries it refused.
    pub sets: Vec<(BTreeSet<usize>, u64)>,
    /// Tries whose policies the log does not show, or that no policy refused.
    pub unknown_tries: u64,
}

/// All that is refused to one partner at one customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    /// In the order in which they should be named where nothing else decides.
    pub policies: Vec<Facts>,
    pub routes: Vec<RefusedRoute>,
}

/// What to do, step by step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the refusals.
    pub policies: Vec<PlannedPolicy>,
    pub steps: Vec<Step>,
    /// All refused routes and tries, those included that no step lets through.
    pub total: Share,
    /// Of them those whose policies the log does not show.
    pub unknown: Share,
    /// Each policy class was small enough for the best order; else it is a good one.
    pub is_exact: bool,
}

/// A policy and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPolicy {
    pub facts: Facts,
    pub remedy: Remedy,
    pub class: Class,
    /// Routes and tries that it refuses, alone or with others.
    pub refused: Share,
    /// Every try that it refuses is refused by something that must not be opened, too.
    pub is_held_back: bool,
}

/// Policies that are dealt with together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub class: Class,
    /// Places in [`Plan::policies`].
    pub policies: Vec<usize>,
    /// Would let through, this step and those before it taken together.
    pub let_through: Share,
    /// Lets something through that the steps before did not.
    pub helps: bool,
}

impl Plan {
    /// The policies of a class with their steps, in the order of the plan.
    pub fn policies_of(&self, class: Class) -> impl Iterator<Item = &PlannedPolicy> {
        let steps = self.steps.iter().filter(move |step| step.class == class);
        steps.flat_map(|step| &step.policies).filter_map(|&policy| self.policies.get(policy))
    }

    /// The policies that the customer is asked to change, in the order of the plan.
    pub fn asked(&self) -> Vec<&PlannedPolicy> {
        self.policies_of(Class::MeetCondition).chain(self.policies_of(Class::Exclusion)).collect()
    }

    pub fn has(&self, class: Class) -> bool {
        self.steps.iter().any(|step| step.class == class)
    }

    /// Every refused try met the same policies, and they are several: one change alone does not
    /// help.
    pub fn all_meet_all(&self) -> bool {
        self.policies.len() > 1
            && self.unknown == Share::default()
            && self.policies.iter().all(|policy| policy.refused == self.total)
    }
}

/// Plans what to do about the refusals.
pub fn plan(refusals: &Refusals) -> Plan {
    let policies = planned(refusals);
    let needs = needs_of(&refusals.routes);
    let mut done = BTreeSet::new();
    let mut steps = Vec::new();
    let mut before = Share::default();
    let mut is_exact = true;
    for class in Class::ALL {
        let candidates = candidates(&policies, class);
        is_exact &= candidates.len() <= EXACT_MAX;
        if class == Class::Never {
            if !candidates.is_empty() {
                let policies = candidates;
                steps.push(Step { class, policies, let_through: before, helps: false });
            }
            continue;
        }
        for step in order::steps(&candidates, &done, &needs) {
            done.extend(&step.policies);
            let helps = step.let_through > before;
            before = step.let_through;
            let let_through = step.let_through;
            steps.push(Step { class, policies: step.policies, let_through, helps });
        }
    }
    let (total, unknown) = totals(&refusals.routes);
    Plan { policies, steps, total, unknown, is_exact }
}

fn planned(refusals: &Refusals) -> Vec<PlannedPolicy> {
    let remedies: Vec<Remedy> = refusals.policies.iter().map(facts::remedy_of).collect();
    // Before a risk is cleared at home nothing is opened for the account that is one.
    let is_shut = |remedy: Remedy| remedy.class() == Class::Never || remedy == Remedy::ClearRisk;
    let never: BTreeSet<usize> =
        (0..remedies.len()).filter(|&policy| is_shut(remedies[policy])).collect();
    let refused = refused_by(refusals);
    let opened = met_without(&never, &refusals.routes);
    let mut planned = Vec::with_capacity(remedies.len());
    let known = refusals.policies.iter().zip(remedies).zip(refused);
    for (place, ((facts, remedy), refused)) in known.enumerate() {
        let asks_for_change = matches!(remedy.class(), Class::MeetCondition | Class::Exclusion);
        let is_held_back = asks_for_change && !never.is_empty() && !opened.contains(&place);
        planned.push(PlannedPolicy {
            facts: facts.clone(),
            remedy,
            class: if is_held_back { Class::Never } else { remedy.class() },
            refused,
            is_held_back,
        });
    }
    planned
}

/// The policies that refuse some try which none of `others` refuses, too.
fn met_without(others: &BTreeSet<usize>, routes: &[RefusedRoute]) -> BTreeSet<usize> {
    let sets = routes.iter().flat_map(|route| &route.sets);
    sets.filter(|(set, _)| set.is_disjoint(others)).flat_map(|(set, _)| set).copied().collect()
}

/// What each policy refuses, alone or with others.
fn refused_by(refusals: &Refusals) -> Vec<Share> {
    let mut refused = vec![Share::default(); refusals.policies.len()];
    for route in &refusals.routes {
        let mut tries: BTreeMap<usize, u64> = BTreeMap::new();
        for (set, count) in &route.sets {
            for &policy in set {
                *tries.entry(policy).or_default() += count;
            }
        }
        for (policy, tries) in tries {
            if let Some(share) = refused.get_mut(policy) {
                *share += Share { routes: u64::from(tries > 0), tries };
            }
        }
    }
    refused
}

/// The policies of a class, those that refuse most first.
fn candidates(policies: &[PlannedPolicy], class: Class) -> Vec<usize> {
    let mut candidates: Vec<usize> =
        (0..policies.len()).filter(|&policy| policies[policy].class == class).collect();
    candidates.sort_by_key(|&policy| Reverse(policies[policy].refused));
    candidates
}

/// A route gets through once all of its sets are dealt with; a try, once its own is. Each set of
/// policies is one need, however many routes have it.
fn needs_of(routes: &[RefusedRoute]) -> Vec<Need> {
    let mut needs: BTreeMap<BTreeSet<usize>, Share> = BTreeMap::new();
    for route in routes {
        for (set, tries) in route.sets.iter().filter(|(set, _)| !set.is_empty()) {
            let share = Share { routes: 0, tries: *tries };
            match needs.get_mut(set) {
                Some(known) => *known += share,
                None => drop(needs.insert(set.clone(), share)),
            }
        }
        let all: BTreeSet<usize> = route.sets.iter().flat_map(|(set, _)| set).copied().collect();
        if route.unknown_tries == 0 && !all.is_empty() {
            *needs.entry(all).or_default() += Share { routes: 1, tries: 0 };
        }
    }
    needs.into_iter().map(|(policies, share)| Need { policies, share }).collect()
}

fn totals(routes: &[RefusedRoute]) -> (Share, Share) {
    let (mut total, mut unknown) = (Share::default(), Share::default());
    for route in routes {
        let known: u64 = route.sets.iter().map(|(_, tries)| tries).sum();
        let tries = known.saturating_add(route.unknown_tries);
        total += Share { routes: u64::from(tries > 0), tries };
        let routes = u64::from(route.unknown_tries > 0);
        unknown += Share { routes, tries: route.unknown_tries };
    }
    (total, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, demanded: &str, matched: &str) -> Facts {
        let list = |text: &str| -> BTreeSet<String> {
            text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        Facts {
            policy_id: name.to_owned(),
            policy_name: name.to_owned(),
            demanded: list(demanded),
            matched: list(matched),
            unattended: true,
            ..Facts::default()
        }
    }

    fn route(sets: &[(&[usize], u64)]) -> RefusedRoute {
        let set = |(set, tries): &(&[usize], u64)| (set.iter().copied().collect(), *tries);
        RefusedRoute { sets: sets.iter().map(set).collect(), unknown_tries: 0 }
    }

    fn shown(plan: &Plan) -> Vec<(Class, Vec<usize>, u64, u64)> {
        let line = |step: &Step| {
            let share = step.let_through;
            (step.class, step.policies.clone(), share.routes, share.tries)
        };
        plan.steps.iter().map(line).collect()
    }

    #[test]
    fn what_is_fixed_at_home_comes_before_what_others_must_change() {
        let refusals = Refusals {
            policies: vec![
                policy("block", "Block", "users,application"),
                policy("mfa", "Mfa", "users,application"),
            ],
            routes: vec![route(&[(&[0], 900)]), route(&[(&[0, 1], 5)]), route(&[(&[1], 3)])],
        };
        let plan = plan(&refusals);
        let (own, exclusion) = (Class::OwnTenant, Class::Exclusion);
        assert_eq!(shown(&plan), [(own, vec![1], 1, 3), (exclusion, vec![0], 3, 908)]);
        assert_eq!(plan.total, Share { routes: 3, tries: 908 });
        assert!(!plan.all_meet_all());
    }

    #[test]
    fn policies_that_every_try_meets_are_one_step() {
        let refusals = Refusals {
            policies: vec![
                policy("all", "Block", "users,application"),
                policy("device", "RequireCompliantDevice", "users"),
            ],
            routes: vec![route(&[(&[0, 1], 431)])],
        };
        let plan = plan(&refusals);
        assert_eq!(shown(&plan), [(Class::Exclusion, vec![0, 1], 1, 431)]);
        assert!(plan.all_meet_all());
    }

    #[test]
    fn nothing_is_opened_for_tries_that_a_risk_refuses_as_well() {
        let refusals = Refusals {
            policies: vec![
                policy("risk", "Block", "users,signInRisk"),
                policy("everybody", "Block", "users,application"),
            ],
            routes: vec![route(&[(&[0, 1], 9)])],
        };
        let held = plan(&refusals);
        assert_eq!(shown(&held), [(Class::Never, vec![0, 1], 0, 0)]);
        assert!(held.policies[1].is_held_back);
        let mut others = refusals;
        others.routes.push(route(&[(&[1], 2)]));
        let plan = plan(&others);
        assert_eq!(
            shown(&plan),
            [(Class::Exclusion, vec![1], 1, 2), (Class::Never, vec![0], 1, 2)]
        );
    }

    #[test]
    fn a_risk_is_cleared_before_anything_else_is_opened() {
        let refusals = Refusals {
            policies: vec![
                policy("risk", "Block", "users,userRisk"),
                policy("everybody", "Block", "users,application"),
            ],
            routes: vec![route(&[(&[0, 1], 9)])],
        };
        let held = plan(&refusals);
        let (own, never) = (Class::OwnTenant, Class::Never);
        assert_eq!(shown(&held), [(own, vec![0], 0, 0), (never, vec![1], 0, 0)]);
        assert!(held.policies[1].is_held_back && !held.policies[0].is_held_back);
    }

    #[test]
    fn a_route_with_tries_that_the_log_does_not_explain_is_never_promised() {
        let mut unexplained = route(&[(&[0], 4)]);
        unexplained.unknown_tries = 2;
        let refusals = Refusals {
            policies: vec![policy("block", "Block", "users,application")],
            routes: vec![unexplained],
        };
        let plan = plan(&refusals);
        assert_eq!(shown(&plan), [(Class::Exclusion, vec![0], 0, 4)]);
        assert_eq!(plan.unknown, Share { routes: 1, tries: 2 });
        assert_eq!(plan.total, Share { routes: 1, tries: 6 });
    }

    #[test]
    fn thirteen_policies_of_a_class_are_said_to_be_ordered_by_search() {
        let names: Vec<String> = (0..13).map(|number| format!("block {number:02}")).collect();
        let policies: Vec<Facts> =
            names.iter().map(|name| policy(name, "Block", "users,application")).collect();
        let sets: Vec<RefusedRoute> = (0..13).map(|place| route(&[(&[place], 1)])).collect();
        let found = plan(&Refusals { policies: policies.clone(), routes: sets.clone() });
        assert!(!found.is_exact);
        assert_eq!(found.steps.len(), 13);
        let twelve = Refusals { policies: policies[..12].to_vec(), routes: sets[..12].to_vec() };
        assert!(plan(&twelve).is_exact);
    }
}
