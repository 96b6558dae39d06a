//! Which sets of policies refuse a route, and how often. Plain Rust.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::state::{RouteState, Try};
use crate::attribution::Verdict;

/// Distinct sets of one route; a log with more of them is no real one, and what is beyond is
/// counted for the union of all.
const SETS_MAX: usize = 256;
/// Policies in all distinct sets of the whole dataset; what is beyond counts as not shown.
const HELD_MAX: usize = 16 << 20;
/// What a set costs beside its policies, in policies.
const SET_COST: usize = 16;

/// Distinct sets of policies, each once, by number. The empty set is 0.
#[derive(Debug, Default)]
pub(super) struct PolicySets {
    numbers: HashMap<Arc<[u32]>, u32>,
    sets: Vec<Arc<[u32]>>,
    /// Policies in all of them, with the cost of each set.
    held: usize,
}

impl PolicySets {
    /// The number of a set of policies, which may come unsorted and double.
    pub(super) fn number(&mut self, mut policies: Vec<u32>) -> u32 {
        policies.sort_unstable();
        policies.dedup();
        if policies.is_empty() {
            return 0;
        }
        if let Some(&number) = self.numbers.get(policies.as_slice()) {
            return number;
        }
        let held = self.held + policies.len() + SET_COST;
        if held > HELD_MAX {
            return 0;
        }
        self.held = held;
        let policies: Arc<[u32]> = policies.into();
        self.sets.push(Arc::clone(&policies));
        let number = u32::try_from(self.sets.len()).unwrap_or_default();
        self.numbers.insert(policies, number);
        number
    }

    pub(super) fn get(&self, number: u32) -> &[u32] {
        let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        place.and_then(|place| self.sets.get(place)).map_or(&[], AsRef::as_ref)
    }

    /// The number of the union of sets.
    pub(super) fn union(&mut self, sets: &[u32]) -> u32 {
        match sets {
            [] => 0,
            [only] => *only,
            _ => {
                let all = sets.iter().flat_map(|&set| self.get(set)).copied().collect();
                self.number(all)
            }
        }
    }
}

/// What refused the tries of one route.
#[derive(Debug, Clone, Default)]
pub(super) struct Refused {
    /// Some try was refused since the last success.
    is_refused: bool,
    /// By the set of policies that blocked; 0: blocked, and the log does not show by which.
    sets: BTreeMap<u32, Tally>,
    /// The set under which all that had no place of its own is counted.
    rest: Option<u32>,
    /// By error code, over all tries that did not get in.
    codes: BTreeMap<Option<i32>, Tally>,
}

/// How many tries, and when last.
#[derive(Debug, Clone, Copy)]
struct Tally {
    since_success: u64,
    all: u64,
    last_at: DateTime<Utc>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.since_success += other.since_success;
        self.all += other.all;
        self.last_at = self.last_at.max(other.last_at);
    }
}

impl Refused {
    /// Takes the next try of the route.
    pub(super) fn add(&mut self, found: &Try, set: u32, sets: &mut PolicySets) {
        match found.verdict {
            Verdict::Interrupted => return,
            Verdict::Succeeded => return self.start_again(),
            // A dispute is no block, so nothing is to be changed because of it.
            Verdict::Blocked | Verdict::Unexplained if !found.disputed => {
                let set = self.place_of(set, sets);
                count(&mut self.sets, set, found);
            }
            _ => {}
        }
        count(&mut self.codes, found.error_code, found);
        self.is_refused = true;
    }

    fn start_again(&mut self) {
        // Of most routes nearly all tries get in.
        if !std::mem::take(&mut self.is_refused) {
            return;
        }
        for tally in self.sets.values_mut().chain(self.codes.values_mut()) {
            tally.since_success = 0;
        }
    }

    fn place_of(&mut self, set: u32, sets: &mut PolicySets) -> u32 {
        // What is not shown is in no union: it would seem to be shown.
        if set == 0 || self.sets.contains_key(&set) || self.sets.len() < SETS_MAX {
            return set;
        }
        let before = self.rest.unwrap_or(set);
        let rest = if before == 0 { 0 } else { sets.union(&[before, set]) };
        if before != rest
            && let Some(tally) = self.sets.remove(&before)
        {
            self.sets.entry(rest).and_modify(|held| held.add(tally)).or_insert(tally);
        }
        self.rest = Some(rest);
        rest
    }

    /// The sets that refuse the route now, with their tries; older ones are history.
    pub(super) fn sets(
        &self,
        state: RouteState,
        from: Option<DateTime<Utc>>,
    ) -> impl Iterator<Item = (u32, u64)> {
        current(&self.sets, state, from)
    }

    /// The error codes of the tries that do not get in now.
    pub(super) fn codes(
        &self,
        state: RouteState,
        from: Option<DateTime<Utc>>,
    ) -> impl Iterator<Item = (Option<i32>, u64)> {
        current(&self.codes, state, from)
    }
}

