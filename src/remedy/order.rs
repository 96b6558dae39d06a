//! In which order to change policies, so that most gets through soonest. Pure.
//!
//! What has to be changed before something gets through is a set of policies, and one change
//! alone often frees nothing. So the order is looked for over sets: the one that maximises the
//! sum, over the changes, of what is let through so far.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{AddAssign, RangeInclusive};

/// Up to so many policies the best order is computed; it takes 2^n steps.
pub const EXACT_MAX: usize = 12;

/// Routes, and tries on them. Of two shares the one with more routes is greater: retry timers
/// inflate tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    pub routes: u64,
    pub tries: u64,
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.routes = self.routes.saturating_add(other.routes);
        self.tries = self.tries.saturating_add(other.tries);
    }
}

/// All of these policies have to change before the share gets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub policies: BTreeSet<usize>,
    pub share: Share,
}

/// Policies that are changed together, and what is let through once they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedStep {
    pub policies: Vec<usize>,
    /// Since the first step of all, this one included.
    pub let_through: Share,
}

/// Orders the candidates, whose own order breaks ties, behind what is `done` already. Changes
/// that let nothing through by themselves are one step with the next that does.
///
/// The order is the best one for up to [`EXACT_MAX`] candidates, else that of a greedy search
/// over single policies and pairs.
pub fn steps(candidates: &[usize], done: &BTreeSet<usize>, needs: &[Need]) -> Vec<OrderedStep> {
    let order = if candidates.len() <= EXACT_MAX {
        best_order(candidates, done, needs)
    } else {
        greedy_order(candidates, done, needs)
    };
    let mut missing = Missing::of(needs, done);
    let mut before = missing.let_through;
    let mut steps: Vec<OrderedStep> = Vec::new();
    let mut together: Vec<usize> = Vec::new();
    for policy in order {
        missing.change(policy);
        together.push(policy);
        let after = missing.let_through;
        if after != before {
            steps.push(OrderedStep { policies: std::mem::take(&mut together), let_through: after });
            before = after;
        }
    }
    if !together.is_empty() {
        steps.push(OrderedStep { policies: together, let_through: before });
    }
    steps
}

/// What is still missing of each need. A change looks at the needs that name its policy, and at no
/// other: a log may hold thousands of policies, and as many needs as routes.
struct Missing {
    left: Vec<(BTreeSet<usize>, Share)>,
    /// The needs that wait for a policy.
    by_policy: BTreeMap<usize, Vec<usize>>,
    let_through: Share,
}

impl Missing {
    fn of<'a>(needs: impl IntoIterator<Item = &'a Need>, done: &BTreeSet<usize>) -> Self {
        let mut missing =
            Self { left: Vec::new(), by_policy: BTreeMap::new(), let_through: Share::default() };
        for need in needs {
            let policies: BTreeSet<usize> = need.policies.difference(done).copied().collect();
            if policies.is_empty() {
                missing.let_through += need.share;
                continue;
            }
            for &policy in &policies {
                missing.by_policy.entry(policy).or_default().push(missing.left.len());
            }
            missing.left.push((policies, need.share));
        }
        missing
    }

    fn change(&mut self, policy: usize) {
        for need in self.by_policy.remove(&policy).unwrap_or_default() {
            let (policies, share) = &mut self.left[need];
            policies.remove(&policy);
            if policies.is_empty() {
                self.let_through += *share;
            }
        }
    }

    /// The sets of which so many policies are missing, each once.
    fn sets(&self, sizes: RangeInclusive<usize>) -> BTreeMap<&BTreeSet<usize>, Share> {
        let mut sets: BTreeMap<&BTreeSet<usize>, Share> = BTreeMap::new();
        for (policies, share) in self.left.iter().filter(|(set, _)| sizes.contains(&set.len())) {
            *sets.entry(policies).or_default() += *share;
        }
        sets
    }

    /// The policy or the pair that frees most for each change.
    fn best_pair(&self) -> Option<Vec<usize>> {
        let small = self.sets(1..=2);
        let single =
            |policy: usize| small.get(&BTreeSet::from([policy])).copied().unwrap_or_default();
        // Per change, without fractions: a single policy counts twice.
        let worth = |set: &BTreeSet<usize>, share: Share| {
            let mut total = share;
            if set.len() == 2 {
                set.iter().for_each(|&policy| total += single(policy));
                return (total.routes, total.tries);
            }
            (total.routes.saturating_mul(2), total.tries.saturating_mul(2))
        };
        let (best, _) =
            small.iter().max_by_key(|&(&set, &share)| (worth(set, share), Reverse(set)))?;
        let mut best: Vec<usize> = best.iter().copied().collect();
        // Of a pair the one that frees more by itself comes first.
        best.sort_by_key(|&policy| Reverse(single(policy)));
        Some(best)
    }

    /// The set with the fewest policies; of several the one that lets most through.
    fn cheapest(&self) -> Option<Vec<usize>> {
        let sizes = self.left.iter().map(|(policies, _)| policies.len());
        let least = sizes.filter(|&size| size > 0).min()?;
        let sets = self.sets(least..=least);
        let cheapest = sets.into_iter().min_by_key(|&(_, share)| Reverse(share))?;
        Some(cheapest.0.iter().copied().collect())
    }
}

