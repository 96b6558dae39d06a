//! From encoded rows to parts: rows are decoded and laid out in columns, and the columns are
//! encoded, by as many threads as the run has.
//!
//! Rows come in their order, in chunks whose size depends on the rows only; a column sees the
//! chunks one after the other. So the bytes of a part do not depend on the threads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use arrow::record_batch::RecordBatch;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::column::{BatchBuilder, Column, RowKind};
use super::error::{At, DatasetError};
use super::month::Finish;
use super::part::{PartWriter, StagedPart};
use super::queue::Kept;
use super::row::{PolicyRow, RowHead, SignInRow, States, state_count};
use super::schema::{APPLIED_POLICIES, SIGN_INS};
use super::table::{Month, Table};

/// Sign-ins that are handed on together: as many as fit into the caches of a processor.
const CHUNK_ROWS: usize = 2_048;
/// Rows that are much wider than sign-ins are must not fill the memory.
const CHUNK_BYTES: usize = 8 << 20;

/// Encoded rows of a month, in their order.
pub(super) struct Chunk {
    month: Month,
    is_reserve: bool,
    bytes: Vec<u8>,
    times: Vec<i64>,
    /// Where each row and its times end.
    ends: Vec<(usize, usize)>,
}

impl Chunk {
    pub(super) fn new(month: Month, is_reserve: bool) -> Self {
        Self { month, is_reserve, bytes: Vec::new(), times: Vec::new(), ends: Vec::new() }
    }

