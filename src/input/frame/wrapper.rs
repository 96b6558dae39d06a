//! Wrappers: objects around an array of records, such as the page of a REST answer. They may be far
//! longer than any window, so they are read member by member; each member but the array of records
//! must be shorter than the record limit.

use memchr::{memchr, memchr3};

use super::first_key::is_blank;
use super::scan::{Scan, scan_object};

/// The keys, compared without case, whose array holds records.
const RECORD_KEYS: [&str; 3] = ["value", "records", "results"];

const NEXT_PAGE_KEYS: [&str; 2] = ["@odata.nextLink", "nextLink"];

/// One member of an object, from its key on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// The array of records begins behind these bytes.
    Records {
        len: usize,
    },
    Other {
        len: usize,
        names_next_page: bool,
    },
    /// Not well formed.
    Broken,
    /// The bytes end too early to say.
    Cut,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Probe {
    Wrapper,
    Plain,
    /// The bytes end too early to say.
    Cut,
}

/// Looks for an array of records among the members of an object, without going deeper.
pub(super) fn probe(object: &[u8]) -> Probe {
    let mut at = 1;
    loop {
        at += count_leading(&object[at..], |byte| is_blank(byte) || byte == b',');
        match object.get(at) {
            None => return Probe::Cut,
            Some(b'"') => {}
            Some(_) => return Probe::Plain,
        }
        match member(&object[at..]) {
            Member::Records { .. } => return Probe::Wrapper,
            Member::Other { len, .. } => at += len,
            Member::Broken => return Probe::Plain,
            Member::Cut => return Probe::Cut,
        }
    }
}

/// Reads one member. The bytes begin with the quote of its key.
pub(super) fn member(bytes: &[u8]) -> Member {
    let read = key_and_colon(bytes).and_then(|(key, at)| {
        let value = &bytes[at..];
        if value.first() == Some(&b'[')
            && RECORD_KEYS.iter().any(|wanted| key.eq_ignore_ascii_case(wanted))
        {
            return Ok(Member::Records { len: at + 1 });
        }
        let value_len = value_len(value)?;
        let names_next_page = names_next_page(&key, &value[..value_len]);
        Ok(Member::Other { len: at + value_len, names_next_page })
    });
    read.unwrap_or_else(|stop| match stop {
        Stop::Broken => Member::Broken,
        Stop::Cut => Member::Cut,
    })
}

/// Graph names the next page beside the records, CIPP in an object of its own.
fn names_next_page(key: &str, value: &[u8]) -> bool {
    let is_link = |key: &str, value: &[u8]| {
        NEXT_PAGE_KEYS.iter().any(|known| key.eq_ignore_ascii_case(known))
            && value.first() == Some(&b'"')
            && value.len() > 2
    };
    let is_metadata = key.eq_ignore_ascii_case("metadata") && value.first() == Some(&b'{');
    is_link(key, value) || is_metadata && members(value).any(|(key, value)| is_link(&key, value))
}

/// The keys of a whole object with their values, up to the first that cannot be read.
pub(super) fn members(object: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let mut rest = object.get(1..).unwrap_or_default();
    std::iter::from_fn(move || {
        rest = &rest[count_leading(rest, |byte| is_blank(byte) || byte == b',')..];
        if rest.first() != Some(&b'"') {
            return None;
        }
        let (key, at) = key_and_colon(rest).ok()?;
        let len = value_len(&rest[at..]).ok()?;
        let value = &rest[at..at + len];
        rest = &rest[at + len..];
        Some((key, value))
    })
}

/// Why a value could not be read over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Broken,
    Cut,
}

/// The key, unescaped, and where its value begins.
pub(super) fn key_and_colon(bytes: &[u8]) -> Result<(String, usize), Stop> {
    let key_len = string_len(bytes)?;
    let colon = key_len + count_leading(&bytes[key_len..], is_blank);
    if *bytes.get(colon).ok_or(Stop::Cut)? != b':' {
        return Err(Stop::Broken);
    }
    let value = colon + 1 + count_leading(&bytes[colon + 1..], is_blank);
    Ok((decoded(&bytes[..key_len]), value))
}

/// The text of a key, unescaped; empty if it is none.
fn decoded(key: &[u8]) -> String {
    serde_json::from_slice(key).unwrap_or_default()
}

pub(super) fn value_len(value: &[u8]) -> Result<usize, Stop> {
    match value.first().ok_or(Stop::Cut)? {
        b'"' => string_len(value),
        b'{' => match scan_object(value, false) {
            Scan::Complete { len, brackets_balanced: true } => Ok(len),
            Scan::Incomplete => Err(Stop::Cut),
            _ => Err(Stop::Broken),
        },
        b'[' => array_len(value),
        _ => value
            .iter()
            .position(|&byte| matches!(byte, b',' | b'}' | b']') || is_blank(byte))
            .ok_or(Stop::Cut),
    }
}

/// The length of the string that begins here, with both quotes.
fn string_len(bytes: &[u8]) -> Result<usize, Stop> {
    let mut at = 1;
    loop {
        at += memchr3(b'"', b'\\', b'\n', bytes.get(at..).ok_or(Stop::Cut)?).ok_or(Stop::Cut)?;
        match bytes[at] {
            b'"' => return Ok(at + 1),
            b'\\' => at += 2,
            _ => return Err(Stop::Broken),
        }
    }
}

/// The length of the array that begins here.
fn array_len(bytes: &[u8]) -> Result<usize, Stop> {
    let (mut at, mut depth) = (0, 0usize);
    loop {
        match *bytes.get(at).ok_or(Stop::Cut)? {
            b'"' => at += string_len(&bytes[at..])? - 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 1 => return Ok(at + 1),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// The length of a scalar in an array, or None if its end is not in these bytes. A raw newline ends
/// it in any case.
pub(super) fn scalar_len(bytes: &[u8]) -> Option<usize> {
    if bytes.first() == Some(&b'"') {
        return match string_len(bytes) {
            Ok(len) => Some(len),
            Err(Stop::Broken) => memchr(b'\n', bytes),
            Err(Stop::Cut) => None,
        };
    }
    bytes.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b'\n' | b'{' | b'"' | b':'))
}

pub(super) fn count_leading(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !wanted(byte)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_told_from_records() {
        let cases = [
            (r#"{"value":[{"#, Probe::Wrapper),
            (r#"{"@odata.context":"x","VALUE" : [ "#, Probe::Wrapper),
            (r#"{"a":{"value":[1]},"b":[{"c":"]"}],"Results":[]}"#, Probe::Wrapper),
            (r#"{"val\u0075e":[]}"#, Probe::Wrapper),
            (r#"{"value":{"a":1}}"#, Probe::Plain),
            (r#"{"a":[],"b":{"value":[{}]}}"#, Probe::Plain),
            (r#"{}"#, Probe::Plain),
            (r#"{"a" 1}"#, Probe::Plain),
            (r#"{"a":"unclosed"#, Probe::Cut),
            (r#"{"a":1,"#, Probe::Cut),
        ];
        for (text, expected) in cases {
            assert_eq!(probe(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_further_page_is_seen() {
        let member = |text: &str| member(text.as_bytes());
        assert_eq!(
            member(r#""@odata.nextLink":"https","#),
            Member::Other { len: 25, names_next_page: true }
        );
        assert_eq!(
            member(r#""@odata.nextLink":"","#),
            Member::Other { len: 20, names_next_page: false }
        );
        assert_eq!(
            member(r#""@odata.nextLink":null}"#),
            Member::Other { len: 22, names_next_page: false }
        );
    }
}
