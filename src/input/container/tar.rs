//! Tar archives (POSIX.1-2017 `pax`, GNU tar's manual): members as they stream by.

use std::io::{self, Read};

use super::{ArchiveError, MemberKind};

/// The header of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarMember {
    pub name: String,
    pub kind: MemberKind,
    pub bytes: u64,
}

const BLOCK_BYTES: usize = 512;
/// Of a long name or a list of attributes this much is read; the rest is passed over.
const ATTRIBUTES_BYTES_MAX: u64 = 1 << 20;

/// Whether a block is the header of a member: its sum is right, and it has a name.
pub(super) fn is_header(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(|block| block[0] != 0 && Header(block).has_right_sum())
}

/// Reads a tar archive; between two calls of [`next_member`](Self::next_member) it is the content of a member.
#[derive(Debug)]
pub struct TarReader<R> {
    archive: R,
    /// Bytes of the present member that were not read yet.
    left: u64,
    /// Bytes that fill its last block.
    padding: u64,
}

/// What the blocks in front of a member's header say of it.
#[derive(Default)]
struct Announced {
    name: Option<String>,
    bytes: Option<u64>,
    is_sparse: bool,
}

impl<R: Read> TarReader<R> {
    pub fn new(archive: R) -> Self {
        Self { archive, left: 0, padding: 0 }
    }

    /// Goes on to the next member; `None` at the archive's end.
    ///
    /// # Errors
    /// The archive is cut or damaged.
    pub fn next_member(&mut self) -> io::Result<Option<TarMember>> {
        let mut announced = Announced::default();
        loop {
            self.skip_rest()?;
            let Some(block) = self.next_block()? else { return Ok(None) };
            let header = Header(&block);
            if !header.has_right_sum() {
                return Err(ArchiveError::Damaged("it goes on with something else").into());
            }
            let bytes = header.number(124, 12);
            match header.0[156] {
                b'L' => announced.name = Some(c_text(&self.attributes(bytes)?)),
                b'x' => {
                    let attributes = self.attributes(bytes)?;
                    announced.take_in(&attributes);
                }
                // Names of links, and what holds for all members.
                b'K' | b'g' => self.begin(bytes),
                kind => {
                    let bytes = announced.bytes.unwrap_or(bytes);
                    if kind == b'S' {
                        self.skip_sparse_map(&block)?;
                    }
                    self.begin(bytes);
                    let name = announced.name.unwrap_or_else(|| header.name());
                    let kind = match kind {
                        // `M` goes on with a file of another volume.
                        b'S' | b'M' => MemberKind::Sparse,
                        _ if announced.is_sparse => MemberKind::Sparse,
                        // In the oldest archives a folder is a file whose name ends in a slash.
                        0 | b'0' | b'7' if !name.ends_with('/') => MemberKind::File,
                        b'5' | 0 | b'0' | b'7' => MemberKind::Folder,
                        _ => MemberKind::Other,
                    };
                    return Ok(Some(TarMember { name, kind, bytes }));
                }
            }
        }
    }

    /// The archive behind the members read so far.
    pub fn into_inner(self) -> R {
        self.archive
    }

    fn begin(&mut self, bytes: u64) {
        self.left = bytes;
        self.padding = bytes.wrapping_neg() % BLOCK_BYTES as u64;
    }

