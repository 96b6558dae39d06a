//! Lenient reading of JSON members: what exporters write in many ways is read in one.
//!
//! Real exports repeat keys (the last one wins), write them in camelCase or PascalCase, and wrap
//! objects in text.

use super::json::{Fault, Reader, Room, Value, read_text};

/// What can be read from JSON, and from a text that stands in its place.
pub(super) trait Wire<'a>: Default {
    /// Reads the next value, whatever it is.
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault>;

    /// What a text alone says: the cell of a table, a word where a list should be.
    fn of_text(_text: &'a str, _room: &'a Room) -> Self {
        Self::default()
    }
}

/// Where a value comes from: JSON, or the cell of a table.
pub(super) trait Source<'a> {
    fn take<T: Wire<'a>>(&mut self) -> Result<T, Fault>;
    fn room(&self) -> &'a Room;
}

impl<'a> Source<'a> for Reader<'a> {
    #[inline]
    fn take<T: Wire<'a>>(&mut self) -> Result<T, Fault> {
        T::read(self)
    }

    fn room(&self) -> &'a Room {
        self.room
    }
}

/// The text of a cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    pub(super) room: &'a Room,
}

impl<'a> Source<'a> for Cell<'a> {
    fn take<T: Wire<'a>>(&mut self) -> Result<T, Fault> {
        Ok(T::of_text(self.text, self.room))
    }

    fn room(&self) -> &'a Room {
        self.room
    }
}

/// Defines a wire struct: members are found by their key in any case, unknown keys are skipped, of
/// repeated keys the last one wins, and every member may be absent or null. Anything but an object
/// reads as the default.
macro_rules! wire {
    ($(#[$meta:meta])* $name:ident<$life:lifetime> { $($key:literal => $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name<$life> { $(pub(super) $field: $type,)* }
        $crate::dialect::wire::wire! { impl $name<$life>, $life { $($key => $field,)* } }
    };
    ($(#[$meta:meta])* $name:ident { $($key:literal => $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name { $(pub(super) $field: $type,)* }
        $crate::dialect::wire::wire! { impl $name, 'a { $($key => $field,)* } }
    };
    (impl $name:ty, $life:lifetime { $($key:literal => $field:ident,)* }) => {
        impl<$life> $crate::dialect::wire::Members<$life> for $name {
            #[inline]
            fn read_member<S: $crate::dialect::wire::Source<$life>>(
                &mut self,
                key: &str,
                from: &mut S,
            ) -> Result<bool, $crate::dialect::json::Fault> {
                use $crate::dialect::keys::Keys;
                /// The places of the keys, under the names of the fields.
                #[allow(non_camel_case_types, reason = "named as the fields are")]
                enum Place { $($field,)* }
                static KEYS: Keys<{ [$($key),*].len() }> = Keys::of([$($key),*]);
                match KEYS.find(key) {
                    $(Some(place) if place == Place::$field as usize => {
                        self.$field = from.take()?;
                    })*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }

        impl<$life> $crate::dialect::wire::Wire<$life> for $name {
            fn read(
                from: &mut $crate::dialect::json::Reader<$life>,
            ) -> Result<Self, $crate::dialect::json::Fault> {
                $crate::dialect::wire::read_members(from)
            }
        }
    };
}
pub(super) use wire;

/// A struct that is filled member by member.
pub(super) trait Members<'a>: Default {
    /// Reads the value of a member named `key`, in any case; false if it is unknown, and was not
    /// read.
    fn read_member<S: Source<'a>>(&mut self, key: &str, from: &mut S) -> Result<bool, Fault>;
}

/// Reads an object member by member.
pub(super) fn read_members<'a, T: Members<'a>>(from: &mut Reader<'a>) -> Result<T, Fault> {
    let mut wire = T::default();
    match from.value()? {
        Value::Object => from.members(|key, from| match wire.read_member(key, from)? {
            true => Ok(()),
            false => from.skip(),
        })?,
        other => from.skip_inside(other)?,
    }
    Ok(wire)
}

/// A text; numbers and booleans count as their spelling, a list as its members joined by a
/// comma, an object as its member `value`, and null or an empty text as nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Option<&'a str>);

impl<'a> Text<'a> {
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// The text itself, to be kept.
    pub(super) fn owned(self) -> Option<String> {
        self.0.map(str::to_owned)
    }

    #[inline]
    fn of(text: &'a str) -> Self {
        let text = trimmed(text);
        // `None` is what `az` writes for null.
        let is_nothing = text.is_empty() || text == "None" || is_type_name(text);
        Self((!is_nothing).then_some(text))
    }
}

/// Nearly no text has blanks around it.
#[inline]
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [0x21..=0x7E] | [0x21..=0x7E, .., 0x21..=0x7E] => text,
        _ => text.trim(),
    }
}

/// What PowerShell writes in place of a nested value when it exports to CSV, or to JSON below its
/// depth: the name of the value's .NET type.
#[inline]
pub(super) fn is_type_name(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'S' | b'M')) && is_dot_net_name(text)
}

