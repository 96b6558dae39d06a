//! How the text of an export is written, and its way into UTF-8.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::CoderResult;

use super::open::{READ_BYTES, RawBytes};
use super::utf7::{Utf7, is_utf7};

/// How the text of an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    Utf32Le,
    Utf32Be,
    /// What Windows PowerShell writes with `-Encoding UTF7`.
    Utf7,
}

impl Encoding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 with BOM",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Utf32Le => "UTF-32LE",
            Self::Utf32Be => "UTF-32BE",
            Self::Utf7 => "UTF-7",
        }
    }

    /// The encoding by its byte order mark, else by where the zero bytes of ASCII characters
    /// lie, else by the marks of UTF-7; with the length of the byte order mark.
    pub(super) fn of(head: &[u8]) -> (Self, usize) {
        match head {
            [0xEF, 0xBB, 0xBF, ..] => (Self::Utf8Bom, 3),
            [0xFF, 0xFE, 0, 0, ..] => (Self::Utf32Le, 4),
            [0, 0, 0xFE, 0xFF, ..] => (Self::Utf32Be, 4),
            [0xFF, 0xFE, ..] => (Self::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Self::Utf16Be, 2),
            [1..0x80, 0, 0, 0, 1..0x80, 0, 0, 0, ..] => (Self::Utf32Le, 0),
            [0, 0, 0, 1..0x80, 0, 0, 0, 1..0x80, ..] => (Self::Utf32Be, 0),
            [1..0x80, 0, 1..0x80, 0, ..] => (Self::Utf16Le, 0),
            [0, 1..0x80, 0, 1..0x80, ..] => (Self::Utf16Be, 0),
            _ if is_utf7(head) => (Self::Utf7, 0),
            _ => (Self::Utf8, 0),
        }
    }

    /// The text of a stream behind its byte order mark, as UTF-8.
    pub(super) fn decode<'a>(self, bytes: RawBytes<'a>) -> RawBytes<'a> {
        let buffered = |bytes| BufReader::with_capacity(READ_BYTES, bytes);
        let utf16 = |bytes, encoding| Box::new(Utf16Text::new(buffered(bytes), encoding));
        let utf32 = |bytes, value| Box::new(DecodedText::new(buffered(bytes), Utf32::new(value)));
        match self {
            Self::Utf8 | Self::Utf8Bom => bytes,
            Self::Utf16Le => utf16(bytes, encoding_rs::UTF_16LE),
            Self::Utf16Be => utf16(bytes, encoding_rs::UTF_16BE),
            Self::Utf32Le => utf32(bytes, u32::from_le_bytes),
            Self::Utf32Be => utf32(bytes, u32::from_be_bytes),
            Self::Utf7 => Box::new(DecodedText::new(buffered(bytes), Utf7::default())),
        }
    }
}

/// Turns UTF-16 into UTF-8 as it is read; what is no character becomes U+FFFD.
struct Utf16Text<R> {
    source: BufReader<R>,
    decoder: encoding_rs::Decoder,
    ended: bool,
}

impl<R: Read> Utf16Text<R> {
    fn new(source: BufReader<R>, encoding: &'static encoding_rs::Encoding) -> Self {
        Self { source, decoder: encoding.new_decoder_without_bom_handling(), ended: false }
    }
}

