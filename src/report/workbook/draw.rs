//! Sheets as a workbook of Excel: the only file that knows the library.

mod formats;
mod front;

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};

use super::super::{clean, words};
use super::WORKBOOK_ROWS_MAX;
use super::overview::Overview;
use super::sheet::{Cell, Column, Sheet};
use crate::summary::Summary;
use formats::Formats;

/// Longer texts share what room there is; a log may name a thousand policies in a megabyte each.
const SHORT_UNITS: usize = 300;
/// For the long ones together, in UTF-16 units.
const LONG_UNITS_MAX: usize = 8 << 20;

/// Draws the first sheet and all others.
pub(super) fn draw(
    summary: &Summary,
    overview: &Overview,
    sheets: Vec<Sheet<'_>>,
) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties(summary));
    let mut pen = Pen { formats: Formats::new(), long_units: 0 };
    front::draw(workbook.add_worksheet(), overview, &mut pen)?;
    for sheet in sheets {
        pen.sheet(workbook.add_worksheet(), sheet)?;
    }
    workbook.save_to_buffer()
}

/// The clock stays out: the same dataset gives the same bytes.
fn properties(summary: &Summary) -> DocProperties {
    let as_of = summary.newest_evidence.unwrap_or(DateTime::UNIX_EPOCH).timestamp();
    let properties = DocProperties::new().set_title("tenantsweep report").set_author("tenantsweep");
    let fixed = ExcelDateTime::from_ymd(2000, 1, 1);
    match ExcelDateTime::from_timestamp(as_of).or(fixed) {
        Ok(at) => properties.set_creation_datetime(&at),
        Err(_) => properties,
    }
}

/// Writes cells, and sees to it that texts do not fill the memory.
struct Pen {
    formats: Formats,
    long_units: usize,
}

impl Pen {
    fn sheet(&mut self, page: &mut Worksheet, sheet: Sheet<'_>) -> Result<(), XlsxError> {
        page.set_name(sheet.name)?;
        head(page, sheet.columns, &self.formats)?;
        let (left_out, whole) = (sheet.left_out(), sheet.whole);
        let mut last = 0;
        for (row, cells) in (1..).zip(sheet.rows.take(WORKBOOK_ROWS_MAX)) {
            for (column, cell) in (0..).zip(&cells) {
                self.cell(page, row, column, cell)?;
            }
            last = row;
        }
        let columns = u16::try_from(sheet.columns.len()).unwrap_or(u16::MAX);
        page.autofilter(0, 0, last, columns.saturating_sub(1))?;
        if left_out > 0 {
            let told = format!("{} more are not shown: see {whole}", words::number(left_out));
            page.write_string_with_format(last + 1, 0, told, &self.formats.strong)?;
        }
        Ok(())
    }

    fn cell(
        &mut self,
        page: &mut Worksheet,
        row: u32,
        column: u16,
        cell: &Cell<'_>,
    ) -> Result<(), XlsxError> {
        match cell {
            Cell::Blank => {}
            Cell::Text(text) => self.text(page, row, column, text)?,
            Cell::Count(count) => {
                page.write_number_with_format(row, column, *count as f64, &self.formats.count)?;
            }
            Cell::Code(code) => {
                page.write_number_with_format(row, column, *code, &self.formats.code)?;
            }
            Cell::Share(share) => {
                page.write_number_with_format(row, column, *share, &self.formats.share)?;
            }
            Cell::Moment(at) => match serial(*at) {
                Some(days) => {
                    page.write_number_with_format(row, column, days, &self.formats.moment)?;
                }
                // A workbook knows no such day.
                None => self.text(page, row, column, &at.to_rfc3339())?,
            },
            Cell::Flag(flag) => {
                page.write_boolean_with_format(row, column, *flag, &self.formats.flag)?;
            }
        }
        Ok(())
    }

    /// Writes a text as a text. One that looks like a formula is marked as quoted, so that it stays
    /// a text when someone edits the cell.
    fn text(
        &mut self,
        page: &mut Worksheet,
        row: u32,
        column: u16,
        text: &str,
    ) -> Result<(), XlsxError> {
        let text = self.fitting(text);
        if text.is_empty() {
            return Ok(());
        }
        if clean::looks_like_a_formula(&text) {
            page.write_string_with_format(row, column, text, &self.formats.quoted)?;
        } else {
            page.write_string(row, column, text)?;
        }
        Ok(())
    }

    fn fitting(&mut self, text: &str) -> String {
        let whole = clean::workbook(text, clean::WORKBOOK_UNITS_MAX);
        // A unit is at least a byte.
        if whole.len() <= SHORT_UNITS {
            return whole;
        }
        let units = whole.encode_utf16().count();
        if self.long_units + units > LONG_UNITS_MAX {
            return clean::workbook(&whole, SHORT_UNITS);
        }
        self.long_units += units;
        whole
    }
}

/// The head of a table: it stays in sight, and on every page of paper.
fn head(page: &mut Worksheet, columns: &[Column], formats: &Formats) -> Result<(), XlsxError> {
    for (place, column) in (0..).zip(columns) {
        page.set_column_width(place, column.width)?;
        page.write_string_with_format(0, place, column.title, &formats.head)?;
    }
    page.set_row_height(0, 32)?;
    page.set_freeze_panes(1, 1)?;
    page.set_repeat_rows(0, 0)?;
    page.set_landscape().set_print_fit_to_pages(1, 0);
    Ok(())
}

/// A moment as workbooks count: days since the end of 1899, as they have it.
#[allow(clippy::cast_precision_loss, reason = "to the millisecond")]
fn serial(at: DateTime<Utc>) -> Option<f64> {
    /// 1 January 1970.
    const EPOCH: f64 = 25_569.0;
    const DAY_MILLIS: f64 = 86_400_000.0;
    /// Before March 1900 they count a day that never was; after 9999 they have none.
    const DAYS: std::ops::Range<f64> = 61.0..2_958_466.0;
    let days = EPOCH + at.timestamp_millis() as f64 / DAY_MILLIS;
    DAYS.contains(&days).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_days() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a moment");
        assert_eq!(serial(at("2026-11-21T12:00:00Z")), Some(46_347.5));
        assert_eq!(serial(at("1900-03-01T00:00:00Z")), Some(61.0));
        assert_eq!(serial(at("1900-02-28T00:00:00Z")), None);
        assert_eq!(serial(at("9999-12-31T23:59:59Z")).map(f64::trunc), Some(2_958_465.0));
        assert_eq!(serial(DateTime::<Utc>::MAX_UTC), None);
    }

    #[test]
    fn long_texts_share_their_room() {
        let mut pen = Pen { formats: Formats::new(), long_units: 0 };
        let long = "n".repeat(40_000);
        assert_eq!(pen.fitting(&long).encode_utf16().count(), clean::WORKBOOK_UNITS_MAX);
        let written: usize = (0..300).map(|_| pen.fitting(&long).len()).sum();
        assert!(written < LONG_UNITS_MAX + 300 * (SHORT_UNITS + 3), "{written}");
        assert_eq!(pen.fitting("Contoso"), "Contoso");
    }
}
