//! One month of the finish: the new rows of each of its days meet each other and the committed
//! ones; winners are written, and committed parts that lost rows are rewritten without them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Int32Array, StringArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use xxhash_rust::xxh3::xxh3_64;

use crate::tenant::{PartnerList, TenantId};

use super::committed::{Probe, RANKED, RankColumns};
use super::dedupe::{CommittedIn, CommittedRow, Copy, Outcome, Rank, Source, SpilledRow};
use super::error::{At, DatasetError};
use super::exports::Passage;
use super::held::WriterOptions;
use super::manifest::ManifestPart;
use super::part::{PartReader, PartWriter, Rows, StagedPart, Staging, conform, text_at};
use super::piece::{Copies, Groups};
use super::queue::{Kept, Queue};
use super::readings::Readings;
use super::row::{Key, MICROS_PER_DAY, RowHead, RowSource, States, hash_at};
use super::schema;
use super::spill::{ClosedSpill, FrameFile, frames_in};
use super::table::{Month, Table};
use super::writing::{Chunk, Taker};

/// An export of this run whose rows count.
pub(super) struct FreshExport {
    pub source: RowSource,
    pub exporting_tenant: Option<TenantId>,
    /// Its place among the paths of the run.
    pub position: u32,
}

/// What all months need to know.
pub(super) struct Finish<'a> {
    pub options: &'a WriterOptions,
    pub staging: &'a Staging,
    pub dataset: &'a Path,
    /// By index of the run's exports; `None` for those whose rows are dropped as a whole.
    pub fresh: &'a [Option<FreshExport>],
    pub partners: &'a PartnerList,
    pub day_memory: usize,
}

impl Finish<'_> {
    /// The export of a row; `None` if its rows do not count.
    pub(super) fn export_of(&self, number: u32) -> Result<Option<&FreshExport>, DatasetError> {
        let fresh = self.fresh.get(number as usize);
        fresh.map(Option::as_ref).ok_or(DatasetError::UnknownExport { number })
    }
}

/// What a month did to the dataset.
#[derive(Default)]
pub(super) struct MonthParts {
    pub staged: Vec<StagedPart>,
    /// Paths, as in the manifest, of the parts that are replaced.
    pub replaced: Vec<String>,
}

/// The month being finished.
pub(super) struct MonthFinish<'a> {
    finish: &'a Finish<'a>,
    month: Month,
    readings: &'a mut Readings,
    passages: &'a mut [Passage],
    sign_ins: Vec<OldPart>,
    reserve: Vec<OldPart>,
    policies: Vec<OldPart>,
    reserve_policies: Vec<OldPart>,
    /// Rows of `applied_policies`, by the hash of their sign-in.
    policy_fates: PolicyFates,
    reserve_policy_fates: PolicyFates,
    /// New rows that go to `sign_ins`, and those that go to the reserve.
    chunk: Chunk,
    reserve_chunk: Chunk,
}

/// A committed part, and what becomes of its rows.
struct OldPart {
    entry: ManifestPart,
    path: PathBuf,
    dropped: HashSet<u64>,
    moved: HashSet<u64>,
    /// Rows whose states are written anew.
    states: BTreeMap<u64, States>,
}

impl OldPart {
    fn new(entry: &ManifestPart, path: PathBuf) -> Self {
        Self {
            entry: entry.clone(),
            path,
            dropped: HashSet::new(),
            moved: HashSet::new(),
            states: BTreeMap::new(),
        }
    }

    fn fate(&self, row: u64) -> Fate {
        if self.dropped.contains(&row) {
            Fate::Drop
        } else if self.moved.contains(&row) {
            Fate::Move
        } else {
            Fate::Keep
        }
    }

    fn is_touched(&self) -> bool {
        !(self.dropped.is_empty() && self.moved.is_empty() && self.states.is_empty())
    }
}

/// What becomes of a committed row: `Move` takes it from `sign_ins` to the reserve or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    Drop,
    Move,
}

/// What becomes of the policies of committed rows.
#[derive(Default)]
struct PolicyFates {
    by_sign_in: HashMap<u128, Fate>,
    span: Option<(i64, i64)>,
}

impl PolicyFates {
    fn set(&mut self, sign_in: u128, created_at: i64, fate: Fate) {
        self.by_sign_in.insert(sign_in, fate);
        let (from, until) = self.span.unwrap_or((created_at, created_at));
        self.span = Some((from.min(created_at), until.max(created_at)));
    }
}

