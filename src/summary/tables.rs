//! Reading the small tables row by row.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::SummaryError;
use crate::dataset::{DatasetError, Stretch, Walk};
use crate::tenant::TenantId;

/// Rows that are read together.
const ROWS_AT_A_TIME: usize = 8 << 10;

/// Hands out each row of a small table, with the named columns.
pub(super) fn each_row(
    table: &'static str,
    paths: &[PathBuf],
    columns: &[&str],
    mut take: impl FnMut(&Row<'_>) -> Result<(), DatasetError>,
) -> Result<(), SummaryError> {
    let read = || {
        let walk = Walk::open(paths)?;
        for group in walk.row_groups() {
            walk.read(&group, columns, ROWS_AT_A_TIME, |stretch| {
                (0..stretch.rows()).try_for_each(|row| take(&Row { stretch, row }))
            })?;
        }
        Ok(())
    };
    let mut read = read;
    read().map_err(in_table(table))
}

/// Says in which table reading failed.
pub(super) fn in_table(table: &'static str) -> impl Fn(DatasetError) -> SummaryError {
    move |source| SummaryError::Table { table, source: Box::new(source) }
}

/// A row of a small table; asking for a column of another type is an error, no panic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    stretch: &'a Stretch,
    row: usize,
}

impl<'a> Row<'a> {
    /// A text; an empty one is none.
    pub(super) fn text(&self, column: &'static str) -> Result<Option<&'a str>, DatasetError> {
        let text = self.stretch.words(column)?.get(self.row);
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A text of a column that parts of older versions lack.
    pub(super) fn later_text(&self, column: &'static str) -> Result<Option<&'a str>, DatasetError> {
        if self.stretch.has(column) { self.text(column) } else { Ok(None) }
    }

    pub(super) fn owned(&self, column: &'static str) -> Result<Option<String>, DatasetError> {
        Ok(self.text(column)?.map(str::to_owned))
    }

    pub(super) fn tenant(&self, column: &'static str) -> Result<Option<TenantId>, DatasetError> {
        Ok(self.text(column)?.and_then(TenantId::parse))
    }

    /// Missing is false.
    pub(super) fn flag(&self, column: &'static str) -> Result<bool, DatasetError> {
        Ok(self.stretch.flags(column)?.get(self.row))
    }

    pub(super) fn number(&self, column: &'static str) -> Result<Option<i64>, DatasetError> {
        Ok(self.stretch.numbers(column)?.get(self.row))
    }

    /// A count; missing or negative is 0.
    pub(super) fn count(&self, column: &'static str) -> Result<u64, DatasetError> {
        let count = self.number(column)?.and_then(|count| u64::try_from(count).ok());
        Ok(count.unwrap_or_default())
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Option<DateTime<Utc>>, DatasetError> {
        let micros = self.stretch.times(column)?.get(self.row);
        Ok(micros.and_then(DateTime::from_timestamp_micros))
    }
}
