//! Whether the day or the month stands first in a file's dates: decided for the file as a whole,
//! by a first pass over the column with the times, and never guessed.

use std::borrow::Cow;
use std::io;

use super::cells::cell;
use super::frame::{CsvFramer, SpanKind};
use super::open::{OpenExport, READ_BYTES};
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
    reopen: impl Fn() -> io::Result<OpenExport<'static>>,
    column: usize,
    delimiter: u8,
    options: &ReadOptions<'_>,
) -> io::Result<DateOrderOfFile> {
    let mut dates = Dates::default();
    for cell in first {
        dates.take(&String::from_utf8_lossy(&cell));
    }
    // A file that holds no date that decides, in whatever column, is told faster than its cells are
    // found.
    if dates.may_still_decide() && (dates.other_separators || may_decide(reopen()?)) {
        dates.take_all(reopen()?, column, delimiter, options.record_limit)?;
    }
    Ok(dates.judge())
}

/// Whether the text holds a date with slashes that decides, be it in a column with the times or
/// anywhere else.
fn may_decide(stream: OpenExport<'_>) -> bool {
    let mut window = Window::new(stream);
    loop {
        window.fill(READ_BYTES);
        let text = window.bytes();
        // The last bytes may be half a date: they are looked at with those that follow.
        let end = if window.at_end { text.len() } else { text.len().saturating_sub(DATE_BYTES) };
        let starts = memchr::memchr_iter(b'/', &text[..end]);
        if starts.filter_map(|at| date_around(text, at)).any(|date| decides(&date)) {
            return true;
        }
        if window.at_end {
            return false;
        }
        // The digits before a slash that is still to come.
        window.done += end.saturating_sub(DATE_BYTES);
    }
}

/// No date of three numbers is longer.
const DATE_BYTES: usize = "2025/12/2025".len();

/// The text that may be a date whose first slash stands at a place.
fn date_around(text: &[u8], slash: usize) -> Option<Cow<'_, str>> {
    let before = &text[..slash];
    let digits = before.iter().rev().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    let date = text[slash - digits..].get(..DATE_BYTES).unwrap_or(&text[slash - digits..]);
    (1..5).contains(&digits).then(|| String::from_utf8_lossy(date))
}

fn separator_of(date: &str) -> Option<char> {
    date.trim().chars().find(|character| !character.is_ascii_digit())
}

fn decides(date: &str) -> bool {
    matches!(OrderEvidence::of(date), OrderEvidence::Decides(_))
}

#[derive(Debug, Default)]
struct Dates {
    month_first: Option<String>,
    day_first: Option<String>,
    /// What the first date that decides says.
    decided: Option<DateOrder>,
    portal_style: bool,
    open: Option<String>,
    /// A date that does not decide is written with something else than slashes.
    other_separators: bool,
}

impl Dates {
    /// Whether it decides.
    fn take(&mut self, cell: &str) -> bool {
        let evidence = OrderEvidence::of(cell);
        if let OrderEvidence::Decides(order) = evidence {
            self.decided = self.decided.or(Some(order));
        }
        if matches!(evidence, OrderEvidence::PortalStyle | OrderEvidence::Open) {
            self.other_separators |= separator_of(cell) != Some('/');
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
        match (self.month_first, self.day_first) {
            (Some(month_first), Some(day_first))
                if separator_of(&month_first) == separator_of(&day_first) =>
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::input::open::{Hashing, open};

    fn found(text: &str) -> bool {
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(text.as_bytes()).expect("written");
        may_decide(open(file.path(), Hashing::Off).expect("opens"))
    }

    #[test]
    fn a_date_that_decides_is_found_wherever_it_stands() {
        let filler = "\"3/4/2026, 9:19:25.391 AM\",Mozilla/5.0 (a/b) 10.13/12.0 2026/13/01,/,12/\n";
        let filler = filler.repeat(2 * READ_BYTES / filler.len());
        assert!(!found(&filler));
        for date in ["13/4/2026", "4/13/2026", "31/01/26", "1/31/2026"] {
            assert!(found(date) && found(&format!("{date},")), "{date}");
            // Also across the end of what is read at once.
            for cut in READ_BYTES - 16..READ_BYTES + 4 {
                assert!(found(&format!("{} {date} {filler}", &filler[..cut])), "{date} at {cut}");
            }
        }
    }
}
