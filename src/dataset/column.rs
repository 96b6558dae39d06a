//! One column of a table: its name and type, what it means, and how a row fills it.
//!
//! The Arrow schema, the builders and the documentation all come from the same entries, so they
//! cannot drift apart.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};

/// Rows that are handed to Parquet at once.
pub(super) const BATCH_ROWS: usize = 8_192;

/// A batch with more text than this is handed over early: one column of a batch cannot hold
/// 2 GiB, and names of 1 MiB occur in hostile logs.
const BATCH_TEXT_BYTES: usize = 32 << 20;

/// The types that every reader of Parquet understands; nothing is nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Bool,
    Int32,
    Int64,
    Text,
    Date,
    /// Microseconds, UTC.
    Timestamp,
}

impl ColumnKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Text => "utf8",
            Self::Date => "date32",
            Self::Timestamp => "timestamp µs UTC",
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Text => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// What people read about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnDoc {
    pub name: &'static str,
    pub kind: ColumnKind,
    /// Never null.
    pub required: bool,
    /// Empty where a value has none.
    pub unit: &'static str,
    /// The field of a sign-in log it comes from; empty where we make it.
    pub source: &'static str,
    pub meaning: &'static str,
}

/// A column with the way to take its value from a row.
pub(super) struct Column<R: 'static> {
    pub doc: ColumnDoc,
    value: Value<R>,
}

/// How a row fills a column; one variant per type, so that they cannot be mixed up.
enum Value<R: 'static> {
    Bool(fn(&R) -> Option<bool>),
    Int32(fn(&R) -> Option<i32>),
    Int64(fn(&R) -> Option<i64>),
    Text(TextOf<R>),
    Date(fn(&R) -> Option<i32>),
    Timestamp(fn(&R) -> Option<DateTime<Utc>>),
}

pub(super) type TextOf<R> = for<'a> fn(&'a R) -> Option<Cow<'a, str>>;

impl<R> Column<R> {
    const fn new(name: &'static str, kind: ColumnKind, value: Value<R>) -> Self {
        let doc = ColumnDoc { name, kind, required: false, unit: "", source: "", meaning: "" };
        Self { doc, value }
    }

    pub(super) const fn bool(name: &'static str, value: fn(&R) -> Option<bool>) -> Self {
        Self::new(name, ColumnKind::Bool, Value::Bool(value))
    }

    pub(super) const fn int32(name: &'static str, value: fn(&R) -> Option<i32>) -> Self {
        Self::new(name, ColumnKind::Int32, Value::Int32(value))
    }

    pub(super) const fn int64(name: &'static str, value: fn(&R) -> Option<i64>) -> Self {
        Self::new(name, ColumnKind::Int64, Value::Int64(value))
    }

    pub(super) const fn text(name: &'static str, value: TextOf<R>) -> Self {
        Self::new(name, ColumnKind::Text, Value::Text(value))
    }

    pub(super) const fn date(name: &'static str, value: fn(&R) -> Option<i32>) -> Self {
        Self::new(name, ColumnKind::Date, Value::Date(value))
    }

    pub(super) const fn timestamp(
        name: &'static str,
        value: fn(&R) -> Option<DateTime<Utc>>,
    ) -> Self {
        Self::new(name, ColumnKind::Timestamp, Value::Timestamp(value))
    }

    /// The value is in every row.
    pub(super) const fn required(mut self) -> Self {
        self.doc.required = true;
        self
    }

    pub(super) const fn unit(mut self, unit: &'static str) -> Self {
        self.doc.unit = unit;
        self
    }

    /// The field of the log it comes from.
    pub(super) const fn from(mut self, source: &'static str) -> Self {
        self.doc.source = source;
        self
    }

    pub(super) const fn means(mut self, meaning: &'static str) -> Self {
        self.doc.meaning = meaning;
        self
    }
}

/// The Arrow schema of documented columns.
pub(super) fn arrow_schema<'a>(docs: impl Iterator<Item = &'a ColumnDoc>) -> SchemaRef {
    let fields: Vec<Field> =
        docs.map(|doc| Field::new(doc.name, doc.kind.data_type(), !doc.required)).collect();
    Arc::new(Schema::new(fields))
}

/// Collects rows into batches, column by column.
pub(super) struct BatchBuilder<R: 'static> {
    columns: &'static [Column<R>],
    schema: SchemaRef,
    builders: Vec<Builder>,
    row_count: usize,
    text_bytes: usize,
}

enum Builder {
    Bool(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Text(StringBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl<R> BatchBuilder<R> {
    pub(super) fn new(columns: &'static [Column<R>]) -> Self {
        let builders = columns.iter().map(|column| Builder::of(column.doc.kind)).collect();
        let schema = arrow_schema(columns.iter().map(|column| &column.doc));
        Self { columns, schema, builders, row_count: 0, text_bytes: 0 }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    pub(super) fn push(&mut self, row: &R) {
        for (column, builder) in self.columns.iter().zip(&mut self.builders) {
            self.text_bytes += builder.append(&column.value, row);
        }
        self.row_count += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.row_count >= BATCH_ROWS || self.text_bytes >= BATCH_TEXT_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.row_count == 0
    }

    /// The rows so far as a batch; the builder is empty afterwards.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.row_count = 0;
        self.text_bytes = 0;
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(self.schema(), arrays)
    }
}

impl Builder {
    fn of(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnKind::Int32 => Self::Int32(Int32Builder::new()),
            ColumnKind::Int64 => Self::Int64(Int64Builder::new()),
            ColumnKind::Text => Self::Text(StringBuilder::new()),
            ColumnKind::Date => Self::Date(Date32Builder::new()),
            ColumnKind::Timestamp => {
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
        }
    }

    /// Appends a row's value; the answer is the bytes of its text.
    fn append<R>(&mut self, value: &Value<R>, row: &R) -> usize {
        match (self, value) {
            (Self::Bool(builder), Value::Bool(of)) => builder.append_option(of(row)),
            (Self::Int32(builder), Value::Int32(of)) => builder.append_option(of(row)),
            (Self::Int64(builder), Value::Int64(of)) => builder.append_option(of(row)),
            (Self::Date(builder), Value::Date(of)) => builder.append_option(of(row)),
            (Self::Timestamp(builder), Value::Timestamp(of)) => {
                builder.append_option(of(row).map(|time| time.timestamp_micros()));
            }
            (Self::Text(builder), Value::Text(of)) => {
                let text = of(row);
                builder.append_option(text.as_deref());
                return text.map_or(0, |text| text.len());
            }
            // Both were made from the same column.
            _ => debug_assert!(false, "a builder of another type"),
        }
        0
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }
}
