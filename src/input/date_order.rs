//! Whether the day or the month stands first in a file's dates: decided for the file as a whole,
//! by a first pass over the column with the times, and never guessed.

use std::borrow::Cow;
use std::io;

use super::cells::cell;
use super::frame::{CsvFramer, SpanKind};
use super::open::OpenExport;
use super::read::ReadOptions;
use super::window::Window;
use crate::time::{DateOrder, OrderEvidence};

/// What the dates of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DateOrderOfFile {
    /// The year stands first.
    NotAsked,
    Known(DateOrder),
    /// Some dates prove the one order, and some the other.
    Contradicts {
        month_first: String,
        day_first: String,
    },
    /// Not one date decides.
    Open {
        example: String,
    },
}

/// Judges a file by the cells of its first rows, and, where these do not decide, by all.
pub(super) fn date_order_of<'a>(
    first: impl Iterator<Item = Cow<'a, [u8]>>,
    reopen: impl FnOnce() -> io::Result<OpenExport<'static>>,
    column: usize,
    delimiter: u8,
    options: &ReadOptions<'_>,
) -> io::Result<DateOrderOfFile> {
    let mut dates = Dates::default();
    for cell in first {
        dates.take(&String::from_utf8_lossy(&cell));
    }
    if dates.may_still_decide() {
        let stream = reopen()?;
        dates.take_all(stream, column, delimiter, options.record_limit)?;
    }
    Ok(dates.judge())
}

#[derive(Debug, Default)]
struct Dates {
    month_first: Option<String>,
    day_first: Option<String>,
    /// What the first date that decides says.
    decided: Option<DateOrder>,
    portal_style: bool,
    open: Option<String>,
}

impl Dates {
    /// Whether it decides.
    fn take(&mut self, cell: &str) -> bool {
        let evidence = OrderEvidence::of(cell);
        if let OrderEvidence::Decides(order) = evidence {
            self.decided = self.decided.or(Some(order));
        }
        match evidence {
            OrderEvidence::NotAsked => {}
            OrderEvidence::Decides(DateOrder::MonthFirst) => {
                self.month_first.get_or_insert_with(|| cell.to_owned());
            }
            OrderEvidence::Decides(DateOrder::DayFirst) => {
                self.day_first.get_or_insert_with(|| cell.to_owned());
            }
            OrderEvidence::PortalStyle => self.portal_style = true,
            OrderEvidence::Open => self.open = self.open.take().or_else(|| Some(cell.to_owned())),
        }
        self.is_decided()
    }

    fn is_decided(&self) -> bool {
        self.decided.is_some()
    }

    /// Dates were seen whose order matters, and none that decides.
    fn may_still_decide(&self) -> bool {
        !self.is_decided() && (self.open.is_some() || self.portal_style)
    }

    fn take_all(
        &mut self,
        stream: OpenExport<'_>,
        column: usize,
        delimiter: u8,
        record_limit: usize,
    ) -> io::Result<()> {
        let mut window = Window::new(stream);
        let mut framer = CsvFramer::new(delimiter, record_limit);
        let mut spans = Vec::new();
        let mut more = 1 << 20;
        while !window.at_end {
            window.fill(more);
            spans.clear();
            let consumed = framer.frame(window.bytes(), window.offset(), window.at_end, &mut spans);
            for span in &spans {
                let SpanKind::Record { .. } = span.kind else { continue };
                let start = (span.offset - window.offset()) as usize;
                let row = &window.bytes()[start..start + span.len];
                let date = cell(row, delimiter, column).unwrap_or_default();
                if self.take(&String::from_utf8_lossy(&date)) {
                    return Ok(());
                }
            }
            window.done += consumed;
            more = if consumed == 0 { more.saturating_mul(2) } else { 1 << 20 };
        }
        // What cannot be read on is told when the file is read.
        Ok(())
    }

    fn judge(self) -> DateOrderOfFile {
        // Dates with other separators are another program's: they are told as unreadable.
        let separator = |date: &String| date.trim().chars().find(|c| !c.is_ascii_digit());
        match (self.month_first, self.day_first) {
            (Some(month_first), Some(day_first))
                if separator(&month_first) == separator(&day_first) =>
            {
                return DateOrderOfFile::Contradicts { month_first, day_first };
            }
            _ => {}
        }
        match (self.decided, self.open) {
            (Some(order), _) => DateOrderOfFile::Known(order),
            (None, Some(example)) => DateOrderOfFile::Open { example },
            (None, None) if self.portal_style => DateOrderOfFile::Known(DateOrder::MonthFirst),
            (None, None) => DateOrderOfFile::NotAsked,
        }
    }
}
