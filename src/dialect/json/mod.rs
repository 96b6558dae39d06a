//! A strict reader of JSON that borrows from the record: a text is a slice of it, and only what an
//! escape changes is written anew, into a [`Room`] that goes with the record.
//!
//! It takes what serde_json takes and refuses what serde_json refuses (a property test compares
//! them), and it does not build what nobody asks for: most of a record is never looked at.

mod tokens;

use bumpalo::Bump;
use serde::de::IgnoredAny;

use self::tokens::Tokens;
use super::Unreadable;
use super::wire::{LIST_TOO_LONG, Wire};

/// Where texts lie that had to be written anew: those with escapes.
pub(super) type Room = Bump;

/// Objects and lists within each other that are read; a sign-in has six levels. serde_json has the
/// same limit.
const DEPTH_MAX: usize = 127;

/// Why a text is no JSON, and at which of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    message: &'static str,
    at: usize,
}

impl Fault {
    pub(super) const fn new(message: &'static str, at: usize) -> Self {
        Self { message, at }
    }
}

/// What stands next. Of an object or a list only the opening bracket has been read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(&'a str),
    List,
    Object,
}

/// Reads a text from its front.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    depth: usize,
    pub(super) room: &'a Room,
}

/// Reads a record, which is one JSON value.
///
/// # Errors
/// It is no JSON, not UTF-8, or holds a list that is too long.
pub(super) fn read_record<'a, T: Wire<'a>>(
    record: &'a [u8],
    room: &'a Room,
) -> Result<T, Unreadable> {
    read_with(record, room, T::read)
}

/// Reads a record in a way of its own.
///
/// # Errors
/// As of [`read_record`].
pub(super) fn read_with<'a, T>(
    record: &'a [u8],
    room: &'a Room,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<T, Unreadable> {
    let text = std::str::from_utf8(record)
        .map_err(|error| Fault::new("invalid unicode code point", error.valid_up_to()));
    let found = text.and_then(|text| Reader::new(text, room).whole(read));
    found.map_err(|fault| unreadable(record, fault))
}

/// Reads JSON text that stands inside a record; `None` if it is none.
pub(super) fn read_text<'a, T: Wire<'a>>(text: &'a str, room: &'a Room) -> Option<T> {
    Reader::new(text, room).whole(T::read).ok()
}

