//! UTF-7 (RFC 2152), which Windows PowerShell writes with `-Encoding UTF7`: characters beyond
//! letters, digits and a few marks stand as base64 of UTF-16 between `+` and `-`.

use super::encoding::Decode;

/// What a JSON text, a quoted table or a `#TYPE` line begins with: `[`, `{`, `"`, `#`.
const BEGINNINGS: [&[u8]; 4] = [b"+AFs", b"+AHs", b"+ACI", b"+ACM"];
/// The byte order mark; its last letter depends on the character behind it.
const MARK: &[u8] = b"+/v";

/// Whether the first bytes of a text are UTF-7.
///
/// A header of plain names says nothing, so a quotation mark in base64 does, if none of the
/// characters occurs that .NET writes in base64.
pub(super) fn is_utf7(head: &[u8]) -> bool {
    let begins = |beginning: &[u8]| head.starts_with(beginning);
    let is_direct = |byte: &u8| byte.is_ascii() && !b"\"[]{}\\_=;#".contains(byte);
    BEGINNINGS.iter().any(|beginning| begins(beginning))
        || (begins(MARK) && matches!(head.get(3), Some(b'8' | b'9' | b'+' | b'/')))
        || (memchr::memmem::find(head, b"+ACI-").is_some() && head.iter().all(is_direct))
}

/// Decodes UTF-7; what is no character becomes U+FFFD.
#[derive(Debug, Default)]
pub(super) struct Utf7 {
    /// Set between `+` and `-`.
    shifted: Option<Shifted>,
}

#[derive(Debug, Default)]
struct Shifted {
    bits: u32,
    bit_count: u32,
    /// The first half of a character beyond U+FFFF.
    high: Option<u16>,
    /// A letter of base64 was read: `+-` alone is a plus sign.
    begun: bool,
}

impl Decode for Utf7 {
    fn decode(&mut self, bytes: &[u8], text: &mut String) {
        for &byte in bytes {
            match (&mut self.shifted, six_bits(byte)) {
                (Some(shifted), Some(bits)) => shifted.push(bits, text),
                (Some(shifted), None) => {
                    shifted.end(text);
                    match byte {
                        b'-' if shifted.begun => {}
                        b'-' => text.push('+'),
                        other => text.push(direct(other)),
                    }
                    self.shifted = None;
                }
                (None, _) if byte == b'+' => self.shifted = Some(Shifted::default()),
                (None, _) => text.push(direct(byte)),
            }
        }
    }

    fn end(&mut self, text: &mut String) {
        if let Some(mut shifted) = self.shifted.take() {
            shifted.end(text);
        }
    }
}

impl Shifted {
    fn push(&mut self, bits: u32, text: &mut String) {
        self.begun = true;
        self.bits = (self.bits << 6) | bits;
        self.bit_count += 6;
        if self.bit_count < 16 {
            return;
        }
        self.bit_count -= 16;
        let unit = ((self.bits >> self.bit_count) & 0xFFFF) as u16;
        self.bits &= (1 << self.bit_count) - 1;
        match (self.high.take(), unit) {
            (None, 0xD800..0xDC00) => self.high = Some(unit),
            (None, _) => text.extend(char::decode_utf16([unit]).map(or_replacement)),
            (Some(high), _) => text.extend(char::decode_utf16([high, unit]).map(or_replacement)),
        }
    }

    fn end(&mut self, text: &mut String) {
        if self.high.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn or_replacement<E>(character: Result<char, E>) -> char {
    character.unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn direct(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }
}

/// The value of a letter of base64.
fn six_bits(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> String {
        let (mut decoder, mut text) = (Utf7::default(), String::new());
        for byte in bytes {
            decoder.decode(&[*byte], &mut text);
        }
        decoder.end(&mut text);
        text
    }

    #[test]
    fn base64_between_plus_and_minus_is_decoded() {
        for (bytes, text) in [
            // The examples of RFC 2152.
            (&b"A+ImIDkQ."[..], "A≢Α."),
            (b"Hi Mom -+Jjo--!", "Hi Mom -☺-!"),
            (b"+ZeVnLIqe-", "日本語"),
            (b"1 +- 1", "1 + 1"),
            (b"+AFsAew-+ACI-id+ACI-:1", "[{\"id\":1"),
            (b"+2D7dgA-", "🦀"),
            (b"+2D4-x+2D4AQQ-", "\u{FFFD}x\u{FFFD}A"),
            (b"a\xFCb+2D4", "a\u{FFFD}b\u{FFFD}"),
        ] {
            assert_eq!(decoded(bytes), text);
        }
    }

    #[test]
    fn only_what_powershell_writes_is_taken_for_it() {
        for head in [&b"+AFsAew-"[..], b"+ACI-id+ACI-", b"+/v8-+AFs-", b"Date,Id\r\n+ACI-a, b+ACI-"]
        {
            assert!(is_utf7(head), "{head:?}");
        }
        for head in [&b"+1 555 0100"[..], b"{\"a\":\"+ACI-\"}", b"a,b\n\"+ACI-\"", b"Date,Id"] {
            assert!(!is_utf7(head), "{head:?}");
        }
    }
}
