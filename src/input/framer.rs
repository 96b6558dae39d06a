//! The framer that fits an export.

use super::frame::{CsvFramer, JsonFramer, Span, TablesFramer, holds_tables};
use super::sniff::{NoLog, Shape, shape_of};
use super::window::Window;

/// Tells records from what stands between them.
pub(super) enum Framer {
    Json(JsonFramer),
    Csv(CsvFramer, u8),
    Tables(TablesFramer),
}

impl Framer {
    /// Chooses by the first bytes of an export.
    pub(super) fn of(head: &[u8], record_limit: usize) -> Result<Self, NoLog> {
        Ok(match shape_of(head)? {
            Shape::Json if holds_tables(head) => Self::Tables(TablesFramer::new(record_limit)),
            Shape::Json => Self::Json(JsonFramer::new(record_limit)),
            Shape::Csv { delimiter } => {
                Self::Csv(CsvFramer::new(delimiter, record_limit), delimiter)
            }
        })
    }

    /// Frames what is in the window; answers how many bytes of it are done with.
    pub(super) fn frame(&mut self, window: &Window<'_>, spans: &mut Vec<Span>) -> usize {
        let (bytes, base, at_end) = (window.bytes(), window.offset(), window.at_end);
        match self {
            Self::Json(framer) => framer.frame(bytes, base, at_end, spans),
            Self::Csv(framer, _) => framer.frame(bytes, base, at_end, spans),
            Self::Tables(framer) => framer.frame(bytes, base, at_end, spans),
        }
    }
}
