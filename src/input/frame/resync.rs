//! After damage: the search for the next whole record.
//!
//! Nothing in the bytes says where a record begins, since `{"id"` also begins every policy inside
//! one. So each place that looks like a beginning is tried: the object must close, be valid JSON,
//! and have the id and the time of a sign-in.

use memchr::{memchr, memchr2};
use serde::de::IgnoredAny;

use super::DamageReason;
use super::first_key::{BLANKS_LIMIT, Opening, begins_with, is_blank, opening};
use super::scan::{Scan, scan_object};
use super::wrapper::members;

/// A damage that the framer is searching its way out of.
#[derive(Debug)]
pub(super) struct Resync {
    pub reason: DamageReason,
    /// The first key of the record searched for; None if there was none to see.
    pub key: Option<Vec<u8>>,
    /// The key is only that of the damaged record itself, and may be damaged too: so what stands
    /// behind `},` is also taken for the beginning of a record.
    pub takes_elements: bool,
    /// The damage ends with its line, whatever is found: in JSON lines the next line is a record
    /// again.
    pub ends_with_line: bool,
    /// An object or array at the beginning of a line is taken for a new document, without trying it
    /// first.
    pub resumes_at_line: Resume,
    /// What lies behind the bytes at hand.
    pub passed: Passed,
}

/// As much of the bytes passed as the judgement of the next ones needs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Passed {
    /// Only blanks since the last newline.
    in_indent: bool,
    /// The last bytes that are not blank.
    last: [u8; PROPERTIES.len()],
}

/// What stands before the sign-in inside an envelope, without blanks. The sign-in looks like a
/// whole record and is none, for the envelope holds the rest of it.
const PROPERTIES: &[u8; 13] = b"\"properties\":";

impl Passed {
    /// After these bytes as well.
    pub fn and(self, bytes: &[u8]) -> Self {
        let in_indent =
            match bytes.iter().rev().find(|&&byte| !matches!(byte, b' ' | b'\t' | b'\r')) {
                Some(&byte) => byte == b'\n',
                None => self.in_indent,
            };
        let mut last = self.last;
        let mut count = 0;
        let newest = bytes.iter().rev().filter(|byte| !is_blank(**byte)).take(last.len());
        for byte in newest {
            count += 1;
            last[PROPERTIES.len() - count] = *byte;
        }
        let kept = PROPERTIES.len() - count;
        last[..kept].copy_from_slice(&self.last[count..]);
        Self { in_indent, last }
    }

    /// What comes next is the value of a member `properties`.
    fn is_before_properties(self) -> bool {
        self.last.eq_ignore_ascii_case(PROPERTIES)
    }
}

/// Which lines are taken up again without a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    Never,
    /// In JSON lines: those that begin with the known first key.
    AtKnownKey,
    /// Behind a foreign heading, before any record was seen: all.
    AtAnyOpening,
}

/// A place where the damage may end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Something that begins like a record.
    Candidate(usize),
    /// A line that is simply framed on.
    Line(usize),
    /// Perhaps one of these: the bytes end too early to say.
    Cut(usize),
    None,
}

impl Resync {
    /// The next such place at or behind `from`.
    pub fn next_place(&self, bytes: &[u8], from: usize) -> Place {
        let mut at = from;
        while let Some(step) = self.next_opening(&bytes[at..]) {
            at += step;
            match self.judge(bytes, at) {
                Place::None => at += 1,
                place => return place,
            }
        }
        Place::None
    }

    fn next_opening(&self, bytes: &[u8]) -> Option<usize> {
        match self.resumes_at_line {
            Resume::AtAnyOpening => memchr2(b'{', b'[', bytes),
            _ => memchr(b'{', bytes),
        }
    }

    fn judge(&self, bytes: &[u8], at: usize) -> Place {
        let passed = self.passed.and(&bytes[..at]);
        if passed.is_before_properties() {
            return Place::None;
        }
        let heads_line = !self.ends_with_line && passed.in_indent;
        if bytes[at] == b'[' {
            return self.judge_array(bytes, at, heads_line);
        }
        let key = match opening(&bytes[at..], is_blank) {
            Opening::Key(key) => key,
            Opening::NoKey => return Place::None,
            Opening::Cut => return Place::Cut(at),
        };
        let is_element = self.takes_elements && passed.last.ends_with(b"},");
        let is_wanted = is_element || self.key.as_deref().is_none_or(|wanted| wanted == key);
        match self.resumes_at_line {
            Resume::AtAnyOpening if heads_line => Place::Line(at),
            Resume::AtKnownKey if heads_line && is_wanted => Place::Line(at),
            _ if is_wanted || heads_line => Place::Candidate(at),
            _ => Place::None,
        }
    }