/// The order that maximises the sum of the shares after each change, by dynamic programming
/// over the subsets of the candidates.
fn best_order(candidates: &[usize], done: &BTreeSet<usize>, needs: &[Need]) -> Vec<usize> {
    let count = candidates.len();
    let freed = freed_by_subset(candidates, done, needs);
    // Of each subset: the best sum, and the candidate that comes last in that order.
    let mut best: Vec<(Share, usize)> = vec![(Share::default(), 0); 1 << count];
    for subset in 1..best.len() {
        let lasts = (0..count).filter(|last| subset & (1 << last) != 0);
        // Of equal sums the later candidate comes last.
        let (before, last) =
            lasts.map(|last| (best[subset & !(1 << last)].0, last)).max().unwrap_or_default();
        let mut sum = before;
        sum += freed[subset];
        best[subset] = (sum, last);
    }
    let mut order = Vec::with_capacity(count);
    let mut left = best.len() - 1;
    while left != 0 {
        let last = best[left].1;
        order.push(candidates[last]);
        left &= !(1 << last);
    }
    order.reverse();
    order
}

/// Of each subset of the candidates, as bits: what it lets through beyond what is done.
fn freed_by_subset(candidates: &[usize], done: &BTreeSet<usize>, needs: &[Need]) -> Vec<Share> {
    let bit_of: BTreeMap<usize, usize> =
        candidates.iter().enumerate().map(|(bit, &policy)| (policy, bit)).collect();
    let mut freed = vec![Share::default(); 1 << candidates.len()];
    for need in needs {
        let missing = need.policies.difference(done);
        // A need of a policy that is no candidate cannot be met here.
        let bits: Option<Vec<usize>> = missing.map(|policy| bit_of.get(policy).copied()).collect();
        if let Some(bits) = bits.filter(|bits| !bits.is_empty()) {
            freed[bits.iter().fold(0, |subset, bit| subset | 1 << bit)] += need.share;
        }
    }
    // From "exactly this subset" to "this subset or less", one candidate after the other.
    for bit in 0..candidates.len() {
        for subset in 0..freed.len() {
            if subset & (1 << bit) != 0 {
                let less = freed[subset & !(1 << bit)];
                freed[subset] += less;
            }
        }
    }
    freed
}

