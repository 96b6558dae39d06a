//! Counts the rows of `sign_ins` and `applied_policies` in one walk.
//!
//! Threads add up row groups, each by itself ([`digest`], [`acting`]); one thread brings what they
//! found together in the order of time ([`fold`]). Memory grows with routes and policies, and with
//! the row groups that are under way.

mod acting;
mod columns;
mod days;
mod digest;
mod fold;

use std::ops::ControlFlow;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::activity::Activity;
use super::lists::Lists;
use super::partner_side::Judge;
use super::proof::FoundProof;
use super::tables::in_table;
use super::{DatasetParts, SummaryError, SummaryOptions};
use crate::dataset::{RowGroup, Walk};
use crate::parallel;

use acting::Acting;
use digest::{Digest, Question};
use fold::Fold;

pub(super) use digest::{PROOF_MAX, SeenProof};

/// Everything that the rows tell.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) activity: Activity,
    pub(super) sign_ins: SignIns,
    pub(super) proof: FoundProof,
}

/// The rows of `sign_ins` that the options cover.
#[derive(Debug)]
pub(super) struct SignIns {
    pub(super) walk: Walk,
    pub(super) groups: Vec<RowGroup>,
    pub(super) bounds: Bounds,
}

/// A stretch of time, the end excluded, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    from: i64,
    to: i64,
}

impl Bounds {
    fn of(options: &SummaryOptions) -> Self {
        let micros = |moment: DateTime<Utc>| moment.timestamp_micros();
        let after_as_of = options.as_of.map(|as_of| micros(as_of).saturating_add(1));
        let ends = [options.until.map(micros), after_as_of];
        Self {
            from: options.since.map_or(i64::MIN, micros),
            to: ends.into_iter().flatten().min().unwrap_or(i64::MAX),
        }
    }

    #[inline]
    pub(super) fn hold(self, at: i64) -> bool {
        at >= self.from && at < self.to
    }

    /// Whether a row group may hold such rows.
    fn meet(self, group: &RowGroup) -> bool {
        group.times.is_none_or(|(first, last)| first < self.to && last >= self.from)
    }
}

/// Opens the parts of a table; gives the row groups that the bounds may meet.
fn open(
    table: &'static str,
    paths: &[PathBuf],
    bounds: Bounds,
) -> Result<(Walk, Vec<RowGroup>), SummaryError> {
    let walk = Walk::open(paths).map_err(in_table(table))?;
    let mut groups = walk.row_groups();
    groups.retain(|group| bounds.meet(group));
    Ok((walk, groups))
}

/// A row group that a thread adds up, and from when on there may be rows of it.
struct Unit {
    from: i64,
    of: Of,
    /// Its place among the row groups of its table.
    place: usize,
    group: RowGroup,
    /// Rows of another part may stand between its rows.
    has_rivals: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Policies,
    SignIns,
}

/// What a thread found.
enum Found {
    Policies(Acting),
    SignIns(Box<Digest>),
}

/// Counts all that the options cover.
pub(super) fn count(
    parts: &DatasetParts,
    options: &SummaryOptions,
    lists: &Lists,
    judge: &mut Judge<'_>,
) -> Result<Counted, SummaryError> {
    let bounds = Bounds::of(options);
    let (walk, groups) = open("sign_ins", &parts.sign_ins, bounds)?;
    let (policies, policy_groups) = open("applied_policies", &parts.applied_policies, bounds)?;
    let rows_at_a_time = usize::try_from(options.rows_at_a_time).unwrap_or(usize::MAX).max(1);
    let question = Question { walk: &walk, lists, bounds, filter: &options.rows, rows_at_a_time };
    let units = units_of(&groups, &policy_groups);
    let work = |unit: &Unit| match unit.of {
        Of::SignIns => digest::digest(&question, (&unit.group, unit.has_rivals))
            .map(|digest| Found::SignIns(Box::new(digest)))
            .map_err(in_table("sign_ins")),
        Of::Policies => acting::acting(&policies, &unit.group, bounds, rows_at_a_time)
            .map(Found::Policies)
            .map_err(in_table("applied_policies")),
    };
    let mut fold = Fold::new(judge);
    fold.activity.rows = walk.row_count();
    let mut failed = None;
    let mut line = units.iter();
    let threads = options.threads.max(1);
    parallel::in_order(&units, (threads, threads + 1), work, |found| {
        let unit = line.next();
        match (found, unit) {
            (Ok(found), Some(unit)) => {
                fold.go_to(Some(unit.from));
                fold.take(found, unit.place);
                ControlFlow::Continue(())
            }
            (Err(error), _) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
            (_, None) => ControlFlow::Break(()),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let (activity, proof) = fold.finish();
    Ok(Counted { activity, proof, sign_ins: SignIns { walk, groups, bounds } })
}

/// All row groups in the order in which they begin.
fn units_of(sign_ins: &[RowGroup], policies: &[RowGroup]) -> Vec<Unit> {
    let unit = |of: Of| {
        move |(place, group): (usize, &RowGroup)| Unit {
            from: group.times.map_or(i64::MIN, |(first, _)| first),
            of,
            place,
            group: *group,
            has_rivals: group.times.is_none(),
        }
    };
    let mut units: Vec<Unit> = sign_ins.iter().enumerate().map(unit(Of::SignIns)).collect();
    units.sort_by_key(|unit| unit.from);
    mark_rivals(&mut units);
    units.extend(policies.iter().enumerate().map(unit(Of::Policies)));
    units.sort_by_key(|unit| unit.from);
    units
}

/// Marks row groups that share a moment with one of another part; they come in the order of time.
fn mark_rivals(units: &mut [Unit]) {
    for at in 0..units.len() {
        let (before, behind) = units.split_at_mut(at + 1);
        let Some(unit) = before.last_mut() else { continue };
        let last = unit.group.times.map_or(i64::MAX, |(_, last)| last);
        let rivals = behind.iter_mut().take_while(|other| other.from <= last);
        for other in rivals.filter(|other| other.group.part != unit.group.part) {
            other.has_rivals = true;
            unit.has_rivals = true;
        }
    }
}
