//! Opens an export by its content: gzip, byte order marks, UTF-16; hashing on the way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use encoding_rs::CoderResult;
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

/// How the text of an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 with BOM",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        }
    }
}

/// How the bytes of an export are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
}

impl Compression {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
        }
    }
}

/// What an export's bytes are, as they lie on the disk or unpacked in their archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    pub xxh3: u128,
    pub length: u64,
    pub sha256: Option<[u8; 32]>,
}

/// The bytes of an export as they lie on the disk, or unpacked in their archive.
pub type RawBytes<'a> = Box<dyn Read + Send + 'a>;

/// An open export: its decoded text as a stream of UTF-8 bytes.
pub struct OpenExport<'a> {
    pub encoding: Encoding,
    pub compression: Compression,
    text: RawBytes<'a>,
    raw: Arc<Mutex<Metered<'a>>>,
}

/// Bytes that one read of the disk asks for.
const READ_BYTES: usize = 256 * 1024;
/// Enough to tell how a stream is packed and written, and the first block of a tar archive.
const HEAD_BYTES: usize = 512;
/// Files from this length on hash SHA-256 on a thread of their own.
const HASH_THREAD_BYTES: u64 = 2 * 1024 * 1024;

/// Opens a file that is an export and no archive.
///
/// # Errors
/// The file cannot be opened, or its first bytes cannot be read or unpacked.
pub fn open(path: &Path, with_sha256: bool) -> io::Result<OpenExport<'static>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Unpacked::open(Box::new(file), length, with_sha256)?.into_text()
}

/// A stream of bytes whose packing is undone: text to be decoded, or an archive.
pub struct Unpacked<'a> {
    compression: Compression,
    head: Vec<u8>,
    bytes: RawBytes<'a>,
    raw: Arc<Mutex<Metered<'a>>>,
}

impl<'a> Unpacked<'a> {
    /// Finds out how a stream is packed and undoes it. `length` is about how long it is.
    ///
    /// # Errors
    /// Its first bytes cannot be read or unpacked.
    pub fn open(bytes: RawBytes<'a>, length: u64, with_sha256: bool) -> io::Result<Self> {
        let raw = Metered { bytes, meter: Meter::new(with_sha256, length) };
        let raw = Arc::new(Mutex::new(raw));
        let shared = BufReader::with_capacity(READ_BYTES, Shared(Arc::clone(&raw)));
        let (head, packed) = with_head(shared)?;
        let compression = match head.as_slice() {
            [0x1F, 0x8B, ..] => Compression::Gzip,
            _ => Compression::None,
        };
        let unpacked: RawBytes<'a> = match compression {
            Compression::None => Box::new(packed),
            Compression::Gzip => {
                Box::new(MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, packed)))
            }
        };
        let (head, bytes) = with_head(unpacked)?;
        Ok(Self { compression, head, bytes: Box::new(bytes), raw })
    }

    /// The first bytes, as many as it has up to 512.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Finds out how the text is written and decodes it.
    ///
    /// # Errors
    /// The first bytes cannot be read.
    pub fn into_text(self) -> io::Result<OpenExport<'a>> {
        let Self { compression, head, bytes, raw } = self;
        let (encoding, mark_bytes) = encoding_of(&head);
        let mut bytes = BufReader::with_capacity(READ_BYTES, bytes);
        io::copy(&mut bytes.by_ref().take(mark_bytes), &mut io::sink())?;
        let text: RawBytes<'a> = match encoding {
            Encoding::Utf8 | Encoding::Utf8Bom => Box::new(bytes),
            Encoding::Utf16Le => Box::new(Transcoder::new(bytes, encoding_rs::UTF_16LE)),
            Encoding::Utf16Be => Box::new(Transcoder::new(bytes, encoding_rs::UTF_16BE)),
        };
        Ok(OpenExport { encoding, compression, text, raw })
    }
}

impl std::fmt::Debug for Unpacked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacked").field("compression", &self.compression).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OpenExport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenExport")
            .field("encoding", &self.encoding)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