/// Takes again and again the policy or the pair that frees most for each change; where none
/// frees anything, the cheapest need of all.
fn greedy_order(candidates: &[usize], done: &BTreeSet<usize>, needs: &[Need]) -> Vec<usize> {
    let mut order = Vec::with_capacity(candidates.len());
    let mut left: BTreeSet<usize> = candidates.iter().copied().collect();
    // A need of a policy that is no candidate cannot be met here.
    let can_be_met =
        |need: &&Need| need.policies.difference(done).all(|policy| left.contains(policy));
    let mut missing = Missing::of(needs.iter().filter(can_be_met), done);
    while let Some(next) = missing.best_pair().or_else(|| missing.cheapest()) {
        for policy in next {
            left.remove(&policy);
            missing.change(policy);
            order.push(policy);
        }
    }
    // What no need asks for comes last, in the order of the candidates.
    order.extend(candidates.iter().filter(|policy| left.contains(policy)));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is let through once all of `done` is changed.
    fn let_through(needs: &[Need], done: &BTreeSet<usize>) -> Share {
        let mut share = Share::default();
        for need in needs.iter().filter(|need| need.policies.is_subset(done)) {
            share += need.share;
        }
        share
    }

    fn need(policies: &[usize], routes: u64, tries: u64) -> Need {
        Need { policies: policies.iter().copied().collect(), share: Share { routes, tries } }
    }

    fn shown(candidates: &[usize], needs: &[Need]) -> Vec<(Vec<usize>, u64)> {
        steps(candidates, &BTreeSet::new(), needs)
            .into_iter()
            .map(|step| (step.policies, step.let_through.routes))
            .collect()
    }

    #[test]
    fn policies_that_only_work_together_are_one_step() {
        let needs = [need(&[0, 1], 5, 50), need(&[0, 1, 2], 1, 900), need(&[3], 2, 2)];
        assert_eq!(shown(&[0, 1, 2, 3], &needs), [(vec![0, 1], 5), (vec![3], 7), (vec![2], 8)]);
    }

    #[test]
    fn routes_come_before_tries() {
        let needs = [need(&[0], 1, 4_000), need(&[1], 2, 2)];
        assert_eq!(shown(&[0, 1], &needs), [(vec![1], 2), (vec![0], 3)]);
    }

    #[test]
    fn a_change_that_frees_nothing_is_a_step_at_the_end() {
        let needs = [need(&[0, 7], 3, 3), need(&[1], 1, 1)];
        assert_eq!(shown(&[0, 1], &needs), [(vec![1], 1), (vec![0], 1)]);
    }

    #[test]
    fn what_is_done_already_counts() {
        let needs = [need(&[0, 1], 3, 3)];
        let done = BTreeSet::from([0]);
        let found = steps(&[1], &done, &needs);
        assert_eq!(found[0].let_through, Share { routes: 3, tries: 3 });
    }

    #[test]
    fn beyond_twelve_policies_pairs_are_taken_by_what_they_free() {
        let mut needs = vec![need(&[13, 14], 30, 30), need(&[0], 10, 10), need(&[1, 2, 3], 5, 5)];
        needs.push(need(&[14], 8, 8));
        let candidates: Vec<usize> = (0..15).collect();
        let found = shown(&candidates, &needs);
        assert_eq!(found[..2], [(vec![14], 8), (vec![13], 38)]);
        assert_eq!(found[2..4], [(vec![0], 48), (vec![1, 2, 3], 53)]);
        let all: usize = found.iter().map(|(policies, _)| policies.len()).sum();
        assert_eq!(all, 15);
    }

    #[test]
    fn thousands_of_policies_are_ordered() {
        let all: Vec<usize> = (0..3_000).collect();
        let mut needs: Vec<Need> = (0..40).map(|from| need(&all[from..], 1, 1)).collect();
        needs.extend(all.windows(3).map(|three| need(three, 1, 1)));
        let found = steps(&all, &BTreeSet::new(), &needs);
        let policies: usize = found.iter().map(|step| step.policies.len()).sum();
        assert_eq!((policies, found[0].policies.as_slice()), (3_000, &[0, 1, 2][..]));
    }

    /// Sum over the changes of what is let through so far.
    fn sum(order: &[usize], needs: &[Need]) -> Share {
        let mut done = BTreeSet::new();
        let mut sum = Share::default();
        for &policy in order {
            done.insert(policy);
            sum += let_through(needs, &done);
        }
        sum
    }

    fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
        if items.is_empty() {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for (at, &first) in items.iter().enumerate() {
            let mut rest = items.to_vec();
            rest.remove(at);
            all.extend(permutations(&rest).into_iter().map(|tail| [vec![first], tail].concat()));
        }
        all
    }

    fn needs_over(policies: usize) -> impl Strategy<Value = Vec<Need>> {
        let set = prop::collection::btree_set(0..policies, 1..=policies.min(4));
        let one = (set, 0..4u64, 0..40u64).prop_map(|(policies, routes, tries)| Need {
            policies,
            share: Share { routes, tries },
        });
        prop::collection::vec(one, 0..9)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_order_beats_the_best((count, needs) in (1..=7usize)
            .prop_flat_map(|count| (Just(count), needs_over(count))))
        {
            let candidates: Vec<usize> = (0..count).collect();
            let order = best_order(&candidates, &BTreeSet::new(), &needs);
            let best = permutations(&candidates).iter().map(|order| sum(order, &needs)).max();
            prop_assert_eq!(Some(sum(&order, &needs)), best);
        }

        #[test]
        fn every_policy_has_its_step_and_shares_only_grow(needs in needs_over(20)) {
            let candidates: Vec<usize> = (0..20).collect();
            for candidates in [&candidates[..], &candidates[..9]] {
                let found = steps(candidates, &BTreeSet::new(), &needs);
                let mut all: Vec<usize> =
                    found.iter().flat_map(|step| step.policies.clone()).collect();
                all.sort_unstable();
                prop_assert_eq!(&all[..], candidates);
                let shares: Vec<Share> = found.iter().map(|step| step.let_through).collect();
                prop_assert!(shares.is_sorted());
                let done = candidates.iter().copied().collect();
                prop_assert_eq!(shares.last().copied(), Some(let_through(&needs, &done)));
            }
        }
    }

    #[test]
    fn seven_policies_agree_with_all_their_orders() {
        let needs = [
            need(&[0, 1], 4, 9),
            need(&[2], 1, 90),
            need(&[3, 4, 5], 7, 7),
            need(&[1, 6], 3, 1),
            need(&[5], 2, 2),
            need(&[0, 6], 2, 50),
            need(&[2, 4], 1, 3),
        ];
        let candidates: Vec<usize> = (0..7).collect();
        let order = best_order(&candidates, &BTreeSet::new(), &needs);
        let best = permutations(&candidates).iter().map(|order| sum(order, &needs)).max();
        assert_eq!(Some(sum(&order, &needs)), best);
    }
}
