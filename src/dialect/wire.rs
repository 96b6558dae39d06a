//! Lenient reading of JSON members: what exporters write in many ways is read in one.
//!
//! serde's derive refuses repeated keys and knows one spelling of each. Real exports repeat
//! keys (the last one wins), write them in camelCase or PascalCase, and wrap objects in text.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// Defines a wire struct: members are found by their key in lower case, unknown keys are
/// skipped, of repeated keys the last one wins, and every member may be absent or null.
/// Anything but an object reads as the default.
macro_rules! wire {
    ($(#[$meta:meta])* $name:ident { $($key:literal => $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name { $(pub(super) $field: $type,)* }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any($crate::dialect::wire::MembersVisitor(Self::default()))
            }
        }

        impl $crate::dialect::wire::Members for $name {
            fn read_member<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $($key => self.$field = map.next_value()?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}
pub(super) use wire;

/// A struct that is filled member by member.
pub(super) trait Members: Default {
    /// Reads the value of a member named `key` (in lower case); false if it is unknown.
    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error>;
}

/// Stands for a map whose next key has been read already: hands out one value.
pub(super) struct OneValue<D>(pub(super) Option<D>);

impl<'de, D: Deserializer<'de>> MapAccess<'de> for OneValue<D> {
    type Error = D::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        _: K,
    ) -> Result<Option<K::Value>, D::Error> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, D::Error> {
        match self.0.take() {
            Some(value) => seed.deserialize(value),
            None => Err(serde::de::Error::custom("a value was asked for twice")),
        }
    }
}

pub(super) struct MembersVisitor<T>(pub(super) T);

impl<'de, T: Members> Visitor<'de> for MembersVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<T, A::Error> {
        let mut key = LowerKey::default();
        while map.next_key_seed(&mut key)?.is_some() {
            if !self.0.read_member(key.as_str(), &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.0)
    }

    fn visit_str<E>(self, _: &str) -> Result<T, E> {
        Ok(self.0)
    }
    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(self.0)
    }
    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(self.0)
    }
    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(self.0)
    }
    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(self.0)
    }
    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(self.0)
    }
}

/// The key of a member in lower case, in a buffer that is used again for each member.
#[derive(Default)]
pub(super) struct LowerKey(String);

impl LowerKey {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> DeserializeSeed<'de> for &mut LowerKey {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for &mut LowerKey {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        self.0.clear();
        self.0.push_str(key);
        self.0.make_ascii_lowercase();
        Ok(())
    }
}

/// A text; numbers and booleans count as their spelling, a list as its members joined by a
/// comma, an object as its member `value`, and null or an empty text as nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Text(pub(super) Option<String>);

impl Text {
    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    fn of(text: &str) -> Self {
        let text = text.trim();
        // `None` is what `az` writes for null.
        let is_nothing = text.is_empty() || text == "None" || is_type_name(text);
        Self((!is_nothing).then(|| text.to_owned()))
    }
}

/// What PowerShell writes in place of a nested value when it exports to CSV, or to JSON below its
/// depth: the name of the value's .NET type.
pub(super) fn is_type_name(text: &str) -> bool {
    text == "System.Object[]"
        || (text.starts_with("Microsoft.") && text.contains(".PowerShell.Models."))
        || (text.starts_with("System.Collections.") && text.ends_with([']', 'e']))
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text::of(text))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }
    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        let mut words = Vec::new();
        while let Some(Text(word)) = seq.next_element()? {
            words.extend(word);
        }
        Ok(Text::of(&words.join(",")))
    }

    /// Windows PowerShell wraps some texts and times: `{"value": "/Date(…)/", "DateTime": …}`.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let mut text = Text(None);
        let mut key = LowerKey::default();
        while map.next_key_seed(&mut key)?.is_some() {
            match key.as_str() {
                "value" => text = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(text)
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

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for OrText<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OrTextVisitor(std::marker::PhantomData))
    }
}