impl<'a> MonthFinish<'a> {
    /// `old` are the month's committed parts.
    pub(super) fn new(
        finish: &'a Finish<'a>,
        month: Month,
        old: &[ManifestPart],
        readings: &'a mut Readings,
        passages: &'a mut [Passage],
    ) -> Self {
        let of = |table: Table| {
            let of_table = old.iter().filter(|entry| entry.table == table.as_str());
            of_table.map(|entry| OldPart::new(entry, entry.path_in(finish.dataset))).collect()
        };
        Self {
            finish,
            month,
            readings,
            passages,
            sign_ins: of(Table::SignIns),
            reserve: of(Table::ReserveSignIns),
            policies: of(Table::AppliedPolicies),
            reserve_policies: of(Table::ReserveAppliedPolicies),
            policy_fates: PolicyFates::default(),
            reserve_policy_fates: PolicyFates::default(),
            chunk: Chunk::new(month, false),
            reserve_chunk: Chunk::new(month, true),
        }
    }

    /// Takes the new rows of a day, and hands on those that are kept; days come in their order.
    pub(super) fn add_day(
        &mut self,
        spill: &mut ClosedSpill,
        day: i64,
        bytes: u64,
        to: &mut Taker<'_>,
    ) -> Result<(), DatasetError> {
        self.finish.options.stop_here()?;
        let share = self.finish.day_memory.max(1) as u64;
        if bytes <= share {
            let rows = spill.take_day(day)?;
            return self.settle(day, &rows)?.iter().try_for_each(|kept| self.write(kept, to));
        }
        let mut queue = Queue::default();
        let pieces = usize::try_from(bytes.div_ceil(share)).unwrap_or(MAX_PIECES);
        for piece in self.split(spill, day, pieces.min(MAX_PIECES))? {
            let rows = piece.take()?;
            queue.add(self.finish.staging, &self.settle(day, &rows)?)?;
        }
        queue.drain(|kept| self.write(&kept, to))
    }

    /// Distributes a day's rows so that all copies of a sign-in come to the same piece.
    fn split(
        &self,
        spill: &mut ClosedSpill,
        day: i64,
        count: usize,
    ) -> Result<Vec<FrameFile>, DatasetError> {
        let mut pieces = Vec::with_capacity(count);
        for _ in 0..count {
            let path = self.finish.staging.path("piece");
            pieces.push(FrameFile::create(&self.finish.staging.disk, path)?);
        }
        let spill_path = &self.finish.staging.folder;
        spill.drain(day, |frame| {
            let (head, _) = RowHead::decode(frame).at(spill_path)?;
            // Less than the count, so no bits are lost.
            let piece = (xxh3_64(head.id.as_bytes()) % count as u64) as usize;
            pieces[piece].push(frame)
        })?;
        Ok(pieces)
    }

