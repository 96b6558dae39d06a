//! The table of contents at the end of a zip archive, read as a stream.

use std::borrow::Cow;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use crate::input::container::spool::{Bytes, SeekableBytes};
use crate::input::container::{ArchiveError, MEMBERS_MAX, MemberKind};

/// Where the table of contents lies.
#[derive(Debug)]
pub(super) struct Directory {
    at: u64,
    bytes: u64,
    /// Bytes in front of the archive.
    front: u64,
}

const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: u64 = 22;
const COMMENT_BYTES_MAX: u64 = u16::MAX as u64;
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
const LOCATOR64_BYTES: u64 = 20;
const END64: [u8; 4] = *b"PK\x06\x06";
const END64_BYTES: usize = 56;
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;
/// A size or place in this field is found in the extra field for archives above 4 GiB.
const IN_EXTRA: u32 = u32::MAX;

const TORN: ArchiveError = ArchiveError::Damaged("its end with the table of contents is missing");

impl Directory {
    pub(super) fn find(archive: &Bytes) -> io::Result<Self> {
        let mut bytes = archive.open()?;
        let length = archive.length();
        let tail_at = length.saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
        let tail = read_at(&mut bytes, tail_at, (length - tail_at) as usize)?;
        // A comment may hold the signature: the last place whose comment ends with the archive.
        let is_end = |at: &usize| {
            let end = &tail[*at..];
            end.len() >= END_BYTES as usize
                && END_BYTES as usize + u16_at(end, 20) as usize <= end.len()
        };
        let at = memchr::memmem::rfind_iter(&tail, &END).find(is_end).ok_or(TORN)?;
        let end = &tail[at..];
        if u16_at(end, 4) != u16_at(end, 6) {
            return Err(ArchiveError::Split.into());
        }
        let end_at = tail_at + at as u64;
        let (stated_at, directory_bytes, ends_at) = match end64(&mut bytes, end_at)? {
            Some(end64) => end64,
            None => (u64::from(u32_at(end, 16)), u64::from(u32_at(end, 12)), end_at),
        };
        // The table ends where the end record begins; what the record says of its place may be
        // off by what was put in front of the archive.
        let at = ends_at.checked_sub(directory_bytes).ok_or(TORN)?;
        let front = at.checked_sub(stated_at).ok_or(TORN)?;
        Ok(Self { at, bytes: directory_bytes, front })
    }

    pub(super) fn has_front(&self) -> bool {
        self.front > 0
    }

    pub(super) fn members(&self, archive: &Bytes) -> io::Result<Members> {
        let mut bytes = archive.open()?;
        bytes.seek(SeekFrom::Start(self.at))?;
        Ok(Members { entries: BufReader::new(bytes.take(self.bytes)), left: self.bytes, count: 0 })
    }

    /// Where the packed bytes of a member begin.
    pub(super) fn start_of(
        &self,
        member: &ZipMember,
        bytes: &mut SeekableBytes,
    ) -> io::Result<u64> {
        const LOST: ArchiveError = ArchiveError::Damaged("this member is not where it should be");
        let at = member.header_at.checked_add(self.front).ok_or(LOST)?;
        let header = read_at(bytes, at, LOCAL_BYTES).map_err(|_| LOST)?;
        if !header.starts_with(&LOCAL) {
            return Err(LOST.into());
        }
        let behind = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        Ok(at + LOCAL_BYTES as u64 + behind)
    }
}

/// Place and size of the table of contents of an archive above 4 GiB, and where it ends.
fn end64(bytes: &mut SeekableBytes, end_at: u64) -> io::Result<Option<(u64, u64, u64)>> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR64_BYTES) else { return Ok(None) };
    let locator = read_at(bytes, locator_at, LOCATOR64_BYTES as usize)?;
    if !locator.starts_with(&LOCATOR64) {
        return Ok(None);
    }
    // The record usually lies right in front of its locator, wherever the archive begins.
    let stated = u64_at(&locator, 8);
    for at in [locator_at.checked_sub(END64_BYTES as u64), Some(stated)].into_iter().flatten() {
        if let Ok(end) = read_at(bytes, at, END64_BYTES)
            && end.starts_with(&END64)
        {
            return Ok(Some((u64_at(&end, 48), u64_at(&end, 40), at)));
        }
    }
    Err(TORN.into())
}

fn read_at(bytes: &mut SeekableBytes, at: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; count];
    bytes.seek(SeekFrom::Start(at))?;
    bytes.read_exact(&mut buffer)?;
    Ok(buffer)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// A member as the table of contents has it.
#[derive(Debug, Clone)]
pub struct ZipMember {
    pub(super) raw_name: Vec<u8>,
    pub(super) flags: u16,
    stated_method: u16,
    pub(super) modified_time: u16,
    pub(super) crc32: u32,
    pub(super) packed_bytes: u64,
    header_at: u64,
    made_by_unix: bool,
    attributes: u32,
    pub(super) aes: Option<Aes>,
}

/// How a member is encrypted with AES (WinZip's "AE-1 and AE-2" specification).
#[derive(Debug, Clone, Copy)]
pub(super) struct Aes {
    /// 1: 128 bits, 2: 192, 3: 256.
    pub(super) strength: u8,
    method: u16,
}

