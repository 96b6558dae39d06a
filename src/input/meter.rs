//! Counts and hashes the bytes of an export while they are read.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

/// What an export's bytes are, as they lie on the disk or unpacked in their archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    pub xxh3: u128,
    pub length: u64,
    pub sha256: Option<[u8; 32]>,
}

/// Where SHA-256 is computed: it is the slowest step of reading a file that holds few partner
/// sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    Off,
    /// On the thread that reads: best where all cores are busy with other files.
    Here,
    /// On a thread of its own, beside the one that reads.
    Beside,
}

/// Shorter files are not worth a thread.
const HASH_THREAD_BYTES: u64 = 2 * 1024 * 1024;

/// Counts and hashes the bytes of an export.
pub(super) struct Meter {
    pub(super) length: u64,
    xxh3: Box<Xxh3>,
    sha256: Sha256Meter,
}

enum Sha256Meter {
    Off,
    Here(Sha256),
    Thread(HashThread),
}

impl Meter {
    /// A meter for about `length` bytes.
    pub(super) fn new(hashing: Hashing, length: u64) -> Self {
        let sha256 = match hashing {
            Hashing::Off => Sha256Meter::Off,
            Hashing::Beside if length >= HASH_THREAD_BYTES => {
                Sha256Meter::Thread(HashThread::start())
            }
            Hashing::Here | Hashing::Beside => Sha256Meter::Here(Sha256::new()),
        };
        Self { length: 0, xxh3: Box::new(Xxh3::new()), sha256 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.xxh3.update(bytes);
        match &mut self.sha256 {
            Sha256Meter::Off => {}
            Sha256Meter::Here(hash) => hash.update(bytes),
            Sha256Meter::Thread(thread) => thread.update(bytes),
        }
    }

    pub(super) fn finish(&mut self) -> Fingerprint {
        let sha256 = match std::mem::replace(&mut self.sha256, Sha256Meter::Off) {
            Sha256Meter::Off => None,
            Sha256Meter::Here(hash) => Some(hash.finalize().into()),
            Sha256Meter::Thread(thread) => thread.finish(),
        };
        Fingerprint { xxh3: self.xxh3.digest128(), length: self.length, sha256 }
    }
}

/// SHA-256 of a stream on a thread of its own.
struct HashThread {
    blocks: SyncSender<Vec<u8>>,
    used: Receiver<Vec<u8>>,
    thread: JoinHandle<[u8; 32]>,
}

impl HashThread {
    /// Blocks on their way at most: bounds the memory when hashing is slower than reading.
    const BLOCKS: usize = 8;

    fn start() -> Self {
        let (blocks, inbox) = sync_channel::<Vec<u8>>(Self::BLOCKS);
        let (give_back, used) = sync_channel(Self::BLOCKS + 2);
        let thread = std::thread::spawn(move || {
            let mut hash = Sha256::new();
            for block in inbox {
                hash.update(&block);
                // A full return channel only means that the block is not used again.
                let _ = give_back.try_send(block);
            }
            hash.finalize().into()
        });
        Self { blocks, used, thread }
    }

    fn update(&self, bytes: &[u8]) {
        let mut block = self.used.try_recv().unwrap_or_default();
        block.clear();
        block.extend_from_slice(bytes);
        // The thread ends only when this sender is dropped, so it is there to receive.
        let _ = self.blocks.send(block);
    }

    fn finish(self) -> Option<[u8; 32]> {
        drop(self.blocks);
        self.thread.join().ok()
    }
}