impl Read for OpenExport<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.text.read(buffer)
    }
}

impl OpenExport<'_> {
    /// Bytes read so far, as they lie on the disk or in the archive.
    pub fn bytes_read(&self) -> u64 {
        lock(&self.raw).meter.length
    }

    /// Reads what is left, so that the hash covers the whole export even where the text ended
    /// early, and returns what the export is, as far as it can be read.
    pub fn finish(self) -> (Fingerprint, io::Result<()>) {
        drop(self.text);
        let read = io::copy(&mut Shared(Arc::clone(&self.raw)), &mut io::sink()).map(|_| ());
        let fingerprint = lock(&self.raw).meter.finish();
        (fingerprint, read)
    }
}

/// Reads the first bytes of a stream, or as many as it has, and puts them back. A fault behind
/// the first bytes is met again where it lies.
fn with_head<R: Read>(mut stream: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let read = stream.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    let fault = match read {
        Err(error) if head.is_empty() => return Err(error),
        read => Fault(read.err()),
    };
    Ok((head.clone(), io::Cursor::new(head).chain(fault).chain(stream)))
}

/// Fails once, if there is something to fail with, and is empty otherwise.
struct Fault(Option<io::Error>);

impl Read for Fault {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The encoding by its byte order mark, else by where the zero bytes of ASCII characters lie;
/// with the length of the mark.
fn encoding_of(head: &[u8]) -> (Encoding, u64) {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8Bom, 3),
        [0xFF, 0xFE, 0, 0, ..] => (Encoding::Utf8, 0),
        [0xFF, 0xFE, ..] => (Encoding::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Encoding::Utf16Be, 2),
        [1..0x80, 0, 1..0x80, 0, ..] => (Encoding::Utf16Le, 0),
        [0, 1..0x80, 0, 1..0x80, ..] => (Encoding::Utf16Be, 0),
        _ => (Encoding::Utf8, 0),
    }
}

/// Shows every byte that is read to the meter.
struct Metered<'a> {
    bytes: RawBytes<'a>,
    meter: Meter,
}

/// The bytes of an export for whoever reads on: the decoder of its text, then the hash.
struct Shared<'a>(Arc<Mutex<Metered<'a>>>);

impl Read for Shared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut metered = lock(&self.0);
        let count = metered.bytes.read(buffer)?;
        metered.meter.update(&buffer[..count]);
        Ok(count)
    }
}

