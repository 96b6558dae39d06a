//! One column of a table: its name and type, what it means, and how a row fills it.
//!
//! The Arrow schema, the builders and the documentation all come from the same entries, so they
//! cannot drift apart.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};

use crate::tenant::TenantId;

/// Rows that are handed to Parquet at once.
pub(super) const BATCH_ROWS: usize = 8_192;

/// A batch with more text than this is handed over early: one column of a batch cannot hold
/// 2 GiB, and names of 1 MiB occur in hostile logs.
const BATCH_TEXT_BYTES: usize = 32 << 20;

/// Room that is made for a text before any is known.
const TYPICAL_TEXT_BYTES: usize = 16;

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

/// The rows of a table. They may borrow their texts from where they lie encoded.
pub(super) trait RowKind: 'static {
    type Row<'a>;
}

/// Rows that own all they say.
pub(super) struct Owned<R>(PhantomData<R>);

impl<R: 'static> RowKind for Owned<R> {
    type Row<'a> = R;
}

/// A column with the way to take its value from a row.
pub(super) struct Column<K: RowKind> {
    pub doc: ColumnDoc,
    value: Value<K>,
    /// No value is likely to come twice: it is not looked for among the earlier ones.
    pub is_unique: bool,
    /// Readers look for some of its values only: its least and greatest are told.
    pub is_searched: bool,
}

/// How a row fills a column; one variant per type, so that they cannot be mixed up.
enum Value<K: RowKind> {
    Bool(Of<K, bool>),
    Int32(Of<K, i32>),
    Int64(Of<K, i64>),
    Text(TextOf<K>),
    Written(Write<K>),
    Tenant(Of<K, TenantId>),
    Date(Of<K, i32>),
    Timestamp(Of<K, DateTime<Utc>>),
}

type Of<K, T> = for<'a, 'b> fn(&'a <K as RowKind>::Row<'b>) -> Option<T>;

pub(super) type TextOf<K> = for<'a, 'b> fn(&'a <K as RowKind>::Row<'b>) -> Option<Cow<'a, str>>;

/// Writes a text that is put together; no answer is a null.
pub(super) type Write<K> = for<'a, 'b> fn(&'a <K as RowKind>::Row<'b>, &mut String) -> Option<()>;

impl<K: RowKind> Column<K> {
    const fn new(name: &'static str, kind: ColumnKind, value: Value<K>) -> Self {
        let doc = ColumnDoc { name, kind, required: false, unit: "", source: "", meaning: "" };
        Self { doc, value, is_unique: false, is_searched: false }
    }

    pub(super) const fn bool(name: &'static str, value: Of<K, bool>) -> Self {
        Self::new(name, ColumnKind::Bool, Value::Bool(value))
    }

    pub(super) const fn int32(name: &'static str, value: Of<K, i32>) -> Self {
        Self::new(name, ColumnKind::Int32, Value::Int32(value))
    }

    pub(super) const fn int64(name: &'static str, value: Of<K, i64>) -> Self {
        Self::new(name, ColumnKind::Int64, Value::Int64(value))
    }

    pub(super) const fn text(name: &'static str, value: TextOf<K>) -> Self {
        Self::new(name, ColumnKind::Text, Value::Text(value))
    }

    /// A text that is put together, without a new one for each row.
    pub(super) const fn written(name: &'static str, value: Write<K>) -> Self {
        Self::new(name, ColumnKind::Text, Value::Written(value))
    }

    /// A tenant's id as text.
    pub(super) const fn tenant(name: &'static str, value: Of<K, TenantId>) -> Self {
        Self::new(name, ColumnKind::Text, Value::Tenant(value))
    }

    pub(super) const fn date(name: &'static str, value: Of<K, i32>) -> Self {
        Self::new(name, ColumnKind::Date, Value::Date(value))
    }

    pub(super) const fn timestamp(name: &'static str, value: Of<K, DateTime<Utc>>) -> Self {
        Self::new(name, ColumnKind::Timestamp, Value::Timestamp(value))
    }

    /// No value is likely to come twice.
    pub(super) const fn unique(mut self) -> Self {
        self.is_unique = true;
        self
    }

