//! Rows to tries: what belongs together by correlation id and time. Pure.

use std::collections::VecDeque;

use chrono::DateTime;

use super::hash::ByNumber;
use super::state::Try;
use crate::attribution::Verdict;

/// A row that comes later than this after the one before begins a new try.
const GAP_MICROS: i64 = 10 * 60 * 1_000_000;

/// What a try must know of a row. `route` is whatever number the caller gives its routes.
#[derive(Debug, Clone, Copy)]
pub struct TryRow {
    pub route: u32,
    /// A hash of the correlation id; `None` makes the row a try of its own.
    pub correlation: Option<u128>,
    /// In microseconds.
    pub at: i64,
    pub verdict: Verdict,
    pub disputed: bool,
    pub error_code: Option<i32>,
    /// The number of the set of policies that blocked it; 0 for none.
    pub refusal: u32,
}

#[derive(Debug)]
struct OpenTry {
    first_at: i64,
    last: TryRow,
    last_number: u64,
    is_open: bool,
    /// The sets of policies that blocked its rows, each once.
    refusals: Refusals,
}

/// Nearly always none or one.
#[derive(Debug)]
enum Refusals {
    None,
    One([u32; 1]),
    Some(Vec<u32>),
}

impl Refusals {
    fn add(&mut self, refusal: u32) {
        match self {
            _ if refusal == 0 => {}
            Self::None => *self = Self::One([refusal]),
            Self::One([known]) if *known == refusal => {}
            Self::One([known]) => *self = Self::Some(vec![*known, refusal]),
            Self::Some(known) if known.contains(&refusal) => {}
            Self::Some(known) => known.push(refusal),
        }
    }

    fn all(&self) -> &[u32] {
        match self {
            Self::None => &[],
            Self::One(only) => only,
            Self::Some(all) => all,
        }
    }
}

/// Folds rows in the order of time into tries in the order of their last rows.
///
/// Holds only what may still grow: the rows of the last ten minutes.
#[derive(Debug, Default)]
pub struct TryFolder {
    /// By place; the places of closed ones are free for new ones.
    tries: Vec<OpenTry>,
    free: Vec<usize>,
    /// The open ones with a correlation id, by route and that one.
    by_correlation: ByNumber<(u32, u128), usize>,
    /// Time, number and try of each row; only the entry of a try's last row closes it.
    queue: VecDeque<(i64, u64, usize)>,
    rows: u64,
}

impl TryFolder {
    /// Takes the next row; hands every try that it shows to be complete to `done`.
    pub fn push(&mut self, row: TryRow, done: &mut impl FnMut(u32, Try, &[u32])) {
        self.close_before(row.at.saturating_sub(GAP_MICROS), done);
        let number = self.rows;
        self.rows += 1;
        let place = match row.correlation.map(|correlation| (row.route, correlation)) {
            None => self.begin(row),
            Some(key) => match self.by_correlation.get(&key) {
                Some(&known) => known,
                None => {
                    let place = self.begin(row);
                    self.by_correlation.insert(key, place);
                    place
                }
            },
        };
        self.queue.push_back((row.at, number, place));
        if let Some(open) = self.tries.get_mut(place) {
            open.last = row;
            open.last_number = number;
            open.refusals.add(row.refusal);
        }
    }

    /// Begins a try; gives its place.
    fn begin(&mut self, row: TryRow) -> usize {
        if let Some(place) = self.free.pop()
            && let Some(free) = self.tries.get_mut(place)
        {
            free.first_at = row.at;
            free.is_open = true;
            free.refusals = Refusals::None;
            return place;
        }
        let refusals = Refusals::None;
        let fresh =
            OpenTry { first_at: row.at, last: row, last_number: 0, is_open: true, refusals };
        self.tries.push(fresh);
        self.tries.len() - 1
    }

    /// Hands out the tries that are still open.
    pub fn finish(mut self, done: &mut impl FnMut(u32, Try, &[u32])) {
        self.close_before(i64::MAX, done);
    }

    fn close_before(&mut self, moment: i64, done: &mut impl FnMut(u32, Try, &[u32])) {
        while let Some(&(at, number, place)) = self.queue.front() {
            if at >= moment {
                break;
            }
            self.queue.pop_front();
            let Some(open) = self.tries.get_mut(place) else { continue };
            if !open.is_open || open.last_number != number {
                continue;
            }
            open.is_open = false;
            self.free.push(place);
            if let Some(correlation) = open.last.correlation {
                self.by_correlation.remove(&(open.last.route, correlation));
            }
            let times = DateTime::from_timestamp_micros(open.first_at)
                .zip(DateTime::from_timestamp_micros(open.last.at));
            if let Some((first_at, last_at)) = times {
                let TryRow { route, verdict, disputed, error_code, .. } = open.last;
                let found = Try { first_at, last_at, verdict, disputed, error_code };
                done(route, found, open.refusals.all());
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
            at: minute * 60_000_000,
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
