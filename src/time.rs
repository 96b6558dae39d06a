//! The one place in which written times are read.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Reads a time as the exports write it; a time without a zone is UTC.
///
/// Seen in real exports: `2025-04-11T05:21:05.5053704Z`, numeric offsets, a blank in place
/// of the `T`, up to nine digits of a second, and `11/14/2025 1:48:53 AM` (month first, which
/// is how Azure Monitor writes the envelope's `time` in some records of 2025) with or without
/// an offset. Digits below the microsecond are cut.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let time =
        parse_iso(text).or_else(|| parse_month_first(text)).or_else(|| parse_milliseconds(text))?;
    DateTime::from_timestamp_micros(time.timestamp_micros())
}

/// `/Date(1763084933000)/`, as Windows PowerShell 5.1 writes times to JSON.
fn parse_milliseconds(text: &str) -> Option<DateTime<Utc>> {
    let digits = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    DateTime::from_timestamp_millis(digits.parse().ok()?)
}

fn parse_iso(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    const ZONED: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z"];
    const LOCAL: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    first_match(text, &ZONED, &LOCAL)
}

fn parse_month_first(text: &str) -> Option<DateTime<Utc>> {
    const ZONED: [&str; 2] = ["%m/%d/%Y %I:%M:%S%.f %p %#z", "%m/%d/%Y %H:%M:%S%.f %#z"];
    const LOCAL: [&str; 2] = ["%m/%d/%Y, %I:%M:%S%.f %p", "%m/%d/%Y %I:%M:%S%.f %p"];
    first_match(text, &ZONED, &LOCAL)
}

fn first_match(text: &str, zoned: &[&str], local: &[&str]) -> Option<DateTime<Utc>> {
    let with_zone = zoned
        .iter()
        .find_map(|format| DateTime::parse_from_str(text, format).ok())
        .map(|time| time.to_utc());
    with_zone.or_else(|| {
        local
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .map(|time| time.and_utc())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_same_moment() {
        let spellings = [
            "2025-11-14T01:48:53Z",
            "2025-11-14T01:48:53.0000009Z",
            "2025-11-14T01:48:53.000000912+00:00",
            "2025-11-13T20:48:53-05:00",
            "2025-11-14T01:48:53",
            "2025-11-14 01:48:53.000000",
            "2025-11-14 01:48:53 +00:00",
            "11/14/2025 1:48:53 AM",
            "11/14/2025, 1:48:53.000 AM",
            "11/14/2025 2:48:53 AM +01:00",
            "/Date(1763084933000)/",
            " 2025-11-14T01:48:53Z ",
        ];
        for text in spellings {
            let time = parse_time(text).map(|time| time.to_rfc3339());
            assert_eq!(time.as_deref(), Some("2025-11-14T01:48:53+00:00"), "{text}");
        }
        for text in ["", "null", "14.11.2025", "2025-13-01T00:00:00Z"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
