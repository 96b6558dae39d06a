//! What is read of a source itself: counted for the progress, hashed as a whole.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use super::discover::{Source, SourceKind};
use super::open::RawBytes;
use crate::stop::Stop;

/// SHA-256 of a file, on a thread of its own.
pub(super) struct FileHash(JoinHandle<io::Result<[u8; 32]>>);

impl FileHash {
    pub(super) fn start(path: &Path, stop: &Stop) -> Self {
        let (path, stop): (PathBuf, Stop) = (path.to_owned(), stop.clone());
        Self(std::thread::spawn(move || {
            let mut file = File::open(path)?;
            let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 * 1024]);
            loop {
                check(&stop)?;
                match file.read(&mut buffer)? {
                    0 => return Ok(hash.finalize().into()),
                    count => hash.update(&buffer[..count]),
                }
            }
        }))
    }

    pub(super) fn end(self) -> io::Result<[u8; 32]> {
        self.0.join().unwrap_or_else(|_| Err(io::Error::other("the hash could not be computed")))
    }
}

/// Bytes read of the source itself, whatever they unpack to, and how many of them were told.
pub(super) struct Disk<'a> {
    read: Arc<AtomicU64>,
    told: Cell<u64>,
    /// Parts of an archive may be read twice; of standard input the length is not known.
    length: Option<u64>,
    advance: &'a dyn Fn(u64),
    stop: &'a Stop,
}

/// A run that is asked to stop reads no further, whatever it reads.
pub(super) fn check(stop: &Stop) -> io::Result<()> {
    if stop.is_asked() { Err(io::Error::other("the run was stopped")) } else { Ok(()) }
}

impl<'a> Disk<'a> {
    /// The meter of a source of which `length` bytes are to be told.
    pub(super) fn new(length: Option<u64>, advance: &'a dyn Fn(u64), stop: &'a Stop) -> Self {
        Self { read: Arc::default(), told: Cell::new(0), length, advance, stop }
    }

    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    pub(super) fn open(&self, source: &Source) -> io::Result<RawBytes<'static>> {
        let bytes: RawBytes<'static> = match source.kind {
            SourceKind::File | SourceKind::Pipe => Box::new(File::open(&source.path)?),
            SourceKind::StandardInput => Box::new(io::stdin()),
        };
        Ok(Box::new(Counted { bytes, read: self.counter(), stop: self.stop.clone() }))
    }

    pub(super) fn tell(&self) {
        let read = self.read.load(Relaxed).min(self.length.unwrap_or(u64::MAX));
        if let Some(more) = read.checked_sub(self.told.get()).filter(|more| *more > 0) {
            (self.advance)(more);
            self.told.set(read);
        }
    }

    /// The source is done with, however much of it was worth reading.
    pub(super) fn tell_rest(&self) {
        self.read.fetch_max(self.length.unwrap_or_default(), Relaxed);
        self.tell();
    }
}

struct Counted {
    bytes: RawBytes<'static>,
    read: Arc<AtomicU64>,
    stop: Stop,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        check(&self.stop)?;
        let count = self.bytes.read(buffer)?;
        self.read.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}
