//! The window that slides over a decoded stream.

use std::io::{self, Read};

use super::open::OpenExport;

/// The part of the decoded stream that is in memory.
pub(super) struct Window<'a> {
    pub(super) stream: OpenExport<'a>,
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that are done with.
    pub(super) done: usize,
    /// Offset in the decoded stream of the first byte of the buffer.
    base: u64,
    pub(super) at_end: bool,
    /// Why the stream ended early.
    pub(super) failure: Option<io::Error>,
}

impl<'a> Window<'a> {
    pub(super) fn new(stream: OpenExport<'a>) -> Self {
        Self { stream, buffer: Vec::new(), done: 0, base: 0, at_end: false, failure: None }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.done..]
    }

    pub(super) fn offset(&self) -> u64 {
        self.base + self.done as u64
    }

    /// Drops what is done with and reads `count` bytes more, or to the end.
    pub(super) fn fill(&mut self, count: usize) {
        self.buffer.drain(..self.done);
        self.base += self.done as u64;
        self.done = 0;
        let wanted = self.buffer.len() + count;
        while self.buffer.len() < wanted && !self.at_end {
            let missing = (wanted - self.buffer.len()) as u64;
            self.buffer.reserve_exact(wanted - self.buffer.len());
            match (&mut self.stream).take(missing).read_to_end(&mut self.buffer) {
                Ok(0) => self.at_end = true,
                Ok(_) => {}
                Err(error) => {
                    self.at_end = true;
                    self.failure = Some(error);
                }
            }
        }
    }
}