    /// Chooses among the copies in a piece of a day; answers what is kept, in its order.
    fn settle<'p>(&mut self, day: i64, rows: &'p [u8]) -> Result<Vec<Kept<'p>>, DatasetError> {
        let mut copies = Copies::default();
        for frame in frames_in(rows) {
            self.take(frame, &mut copies)?;
        }
        let mut groups = copies.into_groups(|loser| count_lost(self.passages, loser));
        self.meet_committed(day, &mut groups)?;
        let mut kept = Vec::new();
        for (key, group) in groups.into_iter() {
            let passages = &mut *self.passages;
            if let Some(outcome) = group.settle(|loser| count_lost(passages, loser)) {
                self.carry_out(key, outcome, &mut kept);
            }
        }
        kept.sort_unstable();
        Ok(kept)
    }

    fn take<'p>(&mut self, frame: &'p [u8], copies: &mut Copies<'p>) -> Result<(), DatasetError> {
        let (mut head, _) = RowHead::decode(frame).at(&self.finish.staging.folder)?;
        let Some(fresh) = self.finish.export_of(head.export())? else { return Ok(()) };
        self.passages[head.export() as usize].spilled += 1;
        let side = head.resolve(fresh.exporting_tenant).side;
        let rank = Rank {
            evidence: head.evidence_rank,
            is_present: true,
            row_hash: head.row_hash(),
            is_committed: false,
            position: (fresh.position, head.offset),
        };
        let spilled =
            SpilledRow { export: head.export(), created_at: head.created_at, bytes: frame };
        let copy = Copy { rank, published_at: head.published_at, source: Source::Spilled(spilled) };
        copies.push(Key { id: head.id, side }, copy);
        Ok(())
    }

    /// Adds the committed rows of a day to the groups of their keys.
    fn meet_committed(&mut self, day: i64, groups: &mut Groups<'_>) -> Result<(), DatasetError> {
        let from = day.saturating_mul(MICROS_PER_DAY);
        let until = from.saturating_add(MICROS_PER_DAY);
        for (parts, is_reserve) in [(&self.sign_ins, false), (&self.reserve, true)] {
            for (index, part) in parts.iter().enumerate() {
                if groups.is_empty() || !part.entry.overlaps(from, until) {
                    continue;
                }
                PartReader::open_checked(&part.path, &part.entry)?.read(
                    Some(RANKED),
                    Some((from, until)),
                    |rows| {
                        let columns = RankColumns::of(&rows)?;
                        let probe = Probe { from, until };
                        for row in 0..rows.batch.num_rows() {
                            let Some(group) = probe.find(&columns, row, groups) else { continue };
                            let at = columns.row(index, row, is_reserve, self.readings)?;
                            let copy = (!self.readings.is_stale(at.reading))
                                .then(|| columns.copy(row, at, self.finish.partners));
                            let loser = group.add_committed(at, &columns.times(row), copy);
                            loser.iter().for_each(|loser| count_lost(self.passages, loser));
                        }
                        Ok(())
                    },
                )?;
            }
        }
        Ok(())
    }

    /// Does what the judgement on a group demands.
    fn carry_out<'p>(&mut self, key: Key<'p>, outcome: Outcome<'p>, kept: &mut Vec<Kept<'p>>) {
        let Outcome { winner, spare, times, row, reserve, has_new_times } = outcome;
        let keep = |spilled: SpilledRow<'p>, is_reserve, times| Kept {
            created_at: spilled.created_at,
            key,
            is_reserve,
            times,
            row: spilled.bytes,
        };
        let mut row_leaves = None;
        let mut reserve_leaves = reserve.map(|at| (at, Fate::Drop));
        match winner {
            Source::Spilled(spilled) => {
                kept.push(keep(spilled, false, times));
                row_leaves = row.map(|at| (at, Fate::Drop));
            }
            Source::Committed(at) if at.table == CommittedIn::SignIns => {
                if has_new_times {
                    self.sign_ins[at.part].states.insert(at.row, States::of(&times));
                }
            }
            Source::Committed(at) => {
                self.reserve[at.part].states.insert(at.row, States::of(&times));
                reserve_leaves = Some((at, Fate::Move));
                row_leaves = row.map(|at| (at, Fate::Drop));
            }
        }
        match spare {
            Some(Source::Spilled(spilled)) => kept.push(keep(spilled, true, Vec::new())),
            Some(Source::Committed(at)) if at.table == CommittedIn::SignIns => {
                self.sign_ins[at.part].states.insert(at.row, States::ONCE_A_ROW);
                row_leaves = Some((at, Fate::Move));
            }
            Some(Source::Committed(_)) => reserve_leaves = None,
            None => {}
        }
        if let Some((at, fate)) = row_leaves {
            self.leave_sign_ins(key, at, fate);
        }
        if let Some((at, fate)) = reserve_leaves {
            self.leave_reserve(key, at, fate);
        }
    }

    fn leave_sign_ins(&mut self, key: Key<'_>, at: CommittedRow, fate: Fate) {
        self.readings.rows[at.reading].superseded += 1;
        let part = &mut self.sign_ins[at.part];
        let rows = if fate == Fate::Move { &mut part.moved } else { &mut part.dropped };
        rows.insert(at.row);
        self.policy_fates.set(key.hash_at(at.created_at), at.created_at, fate);
    }

    /// A row that comes (back) from the reserve changes its place in the ledger, too.
    fn leave_reserve(&mut self, key: Key<'_>, at: CommittedRow, fate: Fate) {
        let part = &mut self.reserve[at.part];
        if fate == Fate::Move {
            part.moved.insert(at.row);
            let reading = &mut self.readings.rows[at.reading];
            if at.table == (CommittedIn::Reserve { once_a_row: true }) {
                reading.superseded -= 1;
            } else {
                reading.partner += 1;
                reading.duplicate -= 1;
            }
        } else {
            part.dropped.insert(at.row);
        }
        self.reserve_policy_fates.set(key.hash_at(at.created_at), at.created_at, fate);
    }

    fn write(&mut self, kept: &Kept<'_>, to: &mut Taker<'_>) -> Result<(), DatasetError> {
        let chunk = if kept.is_reserve { &mut self.reserve_chunk } else { &mut self.chunk };
        chunk.push(kept);
        if chunk.is_full() { chunk.take().map_or(Ok(()), to) } else { Ok(()) }
    }

    /// Ends the month: hands on its last new rows, and rewrites the old parts that changed.
    pub(super) fn end(mut self, to: &mut Taker<'_>) -> Result<MonthParts, DatasetError> {
        let last = [self.chunk.take(), self.reserve_chunk.take()];
        last.into_iter().flatten().try_for_each(to)?;
        let mut parts = MonthParts::default();
        if self.readings.any_stale() {
            self.remove_stale()?;
        }
        self.rewrite_rows(&mut parts)?;
        self.rewrite_policies(&mut parts)?;
        Ok(parts)
    }

    /// Takes out the rows of readings that were made again in another way and whose sign-ins
    /// the new reading does not have.
    fn remove_stale(&mut self) -> Result<(), DatasetError> {
        for is_reserve in [false, true] {
            let (parts, fates) = if is_reserve {
                (&mut self.reserve, &mut self.reserve_policy_fates)
            } else {
                (&mut self.sign_ins, &mut self.policy_fates)
            };
            for part in parts {
                let reader = PartReader::open_checked(&part.path, &part.entry)?;
                reader.read(Some(&OWNED), None, |rows| {
                    let (ids, sides) = (rows.text("sign_in_id")?, rows.text("side")?);
                    let (exports, runs) = (rows.text("source_export")?, rows.text("run_id")?);
                    let times = rows.time("created_at")?;
                    for row in 0..rows.batch.num_rows() {
                        let number = rows.first + row as u64;
                        let reading =
                            self.readings.find(rows.path(), exports.value(row), runs.value(row))?;
                        if self.readings.is_stale(reading) && part.fate(number) == Fate::Keep {
                            part.dropped.insert(number);
                            let created_at = times.value(row);
                            let hash = hash_at(sides.value(row), ids.value(row), created_at);
                            fates.set(hash, created_at, Fate::Drop);
                            self.readings.rows[reading].removed += i64::from(!is_reserve);
                        }
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn rewrite_rows(&self, parts: &mut MonthParts) -> Result<(), DatasetError> {
        for (old, table, other) in [
            (&self.sign_ins, Table::SignIns, Table::ReserveSignIns),
            (&self.reserve, Table::ReserveSignIns, Table::SignIns),
        ] {
            for part in old.iter().filter(|part| part.is_touched()) {
                let mut moved = MovedRows::new(self, other);
                let staged = self.rewrite(part, table, &mut moved, |rows| {
                    let numbers = rows.first..rows.first + rows.batch.num_rows() as u64;
                    Ok(numbers.map(|row| part.fate(row)).collect())
                })?;
                parts.staged.extend(staged);
                parts.staged.extend(moved.finish()?);
                parts.replaced.push(part.entry.path.clone());
            }
        }
        Ok(())
    }

    fn rewrite_policies(&self, parts: &mut MonthParts) -> Result<(), DatasetError> {
        use Table::{AppliedPolicies, ReserveAppliedPolicies};
        for (old, fates, table, other) in [
            (&self.policies, &self.policy_fates, AppliedPolicies, ReserveAppliedPolicies),
            (
                &self.reserve_policies,
                &self.reserve_policy_fates,
                ReserveAppliedPolicies,
                AppliedPolicies,
            ),
        ] {
            for part in old {
                if fates.touch(part)? {
                    let mut moved = MovedRows::new(self, other);
                    let staged = self.rewrite(part, table, &mut moved, |rows| fates.of(rows))?;
                    parts.staged.extend(staged);
                    parts.staged.extend(moved.finish()?);
                    parts.replaced.push(part.entry.path.clone());
                }
            }
        }
        Ok(())
    }

    /// Writes a part again with the rows that stay, and hands on those that move.
    fn rewrite(
        &self,
        part: &OldPart,
        table: Table,
        moved: &mut MovedRows<'_>,
        fates: impl Fn(&Rows) -> Result<Vec<Fate>, DatasetError>,
    ) -> Result<Option<StagedPart>, DatasetError> {
        let schema = schema::arrow_schema_of(table);
        let staging = self.finish.staging;
        let mut writer = PartWriter::create(staging, table, Some(self.month))?;
        let reader = PartReader::open_checked(&part.path, &part.entry)?;
        reader.read(None, None, |rows| {
            let fates = fates(&rows)?;
            let batch = conform(&rows.batch, &schema).at(&part.path)?;
            let batch = with_states(batch, rows.first, &part.states).at(&part.path)?;
            let only = |fate| {
                let mask: BooleanArray = fates.iter().map(|&is| Some(is == fate)).collect();
                filter_record_batch(&batch, &mask).at(&part.path)
            };
            writer.write(&only(Fate::Keep)?)?;
            moved.write(&only(Fate::Move)?)
        })?;
        writer.finish()
    }
}

/// More files than this are not open at once.
const MAX_PIECES: usize = 256;

fn count_lost(passages: &mut [Passage], loser: &Source<'_>) {
    if let Source::Spilled(row) = loser {
        passages[row.export as usize].lost += 1;
    }
}

/// Puts new states in the place of old ones.
fn with_states(
    batch: RecordBatch,
    first: u64,
    states: &BTreeMap<u64, States>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let end = first + batch.num_rows() as u64;
    if states.range(first..end).next().is_none() {
        return Ok(batch);
    }
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    for (index, field) in schema.fields().iter().enumerate() {
        let at = |row: usize| states.get(&(first + row as u64));
        let old = Arc::clone(&columns[index]);
        if field.name() == "states" {
            let old = old.as_any().downcast_ref::<Int32Array>();
            let of = |row| at(row).map(|new| new.count).or(old.map(|old| old.value(row)));
            columns[index] = Arc::new((0..batch.num_rows()).map(of).collect::<Int32Array>());
        } else if field.name() == "state_times" {
            let old = old.as_any().downcast_ref::<StringArray>();
            let of = |row| match at(row) {
                Some(new) => new.times.as_deref(),
                None => old.and_then(|old| text_at(old, row)),
            };
            columns[index] = Arc::new((0..batch.num_rows()).map(of).collect::<StringArray>());
        }
    }
    RecordBatch::try_new(schema, columns)
}

/// Rows on their way from `sign_ins` to the reserve or back; of one part, so in order.
struct MovedRows<'a> {
    month: &'a MonthFinish<'a>,
    table: Table,
    writer: Option<PartWriter>,
}

impl<'a> MovedRows<'a> {
    fn new(month: &'a MonthFinish<'a>, table: Table) -> Self {
        Self { month, table, writer: None }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), DatasetError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(PartWriter::create(
                self.month.finish.staging,
                self.table,
                Some(self.month.month),
            )?),
        };
        writer.write(batch)
    }

    fn finish(self) -> Result<Option<StagedPart>, DatasetError> {
        self.writer.map_or(Ok(None), PartWriter::finish)
    }
}

impl PolicyFates {
    /// Whether any policy of a part goes.
    fn touch(&self, part: &OldPart) -> Result<bool, DatasetError> {
        let Some((from, until)) = self.span.map(|(from, last)| (from, last + 1)) else {
            return Ok(false);
        };
        if !part.entry.overlaps(from, until) {
            return Ok(false);
        }
        let mut is_touched = false;
        let columns = ["sign_in_id", "side", "created_at"];
        PartReader::open_checked(&part.path, &part.entry)?.read(
            Some(&columns),
            Some((from, until)),
            |rows| {
                is_touched = is_touched || self.of(&rows)?.iter().any(|&fate| fate != Fate::Keep);
                Ok(())
            },
        )?;
        Ok(is_touched)
    }

    fn of(&self, rows: &Rows) -> Result<Vec<Fate>, DatasetError> {
        let (ids, sides) = (rows.text("sign_in_id")?, rows.text("side")?);
        let times = rows.time("created_at")?;
        let hash = |row| hash_at(sides.value(row), ids.value(row), times.value(row));
        let fate = |row| self.by_sign_in.get(&hash(row)).copied().unwrap_or(Fate::Keep);
        Ok((0..rows.batch.num_rows()).map(fate).collect())
    }
}

/// The columns that tell to which reading a row belongs.
const OWNED: [&str; 5] = ["sign_in_id", "side", "created_at", "source_export", "run_id"];
