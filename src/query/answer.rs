//! What a query answers: columns and rows of plain values.

use std::borrow::Cow;
use std::io::Write;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use polars::prelude::{
    AnyValue, Column, DataFrame, DataType, ParquetWriter, PolarsResult, TimeUnit,
};

use super::QueryError;

/// The rows that a query has found.
#[derive(Debug, Clone)]
pub struct Answer {
    frame: DataFrame,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(Cow<'a, str>),
    Date(NaiveDate),
    Time(DateTime<Utc>),
}

impl Answer {
    pub(super) fn new(frame: DataFrame) -> Self {
        Self { frame }
    }

    /// The names of the columns.
    pub fn columns(&self) -> Vec<&str> {
        self.frame.columns().iter().map(|column| column.name().as_str()).collect()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.frame.height()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows, one after the other.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Value<'_>>> {
        (0..self.len()).map(|row| {
            let cell = |column: &Column| -> Value<'static> {
                column.get(row).map_or(Value::Null, |value| value_of(value).into_owned())
            };
            self.frame.columns().iter().map(cell).collect()
        })
    }

    /// Whether the column holds numbers, which are set to the right.
    pub(super) fn is_numeric(&self, column: usize) -> bool {
        self.frame.columns().get(column).is_some_and(|column| column.dtype().is_primitive_numeric())
    }

    /// The column by which events are put in order: `created_at`, else the first with times.
    pub(super) fn time_column(&self) -> Option<usize> {
        let is_time =
            |at: &usize| matches!(self.frame.columns()[*at].dtype(), DataType::Datetime(..));
        let named = self.columns().iter().position(|name| *name == "created_at");
        named.filter(is_time).or_else(|| (0..self.frame.width()).find(is_time))
    }

    /// The same with each text changed, which may depend on the name of its column.
    ///
    /// # Errors
    /// A column cannot be made anew, which polars alone can tell.
    pub fn with_texts(&self, change: impl Fn(&str, &str) -> String) -> Result<Self, QueryError> {
        let columns = self.frame.columns().iter().map(|column| match column.dtype() {
            DataType::String => {
                let texts = column.str()?.iter();
                let texts = texts.map(|text| text.map(|text| change(column.name(), text)));
                Ok(Column::new(column.name().clone(), texts.collect::<Vec<_>>()))
            }
            _ => Ok(column.clone()),
        });
        let columns: PolarsResult<Vec<Column>> = columns.collect();
        let frame = columns.and_then(|columns| DataFrame::new(self.len(), columns));
        frame.map(Self::new).map_err(|error| QueryError::Io(std::io::Error::other(error)))
    }

    pub(super) fn write_parquet(&self, sink: &mut dyn Write) -> Result<(), QueryError> {
        let written = ParquetWriter::new(sink).finish(&mut self.frame.clone());
        written.map(|_| ()).map_err(|error| QueryError::Io(std::io::Error::other(error)))
    }
}

fn value_of(value: AnyValue<'_>) -> Value<'_> {
    match value {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(value) => Value::Bool(value),
        AnyValue::String(text) => Value::Text(Cow::Borrowed(text)),
        AnyValue::StringOwned(text) => Value::Text(Cow::Owned(text.to_string())),
        AnyValue::Float32(number) => Value::Number(f64::from(number)),
        AnyValue::Float64(number) => Value::Number(number),
        AnyValue::Date(days) => {
            let date = NaiveDate::from_ymd_opt(1970, 1, 1)
                .and_then(|epoch| epoch.checked_add_signed(TimeDelta::try_days(i64::from(days))?));
            date.map_or(Value::Null, Value::Date)
        }
        AnyValue::Datetime(count, unit, _) => time_of(count, unit),
        AnyValue::DatetimeOwned(count, unit, _) => time_of(count, unit),
        other => match other.extract::<i64>() {
            Some(number) if other.is_integer() => Value::Integer(number),
            _ => Value::Text(Cow::Owned(other.to_string())),
        },
    }
}

fn time_of(count: i64, unit: TimeUnit) -> Value<'static> {
    let time = match unit {
        TimeUnit::Nanoseconds => Some(DateTime::from_timestamp_nanos(count)),
        TimeUnit::Microseconds => DateTime::from_timestamp_micros(count),
        TimeUnit::Milliseconds => DateTime::from_timestamp_millis(count),
    };
    time.map_or(Value::Null, Value::Time)
}

impl Value<'_> {
    fn into_owned(self) -> Value<'static> {
        match self {
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Integer(value) => Value::Integer(value),
            Self::Number(value) => Value::Number(value),
            Self::Date(value) => Value::Date(value),
            Self::Time(value) => Value::Time(value),
        }
    }

    /// As it stands in tables of text; nothing for null.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed(""),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Date(date) => Cow::Owned(date.to_string()),
            Self::Time(time) => Cow::Owned(time.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string()),
        }
    }
}
