//! The one place in which written times are read.

mod clock;
pub mod text;

use chrono::{DateTime, FixedOffset, NaiveDate, Offset, Utc};

pub use clock::parse_zone;

use clock::{Clock, parse_clock};

/// Which of the first two numbers of `3/12/2025` is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    MonthFirst,
    DayFirst,
}

impl DateOrder {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MonthFirst => "month first",
            Self::DayFirst => "day first",
        }
    }
}

/// How the times of one export are written, as far as they do not say it themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeReading {
    /// `None`: not known, so `3/12/2025` cannot be read, `13/12/2025` can.
    pub order: Option<DateOrder>,
    /// The zone of times that name none.
    pub zone: FixedOffset,
}

impl Default for TimeReading {
    /// As JSON exports are read: UTC, month first (which is how Azure Monitor writes the
    /// envelope's `time` in some records of 2025).
    fn default() -> Self {
        Self { order: Some(DateOrder::MonthFirst), zone: Utc.fix() }
    }
}

impl TimeReading {
    /// Reads a time as the exports write it. Digits below the microsecond are cut.
    ///
    /// Seen in real exports: `2025-04-11T05:21:05.5053704Z`, numeric offsets, a blank in place
    /// of the `T`, up to nine digits of a second, `11/14/2025 1:48:53 AM` with or without an
    /// offset, `2/25/2025, 9:19:25.391 AM` (Log Analytics), `16/07/2026 20:26:12.030`,
    /// `05.01.2024 18:05`, `8/22/2023 18:05` (Excel), and `/Date(1763084933000)/` (Windows
    /// PowerShell 5.1).
    pub fn parse(&self, text: &str) -> Option<DateTime<Utc>> {
        let text = text.trim();
        let time = match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.to_utc(),
            Err(_) => parse_milliseconds(text)
                .or_else(|| self.parse_numbers(text))
                .or_else(|| self.parse_month_name(text))?,
        };
        DateTime::from_timestamp_micros(time.timestamp_micros())
    }

    /// `Nov 21, 2026 9:40:12 AM`, as the Defender portal shows times.
    fn parse_month_name(&self, text: &str) -> Option<DateTime<Utc>> {
        let clock_at = text.find(',')? + 1;
        let (year, behind) = leading_number(text[clock_at..].trim_start())?;
        let date = format!("{}, {year}", &text[..clock_at - 1]);
        let date = NaiveDate::parse_from_str(&date, "%B %d, %Y").ok()?;
        let Clock { time, zone } = parse_clock(behind)?;
        let local = date.and_time(time).and_local_timezone(zone.unwrap_or(self.zone));
        local.single().map(|time| time.to_utc())
    }

    /// Three numbers and a clock.
    fn parse_numbers(&self, text: &str) -> Option<DateTime<Utc>> {
        let written = WrittenDate::split(text)?;
        let date = written.date(self.order)?;
        let Clock { time, zone } = parse_clock(written.behind)?;
        let local = date.and_time(time).and_local_timezone(zone.unwrap_or(self.zone));
        local.single().map(|time| time.to_utc())
    }
}

/// Reads a time as JSON exports write it; a time without a zone is UTC.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    TimeReading::default().parse(text)
}

/// What one written date says of the order of day and month in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvidence {
    /// The year stands first, or it is no date of three numbers: nothing to decide.
    NotAsked,
    /// One of the two numbers is above 12.
    Decides(DateOrder),
    /// `2/5/2025, 9:19:25.391 AM`: only the Azure portal writes this, month first.
    PortalStyle,
    /// `3/12/2025` may be March or December.
    Open,
}

impl OrderEvidence {
    pub fn of(text: &str) -> Self {
        let Some(written) = WrittenDate::split(text.trim()) else { return Self::NotAsked };
        if written.year_first {
            return Self::NotAsked;
        }
        match (written.numbers[0] > 12, written.numbers[1] > 12) {
            (true, false) => Self::Decides(DateOrder::DayFirst),
            (false, true) => Self::Decides(DateOrder::MonthFirst),
            (true, true) => Self::NotAsked,
            (false, false) if written.is_portal_style() => Self::PortalStyle,
            (false, false) => Self::Open,
        }
    }
}

/// A date of three numbers, and what stands behind it.
struct WrittenDate<'a> {
    /// As written: year, month, day; or two numbers and the year.
    numbers: [u32; 3],
    year_first: bool,
    separator: u8,
    /// The first number, or the second, begins with a zero.
    zero_padded: bool,
    behind: &'a str,
}

