//! `tenantsweep sweep`: read, commit, summarise, write the reports, print.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{SecondsFormat, Utc};
use tenantsweep::dataset::{Disk, WriterOptions, seal};
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::lists::GivenPeople;
use tenantsweep::report::RunFacts;
use tenantsweep::report::blind_spot_words;
use tenantsweep::report::clean::clean;
use tenantsweep::stop::Stop;
use tenantsweep::summary::Summary;
use tenantsweep::sweep::{RejectedRecords, SweepError, SweepOptions, Swept, sweep};

use super::log_file::{LogLine, state_figures};
use super::notices::{Notice, PATH_COLUMNS, write_notices};
use super::progress::Bar;
use super::report::Report;
use super::scheduled::{Comparison, Judged, tell_met, written_beside};
use super::{gather, maintain, outputs, report, thread_count, ticket_files};
use crate::cli::{Format, SweepArgs};
use crate::exit::{End, Failure};

/// Sweeps the inputs into the output folder, and notes it in the log file.
pub fn run(
    args: &SweepArgs,
    stop: &Stop,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<End, Failure> {
    let (started, clock) = (Utc::now(), Instant::now());
    let mut line = LogLine::default();
    let result = sweep_once(args, stop, clock, &mut line, out, messages);
    let Some(path) = &args.schedule.log_file else { return result };
    let disk = Disk::new(args.writer.mode);
    let noted = line.append(path, &disk, started, clock.elapsed(), &result);
    match (result, noted) {
        (Ok(_), Err(error)) => Err(Failure::unwritten(error)),
        (Err(failure), Err(error)) => {
            let error = clean(&error.to_string(), 400);
            writeln!(messages, "{error}").map_err(Failure::unwritten)?;
            Err(failure)
        }
        (result, Ok(())) => result,
    }
}

fn sweep_once(
    args: &SweepArgs,
    stop: &Stop,
    started: Instant,
    line: &mut LogLine,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<End, Failure> {
    let schedule = &args.schedule;
    let beside = written_beside(schedule.digest.as_deref(), schedule.log_file.as_deref());
    let inputs = gather_all(args, beside)?;
    let options = options_of(args, stop, inputs.passwords.clone());
    let disk = options.writer.disk.clone();
    line.run.clone_from(&options.writer.run_id);
    let bar = Bar::new(args.output.quiet || !std::io::stderr().is_terminal());
    let swept = sweep(&inputs.found, &inputs.lists, &options, &bar)
        .map_err(|error| failure_of(error, stop))?;
    line.figures = figures_of(&swept);
    tell(&inputs, &swept, args.output.quiet, messages).map_err(Failure::unwritten)?;
    if swept.committed.generation == 0 {
        // Not one log among the inputs, and none in earlier runs.
        let told = "nothing here is a sign-in log: nothing was written";
        writeln!(messages, "{told}").map_err(Failure::unwritten)?;
        return Ok(End::Unjudged);
    }
    maintain::tidy(args, &options.writer, messages)?;
    let (summary, custody) =
        report::summary_of(&args.output.out, &args.view, args.reading.threads)?;
    let compared = Comparison::of(&args.output.out, &summary);
    line.figures.extend(state_figures(&summary));
    line.figures.push(("changes", compared.changes.len() as u64));
    let mut facts = RunFacts {
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        input: shown_inputs(args),
        files: swept.files as u64,
        bytes: swept.bytes,
        elapsed: None,
        exports_read: swept.read as u64,
        exports_known: swept.known_exports() as u64,
        files_skipped: (swept.no_logs.len() + swept.refused.len() + swept.failed.len()) as u64,
        custody,
        closing: Vec::new(),
    };
    let report = Report::of(&summary, &facts);
    outputs::write(&args.output.out, &disk, report)?;
    if let Some(folder) = &schedule.digest {
        compared.write_digest(folder, &disk)?;
    }
    // A part of the evidence would make the next sweep's seem new.
    let open_tickets = if args.view.is_whole() {
        let written = ticket_files::write(&args.output.out, &disk, &summary, None)?;
        if let Some(kept) = written.kept_in {
            let told = "tickets.json is of a newer version, or damaged: every ticket is new";
            let hint = format!("hint: the old list is kept as {}", kept.display());
            writeln!(messages, "{told}\n{hint}").map_err(Failure::unwritten)?;
        }
        compared.keep(&args.output.out, &disk)?;
        written.open
    } else {
        ticket_files::open_tickets(&args.output.out)
    };
    seal(&args.output.out, &disk).map_err(Failure::unwritten)?;
    facts.elapsed = Some(started.elapsed());
    facts.closing = closing_lines(&args.output.out, &swept, open_tickets);
    if schedule.digest.is_some() {
        facts.closing.insert(0, compared.told());
    }
    // Before the report: its reader may go away early, and the job must know all the same.
    let judged = Judged {
        summary: &summary,
        changes: Some(&compared.changes),
        rejected: swept.tally.rejected,
    };
    line.met = judged.met(&schedule.fail_on);
    tell_met(&line.met, messages)?;
    if !args.output.quiet {
        let report = Report::of(&summary, &facts);
        report::print(report, Format::Text, out)?;
    }
    let end = end_of(&swept, &summary, args.reading.max_reject_share);
    Ok(end.or_condition(&line.met))
}

/// The inputs, and what the user says of accounts and apps.
fn gather_all(args: &SweepArgs, mut beside: Vec<PathBuf>) -> Result<super::Inputs, Failure> {
    let people = &args.people;
    beside.extend(people.users.iter().chain(&people.tools).cloned());
    let mut inputs = gather(&args.input, Some(&args.output.out), &beside)?;
    let given = GivenPeople {
        user_files: &people.users,
        tool_files: &people.tools,
        integration_users: &people.integration_user,
        integration_apps: &people.integration_app,
    };
    inputs.lists.add_people(&given).map_err(Failure::usage)?;
    Ok(inputs)
}

fn figures_of(swept: &Swept) -> Vec<(&'static str, u64)> {
    vec![
        ("files", swept.files as u64),
        ("exports_read", swept.read as u64),
        ("exports_known", swept.known_exports() as u64),
        ("not_read", (swept.refused.len() + swept.failed.len()) as u64),
        ("records", swept.tally.records),
        ("partner", swept.tally.partner),
        ("rejected", swept.tally.rejected),
    ]
}

fn options_of(args: &SweepArgs, stop: &Stop, passwords: Passwords) -> SweepOptions {
    let now = || Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).replace(':', "");
    SweepOptions {
        out: args.output.out.clone(),
        writer: WriterOptions {
            run_id: args.output.run_id.clone().unwrap_or_else(now),
            custody: args.custody.custody(),
            ..outputs::writer_options(&args.writer, stop)
        },
        threads: thread_count(args.reading.threads),
        use_peek: !args.reading.no_peek,
        with_sha256: !args.reading.no_hash,
        tables: args.input.tables.options(),
        record_limit: usize::from(args.reading.record_limit) << 20,
        keep_not_applied: args.output.keep_not_applied,
        keep_rejected_bytes: args.output.keep_rejected_bytes,
        rehash: args.reading.rehash,
        passwords,
    }
}

fn failure_of(error: SweepError, stop: &Stop) -> Failure {
    match error {
        SweepError::Dataset(error) => maintain::failure_of(error, stop),
        SweepError::Stopped { .. } => Failure::stopped(stop, error),
        other => Failure::unwritten(other),
    }
}

fn shown_inputs(args: &SweepArgs) -> String {
    let shown: Vec<String> =
        args.input.inputs.iter().map(|input| input.display().to_string()).collect();
    shown.join(" ")
}

fn closing_lines(out: &Path, swept: &Swept, open_tickets: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if swept.committed.is_unchanged {
        lines.push(match swept.known_exports() {
            1 => "Nothing new: 1 export was read by an earlier run.".to_owned(),
            known => format!("Nothing new: {known} exports were read by an earlier run."),
        });
    }
    let report = out.join("report.html");
    lines.push(format!("Open first:  {}", report.display()));
    let mut beside = match open_tickets {
        0 => Vec::new(),
        open => vec![format!("tickets/ ({open})"), "tickets.csv".to_owned()],
    };
    beside.extend(["report.md", "summary.json", "dataset/"].map(str::to_owned));
    lines.push(format!("Also there:  {}", beside.join(", ")));
    lines
}

/// Names what was not read, and why; the summary counts it only.
fn tell(
    inputs: &super::Inputs,
    swept: &Swept,
    quiet: bool,
    messages: &mut dyn Write,
) -> std::io::Result<()> {
    tell_unread(swept, messages)?;
    if quiet {
        return Ok(());
    }
    tell_unjudged(inputs, swept, messages)?;
    tell_passed_over(inputs, swept, messages)?;
    let no_logs = swept.no_logs.iter().map(|(path, no_log)| Notice {
        shown: path,
        text: format!("not a sign-in log: {}", no_log.what),
        hint: Some(no_log.hint),
    });
    write_notices(messages, no_logs)
}

/// Exports that lose this share of their records are told one by one, and those that lose many; a
/// last line that is still being written is only counted by the summary.
const TOLD_SHARE: f64 = 0.5;
const TOLD_RECORDS: u64 = 10;

/// Files that are logs, or may be, and were not read.
fn tell_unread(swept: &Swept, messages: &mut dyn Write) -> std::io::Result<()> {
    let failed = swept.failed.iter().map(|failed| Notice {
        shown: &failed.shown,
        text: format!("could not be read: {}", failed.cause),
        hint: failed.hint,
    });
    write_notices(messages, failed)?;
    let changed = swept.changed.iter().map(|shown| Notice {
        shown,
        text: "changed while it was read: what was there then counts".to_owned(),
        hint: Some("the next sweep reads it again"),
    });
    write_notices(messages, changed)?;
    let refused = swept.refused.iter().map(|(shown, refused)| Notice {
        shown,
        text: format!("not read yet: {}", refused.what),
        hint: Some(refused.hint),
    });
    write_notices(messages, refused)?;
    let rejects = swept
        .rejects
        .iter()
        .filter(|rejects| rejects.share() >= TOLD_SHARE || rejects.rejected > TOLD_RECORDS);
    let rejects = rejects.map(|rejects| {
        let RejectedRecords { shown, rejected, records, first } = rejects;
        let first = first.as_ref().map(|(offset, reason)| format!(", at byte {offset}: {reason}"));
        let first = first.unwrap_or_default();
        Notice {
            shown,
            text: format!("{rejected} of {records} records unreadable{first}"),
            hint: Some("`tenantsweep inspect FILE` lists more of them; so does dataset/rejects"),
        }
    });
    write_notices(messages, rejects)?;
    let refusals = swept.refusals.iter().map(|(shown, refusal)| Notice {
        shown,
        text: format!("no records: {}", blind_spot_words(refusal.as_str())),
        hint: Some(refusal.hint()),
    });
    write_notices(messages, refusals)
}

/// Why records could not be told to be a partner's.
fn tell_unjudged(
    inputs: &super::Inputs,
    swept: &Swept,
    messages: &mut dyn Write,
) -> std::io::Result<()> {
    if swept.tally.undecided > 0 && swept.tally.partner == 0 {
        let count = swept.tally.undecided;
        writeln!(messages, "records that do not say whose they are, by any home tenant: {count}")?;
        writeln!(
            messages,
            "hint: give the domains of your accounts in a list (`--partners FILE` with \
             `tenant_id,name,domains`), or export again with all columns"
        )?;
    }
    if let (true, 0, Some((tenant, count))) =
        (inputs.lists.partners.is_empty(), swept.tally.partner, swept.likely_partner())
    {
        writeln!(messages, "no partner is listed, and no log names service providers")?;
        writeln!(
            messages,
            "hint: users of {tenant} came to {count} other tenants; if it is yours, say \
             `--partner {tenant}=NAME`"
        )?;
    }
    Ok(())
}

/// What lay among the inputs and was left alone.
fn tell_passed_over(
    inputs: &super::Inputs,
    swept: &Swept,
    messages: &mut dyn Write,
) -> std::io::Result<()> {
    let shown = |path: &str| clean(path, PATH_COLUMNS);
    for folder in &inputs.found.passed_over {
        let folder = shown(folder);
        writeln!(messages, "{folder}: passed over, it holds results of an earlier sweep")?;
    }
    if let [first, ..] = inputs.found.skipped.as_slice() {
        let count = inputs.found.skipped.len();
        let first = shown(first);
        writeln!(
            messages,
            "{first}: a link, a device or a hidden file, not read ({count} in all)"
        )?;
        writeln!(messages, "hint: name it as an input to have it read")?;
    }
    if swept.skipped_members > 0 {
        let count = swept.skipped_members;
        writeln!(
            messages,
            "in archives: links, devices and hidden files, not read ({count} in all)"
        )?;
    }
    for list in &inputs.lists.not_used {
        writeln!(messages, "{}: a list of tenants, not used", shown(list))?;
        writeln!(messages, "hint: say whose they are with `--partners` or `--tenants`")?;
    }
    Ok(())
}

/// Of several ends, the one that says most: nothing to judge by, then exports not read.
fn end_of(swept: &Swept, summary: &Summary, max_reject_share: f64) -> End {
    let over =
        |rejects: &RejectedRecords| rejects.rejected > 10 && rejects.share() >= max_reject_share;
    let is_unread =
        !swept.failed.is_empty() || !swept.refused.is_empty() || swept.rejects.iter().any(over);
    match report::end_of(summary) {
        End::Done if is_unread => End::Unread,
        end => end,
    }
}