fn is_dot_net_name(text: &str) -> bool {
    text == "System.Object[]"
        || (text.starts_with("Microsoft.") && text.contains(".PowerShell.Models."))
        || (text.starts_with("System.Collections.") && text.ends_with([']', 'e']))
}

impl<'a> Wire<'a> for Text<'a> {
    #[inline]
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        // Most members are texts.
        if from.peek() == Some(b'"') {
            return from.string().map(Self::of);
        }
        Ok(match from.value()? {
            Value::Text(text) => Self::of(text),
            Value::Null => Self(None),
            Value::Bool(true) => Self(Some("true")),
            Value::Bool(false) => Self(Some("false")),
            Value::Number(text) => Self(Some(spelled(text, from)?)),
            Value::List => return joined(from),
            Value::Object => return member_value(from),
        })
    }

    fn of_text(text: &'a str, _: &'a Room) -> Self {
        Self::of(text)
    }
}

/// A number in its plain spelling: `1e3` is `1000`.
fn spelled<'a>(text: &'a str, from: &mut Reader<'a>) -> Result<&'a str, Fault> {
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return Ok(text);
    }
    match serde_json::from_str::<f64>(text) {
        Ok(number) => Ok(from.room.alloc_str(&number.to_string())),
        Err(_) => Err(from.fault("number out of range")),
    }
}

fn joined<'a>(from: &mut Reader<'a>) -> Result<Text<'a>, Fault> {
    let mut words: Vec<&str> = Vec::new();
    from.elements(|from| {
        words.extend(Text::read(from)?.0);
        Ok(())
    })?;
    Ok(match words.as_slice() {
        [] => Text(None),
        [only] => Text::of(only),
        words => Text::of(from.room.alloc_str(&words.join(","))),
    })
}

/// Windows PowerShell wraps some texts and times: `{"value": "/Date(…)/", "DateTime": …}`.
fn member_value<'a>(from: &mut Reader<'a>) -> Result<Text<'a>, Fault> {
    let mut text = Text(None);
    from.members(|key, from| {
        if key.eq_ignore_ascii_case("value") {
            text = Text::read(from)?;
            return Ok(());
        }
        from.skip()
    })?;
    Ok(text)
}

/// A value that is there and not null.
impl<'a, T: Wire<'a>> Wire<'a> for Option<T> {
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        if from.peek() == Some(b'n') {
            return from.skip().map(|()| None);
        }
        T::read(from).map(Some)
    }

    fn of_text(text: &'a str, room: &'a Room) -> Self {
        Some(T::of_text(text, room))
    }
}

/// A value that may also stand as JSON text inside a string (Log Analytics, some forwarders).
/// A bare word is handed on as it is; text that is no JSON reads as the default.
#[derive(Debug, Default)]
pub(super) struct OrText<T> {
    pub(super) value: T,
    /// How well the text could be read, where it was one.
    pub(super) text: TextQuality,
}

/// How well JSON text inside a string could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TextQuality {
    /// As it is, or there was no text.
    #[default]
    Sound,
    /// After bytes inside its own texts were replaced.
    Repaired,
    /// Up to a place where the text was cut short.
    Cut,
    /// Not at all.
    Unreadable,
}

impl<T> OrText<T> {
    fn sound(value: T) -> Self {
        Self { value, text: TextQuality::Sound }
    }
}

impl<'a, T: Wire<'a>> Wire<'a> for OrText<T> {
    #[inline]
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        match from.peek() {
            Some(b'{' | b'[') => T::read(from).map(Self::sound),
            _ => match from.value()? {
                Value::Text(text) => Ok(Self::of_text(text, from.room)),
                _ => Ok(Self::default()),
            },
        }
    }

    fn of_text(text: &'a str, room: &'a Room) -> Self {
        let text = text.trim();
        if !text.starts_with(['{', '[', '"']) {
            return Self::sound(T::of_text(text, room));
        }
        if let Some(value) = read_wrapped(text, room) {
            return Self::sound(value);
        }
        // CIPP writes a list of objects without its brackets: `{…}, {…}`.
        if text.starts_with('{')
            && let Some(value) = read_wrapped(room.alloc_str(&format!("[{text}]")), room)
        {
            return Self::sound(value);
        }
        let mended = repair(text.as_bytes()).and_then(|mended| read_made(&mended, room));
        let cut = || read_made(&whole_elements(text.as_bytes())?, room);
        match mended {
            Some(value) => Self { value, text: TextQuality::Repaired },
            None => match cut() {
                Some(value) => Self { value, text: TextQuality::Cut },
                None => Self { value: T::default(), text: TextQuality::Unreadable },
            },
        }
    }
}

