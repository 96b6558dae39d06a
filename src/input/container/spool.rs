//! Bytes that can be read from any place: a file, or a stream laid down for that purpose.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::ArchiveError;
use super::limits::{SPOOL_BYTES, SPOOL_MEMORY_BYTES, SPOOL_MEMORY_ONLY_BYTES, SPOOL_RATIO};

/// Where a stream may be laid down that has to be read from any place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolRoom {
    /// What does not fit into memory goes into this folder, which is made when it is needed.
    Folder(PathBuf),
    /// Nothing may be written.
    MemoryOnly,
}

/// Bytes that can be opened again and again, each time from their first one.
#[derive(Debug, Clone)]
pub struct Bytes {
    place: Place,
    length: u64,
    /// Counts the bytes read of a file among the inputs.
    read: Arc<AtomicU64>,
}

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Memory(Arc<[u8]>),
    Spooled(Arc<SpoolFile>),
}

impl Bytes {
    /// A file among the inputs; `read` counts what is read of it.
    pub fn of_file(path: &Path, length: u64, read: Arc<AtomicU64>) -> Self {
        Self { place: Place::File(path.to_owned()), length, read }
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Opens the bytes.
    ///
    /// # Errors
    /// The file behind them is gone.
    pub fn open(&self) -> io::Result<SeekableBytes> {
        let inner = match &self.place {
            Place::File(path) => {
                Inner::File { file: File::open(path)?, read: Arc::clone(&self.read) }
            }
            Place::Memory(bytes) => Inner::Memory(io::Cursor::new(Arc::clone(bytes))),
            Place::Spooled(spooled) => {
                Inner::Spooled { file: File::open(&spooled.path)?, _keep: Arc::clone(spooled) }
            }
        };
        Ok(SeekableBytes(inner))
    }
}

/// An open reader of [`Bytes`].
#[derive(Debug)]
pub struct SeekableBytes(Inner);

#[derive(Debug)]
enum Inner {
    File {
        file: File,
        read: Arc<AtomicU64>,
    },
    Memory(io::Cursor<Arc<[u8]>>),
    /// The file stays as long as someone reads it.
    Spooled {
        file: File,
        _keep: Arc<SpoolFile>,
    },
}

impl Read for SeekableBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Memory(bytes) => bytes.read(buffer),
            Inner::Spooled { file, .. } => file.read(buffer),
            Inner::File { file, read } => {
                let count = file.read(buffer)?;
                read.fetch_add(count as u64, Relaxed);
                Ok(count)
            }
        }
    }
}

impl Seek for SeekableBytes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Inner::Memory(bytes) => bytes.seek(to),
            Inner::File { file, .. } | Inner::Spooled { file, .. } => file.seek(to),
        }
    }
}

/// A file of ours that goes when nobody needs it any more.
#[derive(Debug)]
struct SpoolFile {
    path: PathBuf,
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        // What cannot be removed lies in the staging folder, which the run removes.
        let _ = fs::remove_file(&self.path);
    }
}

/// Lays a stream down so that it can be read from any place. It comes from `packed` bytes.
///
/// # Errors
/// The stream cannot be read, the room cannot be written, or the stream is larger than anything
/// that is worth the room.
pub fn spool(stream: &mut dyn Read, room: &SpoolRoom, packed: Option<u64>) -> io::Result<Bytes> {
    let memory_max = match room {
        SpoolRoom::Folder(_) => SPOOL_MEMORY_BYTES,
        SpoolRoom::MemoryOnly => SPOOL_MEMORY_ONLY_BYTES,
    };
    let mut head = Vec::new();
    stream.take(memory_max + 1).read_to_end(&mut head)?;
    let read = Arc::default();
    if head.len() as u64 <= memory_max {
        let length = head.len() as u64;
        return Ok(Bytes { place: Place::Memory(head.into()), length, read });
    }
    let SpoolRoom::Folder(folder) = room else { return Err(ArchiveError::TooLarge.into()) };
    let max = packed.map_or(u64::MAX, |packed| packed.saturating_mul(SPOOL_RATIO).max(SPOOL_BYTES));
    let (spooled, mut file) = SpoolFile::new(folder)?;
    file.write_all(&head)?;
    drop(head);
    let left = max.saturating_sub(memory_max + 1);
    let copied = io::copy(&mut stream.take(left), &mut file)?;
    if copied == left && stream.read(&mut [0])? > 0 {
        return Err(ArchiveError::TooLarge.into());
    }
    file.flush()?;
    let length = memory_max + 1 + copied;
    Ok(Bytes { place: Place::Spooled(Arc::new(spooled)), length, read })
}

impl SpoolFile {
    fn new(folder: &Path) -> io::Result<(Self, File)> {
        /// Files of this process so far: each has a name of its own.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("archive-{}", NUMBER.fetch_add(1, Relaxed)));
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok((Self { path }, file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(bytes: &Bytes, from: u64) -> Vec<u8> {
        let mut open = bytes.open().expect("opens");
        open.seek(SeekFrom::Start(from)).expect("seeks");
        let mut read = Vec::new();
        open.read_to_end(&mut read).expect("reads");
        read
    }

    #[test]
    fn small_streams_stay_in_memory_and_large_ones_go_to_a_file_that_goes_again() {
        let folder = tempfile::tempdir().expect("folder");
        let room = SpoolRoom::Folder(folder.path().join("spool"));
        let small = spool(&mut &b"abc"[..], &room, Some(1)).expect("spooled");
        assert_eq!(read_back(&small, 1), b"bc");
        assert!(!folder.path().join("spool").exists());

        let large = vec![7; (SPOOL_MEMORY_BYTES + 100) as usize];
        let bytes = spool(&mut large.as_slice(), &room, Some(1)).expect("spooled");
        assert_eq!(bytes.length(), large.len() as u64);
        assert_eq!(read_back(&bytes, 0), large);
        assert_eq!(fs::read_dir(folder.path().join("spool")).expect("folder").count(), 1);
        drop(bytes);
        assert_eq!(fs::read_dir(folder.path().join("spool")).expect("folder").count(), 0);
    }

    #[test]
    fn a_stream_that_is_too_large_is_refused() {
        let endless = || io::repeat(0).take(SPOOL_BYTES + 2);
        let error = |room: &SpoolRoom| {
            let refused = spool(&mut endless(), room, Some(1)).map(|bytes| bytes.length());
            refused.map_err(|error| ArchiveError::within(&error))
        };
        assert_eq!(error(&SpoolRoom::MemoryOnly), Err(Some(ArchiveError::TooLarge)));
    }
}
