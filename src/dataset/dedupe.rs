//! Which of several copies of a sign-in is kept. Pure, and independent of their order and of the
//! runs in which they came: what is remembered of a group is enough to add more copies later.

use std::cmp::Reverse;

/// How copies that are equally final are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rank {
    pub evidence: i32,
    /// Joined to its provider by the present partner list.
    pub is_present: bool,
    pub row_hash: i64,
    pub is_committed: bool,
    /// The export's place among the run's paths, and the offset in it.
    pub position: (u32, u64),
}

impl Rank {
    /// The least is the best.
    fn order(&self) -> impl Ord + use<> {
        let Self { evidence, is_present, row_hash, is_committed, position } = *self;
        (Reverse(evidence), !is_present, row_hash, !is_committed, position)
    }

    fn beats(&self, other: &Self) -> bool {
        self.order() < other.order()
    }
}

/// One copy of a sign-in.
#[derive(Debug)]
pub(super) struct Copy<'p> {
    pub rank: Rank,
    /// Microseconds; `None` for copies that hold the final state only.
    pub published_at: Option<i64>,
    pub source: Source<'p>,
}

#[derive(Debug)]
pub(super) enum Source<'p> {
    Spilled(SpilledRow<'p>),
    Committed(CommittedRow),
}

/// A row of this run, as it lay in the spill.
#[derive(Debug)]
pub(super) struct SpilledRow<'p> {
    pub export: u32,
    pub created_at: i64,
    pub bytes: &'p [u8],
}

/// A row of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CommittedRow {
    pub part: usize,
    pub row: u64,
    pub created_at: i64,
    /// Its reading: an index into the rows of `exports`.
    pub reading: usize,
    pub table: CommittedIn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommittedIn {
    SignIns,
    /// `once_a_row`: it stood in `sign_ins` before.
    Reserve {
        once_a_row: bool,
    },
}

/// The copies of one sign-in, as far as they matter.
///
/// A copy without a publication time is final, and so is one with the greatest time known. A
/// later time may come with a later run, so the best of both kinds are kept.
#[derive(Debug, Default)]
pub(super) struct Group<'p> {
    /// As they came.
    times: Vec<i64>,
    undated: Option<Copy<'p>>,
    dated: Option<Copy<'p>>,
    row: Option<CommittedRow>,
    reserve: Option<CommittedRow>,
    known_time_count: usize,
}

/// What becomes of a group.
#[derive(Debug)]
pub(super) struct Outcome<'p> {
    pub winner: Source<'p>,
    /// The best final copy without a publication time, if one with a time won.
    pub spare: Option<Source<'p>>,
    /// Each once, ascending.
    pub times: Vec<i64>,
    /// The row in `sign_ins` so far.
    pub row: Option<CommittedRow>,
    /// The row in the reserve so far.
    pub reserve: Option<CommittedRow>,
    /// Publication times came that the row does not know.
    pub has_new_times: bool,
}

impl<'p> Group<'p> {
    /// A group of one copy.
    pub(super) fn of(copy: Copy<'p>) -> Self {
        let mut group = Self::default();
        group.add(copy);
        group
    }

    /// Adds a copy; answers the one that is out for good.
    pub(super) fn add(&mut self, copy: Copy<'p>) -> Option<Source<'p>> {
        self.times.extend(copy.published_at);
        let slot = if copy.published_at.is_some() { &mut self.dated } else { &mut self.undated };
        let Some(best) = slot else {
            *slot = Some(copy);
            return None;
        };
        let is_better = match copy.published_at.cmp(&best.published_at) {
            std::cmp::Ordering::Equal => copy.rank.beats(&best.rank),
            later => later.is_gt(),
        };
        let loser = if is_better { std::mem::replace(best, copy) } else { copy };
        Some(loser.source)
    }

    /// Adds what an earlier run committed. `copy` is `None` for a row that must not stay: its
    /// export was read again in another way. Answers the copy that is out for good.
    pub(super) fn add_committed(
        &mut self,
        at: CommittedRow,
        times: &[i64],
        copy: Option<Copy<'p>>,
    ) -> Option<Source<'p>> {
        match at.table {
            CommittedIn::SignIns => {
                self.row = Some(at);
                self.known_time_count = times.len();
                self.times.extend(times);
            }
            CommittedIn::Reserve { .. } => self.reserve = Some(at),
        }
        copy.and_then(|copy| self.add(copy))
    }

    /// Judges the group; `lost` is told each copy of this run that does not win.
    pub(super) fn settle(mut self, mut lost: impl FnMut(&Source<'_>)) -> Option<Outcome<'p>> {
        self.times.sort_unstable();
        self.times.dedup();
        let latest = self.times.last().copied();
        let (winner, spare) = match (self.dated, self.undated) {
            (Some(dated), Some(undated)) => {
                let is_final = dated.published_at == latest;
                if is_final && dated.rank.beats(&undated.rank) {
                    lost(&undated.source);
                    (dated.source, Some(undated.source))
                } else {
                    lost(&dated.source);
                    (undated.source, None)
                }
            }
            (Some(only), None) | (None, Some(only)) => (only.source, None),
            (None, None) => return None,
        };
        Some(Outcome {
            winner,
            spare,
            has_new_times: self.times.len() > self.known_time_count,
            times: self.times,
            row: self.row,
            reserve: self.reserve,
        })
    }
}
