//! Zip archives (PKWARE's APPNOTE.TXT 6.3.10): members as streams, read by the table of contents
//! at the archive's end, which alone is trusted.

mod decrypt;
mod directory;

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use flate2::read::DeflateDecoder;

use super::passwords::Passwords;
use super::{ArchiveError, Bytes};
use crate::input::open::RawBytes;
use crate::input::sniff::office_file;
use decrypt::{Unlocked, unlock};
use directory::Directory;
pub use directory::{Members, ZipMember};

/// An archive whose table of contents was found. Members are opened on their own, as often as
/// one likes.
#[derive(Debug, Clone)]
pub struct ZipArchive {
    bytes: Bytes,
    directory: Arc<Directory>,
}

/// What Microsoft Office and LibreOffice write first into a file.
const OFFICE_MARKS: [&[u8]; 2] = [b"[Content_Types].xml", b"mimetype"];

impl ZipArchive {
    /// Finds the table of contents and reads through it once.
    ///
    /// # Errors
    /// There is none, or it cannot be true.
    pub fn open(bytes: Bytes) -> io::Result<Self> {
        let directory = Directory::find(&bytes)?;
        let archive = Self { bytes, directory: Arc::new(directory) };
        archive.check_sizes()?;
        Ok(archive)
    }

    /// The members in the order of the table of contents, read while they are asked for.
    ///
    /// # Errors
    /// The archive cannot be opened again.
    pub fn members(&self) -> io::Result<Members> {
        self.directory.members(&self.bytes)
    }

    /// Members do not share bytes: where they would have to, the archive is made to unpack to
    /// more than it holds.
    fn check_sizes(&self) -> io::Result<()> {
        let mut packed = 0_u64;
        for member in self.members()? {
            packed = packed.saturating_add(member?.packed_bytes);
        }
        if packed > self.bytes.length() {
            return Err(ArchiveError::Damaged("its members overlap").into());
        }
        Ok(())
    }

    /// What lies in front of the first member belongs to no member: another archive, perhaps.
    ///
    /// # Errors
    /// There is something.
    pub fn check_front(&self) -> io::Result<()> {
        if self.directory.has_front() {
            return Err(ArchiveError::Damaged("it has a part that no member takes").into());
        }
        Ok(())
    }

    /// The folder or file in which an Office file keeps its content (`xl`, `word`, `ppt`,
    /// `content.xml`), if it is one.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn office_folder(&self) -> io::Result<Option<String>> {
        let mut is_office = false;
        let mut folder = None;
        for member in self.members()? {
            let member = member?;
            is_office |= OFFICE_MARKS.contains(&member.raw_name.as_slice());
            let first = member.name().split('/').next().unwrap_or_default().to_owned();
            if folder.is_none() && office_file(&first).is_some() {
                folder = Some(first);
            }
        }
        Ok(folder.filter(|_| is_office))
    }

    /// Opens a member: decrypted, unpacked and checked against its checksum at its end.
    ///
    /// # Errors
    /// It is encrypted and no password fits, it is packed in a way that is not read, or the
    /// archive is damaged where it should lie.
    pub fn read(&self, member: &ZipMember, passwords: &Passwords) -> io::Result<RawBytes<'static>> {
        let method = Method::of(member.method())?;
        let packed = || self.packed(member);
        if !member.is_encrypted() {
            return Ok(method.unpack(packed()?, Some(member.crc32)));
        }
        if passwords.is_empty() {
            return Err(ArchiveError::Encrypted.into());
        }
        for password in passwords.iter() {
            let Some(Unlocked { bytes, is_sealed }) = unlock(packed()?, member, password)? else {
                continue;
            };
            let crc32 = (!is_sealed).then_some(member.crc32);
            let mut head = Vec::new();
            let mut bytes = method.unpack(bytes, crc32);
            // One wrong password in 256 passes the check of the old encryption: what it gives
            // cannot be unpacked.
            if bytes.by_ref().take(4096).read_to_end(&mut head).is_ok() {
                return Ok(Box::new(io::Cursor::new(head).chain(bytes)));
            }
        }
        Err(ArchiveError::WrongPassword.into())
    }

    /// The bytes of a member as they lie in the archive.
    fn packed(&self, member: &ZipMember) -> io::Result<RawBytes<'static>> {
        let mut bytes = self.bytes.open()?;
        let start = self.directory.start_of(member, &mut bytes)?;
        bytes.seek(SeekFrom::Start(start))?;
        let packed = Whole { left: member.packed_bytes, bytes };
        Ok(Box::new(BufReader::with_capacity(64 * 1024, packed)))
    }
}

/// Bytes of which there must be as many as the archive says.
struct Whole<R> {
    left: u64,
    bytes: R,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.bytes.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(ArchiveError::Damaged("it ends inside of this member").into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// How a member is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflate,
    /// What Windows Explorer uses above 2 GiB.
    Deflate64,
    Zstd,
}

impl Method {
    fn of(number: u16) -> Result<Self, ArchiveError> {
        Ok(match number {
            0 => Self::Stored,
            8 => Self::Deflate,
            9 => Self::Deflate64,
            20 | 93 => Self::Zstd,
            1 => return Err(ArchiveError::Method("shrink")),
            2..=5 => return Err(ArchiveError::Method("reduce")),
            6 => return Err(ArchiveError::Method("implode")),
            12 => return Err(ArchiveError::Method("bzip2")),
            14 => return Err(ArchiveError::Method("lzma")),
            95 => return Err(ArchiveError::Method("xz")),
            98 => return Err(ArchiveError::Method("ppmd")),
            _ => return Err(ArchiveError::Method("a rare method")),
        })
    }

    fn unpack(self, packed: RawBytes<'static>, crc32: Option<u32>) -> RawBytes<'static> {
        let unpacked: RawBytes<'static> = match self {
            Self::Stored => packed,
            Self::Deflate => Box::new(DeflateDecoder::new(packed)),
            Self::Deflate64 => Box::new(deflate64::Deflate64Decoder::new(packed)),
            Self::Zstd => match zstd::Decoder::new(packed) {
                Ok(decoder) => Box::new(decoder),
                Err(error) => Box::new(Broken(Some(error))),
            },
        };
        match crc32 {
            Some(wanted) => Box::new(Checked { bytes: unpacked, crc: flate2::Crc::new(), wanted }),
            None => unpacked,
        }
    }
}

/// A stream that could not be begun.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Compares the checksum at the member's end.
struct Checked {
    bytes: RawBytes<'static>,
    crc: flate2::Crc,
    wanted: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.crc.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && self.crc.sum() != self.wanted {
            return Err(ArchiveError::Damaged("the checksum of this member differs").into());
        }
        Ok(count)
    }
}