fn count<K: Ord>(tallies: &mut BTreeMap<K, Tally>, key: K, found: &Try) {
    let fresh = Tally { since_success: 0, all: 0, last_at: found.last_at };
    let tally = tallies.entry(key).or_insert(fresh);
    tally.since_success += 1;
    tally.all += 1;
    tally.last_at = found.last_at;
}

/// Of a route that swings between success and block all tries count, as far as their kind
/// still occurs; of any other those since the last success.
fn current<K: Copy>(
    tallies: &BTreeMap<K, Tally>,
    state: RouteState,
    from: Option<DateTime<Utc>>,
) -> impl Iterator<Item = (K, u64)> {
    tallies.iter().filter_map(move |(&key, tally)| {
        let tries = match state {
            RouteState::Intermittent if from.is_none_or(|from| tally.last_at >= from) => tally.all,
            RouteState::Intermittent => 0,
            _ => tally.since_success,
        };
        (tries > 0).then_some((key, tries))
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn add(refused: &mut Refused, sets: &mut PolicySets, minute: i64, verdict: Verdict, set: u32) {
        let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let found = Try {
            first_at: at,
            last_at: at,
            verdict,
            disputed: false,
            error_code: (verdict != Verdict::Succeeded).then_some(53_003),
        };
        refused.add(&found, set, sets);
    }

    #[test]
    fn what_refused_before_the_last_success_is_history() {
        let (mut refused, mut sets) = (Refused::default(), PolicySets::default());
        let (old, new) = (sets.number(vec![7]), sets.number(vec![9, 7, 9]));
        add(&mut refused, &mut sets, 0, Verdict::Blocked, old);
        add(&mut refused, &mut sets, 1, Verdict::Succeeded, 0);
        add(&mut refused, &mut sets, 2, Verdict::Blocked, new);
        add(&mut refused, &mut sets, 3, Verdict::Interrupted, 0);
        add(&mut refused, &mut sets, 4, Verdict::Unexplained, 0);
        let now: Vec<(u32, u64)> = refused.sets(RouteState::Blocked, None).collect();
        assert_eq!(now, [(0, 1), (new, 1)]);
        let swinging: Vec<(u32, u64)> = refused.sets(RouteState::Intermittent, None).collect();
        assert_eq!(swinging, [(0, 1), (old, 1), (new, 1)]);
        let codes: Vec<(Option<i32>, u64)> = refused.codes(RouteState::Blocked, None).collect();
        assert_eq!(codes, [(Some(53_003), 2)]);
        assert_eq!(sets.get(new), [7, 9]);
    }

    #[test]
    fn a_route_with_countless_sets_stays_small() {
        let (mut refused, mut sets) = (Refused::default(), PolicySets::default());
        for policy in 1..1_000 {
            let set = sets.number(vec![policy]);
            add(&mut refused, &mut sets, i64::from(policy), Verdict::Blocked, set);
        }
        assert!(refused.sets.len() <= SETS_MAX + 1);
        let tries: u64 = refused.sets(RouteState::Blocked, None).map(|(_, tries)| tries).sum();
        assert_eq!(tries, 999);
    }

    #[test]
    fn tries_that_the_log_does_not_explain_stay_so_beside_countless_sets() {
        let (mut refused, mut sets) = (Refused::default(), PolicySets::default());
        let first = u32::try_from(SETS_MAX).expect("small");
        for policy in 1..=first {
            let set = sets.number(vec![policy]);
            add(&mut refused, &mut sets, i64::from(policy), Verdict::Blocked, set);
        }
        add(&mut refused, &mut sets, 1_000, Verdict::Unexplained, 0);
        let late = sets.number(vec![first + 1]);
        add(&mut refused, &mut sets, 1_001, Verdict::Blocked, late);
        let found: BTreeMap<u32, u64> = refused.sets(RouteState::Blocked, None).collect();
        assert_eq!((found.get(&0), found.get(&late)), (Some(&1), Some(&1)));
    }

    #[test]
    fn the_sets_of_a_hostile_log_take_no_more_room_than_they_may() {
        let room = 3 * SET_COST;
        let mut sets = PolicySets { held: HELD_MAX - room, ..PolicySets::default() };
        let mut refused = Refused::default();
        for policy in 1..1_000 {
            let set = sets.number(vec![policy]);
            add(&mut refused, &mut sets, i64::from(policy), Verdict::Blocked, set);
        }
        assert!(sets.held <= HELD_MAX && sets.sets.len() < 3);
        let found: Vec<(u32, u64)> = refused.sets(RouteState::Blocked, None).collect();
        // What has no room is not shown; it is not taken for what has.
        assert_eq!(found, [(0, 997), (1, 1), (2, 1)]);
    }
}