/// Texts around texts that are taken off before JSON text is given up.
const WRAPPINGS: usize = 4;

/// Reads JSON text, which may be wrapped in text again: `"\"{…}\""`.
fn read_wrapped<'a, T: Wire<'a>>(text: &'a str, room: &'a Room) -> Option<T> {
    let mut inner = text;
    for _ in 0..WRAPPINGS {
        if !inner.starts_with('"') {
            return read_text(inner, room);
        }
        inner = read_text::<Inner<'a>>(inner, room)?.0.trim();
    }
    None
}

/// A text with all that it holds.
#[derive(Default)]
struct Inner<'a>(&'a str);

impl<'a> Wire<'a> for Inner<'a> {
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        match from.value()? {
            Value::Text(text) => Ok(Self(text)),
            _ => Err(from.fault("expected a text")),
        }
    }
}

/// Reads text that was written anew.
fn read_made<'a, T: Wire<'a>>(text: &[u8], room: &'a Room) -> Option<T> {
    let text = std::str::from_utf8(text).ok()?;
    read_wrapped(room.alloc_str(text), room)
}

/// A list of words that is read only if somebody wants it; it is JSON in any case.
#[derive(Debug, Default, Clone, Copy)]
pub(super) enum Words<'a> {
    #[default]
    None,
    /// As it is written.
    Json(&'a str),
    /// The text of a cell.
    Cell(&'a str),
    /// Cells of their own, the last one first.
    Cells(&'a Words<'a>, Text<'a>),
}

impl<'a> Words<'a> {
    /// Adds the word of a cell of its own.
    pub(super) fn push(&mut self, word: Text<'a>, room: &'a Room) {
        *self = Self::Cells(room.alloc(*self), word);
    }

    pub(super) fn read(self, room: &'a Room) -> Vec<String> {
        let mut words = Vec::new();
        let mut rest = self;
        while let Self::Cells(before, word) = rest {
            words.extend(word.owned());
            rest = *before;
        }
        words.reverse();
        let OrText { value: List(list), .. }: OrText<List<Text<'a>>> = match rest {
            Self::Json(text) => read_text(text, room).unwrap_or_default(),
            Self::Cell(text) => OrText::of_text(text, room),
            Self::None | Self::Cells(..) => OrText::default(),
        };
        list.into_iter().filter_map(Text::owned).chain(words).collect()
    }
}

impl<'a> Wire<'a> for Words<'a> {
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        from.skipped().map(Self::Json)
    }

    fn of_text(text: &'a str, _: &'a Room) -> Self {
        Self::Cell(text)
    }
}

/// Whether a member is there, whatever it holds.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Present(pub(super) bool);

impl<'a> Wire<'a> for Present {
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        from.skip().map(|()| Self(true))
    }

    fn of_text(_: &'a str, _: &'a Room) -> Self {
        Self(true)
    }
}

/// The elements of a list that was cut short (a cell of Excel holds 32,767 characters), without the
/// one in which it was cut; `None` if not one is whole.
fn whole_elements(text: &[u8]) -> Option<Vec<u8>> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut whole = None;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 1 {
                    whole = Some(at + 1);
                }
            }
            _ => {}
        }
    }
    let whole = whole.filter(|_| text.first() == Some(&b'['))?;
    Some([&text[..whole], b"]"].concat())
}

/// More items than any list of a sign-in has (a tenant has a few hundred policies at most); each
/// takes far more memory than its bytes do.
const LIST_MAX: usize = 10_000;
pub(super) const LIST_TOO_LONG: &str = "a list of more than 10,000 items";

/// A list; a single object stands for a list of one (PowerShell unrolls such lists), and
/// null for none.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T: Wire<'a>> Wire<'a> for List<T> {
    fn read(from: &mut Reader<'a>) -> Result<Self, Fault> {
        if from.peek() == Some(b'{') {
            return T::read(from).map(|item| Self(vec![item]));
        }
        match from.value()? {
            Value::List => {}
            Value::Text(text) => return Ok(Self::of_text(text, from.room)),
            _ => return Ok(Self::default()),
        }
        let mut items = Vec::new();
        from.elements(|from| {
            if items.len() == LIST_MAX {
                return Err(from.fault(LIST_TOO_LONG));
            }
            items.push(T::read(from)?);
            Ok(())
        })?;
        Ok(Self(items))
    }

    fn of_text(text: &'a str, room: &'a Room) -> Self {
        Self(vec![T::of_text(text, room)])
    }
}