fn lock<'m, 'a>(raw: &'m Mutex<Metered<'a>>) -> MutexGuard<'m, Metered<'a>> {
    raw.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts and hashes the bytes on the disk.
struct Meter {
    length: u64,
    xxh3: Box<Xxh3>,
    sha256: Sha256Meter,
}

enum Sha256Meter {
    Off,
    Here(Sha256),
    Thread(HashThread),
}

impl Meter {
    fn new(with_sha256: bool, length: u64) -> Self {
        let sha256 = match with_sha256 {
            false => Sha256Meter::Off,
            true if length < HASH_THREAD_BYTES => Sha256Meter::Here(Sha256::new()),
            true => Sha256Meter::Thread(HashThread::start()),
        };
        Self { length: 0, xxh3: Box::new(Xxh3::new()), sha256 }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.xxh3.update(bytes);
        match &mut self.sha256 {
            Sha256Meter::Off => {}
            Sha256Meter::Here(hash) => hash.update(bytes),
            Sha256Meter::Thread(thread) => thread.update(bytes),
        }
    }

    fn finish(&mut self) -> Fingerprint {
        let sha256 = match std::mem::replace(&mut self.sha256, Sha256Meter::Off) {
            Sha256Meter::Off => None,
            Sha256Meter::Here(hash) => Some(hash.finalize().into()),
            Sha256Meter::Thread(thread) => thread.finish(),
        };
        Fingerprint { xxh3: self.xxh3.digest128(), length: self.length, sha256 }
    }
}

/// SHA-256 of a stream on a thread of its own: it is the slowest step of reading a file that
/// holds few partner sign-ins.
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

/// Turns UTF-16 into UTF-8 as it is read; what is no character becomes U+FFFD.
struct Transcoder<R> {
    source: BufReader<R>,
    decoder: encoding_rs::Decoder,
    ended: bool,
}

impl<R: Read> Transcoder<R> {
    fn new(source: BufReader<R>, encoding: &'static encoding_rs::Encoding) -> Self {
        Self { source, decoder: encoding.new_decoder_without_bom_handling(), ended: false }
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The decoder needs room for one whole character.
        if buffer.len() < 4 {
            return Err(io::Error::other("a buffer of fewer than four bytes"));
        }
        while !self.ended {
            let source = self.source.fill_buf()?;
            let last = source.is_empty();
            let (result, read, written, _) = self.decoder.decode_to_utf8(source, buffer, last);
            self.source.consume(read);
            // A decoder that has seen the end must not be asked again.
            self.ended = last && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read_all(bytes: &[u8]) -> (Encoding, Compression, String, Fingerprint) {
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(bytes).expect("written");
        let mut export = open(file.path(), true).expect("opens");
        let mut text = String::new();
        let (encoding, compression) = (export.encoding, export.compression);
        export.read_to_string(&mut text).expect("reads");
        (encoding, compression, text, export.finish().0)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).expect("packs");
        writer.finish().expect("packs")
    }

    #[test]
    fn every_packing_and_encoding_gives_the_same_text() {
        let text = "[{\"id\":\"Grüße 🦀\"}]";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        let first_byte_alone = [gzip(&[0xFF]), gzip(&[&[0xFE][..], &le].concat())].concat();
        let two_members = [gzip(&text.as_bytes()[..7]), gzip(&text.as_bytes()[7..])].concat();
        for (bytes, encoding, compression) in [
            (text.as_bytes().to_vec(), Encoding::Utf8, Compression::None),
            (marked(&[0xEF, 0xBB, 0xBF], text.as_bytes()), Encoding::Utf8Bom, Compression::None),
            (marked(&[0xFF, 0xFE], &le), Encoding::Utf16Le, Compression::None),
            (marked(&[0xFE, 0xFF], &be), Encoding::Utf16Be, Compression::None),
            (le.clone(), Encoding::Utf16Le, Compression::None),
            (be, Encoding::Utf16Be, Compression::None),
            (gzip(&marked(&[0xFF, 0xFE], &le)), Encoding::Utf16Le, Compression::Gzip),
            (two_members, Encoding::Utf8, Compression::Gzip),
            (first_byte_alone, Encoding::Utf16Le, Compression::Gzip),
        ] {
            let read = read_all(&bytes);
            assert_eq!((read.0, read.1, read.2.as_str()), (encoding, compression, text));
            assert_eq!(read.3.length, bytes.len() as u64);
            let sha256: [u8; 32] = Sha256::digest(&bytes).into();
            assert_eq!(read.3.sha256, Some(sha256));
            assert_eq!(read.3.xxh3, xxhash_rust::xxh3::xxh3_128(&bytes));
        }
    }

    #[test]
    fn a_large_file_is_hashed_on_its_own_thread_to_the_same_hash() {
        let bytes = vec![b'7'; 3 * 1024 * 1024 + 17];
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(read_all(&bytes).3.sha256, Some(sha256));
    }

    #[test]
    fn the_fingerprint_covers_the_whole_file_when_the_text_ends_early() {
        let mut bytes = gzip(b"[]");
        bytes.extend_from_slice(b"rubbish behind");
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(&bytes).expect("written");
        let mut export = open(file.path(), false).expect("opens");
        let mut text = Vec::new();
        // Whether the decoder refuses or ignores the rubbish, the hash must cover it.
        let _ = export.read_to_end(&mut text);
        assert_eq!(export.finish().0.length, bytes.len() as u64);
    }
}
