//! The state of a route and of a customer, from tries in their order. Pure.
//!
//! `tests/states.csv` is the specification; its rows are checked against this file.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::attribution::Verdict;

/// Routes tried in this many days before the customer's "now" decide its state.
pub(super) const RECENT_DAYS: i64 = 14;
/// Swings between success and block are looked for in this many days before "now".
pub const SWING_DAYS: i64 = 7;

/// The rows of one route with one correlation id that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    pub first_at: DateTime<Utc>,
    /// The last row's time: where the try stands in the order.
    pub last_at: DateTime<Utc>,
    /// The last row's verdict.
    pub verdict: Verdict,
    /// The last row's policies contradict its status.
    pub disputed: bool,
    /// The last row's error code.
    pub error_code: Option<i32>,
}

impl Try {
    /// What the try says of its route; `None` for an interruption, which says nothing.
    fn outcome(&self) -> Option<Outcome> {
        match self.verdict {
            Verdict::Interrupted => None,
            Verdict::Succeeded => Some(Outcome::Succeeded),
            Verdict::Unexplained => Some(Outcome::Blocked),
            // A dispute is shown apart; it must not make a customer "blocked".
            Verdict::Blocked if !self.disputed => Some(Outcome::Blocked),
            Verdict::Blocked | Verdict::Failed => Some(Outcome::Failed),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Succeeded,
    Blocked,
    Failed,
}

/// What the newest tries of a route say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteState {
    Blocked,
    Intermittent,
    Failing,
    Recovered,
    GettingIn,
}

impl RouteState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Intermittent => "intermittent",
            Self::Failing => "failing",
            Self::Recovered => "recovered",
            Self::GettingIn => "getting in",
        }
    }
}

/// Equal outcomes in a row, kept only as long as they may matter for swings.
#[derive(Debug, Clone, Copy)]
struct Run {
    blocked: bool,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

/// What must be kept of a route's tries to tell its state at any later "now".
#[derive(Debug, Clone, Default)]
pub struct RouteHistory {
    newest: Option<(DateTime<Utc>, Outcome)>,
    newest_error_code: Option<i32>,
    ever_blocked: bool,
    blocked_since: Option<DateTime<Utc>>,
    failing_since: Option<DateTime<Utc>>,
    blocked_tries_since: u64,
    blocked_tries: u64,
    unexplained_since: bool,
    runs: VecDeque<Run>,
}

impl RouteHistory {
    /// Takes the next try; tries come in the order of their last rows.
    pub fn add(&mut self, next: &Try) {
        let Some(outcome) = next.outcome() else { return };
        self.newest = Some((next.last_at, outcome));
        self.newest_error_code = next.error_code;
        match outcome {
            Outcome::Succeeded => self.add_success(),
            Outcome::Blocked => self.add_block(next),
            Outcome::Failed => {
                self.failing_since.get_or_insert(next.first_at);
            }
        }
        if outcome != Outcome::Failed {
            self.add_to_runs(outcome == Outcome::Blocked, next);
        }
    }

    fn add_success(&mut self) {
        self.blocked_since = None;
        self.failing_since = None;
        self.blocked_tries_since = 0;
        self.unexplained_since = false;
    }

    fn add_block(&mut self, next: &Try) {
        self.ever_blocked = true;
        self.failing_since = None;
        self.blocked_tries += 1;
        self.blocked_tries_since += 1;
        self.unexplained_since |= next.verdict == Verdict::Unexplained;
        self.blocked_since.get_or_insert(next.first_at);
    }

    fn add_to_runs(&mut self, blocked: bool, next: &Try) {
        match self.runs.back_mut() {
            Some(run) if run.blocked == blocked => {
                run.last_at = next.last_at;
            }
            _ => {
                self.runs.push_back(Run {
                    blocked,
                    first_at: next.first_at,
                    last_at: next.last_at,
                });
            }
        }
        // "Now" is never before a row, so a run that is too old today stays too old.
        let oldest = next.last_at - TimeDelta::days(SWING_DAYS);
        while self.runs.front().is_some_and(|run| run.last_at < oldest) {
            self.runs.pop_front();
        }
    }

