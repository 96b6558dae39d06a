//! The time of a day as people and programs write it.

use chrono::{FixedOffset, NaiveTime};

/// A time of a day, with its zone if it names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) time: NaiveTime,
    pub(super) zone: Option<FixedOffset>,
}

/// Reads what stands behind a date. A date alone is no time: whether a block came before or after
/// a success of the same day could only be guessed.
pub(super) fn parse_clock(text: &str) -> Option<Clock> {
    let text = text.trim_start_matches([',', 'T']).trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || ":.,".contains(c)));
    let (digits, behind) = text.split_at(end.unwrap_or(text.len()));
    let (half, zone) = half_and_zone(behind)?;
    let mut numbers = digits.splitn(3, [':', '.']);
    let hour: u32 = numbers.next()?.parse().ok()?;
    let minute: u32 = numbers.next()?.parse().ok()?;
    let (second, nanosecond) = numbers.next().map_or(Some((0, 0)), seconds)?;
    let hour = match half {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(Half::Morning) => hour % 12,
        Some(Half::Afternoon) => hour % 12 + 12,
    };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond)?;
    Some(Clock { time, zone })
}

/// `53`, `53.391` or `53,391`.
fn seconds(text: &str) -> Option<(u32, u32)> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if fraction.len() > 12 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}");
    Some((whole.parse().ok()?, nanoseconds.get(..9)?.parse().ok()?))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

/// `AM`, `p.m.` and a zone, each of which may be missing. Blanks of any kind count as blanks:
/// browsers put a narrow no-break space before `AM`.
fn half_and_zone(text: &str) -> Option<(Option<Half>, Option<FixedOffset>)> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let text = text.to_ascii_lowercase();
    let halves = [
        ("a.m.", Half::Morning),
        ("am", Half::Morning),
        ("p.m.", Half::Afternoon),
        ("pm", Half::Afternoon),
    ];
    let found = halves
        .iter()
        .find_map(|(word, half)| text.strip_prefix(word).map(|rest| (Some(*half), rest)));
    let (half, rest) = found.unwrap_or((None, text.as_str()));
    match rest {
        "" => Some((half, None)),
        zone => parse_zone(zone).map(|zone| (half, Some(zone))),
    }
}

/// `Z`, `UTC`, `+02:00`, `+0200`, `-5`, and these behind `UTC`.
pub fn parse_zone(text: &str) -> Option<FixedOffset> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix("utc").or_else(|| text.strip_prefix("gmt")).unwrap_or(&text);
    if matches!(text, "" | "z") {
        return FixedOffset::east_opt(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-" | "\u{2212}", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() <= 2 => (digits, "0"),
        None => digits.split_at_checked(digits.len().checked_sub(2)?)?,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let in_range = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    in_range.then(|| FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        let read = |text: &str| parse_clock(text).map(|clock| clock.time.to_string());
        for (text, expected) in [
            (" 18:05", "18:05:00"),
            (", 9:19:25.391 PM", "21:19:25.391"),
            (" 12:00:00 AM", "00:00:00"),
            (" 12:30 p.m.", "12:30:00"),
            ("T18.05.12", "18:05:12"),
            (" 20:26:12,030", "20:26:12.030"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", " 25:00", " 13:00 PM", " 9", " 9:1x", " 10:00 CET", " 1:2:3.x"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn zones() {
        let read = |text: &str| parse_zone(text).map(|zone| zone.local_minus_utc());
        for (text, expected) in [
            ("Z", 0),
            ("UTC", 0),
            ("+02:00", 7200),
            ("UTC+2", 7200),
            ("-0330", -12600),
            ("-5", -18000),
            ("+05:45", 20700),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in ["CET", "+25", "02:00", "+1:99", "+"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
