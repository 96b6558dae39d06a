//! Rows to tries: what belongs together by correlation id and time. Pure.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::state::Try;
use crate::attribution::Verdict;

/// A row that comes later than this after the one before begins a new try.
const GAP_MINUTES: i64 = 10;

/// What a try must know of a row. `route` is whatever number the caller gives its routes.
#[derive(Debug, Clone, Copy)]
pub struct TryRow {
    pub route: u32,
    /// A hash of the correlation id; `None` makes the row a try of its own.
    pub correlation: Option<u128>,
    pub at: DateTime<Utc>,
    pub verdict: Verdict,
    pub disputed: bool,
    pub error_code: Option<i32>,
    /// The number of the set of policies that blocked it; 0 for none.
    pub refusal: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Correlated(u32, u128),
    Alone(u64),
}

#[derive(Debug)]
struct OpenTry {
    route: u32,
    found: Try,
    /// The sets of policies that blocked its rows, each once.
    refusals: Vec<u32>,
    last_row: u64,
}

/// Folds rows in the order of time into tries in the order of their last rows.
///
/// Holds only what may still grow: the rows of the last ten minutes.
#[derive(Debug, Default)]
pub struct TryFolder {
    open: HashMap<Key, OpenTry>,
    /// One entry for each row; only the entry of a try's last row closes it.
    queue: VecDeque<(DateTime<Utc>, u64, Key)>,
    rows: u64,
}

impl TryFolder {
    /// Takes the next row; hands every try that it shows to be complete to `done`.
    pub fn push(&mut self, row: TryRow, done: &mut impl FnMut(u32, Try, &[u32])) {
        self.close_before(row.at - TimeDelta::minutes(GAP_MINUTES), done);
        let number = self.rows;
        self.rows += 1;
        let key = match row.correlation {
            Some(correlation) => Key::Correlated(row.route, correlation),
            None => Key::Alone(number),
        };
        self.queue.push_back((row.at, number, key));
        let open = self.open.entry(key).or_insert_with(|| OpenTry {
            route: row.route,
            found: Try {
                first_at: row.at,
                last_at: row.at,
                verdict: row.verdict,
                disputed: row.disputed,
                error_code: row.error_code,
            },
            refusals: Vec::new(),
            last_row: number,
        });
        open.last_row = number;
        if row.refusal != 0 && !open.refusals.contains(&row.refusal) {
            open.refusals.push(row.refusal);
        }
        open.found = Try {
            first_at: open.found.first_at,
            last_at: row.at,
            verdict: row.verdict,
            disputed: row.disputed,
            error_code: row.error_code,
        };
    }

    /// Hands out the tries that are still open.
    pub fn finish(mut self, done: &mut impl FnMut(u32, Try, &[u32])) {
        self.close_before(DateTime::<Utc>::MAX_UTC, done);
    }

    fn close_before(&mut self, moment: DateTime<Utc>, done: &mut impl FnMut(u32, Try, &[u32])) {
        while let Some(&(at, number, key)) = self.queue.front() {
            if at >= moment {
                break;
            }
            self.queue.pop_front();
            if self.open.get(&key).is_some_and(|open| open.last_row == number)
                && let Some(open) = self.open.remove(&key)
            {
                done(open.route, open.found, &open.refusals);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(minute: i64, correlation: Option<u128>, verdict: Verdict) -> TryRow {
        TryRow {
            route: 1,
            correlation,
            at: DateTime::UNIX_EPOCH + TimeDelta::minutes(minute),
            verdict,
            disputed: false,
            error_code: None,
            refusal: 0,
        }
    }

    fn tries(rows: &[TryRow]) -> Vec<Verdict> {
        let mut found = Vec::new();
        let mut folder = TryFolder::default();
        let mut done = |_, a_try: Try, _: &[u32]| found.push(a_try.verdict);
        for &row in rows {
            folder.push(row, &mut done);
        }
        folder.finish(&mut done);
        found
    }

    #[test]
    fn rows_up_to_ten_minutes_apart_are_one_try() {
        let rows = [
            row(0, Some(7), Verdict::Interrupted),
            row(10, Some(7), Verdict::Blocked),
            row(15, Some(8), Verdict::Failed),
            row(20, Some(7), Verdict::Succeeded),
            row(31, Some(7), Verdict::Blocked),
        ];
        assert_eq!(tries(&rows), [Verdict::Failed, Verdict::Succeeded, Verdict::Blocked]);
    }

    #[test]
    fn a_row_without_a_correlation_id_is_a_try() {
        let rows = [row(0, None, Verdict::Blocked), row(0, None, Verdict::Succeeded)];
        assert_eq!(tries(&rows), [Verdict::Blocked, Verdict::Succeeded]);
    }
}
