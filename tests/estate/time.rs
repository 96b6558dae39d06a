//! Moments in 100-nanosecond ticks since 1970, and the spellings that exports use.

pub const SECOND: i64 = 10_000_000;
pub const HOUR: i64 = 3600 * SECOND;
pub const DAY: i64 = 24 * HOUR;
/// 2026-11-01T00:00:00Z, when every estate begins.
pub const BEGIN: i64 = 1_793_491_200 * SECOND;

pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub ticks: i64,
}

/// Days to a date after Howard Hinnant's `civil_from_days`.
pub fn civil(moment: i64) -> Civil {
    let shifted = moment.div_euclid(DAY) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let in_day = moment.rem_euclid(DAY);
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: of_year - (153 * shifted_month + 2) / 5 + 1,
        hour: in_day / HOUR,
        minute: in_day / (60 * SECOND) % 60,
        second: in_day / SECOND % 60,
        ticks: in_day % SECOND,
    }
}

/// `2026-11-03T05:21:05`
fn date_time(at: &Civil) -> String {
    let Civil { year, month, day, hour, minute, second, .. } = at;
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Graph and the portal: whole seconds.
pub fn graph(moment: i64) -> String {
    date_time(&civil(moment)) + "Z"
}

/// Azure Monitor: up to seven digits, `Z` for the envelope, an offset inside it.
pub fn monitor(moment: i64, zone: &str) -> String {
    let at = civil(moment);
    format!("{}.{:07}{zone}", date_time(&at), at.ticks)
}

/// The same moment told from five hours further west.
pub fn monitor_west(moment: i64) -> String {
    monitor(moment - 5 * HOUR, "-05:00")
}

/// `11/14/2025 1:48:53 AM`, as the envelopes of late 2025 have it.
pub fn american(moment: i64) -> String {
    let (date, clock, half) = american_parts(&civil(moment));
    format!("{date} {clock} {half}")
}

/// `11/14/2025, 1:48:53.123 AM`, as the portal writes the answer of a query.
pub fn american_with_milliseconds(moment: i64) -> String {
    let at = civil(moment);
    let (date, clock, half) = american_parts(&at);
    format!("{date}, {clock}.{:03} {half}", at.ticks / 10_000)
}

/// Date, clock without fraction, and half of the day.
fn american_parts(at: &Civil) -> (String, String, &'static str) {
    let Civil { year, month, day, hour, minute, second, .. } = at;
    let clock = if hour % 12 == 0 { 12 } else { hour % 12 };
    let half = if *hour < 12 { "AM" } else { "PM" };
    (format!("{month}/{day}/{year}"), format!("{clock}:{minute:02}:{second:02}"), half)
}

/// `2026-11-03 05:21:05`
pub fn plain(moment: i64) -> String {
    date_time(&civil(moment)).replace('T', " ")
}

/// `2026-11-03`
pub fn date(moment: i64) -> String {
    let Civil { year, month, day, .. } = civil(moment);
    format!("{year}-{month:02}-{day:02}")
}

/// `y=2026/m=11/d=03/h=05`, as storage accounts lay out their blobs.
pub fn folders(moment: i64) -> String {
    let Civil { year, month, day, hour, .. } = civil(moment);
    format!("y={year}/m={month:02}/d={day:02}/h={hour:02}")
}
