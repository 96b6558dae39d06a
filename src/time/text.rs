//! Times as text in what is stored: as chrono writes and reads them (RFC 3339, with as many digits
//! of a second as are needed), but without its detours, for there are two in each row.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Timelike, Utc};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

pub fn serialize<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    match Text::of(time) {
        Some(text) => to.serialize_str(text.as_str()),
        None => to.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
    }
}

pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    from.deserialize_str(TimeVisitor)
}

/// The same where there may be none.
pub mod maybe {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(
        time: &Option<DateTime<Utc>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Stored).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<DateTime<Utc>>, D::Error> {
        Ok(Option::<Stored>::deserialize(from)?.map(|stored| stored.0))
    }

    #[derive(Serialize, Deserialize)]
    struct Stored(#[serde(with = "super")] DateTime<Utc>);
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = DateTime<Utc>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a time as RFC 3339 writes it")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<DateTime<Utc>, E> {
        match parse(text.as_bytes()) {
            Some(time) => Ok(time),
            None => text.parse().map_err(E::custom),
        }
    }
}

/// A time of the years 0 to 9999 as text.
struct Text {
    bytes: [u8; LENGTH_MAX],
    length: usize,
}

/// `2026-11-20T08:00:00.123456789Z`
const LENGTH_MAX: usize = 30;

impl Text {
    /// Nothing for a time that needs more room, and in a leap second.
    fn of(time: &DateTime<Utc>) -> Option<Self> {
        let (year, nanoseconds) = (u32::try_from(time.year()).ok()?, time.nanosecond());
        if year > 9_999 || nanoseconds >= 1_000_000_000 {
            return None;
        }
        let mut text = Self { bytes: [0; LENGTH_MAX], length: 0 };
        for (number, digits, behind) in [
            (year, 4, b'-'),
            (time.month(), 2, b'-'),
            (time.day(), 2, b'T'),
            (time.hour(), 2, b':'),
            (time.minute(), 2, b':'),
        ] {
            text.push_number(number, digits);
            text.push(behind);
        }
        text.push_number(time.second(), 2);
        if nanoseconds > 0 {
            text.push(b'.');
            match nanoseconds {
                whole if whole % 1_000_000 == 0 => text.push_number(whole / 1_000_000, 3),
                whole if whole % 1_000 == 0 => text.push_number(whole / 1_000, 6),
                whole => text.push_number(whole, 9),
            }
        }
        text.push(b'Z');
        Some(text)
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    fn push_number(&mut self, mut number: u32, digits: usize) {
        for place in (self.length..self.length + digits).rev() {
            self.bytes[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.length += digits;
    }

    fn as_str(&self) -> &str {
        // Digits and signs are UTF-8.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Reads what [`Text`] writes; anything else is left to chrono.
fn parse(text: &[u8]) -> Option<DateTime<Utc>> {
    let (text, last) = (text.strip_suffix(b"Z")?, text.len());
    if last > LENGTH_MAX || text.len() < 19 {
        return None;
    }
    let signs = [text[4], text[7], text[10], text[13], text[16]];
    if signs != *b"--T::" {
        return None;
    }
    let part = |from: usize, until: usize| number(&text[from..until]);
    let nanoseconds = match text[19..].split_first() {
        None => 0,
        Some((b'.', digits @ ([_, _, _] | [_, _, _, _, _, _] | [_, _, _, _, _, _, _, _, _]))) => {
            number(digits)? * 10u32.pow(9 - digits.len() as u32)
        }
        Some(_) => return None,
    };
    let year = i32::try_from(part(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, part(5, 7)?, part(8, 10)?)?;
    let time = date.and_hms_nano_opt(part(11, 13)?, part(14, 16)?, part(17, 19)?, nanoseconds)?;
    Some(time.and_utc())
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |number, &digit| {
        digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Ours {
        #[serde(with = "super")]
        at: DateTime<Utc>,
        #[serde(with = "super::maybe")]
        then: Option<DateTime<Utc>>,
    }

    #[derive(Serialize)]
    struct Theirs {
        at: DateTime<Utc>,
        then: Option<DateTime<Utc>>,
    }

    #[test]
    fn times_are_stored_as_chrono_stores_them() {
        let texts = [
            "2026-11-20T08:00:00Z",
            "2026-11-20T08:00:00.120Z",
            "2026-11-20T08:00:00.000001Z",
            "2026-02-28T23:59:59.123456789Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "+12026-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "2016-12-31T23:59:60Z",
        ];
        for text in texts {
            let at: DateTime<Utc> = text.parse().expect(text);
            for then in [None, Some(at)] {
                let ours = postcard::to_stdvec(&Ours { at, then }).expect(text);
                assert_eq!(ours, postcard::to_stdvec(&Theirs { at, then }).expect(text), "{text}");
                let read: Ours = postcard::from_bytes(&ours).expect(text);
                assert_eq!(read, Ours { at, then }, "{text}");
            }
            let json = serde_json::to_string(&Ours { at, then: None }).expect(text);
            assert_eq!(json, serde_json::to_string(&Theirs { at, then: None }).expect(text));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["2026-13-20T08:00:00Z", "2026-11-20 08:00", "2026-11-20T24:00:00Z", ""] {
            let bytes = postcard::to_stdvec(&(text, None::<&str>)).expect(text);
            assert!(postcard::from_bytes::<Ours>(&bytes).is_err(), "{text}");
        }
    }
}