struct OrTextVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: DeserializeOwned + Default> Visitor<'de> for OrTextVisitor<T> {
    type Value = OrText<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or its JSON text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OrText<T>, E> {
        let text = text.trim();
        if !text.starts_with(['{', '[', '"']) {
            let word = T::deserialize(serde::de::value::StrDeserializer::<E>::new(text));
            return Ok(OrText::sound(word.unwrap_or_default()));
        }
        if let Some(value) = read_text(text.as_bytes()) {
            return Ok(OrText::sound(value));
        }
        // CIPP writes a list of objects without its brackets: `{…}, {…}`.
        if text.starts_with('{')
            && let Some(value) = read_text(format!("[{text}]").as_bytes())
        {
            return Ok(OrText::sound(value));
        }
        let mended = repair(text.as_bytes()).and_then(|mended| read_text(&mended));
        let cut = || read_text(&whole_elements(text.as_bytes())?);
        Ok(match mended {
            Some(value) => OrText { value, text: TextQuality::Repaired },
            None => match cut() {
                Some(value) => OrText { value, text: TextQuality::Cut },
                None => OrText { value: T::default(), text: TextQuality::Unreadable },
            },
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OrText<T>, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(OrText::sound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<OrText<T>, A::Error> {
        T::deserialize(serde::de::value::SeqAccessDeserializer::new(seq)).map(OrText::sound)
    }

    fn visit_bool<E>(self, _: bool) -> Result<OrText<T>, E> {
        Ok(OrText::default())
    }
    fn visit_i64<E>(self, _: i64) -> Result<OrText<T>, E> {
        Ok(OrText::default())
    }
    fn visit_u64<E>(self, _: u64) -> Result<OrText<T>, E> {
        Ok(OrText::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<OrText<T>, E> {
        Ok(OrText::default())
    }
    fn visit_unit<E>(self) -> Result<OrText<T>, E> {
        Ok(OrText::default())
    }
}

/// Texts around texts that are taken off before JSON text is given up.
const WRAPPINGS: usize = 4;

/// Reads JSON text, which may be wrapped in text again: `"\"{…}\""`.
fn read_text<T: DeserializeOwned>(text: &[u8]) -> Option<T> {
    let mut unwrapped: Option<String> = None;
    for _ in 0..WRAPPINGS {
        let inner = unwrapped.as_deref().map_or(text, |inner| inner.trim().as_bytes());
        if inner.first() != Some(&b'"') {
            return serde_json::from_slice(inner).ok();
        }
        unwrapped = Some(serde_json::from_slice(inner).ok()?);
    }
    None
}

/// Whether a member is there, whatever it holds.
#[derive(Debug, Default)]
pub(super) struct Present(pub(super) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Self(true))
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

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor(std::marker::PhantomData))
    }
}

struct ListVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            if items.len() == LIST_MAX {
                return Err(serde::de::Error::custom(LIST_TOO_LONG));
            }
            items.push(item);
        }
        Ok(List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
        T::deserialize(serde::de::value::MapAccessDeserializer::new(map))
            .map(|item| List(vec![item]))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<List<T>, E> {
        let word = T::deserialize(serde::de::value::StrDeserializer::<E>::new(text));
        Ok(List(word.into_iter().collect()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_i64<E>(self, _: i64) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_u64<E>(self, _: u64) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<List<T>, E> {
        Ok(List::default())
    }
    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List::default())
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
        Probe {
            "hometenantid" => home: Text,
            "list" => list: OrText<List<Text>>,
            "inner" => inner: OrText<Inner>,
        }
    }
    wire! { Inner { "code" => code: Text, } }

    fn read(text: &str) -> Probe {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn the_last_of_repeated_keys_wins_in_any_case() {
        let probe = read(r#"{"homeTenantId":"a","HomeTenantId":"b","x":[{}],"HOMETENANTID":7}"#);
        assert_eq!(probe.home.as_deref(), Some("7"));
        assert_eq!(read(r#"{"homeTenantId":"a","homeTenantId":null}"#).home.0, None);
    }

    #[test]
    fn values_are_read_as_themselves_or_as_their_text() {
        for text in [
            r#"{"inner":{"Code":"1"},"list":["a","b"]}"#,
            r#"{"inner":"{\"code\":1}","list":"[\"a\",\"b\"]"}"#,
            r#"{"inner":"\"{\\\"code\\\":1}\"","list":["a","b"]}"#,
        ] {
            let probe = read(text);
            assert_eq!(probe.inner.value.code.as_deref(), Some("1"), "{text}");
            assert_eq!(probe.list.value.0.len(), 2, "{text}");
        }
        for text in [r#"{"inner":"System.Object","list":null}"#, r#"{"inner":[1],"list":3}"#] {
            let probe = read(text);
            assert_eq!(probe.inner.value.code.0, None, "{text}");
            assert!(probe.list.value.0.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_list_without_brackets_and_a_list_cut_short() {
        let texts = |text: &str| {
            let cell = serde_json::to_string(text).expect("JSON");
            let probe = read(&format!(r#"{{"list":{cell}}}"#));
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
