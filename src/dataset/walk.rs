//! Rows of parts for those who count them: column by column, one row group after the other, from
//! any number of threads.
//!
//! A text column comes as [`Words`]: each text once, and which one each row has. So whoever counts
//! looks at a text once for each row group and not once for each row.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Int32Type, Int64Type, Schema, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::RowGroupMetaData;

use super::error::{At, DatasetError, Tried};
use super::part::{SCHEMA_MARK, time_statistics};
use super::words::{Words, word_field};

/// Text columns of which nearly each row has another value; the rest come as [`Words`].
const MANIFOLD: [&str; 2] = ["sign_in_id", "correlation_id"];

/// Text of rows that are read together, as far as the average of a row group tells.
const STRETCH_BYTES: usize = 64 << 20;

/// The parts of one table, opened for counting.
#[derive(Debug)]
pub struct Walk {
    parts: Vec<OpenPart>,
}

#[derive(Debug)]
struct OpenPart {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    is_ours: bool,
}

/// A row group of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowGroup {
    pub part: usize,
    group: usize,
    pub rows: u64,
    /// The least and the greatest `created_at`, in microseconds; `None` if nobody wrote it down.
    pub times: Option<(i64, i64)>,
    /// We wrote it, so the rows are in the order of `created_at`, `sign_in_id`, `side`.
    pub is_in_order: bool,
}

impl Walk {
    /// Opens the parts; reads no row yet.
    pub fn open(paths: &[PathBuf]) -> Result<Self, DatasetError> {
        let parts = paths.iter().map(|path| OpenPart::open(path)).collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// Rows of all parts.
    pub fn row_count(&self) -> u64 {
        let rows = |part: &OpenPart| part.metadata.metadata().file_metadata().num_rows();
        self.parts.iter().map(|part| u64::try_from(rows(part)).unwrap_or_default()).sum()
    }

    /// The row groups of all parts, in the order of the parts.
    pub fn row_groups(&self) -> Vec<RowGroup> {
        let parts = self.parts.iter().enumerate();
        parts.flat_map(|(number, part)| part.row_groups(number)).collect()
    }

    /// Reads columns of a row group, so many rows at a time. A column that the part does not have
    /// is left out.
    pub fn read<E: From<DatasetError>>(
        &self,
        group: &RowGroup,
        columns: &[&str],
        rows_at_a_time: usize,
        take: impl FnMut(&Stretch) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read_selected(group, columns, None, rows_at_a_time, take)
    }

    /// Reads only these rows of a row group; their numbers ascend.
    pub fn read_rows<E: From<DatasetError>>(
        &self,
        group: &RowGroup,
        rows: &[usize],
        columns: &[&str],
        take: impl FnMut(&Stretch) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read_selected(group, columns, Some(selection(rows)), rows.len().max(1), take)
    }

    fn read_selected<E: From<DatasetError>>(
        &self,
        group: &RowGroup,
        columns: &[&str],
        selection: Option<RowSelection>,
        rows_at_a_time: usize,
        mut take: impl FnMut(&Stretch) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(part) = self.parts.get(group.part) else { return Ok(()) };
        let rows_at_a_time = part.rows_at_once(group.group, columns, rows_at_a_time);
        for batch in part.batches(group.group, columns, selection, rows_at_a_time)? {
            take(&Stretch { batch: batch.at(&part.path)?, path: part.path.clone() })?;
        }
        Ok(())
    }
}

fn selection(rows: &[usize]) -> RowSelection {
    let mut selectors = Vec::new();
    let mut next = 0;
    for &row in rows.iter() {
        if row > next {
            selectors.push(RowSelector::skip(row - next));
        }
        selectors.push(RowSelector::select(1));
        next = row + 1;
    }
    selectors.into()
}

impl OpenPart {
    fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = File::open(path).tried("open", path)?;
        let found = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).at(path)?;
        let marks = found.metadata().file_metadata().key_value_metadata();
        let is_ours = marks.is_some_and(|marks| marks.iter().any(|mark| mark.key == SCHEMA_MARK));
        let fields = found.schema().fields().iter().map(|field| counted_as(field));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata =
            ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options).at(path)?;
        Ok(Self { path: path.to_owned(), metadata, is_ours })
    }

    fn row_groups(&self, part: usize) -> impl Iterator<Item = RowGroup> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        groups.map(move |(group, found)| RowGroup {
            part,
            group,
            rows: u64::try_from(found.num_rows()).unwrap_or_default(),
            times: times_of(found),
            is_in_order: self.is_ours,
        })
    }

    /// Fewer rows than wanted where texts are so long that they would fill the memory.
    fn rows_at_once(&self, group: usize, columns: &[&str], wanted: usize) -> usize {
        let group = self.metadata.metadata().row_group(group);
        let asked = group.columns().iter();
        let asked =
            asked.filter(|column| columns.contains(&column.column_path().string().as_str()));
        let bytes: i64 = asked.filter_map(|c| c.unencoded_byte_array_data_bytes()).sum();
        let of_row = usize::try_from(bytes / group.num_rows().max(1)).unwrap_or_default();
        (STRETCH_BYTES / of_row.max(1)).clamp(1, wanted.max(1))
    }

    /// Opens the file anew: threads that read by one handle would move it away from each other.
    fn batches(
        &self,
        group: usize,
        columns: &[&str],
        selection: Option<RowSelection>,
        rows_at_a_time: usize,
    ) -> Result<ParquetRecordBatchReader, DatasetError> {
        let file = File::open(&self.path).tried("open", &self.path)?;
        let schema = self.metadata.parquet_schema();
        let mask = ProjectionMask::columns(schema, columns.iter().copied());
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_batch_size(rows_at_a_time);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        builder.build().at(&self.path)
    }
}