impl<R: Read> Read for Utf16Text<R> {
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

const MARK: char = '\u{FEFF}';

/// Decodes a rare encoding piece by piece.
pub(super) trait Decode {
    /// Appends the text of the next bytes.
    fn decode(&mut self, bytes: &[u8], text: &mut String);
    /// Appends what the end of the stream leaves of a character.
    fn end(&mut self, text: &mut String);
}

/// Turns a rare encoding into UTF-8 as it is read.
struct DecodedText<R, D> {
    source: BufReader<R>,
    decoder: D,
    text: String,
    /// Bytes of the text that were handed out.
    given: usize,
    begun: bool,
    ended: bool,
}

impl<R: Read, D: Decode> DecodedText<R, D> {
    fn new(source: BufReader<R>, decoder: D) -> Self {
        Self { source, decoder, text: String::new(), given: 0, begun: false, ended: false }
    }
}

impl<R: Read, D: Decode> Read for DecodedText<R, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.text.clear();
            self.given = 0;
            let source = self.source.fill_buf()?;
            let count = source.len();
            if count == 0 {
                self.ended = true;
                self.decoder.end(&mut self.text);
            } else {
                self.decoder.decode(source, &mut self.text);
                self.source.consume(count);
            }
            if !self.begun && !self.text.is_empty() {
                self.begun = true;
                // A byte order mark that is not made of whole bytes.
                self.given = if self.text.starts_with(MARK) { MARK.len_utf8() } else { 0 };
            }
        }
        let left = &self.text.as_bytes()[self.given..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

/// UTF-32: four bytes a character.
struct Utf32 {
    /// The value of four bytes, by their order.
    value: fn([u8; 4]) -> u32,
    /// The first bytes of a character that the next piece ends.
    begun: Vec<u8>,
}

impl Utf32 {
    fn new(value: fn([u8; 4]) -> u32) -> Self {
        Self { value, begun: Vec::with_capacity(4) }
    }
}

impl Decode for Utf32 {
    fn decode(&mut self, bytes: &[u8], text: &mut String) {
        let missing = if self.begun.is_empty() { 0 } else { 4 - self.begun.len() };
        let (first, rest) = bytes.split_at(missing.min(bytes.len()));
        self.begun.extend_from_slice(first);
        let character = |four| {
            // Surrogates and values above 10FFFF are no characters.
            char::from_u32((self.value)(four)).unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        if let Ok(four) = <[u8; 4]>::try_from(self.begun.as_slice()) {
            text.push(character(four));
            self.begun.clear();
        }
        let (whole, begun) = rest.as_chunks();
        text.extend(whole.iter().map(|four| character(*four)));
        self.begun.extend_from_slice(begun);
    }

    fn end(&mut self, text: &mut String) {
        if !self.begun.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, bytes: &[u8]) -> String {
        /// Gives one byte at a time, so that each character is torn.
        struct Drops<'a>(&'a [u8]);
        impl Read for Drops<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = self.0.len().min(buffer.len()).min(1);
                (&mut self.0).take(count as u64).read(buffer)
            }
        }
        let mut text = String::new();
        let bytes: RawBytes<'_> = Box::new(Drops(bytes));
        encoding.decode(bytes).read_to_string(&mut text).expect("text");
        text
    }

    #[test]
    fn utf_32_is_read_and_what_is_no_character_is_replaced() {
        let values = [0x41, 0xFC, 0x1F980, 0xD800, 0x0011_0000, 0x42_u32];
        let mut le: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let be: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        let text = "Aü🦀\u{FFFD}\u{FFFD}B";
        assert_eq!(decoded(Encoding::Utf32Be, &be), text);
        le.push(0x43);
        assert_eq!(decoded(Encoding::Utf32Le, &le), format!("{text}\u{FFFD}"));
    }

    #[test]
    fn a_mark_inside_of_base64_is_no_text() {
        assert_eq!(decoded(Encoding::Utf7, b"+/v8AWwBd-"), "[]");
        assert_eq!(decoded(Encoding::Utf7, b"+/v8-a"), "a");
    }

    #[test]
    fn utf_16_cut_inside_a_character_ends_with_a_replacement() {
        assert_eq!(decoded(Encoding::Utf16Le, &[0x41, 0, 0x3E, 0xD8]), "A\u{FFFD}");
        assert_eq!(decoded(Encoding::Utf16Le, &[0x41, 0, 0x42]), "A\u{FFFD}");
    }

    #[test]
    fn an_encoding_is_told_by_its_mark_or_its_zero_bytes() {
        for (head, encoding, mark) in [
            (&b"[{"[..], Encoding::Utf8, 0),
            (b"\xEF\xBB\xBF[", Encoding::Utf8Bom, 3),
            (b"\xFF\xFE[\0", Encoding::Utf16Le, 2),
            (b"\xFF\xFE\0\0", Encoding::Utf32Le, 4),
            (b"\0\0\xFE\xFF", Encoding::Utf32Be, 4),
            (b"[\0\0\0{\0\0\0", Encoding::Utf32Le, 0),
            (b"\0\0\0[\0\0\0{", Encoding::Utf32Be, 0),
            (b"[\0{\0", Encoding::Utf16Le, 0),
            (b"\0[\0{", Encoding::Utf16Be, 0),
            (b"+AFs-+AHs-", Encoding::Utf7, 0),
            (b"", Encoding::Utf8, 0),
        ] {
            assert_eq!(Encoding::of(head), (encoding, mark), "{head:?}");
        }
    }
}
