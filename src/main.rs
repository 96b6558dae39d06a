//! The `tenantsweep` program: arguments in, text and an exit code out.

mod cli;
mod commands;
mod exit;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::{End, Failure};
use tenantsweep::report::clean::clean;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Sweep(args) = &cli.command
        && let Some(threads) = args.reading.threads
    {
        limit_polars(threads.get());
    }
    match run(&cli) {
        Ok(end) => end.into(),
        Err(failure) if is_broken_pipe(&failure) => End::Done.into(),
        Err(failure) => {
            // Where even standard error is closed, the exit code has to do.
            let _ = writeln!(std::io::stderr(), "error: {}", told(&failure));
            failure.end.into()
        }
    }
}

fn run(cli: &Cli) -> Result<End, Failure> {
    let mut out = std::io::stdout().lock();
    match &cli.command {
        Command::Inspect(args) => commands::inspect::run(args, &mut out),
        Command::Sweep(args) => commands::sweep::run(args, &mut out, &mut std::io::stderr()),
        Command::Report(args) => commands::report::run(args, &mut out),
        Command::Verify(args) => commands::verify::run(args, &mut out),
        Command::Compact(args) => commands::maintain::compact(args, &mut out),
        Command::Forget(args) => commands::maintain::forget(args, &mut out),
    }
}

/// polars starts its threads once, as many as this variable says.
#[allow(unsafe_code, reason = "no other thread runs yet that could read the environment")]
fn limit_polars(threads: usize) {
    // SAFETY: called first thing in `main`, before any thread is started.
    unsafe { std::env::set_var("POLARS_MAX_THREADS", threads.to_string()) };
}

/// A failure in lines without control characters: paths in it come from outsiders.
fn told(failure: &Failure) -> String {
    let text = failure.to_string();
    let lines: Vec<String> = text.lines().map(|line| clean(line, 2000)).collect();
    lines.join("\n")
}

/// Who reads our output may stop early (`| head`): that is no error.
fn is_broken_pipe(failure: &Failure) -> bool {
    failure.error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