/// How a column is read here.
fn counted_as(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8 if MANIFOLD.contains(&field.name().as_str()) => {
            field.clone().with_data_type(DataType::Utf8View)
        }
        DataType::Utf8 => word_field(field),
        _ => field.clone(),
    }
}

fn times_of(group: &RowGroupMetaData) -> Option<(i64, i64)> {
    let times = time_statistics(group)?;
    Some((*times.min_opt()?, *times.max_opt()?))
}

/// Some rows of a row group.
#[derive(Debug)]
pub struct Stretch {
    batch: RecordBatch,
    path: PathBuf,
}

impl Stretch {
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// Microseconds since 1970.
    pub fn times(&self, column: &'static str) -> Result<Numbers<'_>, DatasetError> {
        let times = self.primitive::<TimestampMicrosecondType>(column)?;
        Ok(Numbers { values: Values::Wide(times.values()), nulls: times.nulls() })
    }

    /// A column of whole numbers, whatever its width.
    pub fn numbers(&self, column: &'static str) -> Result<Numbers<'_>, DatasetError> {
        if let Ok(numbers) = self.primitive::<Int32Type>(column) {
            return Ok(Numbers {
                values: Values::Narrow(numbers.values()),
                nulls: numbers.nulls(),
            });
        }
        let numbers = self.primitive::<Int64Type>(column)?;
        Ok(Numbers { values: Values::Wide(numbers.values()), nulls: numbers.nulls() })
    }

    pub fn flags(&self, column: &'static str) -> Result<Flags<'_>, DatasetError> {
        self.array(column)?.as_boolean_opt().map(Flags).ok_or_else(|| self.lacks(column))
    }

    /// A text column in which texts come again and again.
    pub fn words(&self, column: &'static str) -> Result<Words<'_>, DatasetError> {
        Words::of(self.array(column)?).ok_or_else(|| self.lacks(column))
    }

    /// A text column of which nearly each row has another value.
    pub fn texts(&self, column: &'static str) -> Result<Texts<'_>, DatasetError> {
        self.array(column)?.as_string_view_opt().map(Texts).ok_or_else(|| self.lacks(column))
    }

    /// Whether the part has a column: later versions have more.
    pub fn has(&self, column: &str) -> bool {
        self.batch.column_by_name(column).is_some()
    }

    fn array(&self, column: &'static str) -> Result<&ArrayRef, DatasetError> {
        self.batch.column_by_name(column).ok_or_else(|| self.lacks(column))
    }

    fn primitive<T: ArrowPrimitiveType>(
        &self,
        column: &'static str,
    ) -> Result<&PrimitiveArray<T>, DatasetError> {
        self.array(column)?.as_primitive_opt::<T>().ok_or_else(|| self.lacks(column))
    }

    fn lacks(&self, column: &'static str) -> DatasetError {
        DatasetError::Column { path: self.path.clone(), column }
    }
}

/// A column of numbers.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    Narrow(&'a [i32]),
    Wide(&'a [i64]),
}

impl Numbers<'_> {
    /// The number of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<i64> {
        let number = match self.values {
            Values::Narrow(numbers) => i64::from(*numbers.get(row)?),
            Values::Wide(numbers) => *numbers.get(row)?,
        };
        self.nulls.is_none_or(|nulls| nulls.is_valid(row)).then_some(number)
    }
}

/// A column of yes and no.
#[derive(Debug, Clone, Copy)]
pub struct Flags<'a>(&'a BooleanArray);

impl Flags<'_> {
    /// Missing is no.
    #[inline]
    pub fn get(&self, row: usize) -> bool {
        self.0.is_valid(row) && self.0.value(row)
    }
}

/// A text column by row.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a>(&'a StringViewArray);

impl<'a> Texts<'a> {
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.0.is_valid(row).then(|| self.0.value(row))
    }
}