    /// An array of objects at the beginning of a line; a bracket alone also begins many a line of
    /// plain text.
    fn judge_array(&self, bytes: &[u8], at: usize, heads_line: bool) -> Place {
        let inner = &bytes[at + 1..];
        match inner.iter().take(BLANKS_LIMIT).find(|&&byte| !is_blank(byte)) {
            _ if !heads_line => Place::None,
            Some(b'{') => Place::Line(at),
            None if inner.len() < BLANKS_LIMIT => Place::Cut(at),
            _ => Place::None,
        }
    }
}

/// The next place at or behind `from` where an object begins with this key.
pub(super) fn next_candidate(bytes: &[u8], from: usize, key: &[u8]) -> Place {
    let wanted = |at: &usize| {
        begins_with(&bytes[*at..], key, is_blank) == Some(true)
            && !Passed::default().and(&bytes[..*at]).is_before_properties()
    };
    let place = memchr::memchr_iter(b'{', &bytes[from..]).map(|at| from + at).find(wanted);
    place.map_or(Place::None, Place::Candidate)
}

/// What the trial of a candidate gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trial {
    Whole {
        len: usize,
    },
    Refused,
    /// The bytes end too early to say.
    Cut,
}

/// Tries the object that begins here. `closed`: nothing follows these bytes that could belong to
/// it.
pub(super) fn try_candidate(bytes: &[u8], closed: bool, effort: &mut Effort) -> Trial {
    let Some(cap) = effort.candidate_cap() else { return Trial::Refused };
    let seen = &bytes[..bytes.len().min(cap)];
    let cost = match scan_object(seen, false) {
        Scan::Complete { len, brackets_balanced }
            if brackets_balanced && looks_whole(&bytes[..len]) =>
        {
            return Trial::Whole { len };
        }
        Scan::Complete { len, .. } => len,
        Scan::BrokenString { at } | Scan::StrayQuote { at } | Scan::Newline { at } => at,
        Scan::Incomplete if bytes.len() < cap && !closed => return Trial::Cut,
        Scan::Incomplete => seen.len(),
    };
    effort.spend(cost);
    Trial::Refused
}

/// Keeps the work on damage in proportion to the length of the stream: every byte earns some bytes
/// of scanning in vain. Without it, a file of many damages, each of which is only noticed megabytes
/// later, would take hours.
#[derive(Debug)]
pub(super) struct Effort {
    limit: usize,
    credit: u64,
    reached: u64,
}

impl Effort {
    const EARNED_PER_BYTE: u64 = 8;
    /// Objects up to this length, or twice the longest record so far, are always read to their end.
    const FLOOR: usize = 8 << 10;

    pub fn new(limit: usize) -> Self {
        Self { limit, credit: Self::most(limit), reached: 0 }
    }

    fn most(limit: usize) -> u64 {
        Self::EARNED_PER_BYTE.saturating_mul(limit as u64)
    }

    /// To be told before each decision, so that decisions do not depend on the windows.
    pub fn reach(&mut self, offset: u64) {
        let earned = offset.saturating_sub(self.reached).saturating_mul(Self::EARNED_PER_BYTE);
        self.credit = self.credit.saturating_add(earned).min(Self::most(self.limit));
        self.reached = offset;
    }

    pub fn spend(&mut self, bytes: usize) {
        self.credit = self.credit.saturating_sub(bytes as u64);
    }

    /// How far a record may be followed that the structure says begins here.
    pub fn record_cap(&self, longest: usize) -> usize {
        let affordable = usize::try_from(self.credit / 2).unwrap_or(usize::MAX);
        affordable.max(Self::FLOOR).max(longest.saturating_mul(2)).min(self.limit)
    }

