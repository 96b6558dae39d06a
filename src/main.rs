//! The `tenantsweep` program: arguments in, text and an exit code out.

mod cli;
mod commands;
mod exit;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use cli::{Cli, Command};
use exit::{End, Failure};
use tenantsweep::report::clean::clean;
use tenantsweep::stop::Stop;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return told(&Failure::usage(error)),
    };
    let stop = Stop::default();
    if matches!(cli.command, Command::Sweep(_) | Command::Compact(_) | Command::Forget(_)) {
        // Where signals cannot be caught, the program ends at once, and the next run tidies up.
        let _ = listen(&stop);
    }
    match run(&cli, &stop) {
        Ok(end) => end.into(),
        Err(failure) if failure.is_broken_pipe() => End::Done.into(),
        Err(failure) => told(&failure),
    }
}

/// Says what ends the program.
fn told(failure: &Failure) -> ExitCode {
    // Where even standard error is closed, the exit code has to do.
    let _ = writeln!(std::io::stderr(), "error: {}", told_of(failure));
    failure.end.into()
}

fn run(cli: &Cli, stop: &Stop) -> Result<End, Failure> {
    let mut out = std::io::stdout().lock();
    match &cli.command {
        Command::Inspect(args) => commands::inspect::run(args, &mut out),
        Command::Sweep(args) => commands::sweep::run(args, stop, &mut out, &mut std::io::stderr()),
        Command::Report(args) => commands::report::run(args, &mut out, &mut std::io::stderr()),
        Command::Query(args) => commands::query::run(args, &mut out),
        Command::Compare(args) => commands::compare::run(args, &mut out, &mut std::io::stderr()),
        Command::Explain(args) => commands::explain::run(args, &mut out),
        Command::Schema(args) => commands::schema::run(args, &mut out),
        Command::Show(args) => commands::show::run(args, &mut out, &mut std::io::stderr()),
        Command::Verify(args) => commands::verify::run(args, &mut out),
        Command::Compact(args) => commands::maintain::compact(args, stop, &mut out),
        Command::Forget(args) => commands::maintain::forget(args, stop, &mut out),
        Command::Completions(args) => commands::documents::completions(args, &mut out),
        Command::Man(args) => commands::documents::man(args, &mut out),
    }
}

/// The first Ctrl-C or end of a service asks the run to stop; the second ends it at once, which
/// leaves the dataset whole as well.
fn listen(stop: &Stop) -> std::io::Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&again))?;
        flag::register(signal, Arc::clone(&again))?;
        flag::register_usize(signal, stop.flag(), usize::try_from(signal).unwrap_or(1))?;
    }
    let stop = stop.clone();
    std::thread::spawn(move || give_up_waiting(&stop));
    Ok(())
}

/// A run that waits for a pipe that nobody writes to does not see that it is to stop.
#[allow(clippy::exit, reason = "nothing else would end it")]
fn give_up_waiting(stop: &Stop) {
    const LOOK: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_secs(5);
    while !stop.is_asked() {
        std::thread::sleep(LOOK);
    }
    std::thread::sleep(PATIENCE);
    let told =
        "stopped while waiting: nothing of this run was taken over that is not in the dataset";
    let failure = Failure::stopped(stop, anyhow::anyhow!(told));
    let _ = writeln!(std::io::stderr(), "error: {}", told_of(&failure));
    std::process::exit(i32::from(failure.end.code()));
}

/// A failure in lines without control characters: paths in it come from outsiders.
fn told_of(failure: &Failure) -> String {
    let text = failure.to_string();
    let lines: Vec<String> = text.lines().map(|line| clean(line, 2000)).collect();
    lines.join("\n")
}