    /// The beginning of a long name or a list of attributes.
    fn attributes(&mut self, bytes: u64) -> io::Result<Vec<u8>> {
        self.begin(bytes);
        let mut attributes = Vec::new();
        self.take(ATTRIBUTES_BYTES_MAX).read_to_end(&mut attributes)?;
        Ok(attributes)
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink())?;
        let padding = std::mem::take(&mut self.padding);
        // Some tools leave the last block unfilled.
        io::copy(&mut self.archive.by_ref().take(padding), &mut io::sink())?;
        Ok(())
    }

    /// The next block with anything in it. Blocks of zeros end an archive, but another one may
    /// have been put behind it.
    fn next_block(&mut self) -> io::Result<Option<[u8; BLOCK_BYTES]>> {
        loop {
            let mut block = Vec::with_capacity(BLOCK_BYTES);
            self.archive.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
            match <[u8; BLOCK_BYTES]>::try_from(block) {
                Ok(block) if block.iter().all(|byte| *byte == 0) => {}
                Ok(block) => return Ok(Some(block)),
                Err(rest) if rest.iter().all(|byte| *byte == 0) => return Ok(None),
                Err(_) => return Err(ArchiveError::Damaged("it ends inside of a header").into()),
            }
        }
    }

    /// Passes over the blocks in which old sparse files say where their holes are.
    fn skip_sparse_map(&mut self, header: &[u8; BLOCK_BYTES]) -> io::Result<()> {
        let mut goes_on = header[482] != 0;
        while goes_on {
            let mut block = [0; BLOCK_BYTES];
            self.archive.read_exact(&mut block)?;
            goes_on = block[504] != 0;
        }
        Ok(())
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.archive.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            // Without its rest there is nothing to go on to.
            self.left = 0;
            return Err(ArchiveError::Damaged("it ends inside of this member").into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

impl Announced {
    /// Reads `LENGTH KEY=VALUE` lines (POSIX `pax`); what is none of them ends the list.
    fn take_in(&mut self, attributes: &[u8]) {
        let mut left = attributes;
        while let Some((record, rest)) = pax_record(left) {
            left = rest;
            let Some((key, value)) = record.split_once('=') else { continue };
            match key {
                "path" | "GNU.sparse.name" => self.name = Some(value.to_owned()),
                "size" => self.bytes = value.parse().ok().or(self.bytes),
                _ => {}
            }
            self.is_sparse |= key.starts_with("GNU.sparse.");
        }
    }
}

/// The first record of a list of attributes without its length and line break, and the rest. Of
/// a record that was cut, what is there.
fn pax_record(attributes: &[u8]) -> Option<(String, &[u8])> {
    let blank = memchr::memchr(b' ', attributes)?;
    let length: usize = std::str::from_utf8(&attributes[..blank]).ok()?.parse().ok()?;
    let record = attributes.get(blank + 1..length.min(attributes.len()))?;
    let text = String::from_utf8_lossy(record.strip_suffix(b"\n").unwrap_or(record));
    Some((text.into_owned(), attributes.get(length..).unwrap_or_default()))
}

struct Header<'a>(&'a [u8; BLOCK_BYTES]);

impl Header<'_> {
    /// The sum of all bytes, those of the sum itself taken as blanks. Some old tools added them
    /// up as signed numbers.
    fn has_right_sum(&self) -> bool {
        let others = || self.0[..148].iter().chain(&self.0[156..]);
        let unsigned = 256 + others().map(|byte| u64::from(*byte)).sum::<u64>();
        let signed = 256 + others().map(|byte| i64::from(*byte as i8)).sum::<i64>();
        let stated = self.number(148, 8);
        stated == unsigned || i64::try_from(stated) == Ok(signed)
    }

    /// A number in octal digits, or in GNU's binary form for what they cannot hold.
    fn number(&self, at: usize, length: usize) -> u64 {
        let field = &self.0[at..at + length];
        if field[0] & 0x80 != 0 {
            let low = field[length - 8..].first_chunk().copied().unwrap_or_default();
            return u64::from_be_bytes(low);
        }
        let digits = field.iter().skip_while(|byte| **byte == b' ');
        digits
            .map_while(|byte| char::from(*byte).to_digit(8))
            .fold(0, |sum, digit| (sum << 3) | u64::from(digit))
    }

    fn name(&self) -> String {
        let name = c_text(&self.0[..100]);
        let prefix = c_text(&self.0[345..500]);
        // GNU's archives have other things in the place of the prefix.
        let is_posix = &self.0[257..263] == b"ustar\0";
        if is_posix && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
    }
}

/// A text up to its first zero byte.
fn c_text(bytes: &[u8]) -> String {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these fields at their places, and the right sum.
    fn header(fields: &[(usize, &[u8])]) -> Vec<u8> {
        let mut block = vec![0; BLOCK_BYTES];
        block[148..156].fill(b' ');
        for (at, bytes) in fields {
            block[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    fn filled(bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
        bytes
    }

    fn members(archive: &[u8]) -> Result<Vec<TarMember>, Option<ArchiveError>> {
        let mut tar = TarReader::new(archive);
        let mut members = Vec::new();
        while let Some(member) = tar.next_member().map_err(|e| ArchiveError::within(&e))? {
            members.push(member);
        }
        Ok(members)
    }

    fn file(name: &str, bytes: u64) -> TarMember {
        TarMember { name: name.to_owned(), kind: MemberKind::File, bytes }
    }

    #[test]
    fn names_and_sizes_in_every_form() {
        let posix =
            header(&[(0, b"a.json"), (124, b"00000000003"), (257, b"ustar\0"), (345, b"b/c")]);
        let binary = header(&[(0, b"big"), (124, b"\x80\0\0\0\0\0\0\0\0\0\0\x02")]);
        let pax = b"18 path=d/\xC3\xA4.json\n9 size=1\n";
        let listed =
            header(&[(0, b"x"), (124, format!("{:011o}", pax.len()).as_bytes()), (156, b"x")]);
        let archive = [
            posix,
            filled(b"abc"),
            binary,
            filled(b"ab"),
            listed,
            filled(pax),
            header(&[(0, b"short"), (124, b"00000000000")]),
            // The last block need not be filled.
            b"z".to_vec(),
        ]
        .concat();
        let wanted = vec![file("b/c/a.json", 3), file("big", 2), file("d/\u{e4}.json", 1)];
        assert_eq!(members(&archive), Ok(wanted));
    }

    #[test]
    fn what_is_no_file_and_what_is_no_archive() {
        let kinds =
            [b"1", b"2", b"3", b"5", b"6", b"S"].map(|kind| header(&[(0, b"n"), (156, kind)]));
        let kinds = members(&kinds.concat())
            .map(|members| members.into_iter().map(|member| member.kind).collect::<Vec<_>>());
        let (other, folder) = (MemberKind::Other, MemberKind::Folder);
        assert_eq!(kinds, Ok(vec![other, other, other, folder, other, MemberKind::Sparse]));
        let garbage = [header(&[(0, b"a")]), vec![7; BLOCK_BYTES]].concat();
        assert!(matches!(members(&garbage), Err(Some(ArchiveError::Damaged(_)))));
        assert!(!is_header(&[0; BLOCK_BYTES]) && !is_header(b"[{}]") && !is_header(&[b'1'; 600]));
    }
}
