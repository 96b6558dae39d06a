//! The window that slides over a decoded stream.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;

use super::open::OpenExport;

/// The part of the decoded stream that is in memory.
pub(super) struct Window<'a> {
    pub(super) stream: OpenExport<'a>,
    buffer: Buffer,
    /// Bytes at the start of the buffer that hold something; those behind were only made once.
    filled: usize,
    /// Bytes at the start of the buffer that are done with.
    pub(super) done: usize,
    /// Offset in the decoded stream of the first byte of the buffer.
    base: u64,
    pub(super) at_end: bool,
    /// Why the stream ended early.
    pub(super) failure: Option<io::Error>,
}

thread_local! {
    /// The buffer of the last window of this thread: the next one need not make its own.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A longer buffer is let go: one long record must not hold its memory for good.
const SPARE_BYTES_MAX: usize = 8 << 20;

impl<'a> Window<'a> {
    pub(super) fn new(stream: OpenExport<'a>) -> Self {
        let buffer = Buffer(SPARE.take());
        Self { stream, buffer, filled: 0, done: 0, base: 0, at_end: false, failure: None }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer.0[self.done..self.filled]
    }

    /// Where these bytes lie in the buffer.
    pub(super) fn range(&self) -> Range<usize> {
        self.done..self.filled
    }

    /// The buffer itself, of a window that is done with.
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        self.base += self.filled as u64;
        (self.filled, self.done) = (0, 0);
        std::mem::take(&mut self.buffer.0)
    }

    pub(super) fn offset(&self) -> u64 {
        self.base + self.done as u64
    }

    /// Drops what is done with and reads `count` bytes more, or to the end.
    pub(super) fn fill(&mut self, count: usize) {
        self.buffer.0.copy_within(self.done..self.filled, 0);
        self.move_on();
        self.read(count);
    }

    /// As [`Self::fill`], but into another buffer; gives back the one that held this window.
    pub(super) fn fill_other(&mut self, mut other: Vec<u8>, count: usize) -> Vec<u8> {
        let left = &self.buffer.0[self.done..self.filled];
        if other.len() < left.len() + count {
            other.resize(left.len() + count, 0);
        }
        other[..left.len()].copy_from_slice(left);
        let before = std::mem::replace(&mut self.buffer.0, other);
        self.move_on();
        self.read(count);
        before
    }

    fn move_on(&mut self) {
        self.filled -= self.done;
        self.base += self.done as u64;
        self.done = 0;
    }

    fn read(&mut self, count: usize) {
        let wanted = self.filled + count;
        if self.buffer.0.len() < wanted {
            self.buffer.0.resize(wanted, 0);
        }
        while self.filled < wanted && !self.at_end {
            match self.stream.read(&mut self.buffer.0[self.filled..wanted]) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.at_end = true;
                    self.failure = Some(error);
                }
            }
        }
    }
}

/// Bytes that were made once; the next window of the thread uses them again.
struct Buffer(Vec<u8>);

impl Drop for Buffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.len() <= SPARE_BYTES_MAX {
            SPARE.set(buffer);
        }
    }
}
