//! Joins parts of one table and month into one, in the order of their rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, StringArray, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

use crate::relation::Side;

use super::derived::parse_side;
use super::error::{At, DatasetError};
use super::part::{Batches, PartReader, PartWriter, StagedPart, Staging, conform};
use super::schema;
use super::table::{Month, Table};

/// Parts that are read at once: each holds pages of all its columns in memory.
const PARTS_AT_ONCE: usize = 8;
/// Rows of a part that are in memory.
const ROWS_AT_ONCE: usize = 1024;

/// A part to be joined.
pub(super) struct Joined {
    pub path: PathBuf,
    pub rows: u64,
}

/// Joins parts into one, the smallest first, so that large ones are written only once.
pub(super) fn join(
    staging: &Staging,
    table: Table,
    month: Option<Month>,
    mut parts: Vec<Joined>,
) -> Result<Option<StagedPart>, DatasetError> {
    let mut made: Vec<PathBuf> = Vec::new();
    loop {
        parts.sort_by(|a, b| (b.rows, &b.path).cmp(&(a.rows, &a.path)));
        let some = parts.split_off(parts.len().saturating_sub(PARTS_AT_ONCE));
        let joined = join_some(staging, table, month, &some)?;
        for part in some.iter().filter(|part| made.contains(&part.path)) {
            // An intermediate one; the staging folder goes in the end, whatever is left.
            let _ = staging.disk.remove_file(&part.path);
        }
        let Some(joined) = joined else { return Ok(None) };
        if parts.is_empty() {
            return Ok(Some(joined));
        }
        made.push(joined.path.clone());
        parts.push(Joined { path: joined.path, rows: joined.entry.rows });
    }
}

fn join_some(
    staging: &Staging,
    table: Table,
    month: Option<Month>,
    parts: &[Joined],
) -> Result<Option<StagedPart>, DatasetError> {
    let schema = schema::arrow_schema_of(table);
    let mut writer = PartWriter::create(staging, table, month)?;
    let mut cursors = Vec::new();
    for part in parts {
        cursors.extend(Cursor::open(&part.path, &schema)?);
    }
    if table.is_by_month() {
        merge(cursors, &mut writer)?;
    } else {
        for mut cursor in cursors {
            while writer.write(&cursor.batch).and_then(|()| cursor.next_batch())? {}
        }
    }
    writer.finish()
}

/// Where a row stands in a part; copies of a key keep the order of the parts.
type Place = (i64, String, Side);

fn merge(mut cursors: Vec<Cursor>, writer: &mut PartWriter) -> Result<(), DatasetError> {
    let mut heap: BinaryHeap<Reverse<(Place, usize)>> = BinaryHeap::new();
    for (index, cursor) in cursors.iter().enumerate() {
        heap.push(Reverse((cursor.place()?, index)));
    }
    let mut picked: Vec<(usize, usize)> = Vec::new();
    while let Some(Reverse((_, index))) = heap.pop() {
        let cursor = &mut cursors[index];
        picked.push((index, cursor.row));
        cursor.row += 1;
        if cursor.row == cursor.batch.num_rows() {
            write_picked(&cursors, &mut picked, writer)?;
            if !cursors[index].next_batch()? {
                continue;
            }
        }
        heap.push(Reverse((cursors[index].place()?, index)));
    }
    Ok(())
}

/// Writes the rows picked so far, before a batch goes that some of them lie in.
fn write_picked(
    cursors: &[Cursor],
    picked: &mut Vec<(usize, usize)>,
    writer: &mut PartWriter,
) -> Result<(), DatasetError> {
    let batches: Vec<&RecordBatch> = cursors.iter().map(|cursor| &cursor.batch).collect();
    let rows = interleave_record_batch(&batches, picked).at(writer.path())?;
    picked.clear();
    writer.write(&rows)
}

/// A part while it is read: some rows, and the one whose turn it is.
struct Cursor {
    path: PathBuf,
    schema: SchemaRef,
    batches: Batches,
    batch: RecordBatch,
    row: usize,
}

impl Cursor {
    /// Nothing for a part without rows.
    fn open(path: &Path, schema: &SchemaRef) -> Result<Option<Self>, DatasetError> {
        let batches = PartReader::open(path)?.batches(ROWS_AT_ONCE)?;
        let batch = RecordBatch::new_empty(schema.clone());
        let (path, schema) = (path.to_owned(), schema.clone());
        let mut cursor = Self { path, schema, batches, batch, row: 0 };
        Ok(cursor.next_batch()?.then_some(cursor))
    }

    fn next_batch(&mut self) -> Result<bool, DatasetError> {
        let Some(batch) = self.batches.next() else { return Ok(false) };
        self.batch = conform(&batch.at(&self.path)?, &self.schema).at(&self.path)?;
        self.row = 0;
        Ok(self.batch.num_rows() > 0)
    }

    fn place(&self) -> Result<Place, DatasetError> {
        let lacks = |column| DatasetError::Column { path: self.path.clone(), column };
        let text = |column: &'static str| -> Result<&StringArray, DatasetError> {
            let array = self.batch.column_by_name(column).and_then(|a| a.as_string_opt::<i32>());
            array.ok_or_else(|| lacks(column))
        };
        let times = self.batch.column_by_name("created_at");
        let times: &TimestampMicrosecondArray = times
            .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>())
            .ok_or_else(|| lacks("created_at"))?;
        let side = parse_side(text("side")?.value(self.row)).unwrap_or(Side::Home);
        let id = text("sign_in_id")?.value(self.row).to_owned();
        Ok((times.value(self.row), id, side))
    }
}