    pub(super) fn push(&mut self, kept: &Kept<'_>) {
        self.bytes.extend_from_slice(kept.row);
        self.times.extend_from_slice(&kept.times);
        self.ends.push((self.bytes.len(), self.times.len()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.ends.len() >= CHUNK_ROWS || self.bytes.len() >= CHUNK_BYTES
    }

    /// What it holds; it is empty afterwards.
    pub(super) fn take(&mut self) -> Option<Self> {
        let taken = std::mem::replace(self, Self::new(self.month, self.is_reserve));
        (!taken.ends.is_empty()).then_some(taken)
    }

    fn rows(&self) -> impl Iterator<Item = (&[u8], &[i64])> {
        let mut start = (0, 0);
        self.ends.iter().map(move |&end| {
            let from = std::mem::replace(&mut start, end);
            (&self.bytes[from.0..end.0], &self.times[from.1..end.1])
        })
    }

    /// The rows of `sign_ins` and of `applied_policies`.
    fn lay_out(&self, finish: &Finish<'_>) -> Result<LaidOut, DatasetError> {
        let path = &finish.staging.folder;
        let mut sign_ins = Batches::new(SIGN_INS, self.ends.len());
        let mut policies = Batches::new(APPLIED_POLICIES, self.ends.len());
        for (bytes, times) in self.rows() {
            let (head, content) = RowHead::decode(bytes).at(path)?;
            let Some(fresh) = finish.export_of(head.export())? else { continue };
            let states = if self.is_reserve { States::NEVER_A_ROW } else { state_count(times) };
            // What lost to a later state is not asked for its times.
            let times = if self.is_reserve { &[] } else { times };
            let (tenant, source) = (fresh.exporting_tenant, &fresh.source);
            let row = SignInRow::decode(head, content, tenant, source, states, times).at(path)?;
            sign_ins.push(&row).at(path)?;
            for index in 0..row.sign_in.applied_policies.len() {
                policies.push(&PolicyRow { sign_in: &row, index }).at(path)?;
            }
        }
        let (month, is_reserve) = (self.month, self.is_reserve);
        let sign_ins = sign_ins.finish().at(path)?;
        Ok(LaidOut { month, is_reserve, sign_ins, policies: policies.finish().at(path)? })
    }
}

/// A chunk in columns.
struct LaidOut {
    month: Month,
    is_reserve: bool,
    sign_ins: Vec<RecordBatch>,
    policies: Vec<RecordBatch>,
}

/// Rows on their way into batches.
struct Batches<K: RowKind> {
    builder: BatchBuilder<K>,
    full: Vec<RecordBatch>,
}

impl<K: RowKind> Batches<K> {
    fn new(columns: &'static [Column<K>], rows: usize) -> Self {
        Self { builder: BatchBuilder::with_capacity(columns, rows), full: Vec::new() }
    }

    fn push(&mut self, row: &K::Row<'_>) -> Result<(), arrow::error::ArrowError> {
        self.builder.push(row);
        if self.builder.is_full() {
            self.full.push(self.builder.take()?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<RecordBatch>, arrow::error::ArrowError> {
        if !self.builder.is_empty() {
            self.full.push(self.builder.take()?);
        }
        Ok(self.full)
    }
}

/// Takes chunks, those of a month after those of the month before.
pub(super) type Taker<'a> = dyn FnMut(Chunk) -> Result<(), DatasetError> + 'a;

/// Writes the chunks that `work` hands out while it goes on working; answers what it answers, and
/// the parts.
pub(super) fn write_chunks<T: Send>(
    finish: &Finish<'_>,
    threads: usize,
    work: impl FnOnce(&mut Taker<'_>) -> Result<T, DatasetError>,
) -> Result<(T, Vec<StagedPart>), DatasetError> {
    if threads <= 1 {
        let mut writer = ChunkWriter::new(finish, None);
        let worked = work(&mut |chunk| writer.write(&[chunk]))?;
        return Ok((worked, writer.finish()?));
    }
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(threads).build()?);
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(1);
        let writer = ChunkWriter::new(finish, Some(pool));
        let writer = scope.spawn(move || writer.write_all(&receiver, threads));
        // Nobody takes a chunk any more if one could not be written: that error counts.
        let worked = work(&mut |chunk| sender.send(chunk).map_err(|_| DatasetError::Stopped));
        drop(sender);
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((worked?, written))
    })
}

/// The parts of the month that is being written.
struct ChunkWriter<'a> {
    finish: &'a Finish<'a>,
    pool: Option<Arc<ThreadPool>>,
    month: Option<Month>,
    sign_ins: Option<PartWriter>,
    policies: Option<PartWriter>,
    reserve: Option<PartWriter>,
    reserve_policies: Option<PartWriter>,
    staged: Vec<StagedPart>,
}

impl<'a> ChunkWriter<'a> {
    fn new(finish: &'a Finish<'a>, pool: Option<Arc<ThreadPool>>) -> Self {
        Self {
            finish,
            pool,
            month: None,
            sign_ins: None,
            policies: None,
            reserve: None,
            reserve_policies: None,
            staged: Vec::new(),
        }
    }

    /// Takes as many chunks at once as there are, up to one for each thread.
    fn write_all(
        mut self,
        chunks: &Receiver<Chunk>,
        threads: usize,
    ) -> Result<Vec<StagedPart>, DatasetError> {
        while let Ok(first) = chunks.recv() {
            let more = chunks.try_iter().take(threads - 1);
            let some: Vec<Chunk> = std::iter::once(first).chain(more).collect();
            self.write(&some)?;
        }
        self.finish()
    }

    fn write(&mut self, chunks: &[Chunk]) -> Result<(), DatasetError> {
        let finish = self.finish;
        let lay_out = |chunk: &Chunk| chunk.lay_out(finish);
        let laid_out: Vec<LaidOut> = match &self.pool {
            Some(pool) => {
                pool.install(|| chunks.par_iter().map(lay_out).collect::<Result<_, _>>())?
            }
            None => chunks.iter().map(lay_out).collect::<Result<_, _>>()?,
        };
        for chunk in laid_out {
            if self.month != Some(chunk.month) {
                self.end_month()?;
                self.month = Some(chunk.month);
            }
            self.write_batches(&chunk)?;
        }
        Ok(())
    }

    fn write_batches(&mut self, chunk: &LaidOut) -> Result<(), DatasetError> {
        let month = Some(chunk.month);
        let create =
            |table| PartWriter::create_shared(self.finish.staging, table, month, self.pool.clone());
        let (rows, policies, tables) = if chunk.is_reserve {
            let tables = (Table::ReserveSignIns, Table::ReserveAppliedPolicies);
            (&mut self.reserve, &mut self.reserve_policies, tables)
        } else {
            (&mut self.sign_ins, &mut self.policies, (Table::SignIns, Table::AppliedPolicies))
        };
        let mut write_rows = || write_to(rows, || create(tables.0), &chunk.sign_ins);
        let mut write_policies = || write_to(policies, || create(tables.1), &chunk.policies);
        match &self.pool {
            Some(pool) => {
                let (rows, policies) = pool.join(write_rows, write_policies);
                rows.and(policies)
            }
            None => write_rows().and_then(|()| write_policies()),
        }
    }

    fn end_month(&mut self) -> Result<(), DatasetError> {
        let open = [
            self.sign_ins.take(),
            self.policies.take(),
            self.reserve.take(),
            self.reserve_policies.take(),
        ];
        for part in open.into_iter().flatten() {
            self.staged.extend(part.finish()?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<StagedPart>, DatasetError> {
        self.end_month()?;
        Ok(self.staged)
    }
}

/// Writes batches to a part, which is made when the first one comes.
fn write_to(
    part: &mut Option<PartWriter>,
    create: impl Fn() -> Result<PartWriter, DatasetError>,
    batches: &[RecordBatch],
) -> Result<(), DatasetError> {
    for batch in batches {
        let open = match &mut *part {
            Some(open) => open,
            none => none.insert(create()?),
        };
        open.write(batch)?;
    }
    Ok(())
}