    /// How far a candidate may be followed; None if there is nothing left for candidates.
    fn candidate_cap(&self) -> Option<usize> {
        const LEAST: u64 = 16;
        let affordable = usize::try_from(self.credit).unwrap_or(usize::MAX);
        (self.credit >= LEAST).then_some(affordable.min(self.limit))
    }
}

/// Whether these bytes may have a time key, told without parsing.
pub(super) fn mentions_time(bytes: &[u8]) -> bool {
    [&b"reatedDateTime"[..], b"ime\"", b"imestamp\"", b"imeGenerated"]
        .into_iter()
        .any(|key| contains_any_case(bytes, key))
}

/// The keys of an id and of a time in the kinds of export, compared without case.
const ID_KEYS: [&str; 2] = ["id", "RequestId"];
const TIME_KEYS: [&str; 4] = ["createdDateTime", "time", "Timestamp", "TimeGenerated"];

/// Whether this is valid JSON with the id and the time of a sign-in, at its first level or in its
/// `properties`. Bad UTF-8 in a string is repaired later and does not make a record broken.
pub(super) fn looks_whole(bytes: &[u8]) -> bool {
    mentions_time(bytes) && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() && {
        let marks = Marks::of_envelope(bytes);
        marks.id && marks.time
    }
}

#[derive(Default)]
struct Marks {
    id: bool,
    time: bool,
}

impl Marks {
    fn of_envelope(object: &[u8]) -> Self {
        let mut marks = Self::of(object);
        for (_, value) in members(object).filter(|(key, _)| key.eq_ignore_ascii_case("properties"))
        {
            let inner = match value.first() {
                Some(b'{') => Self::of(value),
                // Some forwarders write the properties as JSON text.
                Some(b'"') => serde_json::from_slice::<String>(value)
                    .map_or(Self::default(), |text| Self::of(text.as_bytes())),
                _ => Self::default(),
            };
            marks.id |= inner.id;
            marks.time |= inner.time;
        }
        marks
    }

    fn of(object: &[u8]) -> Self {
        let mut marks = Self::default();
        for (key, _) in members(object).filter(|(_, value)| value.first() == Some(&b'"')) {
            let is_one_of =
                |keys: &[&str]| keys.iter().any(|known| key.eq_ignore_ascii_case(known));
            marks.id |= is_one_of(&ID_KEYS);
            marks.time |= is_one_of(&TIME_KEYS);
        }
        marks
    }
}

/// Whether the text occurs, letters compared without case. Looks for its rarest letter first.
fn contains_any_case(bytes: &[u8], wanted: &[u8]) -> bool {
    const COMMON_FIRST: &[u8] = b".-0123456789\"eatoinsrdlcmupgfhbvwykxjqz";
    let rarity =
        |byte: u8| COMMON_FIRST.iter().position(|&common| common == byte.to_ascii_lowercase());
    let Some((place, &rarest)) = wanted.iter().enumerate().max_by_key(|&(_, &byte)| rarity(byte))
    else {
        return true;
    };
    memchr::memchr2_iter(rarest.to_ascii_lowercase(), rarest.to_ascii_uppercase(), bytes).any(
        |at| {
            let found =
                at.checked_sub(place).and_then(|start| bytes.get(start..start + wanted.len()));
            found.is_some_and(|found| found.eq_ignore_ascii_case(wanted))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_records() {
        let cases: [(&[u8], bool); 10] = [
            (br#"{"Timestamp":"b","RequestId":"a"}"#, true),
            (br#"{"id":"a","createdDateTime":"b"}"#, true),
            (br#"{"Id":"a","CreatedDateTime":"b"}"#, true),
            (br#"{"time":"b","properties":{"id":"a"}}"#, true),
            (br#"{"time":"b","properties":"{\"id\":\"a\"}"}"#, true),
            (b"{\"id\":\"\xff\",\"time\":\"b\",\"\xff\":1}", true),
            (br#"{"id":1,"time":"b"}"#, false),
            (br#"{"id":"a","x":{"time":"b"}}"#, false),
            (br#"{"id":"a","time":"b","x":}"#, false),
            (br#"{"id":"a"}"#, false),
        ];
        for (text, expected) in cases {
            assert_eq!(looks_whole(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }
}
