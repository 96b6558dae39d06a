//! Partner sign-ins on their way from the workers to the finish, by UTC day.
//!
//! Rows are encoded at once, so what is in memory and what is on disk are the same bytes and
//! one code path reads both. All days share one file: a hostile log of ten thousand months
//! must not open ten thousand.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::disk::{Disk, DiskFile};
use super::error::{At, DatasetError, Tried};
use super::row::PartnerSignIn;

/// Where workers leave their rows; appending is all they can do.
#[derive(Debug)]
pub struct Spill {
    path: PathBuf,
    disk: Disk,
    /// Bytes in memory from which on they go to the disk.
    memory: usize,
    keep_not_applied: bool,
    waiting: Mutex<Waiting>,
    file: Mutex<SpillFile>,
}

/// Rows in memory.
#[derive(Debug, Default)]
struct Waiting {
    days: BTreeMap<i64, Vec<Vec<u8>>>,
    bytes: usize,
}

/// Rows on the disk: all days share the file.
#[derive(Debug, Default)]
struct SpillFile {
    file: Option<DiskFile>,
    bytes: u64,
    days: BTreeMap<i64, Vec<Extent>>,
}

#[derive(Debug, Clone, Copy)]
struct Extent {
    offset: u64,
    bytes: u64,
}

/// What a worker brings of a day is put to what is there up to this size, and beside it from there
/// on: nothing large is copied.
const BLOCK_BYTES: usize = 64 << 10;

/// Room that is made for the rows of a day before any is known.
const ROOM_BYTES: usize = 8 << 10;

impl Spill {
    /// A spill that goes to the file `path` when it holds `memory` bytes. While it is written,
    /// as much again may come.
    pub(super) fn new(path: PathBuf, memory: usize, keep_not_applied: bool, disk: Disk) -> Self {
        let (waiting, file) = (Mutex::default(), Mutex::default());
        Self { path, disk, memory, keep_not_applied, waiting, file }
    }

    /// Takes rows from a worker; their order does not matter.
    ///
    /// # Errors
    /// The spill file cannot be written.
    pub fn append(
        &self,
        rows: impl IntoIterator<Item = PartnerSignIn>,
    ) -> Result<(), DatasetError> {
        let mut encoded: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        let mut scratch = Vec::new();
        for row in rows {
            let bytes = encoded.entry(row.day()).or_insert_with(|| Vec::with_capacity(ROOM_BYTES));
            row.encode(self.keep_not_applied, &mut scratch, bytes).at(&self.path)?;
        }
        if self.keep(encoded) > self.memory {
            // Others may go on; those that find the memory full wait here in turn.
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let full = self.take_if_full();
            file.write(&self.disk, &self.path, full)?;
        }
        Ok(())
    }

    /// Keeps rows in memory; answers how many bytes there are now.
    fn keep(&self, encoded: BTreeMap<i64, Vec<u8>>) -> usize {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (day, bytes) in encoded {
            waiting.bytes += bytes.len();
            let blocks = waiting.days.entry(day).or_default();
            match blocks.last_mut() {
                Some(last) if last.len() + bytes.len() <= BLOCK_BYTES => last.extend(bytes),
                _ => blocks.push(bytes),
            }
        }
        waiting.bytes
    }

    fn take_if_full(&self) -> BTreeMap<i64, Vec<Vec<u8>>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.bytes <= self.memory {
            return BTreeMap::new();
        }
        std::mem::take(&mut *waiting).days
    }

    /// Ends the appending.
    pub(super) fn close(self) -> ClosedSpill {
        let waiting = self.waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
        let file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        ClosedSpill { path: self.path, waiting: waiting.days, file }
    }
}

impl SpillFile {
    fn write(
        &mut self,
        disk: &Disk,
        path: &Path,
        days: BTreeMap<i64, Vec<Vec<u8>>>,
    ) -> Result<(), DatasetError> {
        for (day, blocks) in days {
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(disk.create(path)?),
            };
            let offset = self.bytes;
            for block in blocks {
                file.write_all(&block).tried("write", path)?;
                self.bytes += block.len() as u64;
            }
            let bytes = self.bytes - offset;
            self.days.entry(day).or_default().push(Extent { offset, bytes });
        }
        Ok(())
    }
}

/// The rows of a run, day by day.
pub(super) struct ClosedSpill {
    path: PathBuf,
    waiting: BTreeMap<i64, Vec<Vec<u8>>>,
    file: SpillFile,
}

impl ClosedSpill {
    /// The days with rows, and how many encoded bytes each has.
    pub(super) fn days(&self) -> BTreeMap<i64, u64> {
        let mut days: BTreeMap<i64, u64> = BTreeMap::new();
        for (&day, extents) in &self.file.days {
            *days.entry(day).or_default() += extents.iter().map(|e| e.bytes).sum::<u64>();
        }
        for (&day, blocks) in &self.waiting {
            *days.entry(day).or_default() += blocks.iter().map(|b| b.len() as u64).sum::<u64>();
        }
        days
    }