/// The fault in the words of serde_json, which knows many more of them; where it finds none, in
/// the reader's own.
fn unreadable(record: &[u8], fault: Fault) -> Unreadable {
    if fault.message == LIST_TOO_LONG {
        return Unreadable::TooLong;
    }
    match serde_json::from_slice::<IgnoredAny>(record) {
        Err(error) => Unreadable::from(error),
        Ok(_) => Unreadable::Syntax { message: fault.message.to_owned(), column: fault.at + 1 },
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, room: &'a Room) -> Self {
        Self { text, tokens: Tokens::new(text), depth: 0, room }
    }

    /// Reads the one value that the text is.
    fn whole<T>(mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let value = read(&mut self)?;
        if self.peek().is_some() {
            return Err(self.fault("trailing characters"));
        }
        match self.tokens.fault() {
            None => Ok(value),
            Some(message) => Err(self.fault(message)),
        }
    }

    /// A fault at the next token.
    pub(super) fn fault(&mut self, message: &'static str) -> Fault {
        Fault::new(message, self.tokens.peek())
    }

    /// The first byte of what stands next; nothing at the end.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let at = self.tokens.peek();
        self.text.as_bytes().get(at).copied()
    }

    /// Goes over the next token if it is this one.
    #[inline]
    fn is_next(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.tokens.next();
        }
        is_next
    }

    /// Reads a value, or the beginning of one: what is in an object or a list is then read by
    /// [`Self::members`] or [`Self::elements`].
    #[inline]
    pub(super) fn value(&mut self) -> Result<Value<'a>, Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'{') => self.open().map(|()| Value::Object),
            Some(b'[') => self.open().map(|()| Value::List),
            Some(_) => self.word(),
            None => Err(self.fault("EOF while parsing a value")),
        }
    }

    /// Passes over a value, which must be JSON all the same. However deep it is: it takes one bit a
    /// level.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        self.skip_within(Nest::default())
    }

    fn skip_within(&mut self, mut nest: Nest) -> Result<(), Fault> {
        loop {
            let is_begun = match self.peek() {
                Some(b'"') => {
                    self.skip_string()?;
                    None
                }
                Some(b'{') => Some(Kind::Object),
                Some(b'[') => Some(Kind::List),
                Some(_) => {
                    self.word()?;
                    None
                }
                None => return Err(self.fault("EOF while parsing a value")),
            };
            if let Some(kind) = is_begun {
                self.tokens.next();
                if !self.is_next(kind.closing()) {
                    nest.push(kind);
                    self.skip_key(kind)?;
                    continue;
                }
            }
            if self.closes_all(&mut nest)? {
                return Ok(());
            }
        }
    }

    /// Goes over what stands behind a value: closing brackets, then a comma and the next key. Says
    /// whether everything is closed.
    fn closes_all(&mut self, nest: &mut Nest) -> Result<bool, Fault> {
        while let Some(kind) = nest.innermost() {
            if self.goes_on(kind)? {
                return self.skip_key(kind).map(|()| false);
            }
            nest.pop();
        }
        Ok(true)
    }

    /// Goes over what stands behind a member or element; says whether another one follows.
    #[inline(always)]
    fn goes_on(&mut self, kind: Kind) -> Result<bool, Fault> {
        if self.is_next(b',') {
            return Ok(true);
        }
        if self.is_next(kind.closing()) {
            return Ok(false);
        }
        Err(self.neither_ends(kind))
    }

    #[cold]
    fn neither_ends(&mut self, kind: Kind) -> Fault {
        self.fault(match kind {
            Kind::Object => "expected `,` or `}`",
            Kind::List => "expected `,` or `]`",
        })
    }

    fn skip_key(&mut self, kind: Kind) -> Result<(), Fault> {
        if kind == Kind::List {
            return Ok(());
        }
        if self.peek() != Some(b'"') {
            return Err(self.fault("key must be a string"));
        }
        self.skip_string()?;
        if self.is_next(b':') { Ok(()) } else { Err(self.fault("expected `:`")) }
    }

    /// The text from the next token on.
    pub(super) fn rest(&mut self) -> &'a str {
        self.text.get(self.tokens.peek()..).unwrap_or_default()
    }

    /// Passes over a value whose text is known to be one, and to hold no backslash.
    pub(super) fn pass(&mut self, value: &'a str) {
        let end = self.tokens.peek() + value.len();
        self.tokens.go_on_at(end);
    }

    /// What was read of a text, the last that [`Self::rest`] gave; nothing if there is a
    /// backslash in it, or a control character in the record.
    pub(super) fn plain_since(&mut self, rest: &'a str) -> Option<&'a str> {
        let start = self.text.len() - rest.len();
        let is_plain = !self.tokens.may_escape(start) && self.tokens.fault().is_none();
        let read = self.tokens.peek().checked_sub(start).filter(|_| is_plain)?;
        rest.get(..read).map(str::trim_ascii_end)
    }

    /// Passes over a value; gives back how it is written.
    pub(super) fn skipped(&mut self) -> Result<&'a str, Fault> {
        let start = self.tokens.peek();
        self.skip()?;
        let end = self.tokens.peek();
        Ok(self.text.get(start..end).unwrap_or_default().trim_ascii_end())
    }

    /// Passes over what is in an object or a list that was begun.
    pub(super) fn skip_inside(&mut self, begun: Value<'a>) -> Result<(), Fault> {
        let kind = match begun {
            Value::Object => Kind::Object,
            Value::List => Kind::List,
            _ => return Ok(()),
        };
        self.depth -= 1;
        if self.is_next(kind.closing()) {
            return Ok(());
        }
        self.skip_key(kind)?;
        let mut nest = Nest::default();
        nest.push(kind);
        self.skip_within(nest)
    }

    /// Hands the members of an object that was begun to `take`, which reads the value of each.
    #[inline]
    pub(super) fn members(
        &mut self,
        mut take: impl FnMut(&'a str, &mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.is_next(b'}') {
            self.depth -= 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("key must be a string"));
            }
            let key = self.string()?;
            if !self.is_next(b':') {
                return Err(self.fault("expected `:`"));
            }
            take(key, self)?;
            if !self.goes_on(Kind::Object)? {
                self.depth -= 1;
                return Ok(());
            }
        }
    }

    /// Calls `take` at each element of a list that was begun; it reads the element.
    #[inline]
    pub(super) fn elements(
        &mut self,
        mut take: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.is_next(b']') {
            self.depth -= 1;
            return Ok(());
        }
        loop {
            take(self)?;
            if !self.goes_on(Kind::List)? {
                self.depth -= 1;
                return Ok(());
            }
        }
    }

    fn open(&mut self) -> Result<(), Fault> {
        if self.depth == DEPTH_MAX {
            return Err(self.fault("recursion limit exceeded"));
        }
        self.depth += 1;
        self.tokens.next();
        Ok(())
    }

    /// Reads a number, or one of the three words.
    fn word(&mut self) -> Result<Value<'a>, Fault> {
        let start = self.tokens.next();
        let end = self.tokens.peek();
        // Tokens begin and end on ASCII characters, but for those that are wrong.
        let text = self.text.get(start..end).unwrap_or_default();
        match text.trim_ascii_end() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            text if is_number(text.as_bytes()) => Ok(Value::Number(text)),
            _ => Err(Fault::new("expected value", start)),
        }
    }

    /// Reads the text that stands next.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&'a str, Fault> {
        let (start, text) = self.written()?;
        if self.tokens.may_escape(start) && text.contains('\\') {
            return self.unescaped(start, text);
        }
        Ok(text)
    }

    /// The text that stands next as it is written, and where it begins.
    #[inline]
    fn written(&mut self) -> Result<(usize, &'a str), Fault> {
        let start = self.tokens.next() + 1;
        let end = self.tokens.next();
        match self.text.get(start..end) {
            Some(text) if end < self.text.len() => Ok((start, text)),
            _ => Err(Fault::new("EOF while parsing a string", end)),
        }
    }

    #[cold]
    fn unescaped(&self, start: usize, text: &'a str) -> Result<&'a str, Fault> {
        let mut plain = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            plain.push_str(&rest[..at]);
            let fault = |message| Fault::new(message, start + text.len() - rest.len() + at);
            let (character, length) = unescape(&rest[at..]).map_err(fault)?;
            plain.push(character);
            rest = &rest[at + length..];
        }
        plain.push_str(rest);
        Ok(self.room.alloc_str(&plain))
    }

    /// Passes over a text. Nobody reads it, so half a surrogate pair in it does no harm.
    fn skip_string(&mut self) -> Result<(), Fault> {
        let (start, text) = self.written()?;
        if !self.tokens.may_escape(start) {
            return Ok(());
        }
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            let length = escape_length(&rest[at..]);
            let length = length.map_err(|message| Fault::new(message, start))?;
            rest = &rest[at + length..];
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    List,
}