/// Makes a record that JSON refuses readable again, where the damage lies in its texts: bad
/// UTF-8 and lone surrogates become U+FFFD, raw control characters a blank, and a backslash
/// that escapes nothing is kept as itself. `None` if there was nothing to mend.
pub(super) fn repair(record: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(record);
    let mut mended = Vec::with_capacity(text.len() + 16);
    let mut changed = matches!(text, std::borrow::Cow::Owned(_));
    let mut rest = text.as_bytes();
    let mut in_string = false;
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                let (length, replacement) = mend_escape(rest);
                changed |= replacement.is_some();
                mended.extend_from_slice(replacement.unwrap_or(&rest[..length]));
                rest = &rest[length..];
                continue;
            }
            0..0x20 if in_string => {
                changed = true;
                mended.push(b' ');
                rest = tail;
                continue;
            }
            _ => {}
        }
        mended.push(byte);
        rest = tail;
    }
    changed.then_some(mended)
}

/// The length of the escape at the start of `text`, and what to write instead if it is bad.
fn mend_escape(text: &[u8]) -> (usize, Option<&'static [u8]>) {
    match text.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => (2, None),
        Some(b'u') => match unit(text) {
            Some(0xD800..=0xDBFF) => match unit(&text[6..]) {
                Some(0xDC00..=0xDFFF) => (12, None),
                _ => (6, Some(b"\\uFFFD")),
            },
            Some(0xDC00..=0xDFFF) => (6, Some(b"\\uFFFD")),
            Some(_) => (6, None),
            None => (1, Some(b"\\\\")),
        },
        _ => (1, Some(b"\\\\")),
    }
}

/// The UTF-16 unit of a `\uXXXX` escape at the start of `text`.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    wire! {
        Probe<'a> {
            "homeTenantId" => home: Text<'a>,
            "list" => list: OrText<List<Text<'a>>>,
            "inner" => inner: OrText<Object<'a>>,
        }
    }
    wire! { Object<'a> { "code" => code: Text<'a>, } }

    fn read<'a>(text: &'a str, room: &'a Room) -> Probe<'a> {
        read_text(text, room).expect(text)
    }

    #[test]
    fn the_last_of_repeated_keys_wins_in_any_case() {
        let room = Room::new();
        let home = |text| read(text, &room).home.0;
        let text = r#"{"homeTenantId":"a","HomeTenantId":"b","x":[{}],"HOMETENANTID":7}"#;
        assert_eq!(home(text), Some("7"));
        assert_eq!(home(r#"{"homeTenantId":"a","homeTenantId":null}"#), None);
    }

    #[test]
    fn values_are_read_as_themselves_or_as_their_text() {
        for text in [
            r#"{"inner":{"Code":"1"},"list":["a","b"]}"#,
            r#"{"inner":"{\"code\":1}","list":"[\"a\",\"b\"]"}"#,
            r#"{"inner":"\"{\\\"code\\\":1}\"","list":["a","b"]}"#,
        ] {
            let room = Room::new();
            let probe = read(text, &room);
            assert_eq!(probe.inner.value.code.0, Some("1"), "{text}");
            assert_eq!(probe.list.value.0.len(), 2, "{text}");
        }
        for text in [r#"{"inner":"System.Object","list":null}"#, r#"{"inner":[1],"list":3}"#] {
            let room = Room::new();
            let probe = read(text, &room);
            assert_eq!(probe.inner.value.code.0, None, "{text}");
            assert!(probe.list.value.0.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_list_without_brackets_and_a_list_cut_short() {
        let texts = |text: &str| {
            let cell = serde_json::to_string(text).expect("JSON");
            let text = format!(r#"{{"list":{cell}}}"#);
            let room = Room::new();
            let probe = read(&text, &room);
            (probe.list.value.0.len(), probe.list.text)
        };
        assert_eq!(texts(r#"{"a":1}, {"b":2}"#), (2, TextQuality::Sound));
        assert_eq!(texts(r#"[{"a":1}, {"b":"},{"}, {"c":"#), (2, TextQuality::Cut));
        assert_eq!(texts(r#"[{"a":1"#), (0, TextQuality::Unreadable));
    }

    #[test]
    fn names_of_types_are_no_values() {
        let name = "Microsoft.Graph.Beta.PowerShell.Models.MicrosoftGraphSignInStatus";
        assert!(is_type_name(name) && is_type_name("System.Object[]"));
        assert!(!is_type_name("Microsoft Graph") && !is_type_name("System.Object"));
    }

    #[test]
    fn damage_inside_texts_is_mended_and_nothing_else_is_touched() {
        let mended = repair(b"{\"a\":\"x\xFFy\\ud83dz\\q\x01\"}").expect("mended");
        let value: serde_json::Value = serde_json::from_slice(&mended).expect("readable");
        assert_eq!(value["a"], "x\u{FFFD}y\u{FFFD}z\\q ");
        assert_eq!(repair(br#"{"a":"\ud83d\ude00 \u0041"}"#), None);
        assert_eq!(repair(b"{\"a\":"), None);
    }
}