    /// The state at `now`; `None` if the route was not tried lately.
    pub fn state(&self, now: DateTime<Utc>) -> Option<RouteState> {
        let (at, outcome) = self.newest?;
        if at < now - TimeDelta::days(RECENT_DAYS) {
            return None;
        }
        if self.swings(now) >= 2 {
            return Some(RouteState::Intermittent);
        }
        Some(match outcome {
            Outcome::Blocked => RouteState::Blocked,
            Outcome::Failed => RouteState::Failing,
            Outcome::Succeeded if self.ever_blocked => RouteState::Recovered,
            Outcome::Succeeded => RouteState::GettingIn,
        })
    }

    /// How often the route went from success to block and back in the last days before `now`.
    fn swings(&self, now: DateTime<Utc>) -> usize {
        let from_success = self.recent_runs(now).skip_while(|run| run.blocked);
        // Runs alternate, so each success after the first one ends a swing.
        from_success.filter(|run| !run.blocked).count().saturating_sub(1)
    }

    fn recent_runs(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Run> {
        let oldest = now - TimeDelta::days(SWING_DAYS);
        self.runs.iter().filter(move |run| run.last_at >= oldest)
    }

    /// Since when the route has been in its state, for the states that are trouble. What
    /// swings has no such moment.
    pub fn since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.state(now)? {
            RouteState::Blocked => self.blocked_since,
            RouteState::Failing => self.failing_since,
            RouteState::Intermittent | RouteState::Recovered | RouteState::GettingIn => None,
        }
    }

    /// The first block that still matters: older ones are history.
    pub fn blocks_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.state(now)? {
            RouteState::Intermittent => {
                self.recent_runs(now).find(|run| run.blocked).map(|run| run.first_at)
            }
            _ => self.blocked_since,
        }
    }

    /// Blocked tries since the route is blocked; of an intermittent one all.
    pub fn blocked_tries(&self, state: RouteState) -> u64 {
        match state {
            RouteState::Blocked => self.blocked_tries_since,
            _ => self.blocked_tries,
        }
    }

    /// Among the blocked tries since the last success is one whose policy the log does not show.
    pub fn is_unexplained(&self) -> bool {
        self.unexplained_since
    }

    /// The moment of the newest try that was no interruption.
    pub fn newest_at(&self) -> Option<DateTime<Utc>> {
        self.newest.map(|(at, _)| at)
    }

    /// The error code of the newest try that was no interruption.
    pub fn newest_error_code(&self) -> Option<i32> {
        self.newest_error_code
    }
}

/// Whether a customer lets the partner in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerState {
    Blocked,
    Partly,
    Failing,
    GettingIn,
    CannotTell,
    NoLog,
}

impl CustomerState {
    pub const ALL: [Self; 6] = [
        Self::Blocked,
        Self::Partly,
        Self::Failing,
        Self::GettingIn,
        Self::CannotTell,
        Self::NoLog,
    ];

    /// The word of the machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Partly => "partly",
            Self::Failing => "failing",
            Self::GettingIn => "getting in",
            Self::CannotTell => "cannot tell",
            Self::NoLog => "no log here",
        }
    }
}

/// Why nothing can be told of a customer that has a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Its logs could not have shown a block.
    Blind,
    /// Its logs hold no sign-in of the partner.
    NeverTried,
    /// The partner came, but not in the last days of the logs, or never beyond an interruption.
    NotTriedLately,
}

impl Doubt {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::NeverTried => "never tried",
            Self::NotTriedLately => "not tried lately",
        }
    }
}

/// A route as the customer's state looks at it.
#[derive(Debug, Clone, Copy)]
pub struct RouteView<'a> {
    pub account: &'a str,
    pub is_integration: bool,
    /// `None`: not tried lately.
    pub state: Option<RouteState>,
}

/// What there is to judge a customer by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// No export and no row.
    Absent,
    /// No export that could have shown a block.
    Blind,
    Sound,
}

/// A customer's state with what people want said beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    pub state: CustomerState,
    pub doubt: Option<Doubt>,
    /// Some route was blocked once and is not any more.
    pub recovered: bool,
    /// Every account that was tried lately has a blocked route.
    pub all_accounts_blocked: bool,
}

