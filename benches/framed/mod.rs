//! The records of an export, for benches.

use tenantsweep::input::frame::{JsonFramer, RECORD_LIMIT, Span, SpanKind};

pub fn spans_of(bytes: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let consumed = JsonFramer::new(RECORD_LIMIT).frame(bytes, 0, true, &mut spans);
    assert_eq!(consumed, bytes.len());
    spans
}

pub fn records_of(bytes: &[u8]) -> Vec<&[u8]> {
    let records = spans_of(bytes);
    let records = records.iter().filter(|span| matches!(span.kind, SpanKind::Record { .. }));
    records.map(|span| &bytes[span.offset as usize..span.offset as usize + span.len]).collect()
}