impl Kind {
    #[inline]
    fn closing(self) -> u8 {
        match self {
            Self::Object => b'}',
            Self::List => b']',
        }
    }
}

/// Objects and lists within each other, innermost last.
#[derive(Debug, Default)]
struct Nest {
    depth: usize,
    /// The innermost 64 at most; bit 0 is the last one, and set for an object.
    near: u64,
    /// Those around them, 64 in each.
    far: Vec<u64>,
}

impl Nest {
    fn push(&mut self, kind: Kind) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.far.push(self.near);
        }
        self.near = self.near << 1 | u64::from(kind == Kind::Object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.near >>= 1;
        self.depth -= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.near = self.far.pop().unwrap_or_default();
        }
    }

    fn innermost(&self) -> Option<Kind> {
        let kind = if self.near & 1 == 1 { Kind::Object } else { Kind::List };
        (self.depth > 0).then_some(kind)
    }
}

/// Whether a text is a number as JSON writes it.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let integer = digits(text);
    if integer == 0 || (text[0] == b'0' && integer > 1) {
        return false;
    }
    let mut rest = &text[integer..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

/// The length of the escape with which a text begins.
fn escape_length(text: &str) -> Result<usize, &'static str> {
    match text.as_bytes().get(1) {
        Some(b'u') => hex_digits(text).map(|_| 6),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        _ => Err("invalid escape"),
    }
}

/// The character that the escape at the beginning of a text means, and how long it is.
fn unescape(text: &str) -> Result<(char, usize), &'static str> {
    let length = escape_length(text)?;
    let character = match text.as_bytes()[1] {
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(text),
        same => char::from(same),
    };
    Ok((character, length))
}

/// `\uXXXX`, or two of them that make a surrogate pair.
fn unescape_unicode(text: &str) -> Result<(char, usize), &'static str> {
    const LONE: &str = "lone leading surrogate in hex escape";
    let first = hex_digits(text)?;
    if !(0xD800..0xE000).contains(&first) {
        return char::from_u32(first).map(|character| (character, 6)).ok_or(LONE);
    }
    let behind = &text[6..];
    if first >= 0xDC00 || !behind.starts_with("\\u") {
        return Err(LONE);
    }
    let second = hex_digits(behind)?;
    if !(0xDC00..0xE000).contains(&second) {
        return Err(LONE);
    }
    let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    char::from_u32(code).map(|character| (character, 12)).ok_or(LONE)
}

