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
    memory: usize,
    keep_not_applied: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    days: BTreeMap<i64, Day>,
    bytes_in_memory: usize,
    file: Option<DiskFile>,
    file_bytes: u64,
}

/// The rows of one day: pieces of the file, then what is still in memory.
#[derive(Debug, Default)]
struct Day {
    extents: Vec<Extent>,
    tail: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Extent {
    offset: u64,
    bytes: u64,
}

impl Day {
    fn bytes(&self) -> u64 {
        self.extents.iter().map(|extent| extent.bytes).sum::<u64>() + self.tail.len() as u64
    }
}

impl Spill {
    /// A spill that goes to the file `path` when it holds `memory` bytes.
    pub(super) fn new(path: PathBuf, memory: usize, keep_not_applied: bool, disk: Disk) -> Self {
        Self { path, disk, memory, keep_not_applied, state: Mutex::default() }
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
        for row in rows {
            let day = row.day();
            let frame = row.encode(self.keep_not_applied).at(&self.path)?;
            push_frame(encoded.entry(day).or_default(), &frame).at(&self.path)?;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (day, bytes) in encoded {
            state.bytes_in_memory += bytes.len();
            state.days.entry(day).or_default().tail.extend_from_slice(&bytes);
        }
        if state.bytes_in_memory > self.memory {
            state.write_out(&self.disk, &self.path)?;
        }
        Ok(())
    }

    /// Ends the appending.
    pub(super) fn close(self) -> ClosedSpill {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        ClosedSpill { path: self.path, days: state.days, file: state.file }
    }
}

impl State {
    fn write_out(&mut self, disk: &Disk, path: &Path) -> Result<(), DatasetError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(disk.create(path)?),
        };
        for day in self.days.values_mut().filter(|day| !day.tail.is_empty()) {
            let tail = std::mem::take(&mut day.tail);
            file.write_all(&tail).tried("write", path)?;
            let bytes = tail.len() as u64;
            day.extents.push(Extent { offset: self.file_bytes, bytes });
            self.file_bytes += bytes;
        }
        self.bytes_in_memory = 0;
        Ok(())
    }
}

/// The rows of a run, day by day.
pub(super) struct ClosedSpill {
    path: PathBuf,
    days: BTreeMap<i64, Day>,
    file: Option<DiskFile>,
}

impl ClosedSpill {
    /// The days with rows, and how many encoded bytes each has.
    pub(super) fn days(&self) -> impl Iterator<Item = (i64, u64)> {
        self.days.iter().map(|(&day, rows)| (day, rows.bytes()))
    }

    /// Hands each encoded row of a day to `take`, and forgets the day.
    pub(super) fn drain(
        &mut self,
        day: i64,
        mut take: impl FnMut(&[u8]) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let Some(rows) = self.days.remove(&day) else { return Ok(()) };
        if let Some(file) = &self.file {
            for extent in &rows.extents {
                let bytes = file.read_from(extent.offset)?.take(extent.bytes);
                let frames = Frames::new(&self.path, bytes);
                frames.for_each(&mut take)?;
            }
        }
        Frames::new(&self.path, rows.tail.as_slice()).for_each(&mut take)
    }
}

/// Appends a length and that many bytes.
fn push_frame(to: &mut Vec<u8>, frame: &[u8]) -> Result<(), postcard::Error> {
    let length = u32::try_from(frame.len()).map_err(|_| postcard::Error::SerializeBufferFull)?;
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(frame);
    Ok(())
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
        let mut bytes = Vec::with_capacity(frame.len() + 4);
        push_frame(&mut bytes, frame).at(&self.path)?;
        self.writer.write_all(&bytes).tried("write", &self.path)
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