/// Judges a customer by its routes.
pub fn customer_state(routes: &[RouteView<'_>], evidence: Evidence) -> Judgement {
    let recent: Vec<(&RouteView<'_>, RouteState)> =
        routes.iter().filter_map(|route| Some((route, route.state?))).collect();
    let blocked = reach(&recent, RouteState::Blocked);
    let failing = reach(&recent, RouteState::Failing);
    let has = |wanted| recent.iter().any(|&(_, state)| state == wanted);
    let (state, doubt) = if blocked.is_general() {
        (CustomerState::Blocked, None)
    } else if blocked.any || has(RouteState::Intermittent) {
        (CustomerState::Partly, None)
    } else if failing.is_general() {
        (CustomerState::Failing, None)
    } else {
        without_trouble(routes, !recent.is_empty(), evidence)
    };
    Judgement {
        state,
        doubt,
        recovered: has(RouteState::Recovered),
        all_accounts_blocked: blocked.all_accounts,
    }
}

fn without_trouble(
    routes: &[RouteView<'_>],
    tried_lately: bool,
    evidence: Evidence,
) -> (CustomerState, Option<Doubt>) {
    match (evidence, tried_lately) {
        (Evidence::Absent, _) if routes.is_empty() => (CustomerState::NoLog, None),
        (Evidence::Blind, _) => (CustomerState::CannotTell, Some(Doubt::Blind)),
        (_, true) => (CustomerState::GettingIn, None),
        (_, false) if routes.is_empty() => (CustomerState::CannotTell, Some(Doubt::NeverTried)),
        (_, false) => (CustomerState::CannotTell, Some(Doubt::NotTriedLately)),
    }
}

/// How far a state reaches among the accounts that were tried lately.
#[derive(Debug, Default)]
struct Reach {
    any: bool,
    integration: bool,
    all_accounts: bool,
}

impl Reach {
    /// More than some persons: an integration, or everybody.
    fn is_general(&self) -> bool {
        self.integration || self.all_accounts
    }
}

fn reach(recent: &[(&RouteView<'_>, RouteState)], wanted: RouteState) -> Reach {
    let mut accounts: BTreeMap<&str, bool> = BTreeMap::new();
    let mut reach = Reach::default();
    for &(route, state) in recent {
        let hit = state == wanted;
        *accounts.entry(route.account).or_default() |= hit;
        reach.any |= hit;
        reach.integration |= hit && route.is_integration;
    }
    reach.all_accounts = reach.any && accounts.values().all(|&hit| hit);
    reach
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn a_try(at: i64, verdict: Verdict) -> Try {
        Try { first_at: day(at), last_at: day(at), verdict, disputed: false, error_code: None }
    }

    fn history(tries: &[(i64, Verdict)]) -> RouteHistory {
        let mut history = RouteHistory::default();
        for &(at, verdict) in tries {
            history.add(&a_try(at, verdict));
        }
        history
    }

    #[test]
    fn a_block_counts_from_the_first_one_after_the_last_success() {
        let blocked = history(&[
            (1, Verdict::Blocked),
            (2, Verdict::Succeeded),
            (3, Verdict::Blocked),
            (4, Verdict::Failed),
            (5, Verdict::Interrupted),
            (6, Verdict::Unexplained),
        ]);
        assert_eq!(blocked.state(day(6)), Some(RouteState::Blocked));
        assert_eq!(blocked.since(day(6)), Some(day(3)));
        assert_eq!(blocked.blocked_tries(RouteState::Blocked), 2);
        assert!(blocked.is_unexplained());
        assert_eq!(blocked.state(day(21)), None);
    }

    #[test]
    fn swings_outside_of_the_last_week_are_forgotten() {
        let swinging = history(&[
            (1, Verdict::Succeeded),
            (2, Verdict::Blocked),
            (3, Verdict::Succeeded),
            (4, Verdict::Blocked),
            (5, Verdict::Succeeded),
        ]);
        assert_eq!(swinging.state(day(5)), Some(RouteState::Intermittent));
        assert_eq!(swinging.state(day(8)), Some(RouteState::Intermittent));
        assert_eq!(swinging.state(day(9)), Some(RouteState::Recovered));
        assert_eq!(swinging.since(day(5)), None);
        assert_eq!(swinging.blocks_from(day(5)), Some(day(2)));
    }

    #[test]
    fn a_dispute_fails_a_route_and_does_not_block_it() {
        let mut history = RouteHistory::default();
        history.add(&Try { disputed: true, ..a_try(1, Verdict::Blocked) });
        assert_eq!(history.state(day(1)), Some(RouteState::Failing));
        history.add(&a_try(2, Verdict::Succeeded));
        assert_eq!(history.state(day(2)), Some(RouteState::GettingIn));
    }
}
