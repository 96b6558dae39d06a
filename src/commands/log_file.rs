//! The log of the runs: a line each.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tenantsweep::dataset::{DatasetError, Disk};
use tenantsweep::report::clean::clean;
use tenantsweep::summary::Summary;
use tenantsweep::summary::state::CustomerState;

use crate::exit::{End, Failure};

/// What a line of the log says of a run; a run that fails early knows less.
#[derive(Debug, Default)]
pub struct LogLine {
    pub run: String,
    pub figures: Vec<(&'static str, u64)>,
    /// Which conditions are met.
    pub met: Vec<String>,
}

/// Bytes of a line: what many systems write in one piece.
const LINE_BYTES_MAX: usize = 1024;

impl LogLine {
    /// Appends the line.
    pub fn append(
        &self,
        path: &Path,
        disk: &Disk,
        started: DateTime<Utc>,
        elapsed: Duration,
        result: &Result<End, Failure>,
    ) -> Result<(), DatasetError> {
        disk.append(path, self.line(started, elapsed, result).as_bytes())
    }

    fn line(
        &self,
        started: DateTime<Utc>,
        elapsed: Duration,
        result: &Result<End, Failure>,
    ) -> String {
        let end = result.as_ref().map_or_else(|failure| failure.end, |end| *end);
        let mut line = format!(
            "time={} run={} exit={}",
            started.to_rfc3339_opts(SecondsFormat::Secs, true),
            self.run,
            end.code()
        );
        for (name, value) in &self.figures {
            line.push_str(&format!(" {name}={value}"));
        }
        line.push_str(&format!(" seconds={:.1}", elapsed.as_secs_f64()));
        let message = match result {
            Err(failure) => failure.to_string().lines().next().unwrap_or_default().to_owned(),
            Ok(_) => self.met.join("; "),
        };
        if !message.is_empty() {
            line.push_str(" message=");
            line.push_str(&quoted(&message, LINE_BYTES_MAX - line.len() - "\n".len()));
        }
        line.push('\n');
        line
    }
}

/// A value of a log line in quotes, in so many bytes.
fn quoted(text: &str, bytes_max: usize) -> String {
    const CUT: &str = "…\"";
    let mut quoted = String::from('"');
    for character in clean(text, bytes_max).chars() {
        let escape = if matches!(character, '"' | '\\') { "\\" } else { "" };
        if quoted.len() + escape.len() + character.len_utf8() + CUT.len() > bytes_max {
            quoted.push_str(CUT);
            return quoted;
        }
        quoted.push_str(escape);
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// Of the figures of a log line: customers by state.
pub fn state_figures(summary: &Summary) -> Vec<(&'static str, u64)> {
    let count = |state| summary.partners.iter().map(|partner| partner.in_state(state)).sum();
    vec![
        ("blocked", count(CustomerState::Blocked)),
        ("partly", count(CustomerState::Partly)),
        ("failing", count(CustomerState::Failing)),
        ("getting_in", count(CustomerState::GettingIn)),
        ("cannot_tell", count(CustomerState::CannotTell)),
        ("no_log", count(CustomerState::NoLog)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_at_most_a_kibibyte() {
        let line = LogLine {
            run: "r".repeat(70),
            figures: vec![("getting_in", u64::MAX); 15],
            met: Vec::new(),
        };
        for text in [
            "D:\\exports\\\"a\" b".to_owned(),
            "\u{65e5}".repeat(5000),
            "e\u{301}\u{301}\u{301}".repeat(5000),
            "\\\"".repeat(5000),
            "a\u{1b}[2J\r\u{202e}".to_owned(),
            String::new(),
        ] {
            let failure = Err(Failure::usage(anyhow::anyhow!("{text}\nhint: none")));
            let line = line.line(DateTime::UNIX_EPOCH, Duration::from_secs(1), &failure);
            assert!(line.len() <= LINE_BYTES_MAX, "{}", line.len());
            assert_eq!(line.find(char::is_control), Some(line.len() - 1), "{line}");
            assert_eq!(line.contains(" message="), !text.is_empty());
        }
        assert_eq!(quoted(r#"D:\x "y""#, 100), r#""D:\\x \"y\"""#);
        assert_eq!(quoted("abcdefgh", 9), "\"abcd…\"");
    }
}
