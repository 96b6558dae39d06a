//! A sheet before it is drawn: typed cells in columns.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::tenant::TenantId;

/// What a cell holds; a workbook sorts and counts by its type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Blank,
    /// As it came; it is cleaned when it is drawn.
    Text(Cow<'a, str>),
    Count(u64),
    /// An error code: a number without commas.
    Code(i32),
    /// A share of 1, drawn as a percentage.
    Share(f64),
    /// UTC.
    Moment(DateTime<Utc>),
    Flag(bool),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn text_if(text: Option<&'a str>) -> Self {
        text.map_or(Self::Blank, Self::text)
    }

    pub(super) fn tenant(id: Option<TenantId>) -> Self {
        id.map_or(Self::Blank, |id| Self::text(id.to_string()))
    }

    pub(super) fn moment(at: Option<DateTime<Utc>>) -> Self {
        at.map_or(Self::Blank, Self::Moment)
    }

    pub(super) fn code(code: Option<i32>) -> Self {
        code.map_or(Self::Blank, Self::Code)
    }

    pub(super) fn places(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// Nothing where there is no whole.
    #[allow(clippy::cast_precision_loss, reason = "a percentage")]
    pub(super) fn share(of: u64, whole: u64) -> Self {
        if whole == 0 { Self::Blank } else { Self::Share(of as f64 / whole as f64) }
    }
}

/// A column's head and its width in characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) width: f64,
}

impl Column {
    pub(super) const fn of(title: &'static str, width: f64) -> Self {
        Self { title, width }
    }

    pub(super) const fn name(title: &'static str) -> Self {
        Self::of(title, 28.0)
    }

    pub(super) const fn id(title: &'static str) -> Self {
        Self::of(title, 38.0)
    }

    pub(super) const fn count(title: &'static str) -> Self {
        Self::of(title, 13.0)
    }

    pub(super) const fn moment(title: &'static str) -> Self {
        Self::of(title, 25.0)
    }
}

/// The rows of a sheet, made one by one while it is drawn.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Vec<Cell<'a>>> + 'a>;

/// A sheet with a head and rows of one kind.
pub(super) struct Sheet<'a> {
    pub(super) name: &'static str,
    /// What a row is.
    pub(super) told: &'static str,
    pub(super) columns: &'static [Column],
    pub(super) rows: Rows<'a>,
    /// Rows that there are, shown or not.
    pub(super) count: u64,
    /// Where the rows stand that have no room.
    pub(super) whole: &'static str,
}

impl Sheet<'_> {
    /// Rows that have no room.
    pub(super) fn left_out(&self) -> u64 {
        self.count.saturating_sub(u64::try_from(super::WORKBOOK_ROWS_MAX).unwrap_or(u64::MAX))
    }
}

/// How many rows of a list there are.
pub(super) fn count_of<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}