impl<'a> WrittenDate<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (first, rest) = leading_number(text)?;
        let separator = *rest.as_bytes().first().filter(|byte| b"/.-".contains(byte))?;
        let zero_padded = text.starts_with('0') || rest[1..].starts_with('0');
        let (second, rest) = leading_number(&rest[1..])?;
        let rest = rest.strip_prefix(char::from(separator))?;
        let (third, behind) = leading_number(rest)?;
        let year_first = text.bytes().take_while(u8::is_ascii_digit).count() == 4;
        let third_digits = rest.len() - behind.len();
        let fits = if year_first { third_digits <= 2 } else { matches!(third_digits, 2 | 4) };
        let year = |number: u32| if third_digits == 2 { number + 2000 } else { number };
        let last = if year_first { third } else { year(third) };
        fits.then_some(Self {
            numbers: [first, second, last],
            year_first,
            separator,
            zero_padded,
            behind,
        })
    }

    fn date(&self, order: Option<DateOrder>) -> Option<NaiveDate> {
        let [first, second, third] = self.numbers;
        if self.year_first {
            return NaiveDate::from_ymd_opt(i32::try_from(first).ok()?, second, third);
        }
        // A number above 12 tells by itself; `date` refuses what contradicts the file's order.
        let order = order.or(match (first > 12, second > 12) {
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        })?;
        let (month, day) = match order {
            DateOrder::MonthFirst => (first, second),
            DateOrder::DayFirst => (second, first),
        };
        NaiveDate::from_ymd_opt(i32::try_from(third).ok()?, month, day)
    }

    /// A comma, a clock with thousandths, and AM or PM in capitals; no zeros before the numbers.
    /// (Australia and India write `05/11/2025, 9:19:25.391 am`, day first.)
    fn is_portal_style(&self) -> bool {
        let clock = self.behind.strip_prefix(',').unwrap_or_default();
        self.separator == b'/' && !self.zero_padded && clock.contains('.') && clock.ends_with('M')
    }
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text.get(..digits).filter(|digits| digits.len() <= 4)?;
    Some((number.parse().ok()?, &text[digits..]))
}

/// `/Date(1763084933000)/`, as Windows PowerShell 5.1 writes times to JSON; a zone behind the
/// number says how it was shown, not what it means.
fn parse_milliseconds(text: &str) -> Option<DateTime<Utc>> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
    let digits = end.map_or(inner, |(at, _)| &inner[..at]);
    DateTime::from_timestamp_millis(digits.parse().ok()?)
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
            "2025-11-14 01:48:53Z",
            "2025/11/14 1:48:53",
            "11/14/2025 1:48:53 AM",
            "11/14/2025, 1:48:53.000 AM",
            "11/14/2025, 1:48:53\u{202F}AM",
            "11/14/2025 1:48:53 a.m.",
            "11/14/2025 01:48:53",
            "11/14/25 01:48:53",
            "11/14/2025 2:48:53 AM +01:00",
            "14.11.2025 01:48:53",
            "14-11-2025 01:48:53,000",
            "Nov 14, 2025 1:48:53 AM",
            "November 14, 2025, 1:48:53.000 AM",
            "/Date(1763084933000)/",
            "/Date(1763084933000+0100)/",
            " 2025-11-14T01:48:53Z ",
        ];
        let unsure = TimeReading { order: None, ..TimeReading::default() };
        for text in spellings {
            let time = unsure.parse(text).map(|time| time.to_rfc3339());
            assert_eq!(time.as_deref(), Some("2025-11-14T01:48:53+00:00"), "{text}");
        }
        for text in ["", "null", "14.11.2025 25:00", "2025-13-01T00:00:00Z", "1.2.3.4", "5-11-x"] {
            assert_eq!(unsure.parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_a_matter_of_the_file() {
        let reading = |order| TimeReading { order, ..TimeReading::default() };
        let parse = |order, text: &str| reading(order).parse(text).map(|time| time.to_rfc3339());
        let march = Some("2025-03-12T07:22:00+00:00".to_owned());
        let december = Some("2025-12-03T07:22:00+00:00".to_owned());
        let text = "3/12/2025 7:22 AM";
        assert_eq!(parse(Some(DateOrder::MonthFirst), text), march);
        assert_eq!(parse(Some(DateOrder::DayFirst), text), december);
        assert_eq!(parse(None, text), None);
        // What contradicts the file's order is not bent to fit.
        assert_eq!(parse(Some(DateOrder::MonthFirst), "13/12/2025 7:22"), None);
    }

    #[test]
    fn a_zone_is_given_to_times_that_name_none() {
        let zone = FixedOffset::east_opt(2 * 3600).expect("an offset");
        let reading = TimeReading { order: None, zone };
        let parse = |text: &str| reading.parse(text).map(|time| time.to_rfc3339());
        let expected = Some("2025-11-14T01:48:53+00:00".to_owned());
        assert_eq!(parse("2025-11-14 03:48:53"), expected);
        assert_eq!(parse("2025-11-14T01:48:53Z"), expected);
    }

    #[test]
    fn what_a_date_says_of_its_file() {
        use DateOrder::{DayFirst, MonthFirst};
        for (text, evidence) in [
            ("2025-11-14T01:48:53Z", OrderEvidence::NotAsked),
            ("25/2/2025, 9:19:25.391 AM", OrderEvidence::Decides(DayFirst)),
            ("2/25/2025, 9:19:25.391 AM", OrderEvidence::Decides(MonthFirst)),
            ("2/5/2025, 9:19:25.391\u{202F}AM", OrderEvidence::PortalStyle),
            ("2/5/2025, 9:19:25 AM", OrderEvidence::Open),
            ("2/5/2025, 9:19:25.391 am", OrderEvidence::Open),
            ("05/02/2025, 9:19:25.391 AM", OrderEvidence::Open),
            ("2/5/2025 9:19", OrderEvidence::Open),
            ("05.01.2024", OrderEvidence::Open),
            ("no date", OrderEvidence::NotAsked),
        ] {
            assert_eq!(OrderEvidence::of(text), evidence, "{text}");
        }
    }
}