    /// All encoded rows of a day; it is forgotten.
    pub(super) fn take_day(&mut self, day: i64) -> Result<Vec<u8>, DatasetError> {
        let mut rows = Vec::new();
        if let (Some(extents), Some(file)) = (self.file.days.remove(&day), &self.file.file) {
            rows.reserve_exact(extents.iter().map(|extent| extent.bytes as usize).sum());
            for extent in extents {
                let mut bytes = file.read_from(extent.offset)?.take(extent.bytes);
                bytes.read_to_end(&mut rows).tried("read", &self.path)?;
            }
        }
        let mut waiting = self.waiting.remove(&day).unwrap_or_default();
        if rows.is_empty() && waiting.len() == 1 {
            return Ok(waiting.remove(0));
        }
        rows.reserve_exact(waiting.iter().map(Vec::len).sum());
        waiting.iter().for_each(|block| rows.extend_from_slice(block));
        Ok(rows)
    }

    /// Hands each encoded row of a day to `take`, and forgets the day.
    pub(super) fn drain(
        &mut self,
        day: i64,
        mut take: impl FnMut(&[u8]) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        if let (Some(extents), Some(file)) = (self.file.days.remove(&day), &self.file.file) {
            for extent in extents {
                let bytes = file.read_from(extent.offset)?.take(extent.bytes);
                Frames::new(&self.path, bytes).for_each(&mut take)?;
            }
        }
        for block in self.waiting.remove(&day).unwrap_or_default() {
            frames_in(&block).try_for_each(&mut take)?;
        }
        Ok(())
    }
}

/// Appends what `write` appends, behind its length.
pub(super) fn push_frame(
    to: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), postcard::Error>,
) -> Result<(), postcard::Error> {
    let start = to.len();
    to.extend_from_slice(&[0; LENGTH_BYTES]);
    write(to)?;
    let length = u32::try_from(to.len() - start - LENGTH_BYTES)
        .map_err(|_| postcard::Error::SerializeBufferFull)?;
    to[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

const LENGTH_BYTES: usize = size_of::<u32>();

/// The frames in bytes that hold nothing else.
pub(super) fn frames_in(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
        let (frame, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        bytes = rest;
        Some(frame)
    })
}

/// A file of frames that is written once and then read once.
pub(super) struct FrameFile {
    path: PathBuf,
    writer: std::io::BufWriter<DiskFile>,
}

impl FrameFile {
    pub(super) fn create(disk: &Disk, path: PathBuf) -> Result<Self, DatasetError> {
        let writer = std::io::BufWriter::new(disk.create(&path)?);
        Ok(Self { path, writer })
    }

    pub(super) fn push(&mut self, frame: &[u8]) -> Result<(), DatasetError> {
        let length = u32::try_from(frame.len()).map_err(|_| postcard::Error::SerializeBufferFull);
        let length = length.at(&self.path)?.to_le_bytes();
        let written = self.writer.write_all(&length).and_then(|()| self.writer.write_all(frame));
        written.tried("write", &self.path)
    }

    /// All frames, each behind its length.
    pub(super) fn take(self) -> Result<Vec<u8>, DatasetError> {
        let Self { path, writer } = self;
        let file = writer.into_inner().map_err(|e| e.into_error()).tried("write", &path)?;
        let mut bytes = Vec::new();
        file.read_from(0)?.read_to_end(&mut bytes).tried("read", &path)?;
        Ok(bytes)
    }

    /// Turns to reading, from the beginning.
    pub(super) fn read(self) -> Result<Frames<DiskFile>, DatasetError> {
        let Self { path, writer } = self;
        let file = writer.into_inner().map_err(|e| e.into_error()).tried("write", &path)?;
        file.read_from(0)?;
        Ok(Frames::new(&path, file))
    }
}

/// Reads frames one after the other.
pub(super) struct Frames<R: Read> {
    path: PathBuf,
    reader: BufReader<R>,
    frame: Vec<u8>,
}

impl<R: Read> Frames<R> {
    fn new(path: &Path, reader: R) -> Self {
        let reader = BufReader::with_capacity(64 << 10, reader);
        Self { path: path.to_owned(), reader, frame: Vec::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The frame that was read last.
    pub(super) fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The next frame, or `None` at the end.
    pub(super) fn next_frame(&mut self) -> Result<Option<&[u8]>, DatasetError> {
        let mut length = [0; 4];
        let first = self.reader.read(&mut length[..1]).tried("read", &self.path)?;
        if first == 0 {
            return Ok(None);
        }
        self.reader.read_exact(&mut length[1..]).tried("read", &self.path)?;
        self.frame.resize(u32::from_le_bytes(length) as usize, 0);
        self.reader.read_exact(&mut self.frame).tried("read", &self.path)?;
        Ok(Some(&self.frame))
    }

    pub(super) fn for_each(
        mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        while let Some(frame) = self.next_frame()? {
            take(frame)?;
        }
        Ok(())
    }
}
