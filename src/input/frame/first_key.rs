//! The first key of a record. Exporters write the keys of all records in one order, so `{"time"` is
//! where the next record begins; it tells a record from a wrapper without reading either, and it is
//! what a search looks for after damage.

/// Longer keys are not remembered.
const KEY_LIMIT: usize = 256;

/// Blanks between `{` and the first key. Nobody indents by more.
pub(super) const BLANKS_LIMIT: usize = 4096;

/// How an object begins. The key is as written, with its quotes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening<'a> {
    Key(&'a [u8]),
    /// `{}`, no object, or a key too long or too broken to remember.
    NoKey,
    /// The bytes end too early to say.
    Cut,
}

/// Reads `{`, blanks and the first key.
pub(super) fn opening(bytes: &[u8], blank: fn(u8) -> bool) -> Opening<'_> {
    let Some(inner) = bytes.strip_prefix(b"{") else {
        return if bytes.is_empty() { Opening::Cut } else { Opening::NoKey };
    };
    let blanks = inner.iter().take(BLANKS_LIMIT).take_while(|&&byte| blank(byte)).count();
    let key = &inner[blanks..];
    match key.first() {
        None => Opening::Cut,
        Some(b'"') => {
            match key.iter().take(KEY_LIMIT).skip(1).position(|&byte| matches!(byte, b'"' | b'\n'))
            {
                Some(inside) if key[inside + 1] == b'"' => Opening::Key(&key[..inside + 2]),
                None if key.len() < KEY_LIMIT => Opening::Cut,
                _ => Opening::NoKey,
            }
        }
        Some(_) => Opening::NoKey,
    }
}

/// Whether the bytes begin with `{`, blanks and this key. None if they end too early to say.
pub(super) fn begins_with(bytes: &[u8], key: &[u8], blank: fn(u8) -> bool) -> Option<bool> {
    match opening(bytes, blank) {
        Opening::Key(found) => Some(found == key),
        Opening::NoKey => Some(false),
        Opening::Cut => None,
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn is_blank_on_line(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The first key that the records of a stream are known to have.
#[derive(Debug, Default)]
pub(super) struct FirstKey {
    known: Option<Vec<u8>>,
    /// The first key of the last record that began otherwise. Twice in a row makes it known: a
    /// stray object at the head of a file must not decide for all that follow.
    challenger: Option<Vec<u8>>,
}

impl FirstKey {
    pub fn known(&self) -> Option<&[u8]> {
        self.known.as_deref()
    }

    /// The path of nearly all records.
    pub fn is_known(&self, object: &[u8]) -> bool {
        let Some(known) = self.known() else { return false };
        object.get(1..).is_some_and(|inner| inner.starts_with(known))
            || begins_with(object, known, is_blank) == Some(true)
    }

    /// Learns from a whole record that did not begin with the known key. `certain`: it looks like a
    /// sign-in. Says whether the known key is now another one.
    pub fn learn(&mut self, record: &[u8], certain: bool) -> bool {
        let Opening::Key(key) = opening(record, is_blank) else { return false };
        // Wrappers of single answers begin with an annotation, as wrappers of pages do.
        if key.starts_with(b"\"@") || key.contains(&b'\\') {
            return false;
        }
        let again = self.challenger.as_deref() == Some(key);
        if again || (certain && self.known.is_none()) {
            self.known = Some(key.to_vec());
            self.challenger = None;
            return true;
        }
        self.challenger = Some(key.to_vec());
        false
    }
}
