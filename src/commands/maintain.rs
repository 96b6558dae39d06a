//! `tenantsweep compact` and `forget`, and what a sweep does of the kind by itself.

use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, SecondsFormat, Utc};
use tenantsweep::dataset::{
    DatasetError, Maintenance, PARTS_MAX, Removal, WriterOptions, holds_before, seal,
    wants_compaction,
};
use tenantsweep::report::clean::clean;
use tenantsweep::stop::Stop;

use super::outputs;
use crate::cli::{CompactArgs, ForgetArgs, SweepArgs};
use crate::exit::{End, Failure};

/// Joins the parts of every month into one.
pub fn compact(args: &CompactArgs, stop: &Stop, out: &mut dyn Write) -> Result<End, Failure> {
    let options =
        WriterOptions { run_id: run_id("compact"), ..outputs::writer_options(&args.writer, stop) };
    let disk = options.disk.clone();
    let begun = Maintenance::begin(&args.out, options).map_err(|error| failure_of(error, stop))?;
    let compacted = begun.compact(1).map_err(|error| failure_of(error, stop))?;
    seal(&args.out, &disk).map_err(Failure::unwritten)?;
    let (before, after) = (compacted.parts_before, compacted.parts_after);
    let told = if after < before {
        format!("{before} parts are {after} now; no row changed.")
    } else {
        format!("Nothing to join: {before} parts.")
    };
    writeln!(out, "{told}").map_err(Failure::unwritten)?;
    Ok(End::Done)
}

/// Removes a customer.
pub fn forget(args: &ForgetArgs, stop: &Stop, out: &mut dyn Write) -> Result<End, Failure> {
    let options = WriterOptions {
        run_id: run_id("forget"),
        custody: args.custody.custody(),
        ..outputs::writer_options(&args.writer, stop)
    };
    let disk = options.disk.clone();
    let begun = Maintenance::begin(&args.out, options).map_err(|error| failure_of(error, stop))?;
    let removal = begun.forget(args.tenant).map_err(|error| failure_of(error, stop))?;
    outputs::refresh(&args.out, &disk, args.tenant)?;
    let tenant = args.tenant;
    let lines = if removal == Removal::default() {
        vec![format!("Nothing of {tenant} is in this dataset.")]
    } else {
        vec![
            format!(
                "Removed: {} sign-ins of {tenant}, {} rows about it.",
                removal.sign_ins, removal.others
            ),
            "The list of exports stays: their paths, hashes and counts.".to_owned(),
            "New exports of this customer bring it back; files read before are not read again."
                .to_owned(),
        ]
    };
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(Failure::unwritten)?;
    Ok(End::Done)
}

/// Takes out what is too old, and joins parts where there are very many.
pub fn tidy(
    args: &SweepArgs,
    options: &WriterOptions,
    messages: &mut dyn Write,
) -> Result<(), Failure> {
    let stop = &options.stop;
    let out = &args.output.out;
    if let Some(keep) = args.output.keep {
        let from = oldest_kept(args.view.as_of.unwrap_or_else(Utc::now), keep);
        if holds_before(out, from).map_err(|error| failure_of(error, stop))? {
            let begun = Maintenance::begin(out, options.clone())
                .map_err(|error| failure_of(error, stop))?;
            let removal = begun.keep_since(from).map_err(|error| failure_of(error, stop))?;
            if removal.sign_ins > 0 && !args.output.quiet {
                let from = from.to_rfc3339_opts(SecondsFormat::Secs, true);
                let line = format!("removed: {} sign-ins before {from} (--keep)", removal.sign_ins);
                writeln!(messages, "{}", clean(&line, 200)).map_err(Failure::unwritten)?;
            }
        }
    }
    if wants_compaction(out).map_err(|error| failure_of(error, stop))? {
        let begun =
            Maintenance::begin(out, options.clone()).map_err(|error| failure_of(error, stop))?;
        begun.compact(PARTS_MAX).map_err(|error| failure_of(error, stop))?;
    }
    Ok(())
}

/// The begin of a day: a job that runs every hour takes out something once a day.
fn oldest_kept(now: DateTime<Utc>, keep: Duration) -> DateTime<Utc> {
    let days = keep.as_secs().div_ceil(24 * 60 * 60);
    let from = now.checked_sub_days(Days::new(days)).unwrap_or(DateTime::<Utc>::MIN_UTC);
    from.date_naive().and_time(NaiveTime::MIN).and_utc()
}

fn run_id(action: &str) -> String {
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).replace(':', "");
    format!("{action}-{now}")
}

/// What an error of the dataset means for the end of the program.
pub fn failure_of(error: DatasetError, stop: &Stop) -> Failure {
    match error {
        DatasetError::Stopped => Failure::stopped(stop, error),
        error if error.is_misuse() => Failure::usage(error),
        error => Failure::unwritten(error),
    }
}
