//! The values of flags: from text to types, with what is wrong in words.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use tenantsweep::dataset::Mode;
use tenantsweep::file_name::is_reserved_name;
use tenantsweep::report::clean::is_steering;
use tenantsweep::tenant::{Partner, TenantId};
use tenantsweep::time::{parse_time, parse_zone};
use tenantsweep::who::{AccountRef, ObjectId};

pub(super) fn parse_partner(text: &str) -> Result<Partner, String> {
    let (id, name) = match text.split_once('=') {
        Some((id, name)) => (id, Some(name.trim().to_owned())),
        None => (text, None),
    };
    let tenant_id =
        TenantId::parse(id).ok_or_else(|| format!("`{id}` is no tenant id (a GUID)"))?;
    Ok(Partner { tenant_id, name: name.filter(|name| !name.is_empty()), domains: Vec::new() })
}

pub(super) fn parse_account(text: &str) -> Result<AccountRef, String> {
    AccountRef::parse(text).ok_or_else(|| "it is empty".to_owned())
}

pub(super) fn parse_app_id(text: &str) -> Result<String, String> {
    let id = ObjectId::parse(text).ok_or_else(|| format!("`{text}` is no app id (a GUID)"))?;
    Ok(id.to_string())
}

/// A date is its first moment.
pub(super) fn parse_moment(text: &str) -> Result<DateTime<Utc>, String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let midnight = date.and_then(|date| date.and_hms_opt(0, 0, 0)).map(|time| time.and_utc());
    midnight
        .or_else(|| parse_time(text))
        .ok_or_else(|| "a time is written 2026-11-21 or 2026-11-21T09:40:00Z".to_owned())
}

/// From one moment up to another, itself excluded; an end that is left out is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MomentSpan {
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

pub(super) fn parse_span(text: &str) -> Result<MomentSpan, String> {
    let (from, until) = text.split_once("..").ok_or_else(|| {
        "a span is written FROM..UNTIL, such as 2026-11-01..2026-11-08, 2026-11-15.. or ..2026-11-15"
            .to_owned()
    })?;
    let end = |text: &str| match text.trim() {
        "" => Ok(None),
        text => parse_moment(text).map(Some),
    };
    let span = MomentSpan { from: end(from)?, until: end(until)? };
    match (span.from, span.until) {
        (Some(from), Some(until)) if from >= until => {
            Err("the span ends before it begins: FROM..UNTIL, UNTIL itself excluded".to_owned())
        }
        _ => Ok(span),
    }
}

pub(super) fn parse_offset(text: &str) -> Result<FixedOffset, String> {
    parse_zone(text).ok_or_else(|| "an offset from UTC is written +02:00 or -05:00".to_owned())
}

pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share lies between 0 and 1".to_owned()),
    }
}

/// A run id becomes the name of a staging folder.
pub(super) fn parse_run_id(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 64 || text.starts_with('.') || !text.chars().all(plain) {
        return Err("a run id has up to 64 letters, digits, `-`, `_` or `.`".to_owned());
    }
    if is_reserved_name(text) {
        return Err("Windows does not take this for the name of a file; choose another".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn parse_tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).ok_or_else(|| format!("`{text}` is no tenant id (a GUID)"))
}

/// Reads 90s, 10m, 12h or 400d.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration is written 90s, 10m, 12h or 400d".to_owned();
    let unit = text.char_indices().next_back().ok_or_else(wrong)?;
    let seconds: u64 = match unit.1 {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..unit.0].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(seconds * u64::from(count)))
}

pub(super) fn parse_mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).ok_or_else(|| {
        "a mode is written 0600, 0640, 0660 or 0644: you must be able to read and write".to_owned()
    })
}

pub(super) fn parse_custody(text: &str) -> Result<String, String> {
    const CHARS_MAX: usize = 1000;
    let text = text.trim();
    match text.chars().count() {
        0 => Err("it is empty".to_owned()),
        _ if text.chars().any(is_steering) => {
            Err("it holds a character that cannot be seen, or a line break".to_owned())
        }
        1..=CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("at most {CHARS_MAX} characters")),
    }
}
