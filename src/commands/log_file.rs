//! The log of the runs: a line each.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tenantsweep::report::clean::clean;
use tenantsweep::summary::Summary;
use tenantsweep::summary::state::CustomerState;

use crate::exit::{End, Failure};

/// What a line of the log says of a run; a run that fails early knows less.
#[derive(Debug, Default)]
pub struct LogLine {
    pub run: String,
    pub figures: Vec<(&'static str, u64)>,
}

impl LogLine {
    /// Appends the line: one call, so that lines of several jobs do not mix.
    pub fn append(
        &self,
        path: &Path,
        started: DateTime<Utc>,
        elapsed: Duration,
        result: &Result<End, Failure>,
    ) -> io::Result<()> {
        let line = self.line(started, elapsed, result);
        let mut file = File::options().create(true).append(true).open(path)?;
        file.write_all(line.as_bytes())
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
        if let Err(failure) = result {
            let text = failure.to_string();
            let message = clean(text.lines().next().unwrap_or_default(), 400);
            line.push_str(&format!(" message=\"{}\"", message.replace(['"', '\\'], "'")));
        }
        line.push('\n');
        line
    }
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
