//! Where a framer stands in its window, and the only way by which it can make spans: so they tile
//! the stream.

use super::{DamageReason, Span, SpanKind};

pub(super) struct Tiler<'a> {
    window: &'a [u8],
    base: u64,
    pub at_end: bool,
    spans: &'a mut Vec<Span>,
    /// Everything before this is in a span; from here to `at` is separator.
    tiled: usize,
    at: usize,
}

/// What became of one step of a framer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Go,
    /// The window ends too early to decide.
    NeedMore,
}

impl<'a> Tiler<'a> {
    pub fn new(window: &'a [u8], base: u64, at_end: bool, spans: &'a mut Vec<Span>) -> Self {
        Self { window, base, at_end, spans, tiled: 0, at: 0 }
    }

    /// What has not been read yet. It outlives the borrow of the tiler, so that spans can be made
    /// while it is looked at.
    pub fn rest(&self) -> &'a [u8] {
        self.window.get(self.at..).unwrap_or_default()
    }

    /// The place in the stream.
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Reads over separator bytes.
    pub fn skip(&mut self, len: usize) {
        self.at += len;
    }

    pub fn record(&mut self, len: usize, recovered: bool) {
        self.emit(len, SpanKind::Record { recovered });
    }

    /// The columns of the rows behind.
    pub fn header(&mut self, len: usize) {
        self.emit(len, SpanKind::Header);
    }

    pub fn damage(&mut self, len: usize, reason: DamageReason, continued: bool) {
        if len == 0 || (continued && self.lengthen_damage(len, reason)) {
            return;
        }
        self.emit(len, SpanKind::Damage { reason, continued });
    }

    /// Gives the damage that was just tiled another reason.
    pub fn correct_reason(&mut self, correct: DamageReason) {
        if let Some(Span { kind: SpanKind::Damage { reason, .. }, .. }) = self.spans.last_mut() {
            *reason = correct;
        }
    }

    /// Tiles the pending separator and says how many bytes are tiled.
    pub fn finish(mut self) -> usize {
        self.flush_separator();
        self.tiled
    }

    fn lengthen_damage(&mut self, len: usize, same: DamageReason) -> bool {
        let offset = self.offset();
        match self.spans.last_mut() {
            Some(Span { offset: start, len: before, kind: SpanKind::Damage { reason, .. } })
                if self.tiled == self.at
                    && *reason == same
                    && *start + *before as u64 == offset =>
            {
                *before += len;
                self.at += len;
                self.tiled = self.at;
                true
            }
            _ => false,
        }
    }

    fn emit(&mut self, len: usize, kind: SpanKind) {
        self.flush_separator();
        self.spans.push(Span { offset: self.offset(), len, kind });
        self.at += len;
        self.tiled = self.at;
    }

    fn flush_separator(&mut self) {
        if self.at > self.tiled {
            let offset = self.base + self.tiled as u64;
            self.spans.push(Span { offset, len: self.at - self.tiled, kind: SpanKind::Separator });
            self.tiled = self.at;
        }
    }
}
