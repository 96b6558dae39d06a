//! Reading columns: scans over parts and typed access to what polars collected.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use polars::io::HiveOptions;
use polars::prelude::{
    BooleanChunked, DataFrame, DataType, Expr, Int64Chunked, LazyFrame, NULL, PlRefPath,
    PolarsError, PolarsResult, ScanArgsParquet, StringChunked, col, lit,
};

use super::SummaryError;
use crate::tenant::TenantId;

/// A lazy scan over the parts of one table; `None` if it has none.
pub(super) fn scan(
    table: &'static str,
    paths: &[PathBuf],
) -> Result<Option<LazyFrame>, SummaryError> {
    if paths.is_empty() {
        return Ok(None);
    }
    try_scan(paths).map(Some).map_err(in_table(table))
}

fn try_scan(paths: &[PathBuf]) -> PolarsResult<LazyFrame> {
    let paths =
        paths.iter().map(|path| PlRefPath::try_from_path(path)).collect::<PolarsResult<_>>()?;
    let args = ScanArgsParquet {
        // Part names come from a manifest; a bracket in a folder's name is no pattern.
        glob: false,
        cache: false,
        low_memory: true,
        allow_missing_columns: true,
        // `month=…` in a path is no column; the rows have their times.
        hive_options: HiveOptions::new_disabled(),
        ..ScanArgsParquet::default()
    };
    LazyFrame::scan_parquet_files(paths, args)
}

/// Collects the named expressions of a small table; an empty list of parts gives `None`.
pub(super) fn read(
    table: &'static str,
    paths: &[PathBuf],
    columns: Vec<Expr>,
) -> Result<Option<DataFrame>, SummaryError> {
    let Some(frame) = scan(table, paths)? else { return Ok(None) };
    frame.select(columns).collect().map(Some).map_err(in_table(table))
}

/// The same, where parts of older versions lack some columns: those are read as nulls.
pub(super) fn read_texts(
    table: &'static str,
    paths: &[PathBuf],
    names: &[&'static str],
) -> Result<Option<DataFrame>, SummaryError> {
    let Some(mut frame) = scan(table, paths)? else { return Ok(None) };
    let schema = frame.collect_schema().map_err(in_table(table))?;
    let column = |&name: &&'static str| match schema.contains(name) {
        true => col(name),
        false => lit(NULL).cast(DataType::String).alias(name),
    };
    let columns: Vec<Expr> = names.iter().map(column).collect();
    frame.select(columns).collect().map(Some).map_err(in_table(table))
}

/// Says in which table polars failed.
pub(super) fn in_table(table: &'static str) -> impl Fn(PolarsError) -> SummaryError {
    move |source| SummaryError::Table { table, source }
}

/// A number column as 64 bits, whatever its width in the part.
pub(super) fn number(name: &str) -> Expr {
    col(name).cast(DataType::Int64)
}

/// A time column as microseconds since 1970.
pub(super) fn micros(name: &str) -> Expr {
    col(name).cast(DataType::Int64)
}

/// The columns of a collected frame by type; asking for a wrong one is an error, no panic.
pub(super) struct Columns<'a> {
    frame: &'a DataFrame,
}

impl<'a> Columns<'a> {
    pub(super) fn of(frame: &'a DataFrame) -> Self {
        Self { frame }
    }

    pub(super) fn text(&self, name: &str) -> PolarsResult<Text<'a>> {
        Ok(Text(self.frame.column(name)?.str()?))
    }

    pub(super) fn flag(&self, name: &str) -> PolarsResult<Flag<'a>> {
        Ok(Flag(self.frame.column(name)?.bool()?))
    }

    pub(super) fn number(&self, name: &str) -> PolarsResult<Number<'a>> {
        Ok(Number(self.frame.column(name)?.i64()?))
    }
}

pub(super) struct Text<'a>(&'a StringChunked);

impl<'a> Text<'a> {
    /// The text of a row; an empty one is none.
    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        self.0.get(row).filter(|text| !text.is_empty())
    }

    pub(super) fn owned(&self, row: usize) -> Option<String> {
        self.get(row).map(str::to_owned)
    }

    pub(super) fn tenant(&self, row: usize) -> Option<TenantId> {
        self.get(row).and_then(TenantId::parse)
    }
}

pub(super) struct Flag<'a>(&'a BooleanChunked);

impl Flag<'_> {
    /// Missing is false.
    pub(super) fn get(&self, row: usize) -> bool {
        self.0.get(row).unwrap_or_default()
    }
}

pub(super) struct Number<'a>(&'a Int64Chunked);

impl Number<'_> {
    pub(super) fn get(&self, row: usize) -> Option<i64> {
        self.0.get(row)
    }

    /// A count; missing or negative is 0.
    pub(super) fn count(&self, row: usize) -> u64 {
        self.get(row).and_then(|count| u64::try_from(count).ok()).unwrap_or_default()
    }

    pub(super) fn time(&self, row: usize) -> Option<DateTime<Utc>> {
        self.get(row).and_then(DateTime::from_timestamp_micros)
    }
}