/// The value of the four digits of the `\uXXXX` at the beginning of a text.
fn hex_digits(text: &str) -> Result<u32, &'static str> {
    let digits = text.as_bytes().get(2..6).unwrap_or_default();
    let value = digits.iter().try_fold(0, |value, &digit| {
        char::from(digit).to_digit(16).map(|digit| value << 4 | digit)
    });
    value.filter(|_| digits.len() == 4).ok_or("invalid escape")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;

    /// The whole document as serde_json holds it; of repeated keys the last one wins in both.
    fn document(from: &mut Reader<'_>) -> Result<Json, Fault> {
        Ok(match from.value()? {
            Value::Null => Json::Null,
            Value::Bool(is) => Json::Bool(is),
            Value::Number(text) => match serde_json::from_str(text) {
                Ok(number) => Json::Number(number),
                Err(_) => return Err(from.fault("number out of range")),
            },
            Value::Text(text) => Json::String(text.to_owned()),
            Value::List => {
                let mut items = Vec::new();
                from.elements(|from| {
                    items.push(document(from)?);
                    Ok(())
                })?;
                Json::Array(items)
            }
            Value::Object => {
                let mut members = serde_json::Map::new();
                from.members(|key, from| {
                    members.insert(key.to_owned(), document(from)?);
                    Ok(())
                })?;
                Json::Object(members)
            }
        })
    }

    fn agrees(text: &[u8]) {
        let room = Room::new();
        let shown = String::from_utf8_lossy(text).into_owned();
        let expected = serde_json::from_slice::<Json>(text);
        let found = read_with(text, &room, document);
        assert_eq!(found.as_ref().ok(), expected.as_ref().ok(), "{shown}");
        let skipped = read_with(text, &room, Reader::skip);
        // serde_json does not look at bad UTF-8 in what it skips.
        if std::str::from_utf8(text).is_ok() {
            let expected = serde_json::from_slice::<IgnoredAny>(text);
            assert_eq!(skipped.is_ok(), expected.is_ok(), "{shown}");
        }
    }

    #[test]
    fn takes_and_refuses_what_serde_json_does() {
        for text in [
            r#" { "a" : [ 1 , -2.5e+3 , true , null ] , "b" : { } , "a" : [ ] } "#,
            r#"{"a":"\u00e9\ud83d\ude00\n\/\"","b":"\ud83d"}"#,
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83dx""#,
            r#""\ud83d\u0041""#,
            r#""\u00e""#,
            r#""\x""#,
            r#"[1,]"#,
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{a:1}"#,
            r#"[1] x"#,
            "[01]",
            "[-]",
            "[1.]",
            "[.5]",
            "[1e]",
            "[1e999]",
            "[-0, 0, 10, 18446744073709551616]",
            "[tru]",
            "[truex]",
            "",
            "  ",
            "\"a\nb\"",
            "\"a\u{1f}\"",
            "\"12345678\u{7f}\"",
            "\"open",
            "\"open\\",
            "{",
            "[",
            "\u{feff}[]",
        ] {
            agrees(text.as_bytes());
        }
        agrees(b"\"a\xff\"");
        for depth in [1, 126, 127, 128, 129, 1_000] {
            agrees([vec![b'['; depth], vec![b']'; depth]].concat().as_slice());
            let objects = ["{\"a\":[".repeat(depth), "]}".repeat(depth)].concat();
            agrees(objects.as_bytes());
            agrees(objects.replace("]}", "}]").as_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000, failure_persistence: None, ..ProptestConfig::default()
        })]
        #[test]
        fn agrees_with_serde_json_on_what_is_nearly_json(
            pieces in prop::collection::vec(prop_oneof![
                4 => prop::sample::select(vec![
                    "{", "}", "[", "]", ",", ":", "\"", "\\", " ", "\"key\":", "\"a text of some length\"",
                    "null", "true", "12", "-0.5e3", "\\u00e9", "\\ud83d\\ude00", "\\n", "{\"a\":", "\"b\":[",
                ]).prop_map(str::to_owned),
                1 => "\\PC{0,12}",
            ], 0..24),
        ) {
            agrees(pieces.concat().as_bytes());
        }

        #[test]
        fn agrees_with_serde_json_on_json_with_a_changed_byte(
            items in prop::collection::vec(("\\PC{0,20}", any::<i64>(), any::<f64>(), any::<bool>()), 0..6),
            at: prop::sample::Index, byte: u8,
        ) {
            let items: Vec<Json> = items
                .into_iter()
                .map(|(text, integer, float, is)| serde_json::json!({ text: [integer, float, is, null] }))
                .collect();
            let mut text = serde_json::to_vec(&items).expect("JSON");
            agrees(&text);
            let at = at.index(text.len());
            text[at] = byte;
            agrees(&text);
        }
    }
}
