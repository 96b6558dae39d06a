//! The windows of one export: read one after the other on the calling thread, or on all cores,
//! while the calling thread reads and frames the next ones.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};

use rayon::Scope;

use super::read::Taker;
use super::records::{Batch, RecordReader, Records};

/// What is to be read of a window, and what framing it gave.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) batch: Batch,
    pub(super) records: Vec<Records>,
}

impl Work {
    /// Reads the records and hands the partner sign-ins on.
    pub(super) fn read(
        self,
        window: &[u8],
        reader: RecordReader<'_>,
        take: &Taker<'_>,
    ) -> io::Result<Batch> {
        let Self { mut batch, records } = self;
        reader.read(window, &records, &mut batch);
        take(std::mem::take(&mut batch.found))?;
        Ok(batch)
    }
}

/// A window that was read.
struct Done {
    number: usize,
    buffer: Vec<u8>,
    batch: io::Result<Batch>,
}

/// Windows on their way through the threads of a pool. So few are on the way at once that memory
/// does not grow when reading is faster than parsing.
pub(super) struct Crew<'s, 'scope> {
    scope: &'s Scope<'scope>,
    reader: RecordReader<'scope>,
    take: &'scope Taker<'scope>,
    results: Receiver<Done>,
    sender: Sender<Done>,
    /// Windows that were handed out so far.
    handed: usize,
    /// Windows that were added to the total.
    added: usize,
    on_the_way: usize,
    limit: usize,
    /// Read, but a window before them is not.
    waiting: BTreeMap<usize, Batch>,
    spare: Vec<Vec<u8>>,
}

impl<'s, 'scope> Crew<'s, 'scope> {
    pub(super) fn new(
        scope: &'s Scope<'scope>,
        threads: usize,
        reader: RecordReader<'scope>,
        take: &'scope Taker<'scope>,
    ) -> Self {
        let (sender, results) = channel();
        Self {
            scope,
            reader,
            take,
            results,
            sender,
            handed: 0,
            added: 0,
            on_the_way: 0,
            limit: threads + 1,
            waiting: BTreeMap::new(),
            spare: Vec::new(),
        }
    }

    /// A buffer for the next window; waits for one if as many as may be are on the way.
    ///
    /// # Errors
    /// The taker of the sign-ins failed.
    pub(super) fn buffer(&mut self, total: &mut Batch) -> io::Result<Vec<u8>> {
        while self.on_the_way >= self.limit {
            self.wait(total)?;
        }
        Ok(self.spare.pop().unwrap_or_default())
    }

    /// Has a window read by whoever is free.
    pub(super) fn hand_out(&mut self, buffer: Vec<u8>, range: Range<usize>, work: Work) {
        let (number, reader, take) = (self.handed, self.reader, self.take);
        let sender = self.sender.clone();
        self.handed += 1;
        self.on_the_way += 1;
        self.scope.spawn(move |_| {
            // A panic must not leave the calling thread waiting for a window that never comes.
            let read = AssertUnwindSafe(|| work.read(&buffer[range], reader, take));
            let batch = catch_unwind(read).unwrap_or_else(|_| Err(gone()));
            // Nobody listens any more where the reading was given up.
            let _ = sender.send(Done { number, buffer, batch });
        });
    }

    /// Waits for all windows.
    ///
    /// # Errors
    /// The taker of the sign-ins failed.
    pub(super) fn finish(mut self, total: &mut Batch) -> io::Result<()> {
        while self.on_the_way > 0 {
            self.wait(total)?;
        }
        Ok(())
    }

    /// Takes in one window; they are added to the total in their order, whoever was faster.
    fn wait(&mut self, total: &mut Batch) -> io::Result<()> {
        let done = self.results.recv().map_err(|_| gone())?;
        self.on_the_way -= 1;
        self.spare.push(done.buffer);
        self.waiting.insert(done.number, done.batch?);
        while let Some(batch) = self.waiting.remove(&self.added) {
            total.add(batch);
            self.added += 1;
        }
        Ok(())
    }
}

fn gone() -> io::Error {
    io::Error::other("a thread that reads records has ended")
}
