//! Unpacks on a thread of its own, ahead of whoever reads.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::open::{READ_BYTES, RawBytes};

/// Blocks on their way at most: bounds the memory when unpacking is faster than reading.
const BLOCKS: usize = 4;

/// The bytes of a stream that another thread reads in blocks.
pub(super) struct ReadAhead {
    /// None only while it is dropped.
    blocks: Option<Receiver<io::Result<Vec<u8>>>>,
    used: SyncSender<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
    block: Vec<u8>,
    /// Bytes of the block that were handed out.
    given: usize,
    ended: bool,
}

impl ReadAhead {
    pub(super) fn start(stream: RawBytes<'static>) -> Self {
        let (sender, blocks) = sync_channel(BLOCKS);
        let (used, spare) = sync_channel(BLOCKS + 2);
        let thread = std::thread::spawn(move || read_all(stream, &sender, &spare));
        let (blocks, thread) = (Some(blocks), Some(thread));
        Self { blocks, used, thread, block: Vec::new(), given: 0, ended: false }
    }

    /// Takes the next block; one without bytes is the end.
    fn take_next(&mut self) -> io::Result<()> {
        let used = std::mem::take(&mut self.block);
        self.given = 0;
        // A full channel only means that the block is not used again.
        let _ = self.used.try_send(used);
        let next = self.blocks.as_ref().and_then(|blocks| blocks.recv().ok());
        let gone = || Err(io::Error::other("the thread that unpacks has ended"));
        let next = next.unwrap_or_else(gone);
        self.ended = next.as_ref().map_or(true, Vec::is_empty);
        self.block = next?;
        Ok(())
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() && !self.ended {
            self.take_next()?;
        }
        let left = &self.block[self.given..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        // The stream is the reader's again only when the thread has let go of it.
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends the blocks of a stream, then an empty one or the error that ended it. Ends early when
/// nobody listens any more.
fn read_all(
    mut stream: RawBytes<'static>,
    blocks: &SyncSender<io::Result<Vec<u8>>>,
    spare: &Receiver<Vec<u8>>,
) {
    loop {
        let mut block = spare.try_recv().unwrap_or_default();
        let read = fill(&mut stream, &mut block);
        let (is_end, is_fault) = (block.is_empty(), read.is_err());
        // What was read before the fault is worth as much as what was read before it elsewhere.
        if (!is_end || !is_fault) && blocks.send(Ok(block)).is_err() {
            return;
        }
        if let Err(error) = read {
            let _ = blocks.send(Err(error));
            return;
        }
        if is_end {
            return;
        }
    }
}

/// Reads one block, shorter only at the end of the stream or before a fault.
fn fill(stream: &mut RawBytes<'static>, block: &mut Vec<u8>) -> io::Result<()> {
    block.resize(READ_BYTES, 0);
    let mut filled = 0;
    let read = loop {
        match stream.read(&mut block[filled..]) {
            Ok(0) => break Ok(()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    block.truncate(filled);
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(stream: impl Read + Send + 'static) -> ReadAhead {
        ReadAhead::start(Box::new(stream))
    }

    /// Fails instead of ending.
    struct Torn;

    impl Read for Torn {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("torn"))
        }
    }

    #[test]
    fn all_bytes_come_in_their_order() {
        let bytes: Vec<u8> = (0..3 * READ_BYTES + 17).map(|at| (at % 251) as u8).collect();
        let mut read = Vec::new();
        ahead(io::Cursor::new(bytes.clone())).read_to_end(&mut read).expect("reads");
        assert_eq!(read, bytes);
    }

    #[test]
    fn what_stands_before_a_fault_comes_before_it() {
        let mut stream = ahead(io::repeat(7).take(READ_BYTES as u64 + 5).chain(Torn));
        let mut read = Vec::new();
        let fault = stream.read_to_end(&mut read).expect_err("torn");
        assert_eq!((read.len(), fault.to_string().as_str()), (READ_BYTES + 5, "torn"));
        assert_eq!(stream.read(&mut [0; 8]).expect("ended"), 0);
    }

    #[test]
    fn a_reader_that_leaves_early_leaves_nobody_behind() {
        let mut stream = ahead(io::repeat(7));
        stream.read_exact(&mut [0; 100]).expect("reads");
        drop(stream);
    }
}