impl ZipMember {
    /// The name, in UTF-8 where it says so or can be, else in the code page of DOS.
    pub fn name(&self) -> Cow<'_, str> {
        const IS_UTF8: u16 = 1 << 11;
        match std::str::from_utf8(&self.raw_name) {
            Ok(name) => Cow::Borrowed(name),
            Err(_) if self.flags & IS_UTF8 != 0 => String::from_utf8_lossy(&self.raw_name),
            Err(_) => Cow::Owned(self.raw_name.iter().map(|byte| code_page_437(*byte)).collect()),
        }
    }

    /// What the table of contents says that it is. What came through a pipe is a file, too.
    pub fn kind(&self) -> MemberKind {
        const FOLDER: u32 = 0o040_000;
        const LINK: u32 = 0o120_000;
        let kind = if self.made_by_unix { (self.attributes >> 16) & 0o170_000 } else { 0 };
        match self.raw_name.last() {
            Some(b'/' | b'\\') => MemberKind::Folder,
            _ if kind == FOLDER => MemberKind::Folder,
            _ if kind == LINK => MemberKind::Other,
            _ => MemberKind::File,
        }
    }

    pub fn packed_bytes(&self) -> u64 {
        self.packed_bytes
    }

    pub(super) fn method(&self) -> u16 {
        self.aes.map_or(self.stated_method, |aes| aes.method)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// The upper half of the code page in which DOS and older Windows tools write names.
fn code_page_437(byte: u8) -> char {
    const UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                         └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
    let upper = || UPPER.chars().nth(usize::from(byte & 0x7F));
    if byte.is_ascii() { char::from(byte) } else { upper().unwrap_or('\u{FFFD}') }
}

/// The members of an archive, one after the other.
#[derive(Debug)]
pub struct Members {
    entries: BufReader<Take<SeekableBytes>>,
    left: u64,
    count: usize,
}

impl Iterator for Members {
    type Item = io::Result<ZipMember>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if self.count == MEMBERS_MAX {
            self.left = 0;
            return Some(Err(ArchiveError::TooMany.into()));
        }
        self.count += 1;
        let member = self.entry();
        if member.is_err() {
            self.left = 0;
        }
        Some(member)
    }
}

impl Members {
    fn entry(&mut self) -> io::Result<ZipMember> {
        const DAMAGED: ArchiveError = ArchiveError::Damaged("its table of contents is cut");
        let header = self.take(ENTRY_BYTES)?;
        if !header.starts_with(&ENTRY) {
            return Err(DAMAGED.into());
        }
        let raw_name = self.take(usize::from(u16_at(&header, 28)))?;
        let extra = self.take(usize::from(u16_at(&header, 30)))?;
        self.take(usize::from(u16_at(&header, 32)))?;
        let mut large = LargeFields::of(&extra);
        // The fields follow each other in this order, each only where it is needed.
        large.value(u32_at(&header, 24));
        let packed_bytes = large.value(u32_at(&header, 20));
        let header_at = large.value(u32_at(&header, 42));
        Ok(ZipMember {
            raw_name,
            flags: u16_at(&header, 8),
            stated_method: u16_at(&header, 10),
            modified_time: u16_at(&header, 12),
            crc32: u32_at(&header, 16),
            packed_bytes,
            header_at,
            made_by_unix: header[5] == 3,
            attributes: u32_at(&header, 38),
            aes: extra_field(&extra, 0x9901)
                .filter(|field| field.len() >= 7)
                .map(|field| Aes { strength: field[4], method: u16_at(field, 5) }),
        })
    }

    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; count];
        self.entries.read_exact(&mut buffer)?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(buffer)
    }
}

/// Sizes and places that do not fit into 32 bits.
struct LargeFields<'a>(&'a [u8]);

impl<'a> LargeFields<'a> {
    fn of(extra: &'a [u8]) -> Self {
        Self(extra_field(extra, 1).unwrap_or_default())
    }

    /// The value of a field, or the next large one where the field says so.
    fn value(&mut self, field: u32) -> u64 {
        match self.0.split_at_checked(8) {
            Some((value, rest)) if field == IN_EXTRA => {
                self.0 = rest;
                u64_at(value, 0)
            }
            _ => u64::from(field),
        }
    }
}

/// The content of an extra field by its number.
fn extra_field(mut extra: &[u8], number: u16) -> Option<&[u8]> {
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let (content, next) = rest.split_at_checked(usize::from(u16_at(head, 2)))?;
        if u16_at(head, 0) == number {
            return Some(content);
        }
        extra = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_old_tools_are_read_in_the_code_page_of_dos() {
        assert_eq!(code_page_437(0x81), 'ü');
        assert_eq!(code_page_437(0xFF), '\u{a0}');
        assert_eq!(code_page_437(b'a'), 'a');
    }

    #[test]
    fn extra_fields_are_found_by_number() {
        let extra = [1, 0, 2, 0, 7, 8, 0x01, 0x99, 1, 0, 9, 1];
        assert_eq!(extra_field(&extra, 1), Some(&[7, 8][..]));
        assert_eq!(extra_field(&extra, 0x9901), Some(&[9][..]));
        assert_eq!(extra_field(&extra, 3), None);
    }
}
