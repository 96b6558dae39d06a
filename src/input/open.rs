//! Opens an export by its content: gzip, zstd, byte order marks; hashing on the way.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::bufread::MultiGzDecoder;

use super::ahead::ReadAhead;
pub use super::encoding::Encoding;
use super::meter::Meter;
pub use super::meter::{Fingerprint, Hashing};

/// How the bytes of an export are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The compression by the first bytes (RFC 1952, RFC 8878; a zstd stream may begin with a
    /// frame to be skipped).
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    fn undo<'a>(self, packed: RawBytes<'a>) -> io::Result<RawBytes<'a>> {
        Ok(match self {
            Self::None => packed,
            Self::Gzip => {
                Box::new(MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, packed)))
            }
            Self::Zstd => {
                let buffered = BufReader::with_capacity(READ_BYTES, packed);
                let mut decoder = zstd::Decoder::with_buffer(buffered)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
        })
    }
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
pub(super) const READ_BYTES: usize = 256 * 1024;
/// Enough to tell how a stream is packed and written, and the first block of a tar archive.
const HEAD_BYTES: usize = 4096;
/// A download may be packed twice: by its server and by whoever stored it.
const COMPRESSIONS_MAX: usize = 2;
/// 128 MiB of memory, as `zstd -d` allows without asking.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Opens a file that is an export and no archive.
///
/// # Errors
/// The file cannot be opened, or its first bytes cannot be read or unpacked.
pub fn open(path: &Path, hashing: Hashing) -> io::Result<OpenExport<'static>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Unpacked::open(Box::new(file), length, hashing)?.into_text()
}

/// A stream of bytes whose compression is undone: text to be decoded, or an archive.
pub struct Unpacked<'a> {
    /// The outer one, if it is packed twice.
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
    pub fn open(bytes: RawBytes<'a>, length: u64, hashing: Hashing) -> io::Result<Self> {
        let raw = Metered { bytes, meter: Meter::new(hashing, length) };
        let raw = Arc::new(Mutex::new(raw));
        let (mut head, mut bytes) = with_head(Box::new(Shared(Arc::clone(&raw))))?;
        let compression = Compression::of(&head);
        for _ in 0..COMPRESSIONS_MAX {
            let compression = Compression::of(&head);
            if compression == Compression::None {
                break;
            }
            (head, bytes) = with_head(compression.undo(bytes)?)?;
        }
        Ok(Self { compression, head, bytes, raw })
    }

    pub fn is_compressed(&self) -> bool {
        self.compression != Compression::None
    }

    /// The first bytes, as many as it has up to 4 KiB.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Puts something between the unpacked bytes and their reader.
    #[must_use]
    pub fn through(self, pipe: impl FnOnce(RawBytes<'a>) -> RawBytes<'a>) -> Self {
        Self { bytes: pipe(self.bytes), ..self }
    }

    /// Finds out how the text is written and decodes it.
    ///
    /// # Errors
    /// The first bytes cannot be read.
    pub fn into_text(self) -> io::Result<OpenExport<'a>> {
        let Self { compression, head, bytes, raw } = self;
        let (encoding, mark_bytes) = Encoding::of(&head);
        let mut bytes = bytes;
        io::copy(&mut bytes.by_ref().take(mark_bytes as u64), &mut io::sink())?;
        Ok(OpenExport { encoding, compression, text: encoding.decode(bytes), raw })
    }

    /// Puts a buffer before the unpacked bytes, for who reads few of them at a time.
    #[must_use]
    pub fn buffered(self) -> Self {
        self.through(|bytes| Box::new(BufReader::with_capacity(READ_BYTES, bytes)))
    }

    /// The unpacked bytes, for a reader of archives.
    pub fn bytes(&mut self) -> &mut RawBytes<'a> {
        &mut self.bytes
    }

    /// The unpacked bytes alone.
    pub fn into_bytes(self) -> RawBytes<'a> {
        self.bytes
    }

    /// Reads what is left and returns what the whole is, as [`OpenExport::finish`] does.
    pub fn finish(self) -> (Fingerprint, io::Result<()>) {
        drop(self.bytes);
        finish(&self.raw)
    }
}

impl Unpacked<'static> {
    /// Has a thread of its own unpack what is packed, while the caller reads what it has unpacked.
    #[must_use]
    pub fn ahead(self) -> Self {
        if !self.is_compressed() {
            return self;
        }
        self.through(|bytes| Box::new(ReadAhead::start(bytes)))
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
        finish(&self.raw)
    }
}

fn finish(raw: &Arc<Mutex<Metered<'_>>>) -> (Fingerprint, io::Result<()>) {
    let read = io::copy(&mut Shared(Arc::clone(raw)), &mut io::sink()).map(|_| ());
    (lock(raw).meter.finish(), read)
}

/// Reads the first bytes of a stream, or as many as it has, and puts them back. A fault behind
/// the first bytes is met again where it lies.
fn with_head(mut stream: RawBytes<'_>) -> io::Result<(Vec<u8>, RawBytes<'_>)> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let read = stream.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    let fault = match read {
        Err(error) if head.is_empty() => return Err(error),
        read => Fault(read.err()),
    };
    Ok((head.clone(), Box::new(io::Cursor::new(head).chain(fault).chain(stream))))
}

/// Fails once, if there is something to fail with, and is empty otherwise.
struct Fault(Option<io::Error>);

impl Read for Fault {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
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

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::io::Write;

    fn read_all(bytes: &[u8]) -> (Encoding, Compression, String, Fingerprint) {
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(bytes).expect("written");
        let mut export = open(file.path(), Hashing::Beside).expect("opens");
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

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).expect("packs")
    }

    #[test]
    fn every_packing_and_encoding_gives_the_same_text() {
        let text = "[{\"id\":\"Grüße 🦀\"}]";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        let first_byte_alone = [gzip(&[0xFF]), gzip(&[&[0xFE][..], &le].concat())].concat();
        let two_members = [gzip(&text.as_bytes()[..7]), gzip(&text.as_bytes()[7..])].concat();
        let skippable = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let zstd_frames = [&skippable[..], &zstd(&le[..9]), &zstd(&le[9..])].concat();
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
            (gzip(&gzip(text.as_bytes())), Encoding::Utf8, Compression::Gzip),
            (zstd(text.as_bytes()), Encoding::Utf8, Compression::Zstd),
            (zstd_frames, Encoding::Utf16Le, Compression::Zstd),
            (
                gzip(&zstd(&marked(&[0xEF, 0xBB, 0xBF], text.as_bytes()))),
                Encoding::Utf8Bom,
                Compression::Gzip,
            ),
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
        let mut export = open(file.path(), Hashing::Off).expect("opens");
        let mut text = Vec::new();
        // Whether the decoder refuses or ignores the rubbish, the hash must cover it.
        let _ = export.read_to_end(&mut text);
        assert_eq!(export.finish().0.length, bytes.len() as u64);
    }
}
