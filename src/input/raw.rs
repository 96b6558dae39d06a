//! One record again, as it lies in its export.

use std::io;

use super::frame::SpanKind;
use super::framer::Framer;
use super::open::OpenExport;
use super::read::WINDOW_BYTES;
use super::window::Window;

/// A record, byte for byte as it lies in the decoded stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Of a row in a table: the names of the columns.
    pub header: Option<Vec<u8>>,
    pub record: Vec<u8>,
}

/// Finds the record that begins at an offset of the decoded stream; nothing if none does.
///
/// # Errors
/// The stream cannot be read so far.
pub(super) fn raw_record(
    stream: OpenExport<'_>,
    offset: u64,
    record_limit: usize,
) -> io::Result<Option<RawRecord>> {
    let mut window = Window::new(stream);
    window.fill(WINDOW_BYTES);
    let Ok(mut framer) = Framer::of(window.bytes(), record_limit) else { return Ok(None) };
    let mut header: Option<Vec<u8>> = None;
    let (mut spans, mut more) = (Vec::new(), WINDOW_BYTES);
    while window.offset() <= offset {
        spans.clear();
        let consumed = framer.frame(&window, &mut spans);
        for span in &spans {
            let start = (span.offset - window.offset()) as usize;
            let bytes = || window.bytes()[start..start + span.len].to_vec();
            match span.kind {
                SpanKind::Record { .. } if span.offset == offset => {
                    return Ok(Some(RawRecord { header, record: bytes() }));
                }
                // The first row of a CSV names the columns.
                SpanKind::Record { .. } if matches!(framer, Framer::Csv(..)) => {
                    header.get_or_insert_with(bytes);
                }
                SpanKind::Header => header = Some(bytes()),
                _ => {}
            }
        }
        window.done += consumed;
        if window.at_end {
            break;
        }
        more = if consumed == 0 { more.saturating_mul(2) } else { WINDOW_BYTES };
        window.fill(more);
    }
    window.failure.map_or(Ok(None), Err)
}