    /// Readers look for some of its values only.
    pub(super) const fn searched(mut self) -> Self {
        self.is_searched = true;
        self
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
pub(super) struct BatchBuilder<K: RowKind> {
    columns: &'static [Column<K>],
    schema: SchemaRef,
    builders: Vec<Builder>,
    scratch: Scratch,
    row_count: usize,
    text_bytes: usize,
}

/// Texts that do not lie in a row.
#[derive(Default)]
struct Scratch {
    /// A text while it is put together.
    text: String,
    tenants: TenantTexts,
}

/// Ids of tenants as they are written: a few tenants stand in most rows.
#[derive(Default)]
struct TenantTexts {
    known: Vec<Option<(TenantId, String)>>,
}

impl TenantTexts {
    const SLOTS: usize = 64;

    fn text(&mut self, tenant: TenantId) -> &str {
        self.known.resize(Self::SLOTS, None);
        let slot = &mut self.known[(tenant.as_u128() % Self::SLOTS as u128) as usize];
        if slot.as_ref().is_none_or(|(known, _)| *known != tenant) {
            *slot = Some((tenant, tenant.to_string()));
        }
        slot.as_ref().map_or("", |(_, text)| text)
    }
}

enum Builder {
    Bool(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Text(StringBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl<K: RowKind> BatchBuilder<K> {
    pub(super) fn new(columns: &'static [Column<K>]) -> Self {
        Self::with_capacity(columns, 0)
    }

    /// With room for so many rows.
    pub(super) fn with_capacity(columns: &'static [Column<K>], rows: usize) -> Self {
        let builders = columns.iter().map(|column| Builder::of(column.doc.kind, rows)).collect();
        let schema = arrow_schema(columns.iter().map(|column| &column.doc));
        Self { columns, schema, builders, scratch: Scratch::default(), row_count: 0, text_bytes: 0 }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    pub(super) fn push(&mut self, row: &K::Row<'_>) {
        for (column, builder) in self.columns.iter().zip(&mut self.builders) {
            self.text_bytes += builder.append(&column.value, row, &mut self.scratch);
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
    fn of(kind: ColumnKind, rows: usize) -> Self {
        match kind {
            ColumnKind::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            ColumnKind::Int32 => Self::Int32(Int32Builder::with_capacity(rows)),
            ColumnKind::Int64 => Self::Int64(Int64Builder::with_capacity(rows)),
            ColumnKind::Text => {
                Self::Text(StringBuilder::with_capacity(rows, rows * TYPICAL_TEXT_BYTES))
            }
            ColumnKind::Date => Self::Date(Date32Builder::with_capacity(rows)),
            ColumnKind::Timestamp => {
                let builder = TimestampMicrosecondBuilder::with_capacity(rows);
                Self::Timestamp(builder.with_timezone("UTC"))
            }
        }
    }

    /// Appends a row's value; the answer is the bytes of its text.
    fn append<K: RowKind>(
        &mut self,
        value: &Value<K>,
        row: &K::Row<'_>,
        scratch: &mut Scratch,
    ) -> usize {
        match (self, value) {
            (Self::Bool(builder), Value::Bool(of)) => builder.append_option(of(row)),
            (Self::Int32(builder), Value::Int32(of)) => builder.append_option(of(row)),
            (Self::Int64(builder), Value::Int64(of)) => builder.append_option(of(row)),
            (Self::Date(builder), Value::Date(of)) => builder.append_option(of(row)),
            (Self::Timestamp(builder), Value::Timestamp(of)) => {
                builder.append_option(of(row).map(|time| time.timestamp_micros()));
            }
            (Self::Text(builder), Value::Text(of)) => {
                return append_text(builder, of(row).as_deref());
            }
            (Self::Text(builder), Value::Written(write)) => {
                scratch.text.clear();
                let is_there = write(row, &mut scratch.text).is_some();
                return append_text(builder, is_there.then_some(scratch.text.as_str()));
            }
            (Self::Text(builder), Value::Tenant(of)) => {
                let text = of(row).map(|tenant| scratch.tenants.text(tenant));
                return append_text(builder, text);
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

fn append_text(builder: &mut StringBuilder, text: Option<&str>) -> usize {
    builder.append_option(text);
    text.map_or(0, str::len)
}
