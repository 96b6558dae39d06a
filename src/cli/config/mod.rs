//! `--config FILE`: flags out of a file.
//!
//! The values of the file become arguments that are put in front of the user's own ones, and clap
//! parses them all: a file can say nothing that a flag could not, and there is one way of parsing.
//! Which keys there are is looked up in the flags themselves.

mod file;
mod keys;
mod merge;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory};

use super::Cli;
use file::{Entry, Table};
use keys::Setting;
use merge::{Given, Words, merge};

/// A file that cannot be used, and where in it the fault lies.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: could not be read: {source}", path.display())]
    Unread { path: PathBuf, source: std::io::Error },
    #[error("{}: line {line}: {told}", path.display())]
    Wrong { path: PathBuf, line: usize, told: String },
}

/// What is wrong at a place of the file.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    line: usize,
    told: String,
}

/// The arguments of the program with those of the file that `--config` names, if it is there.
///
/// # Errors
/// The file cannot be read, has keys that are no flags, or values that they do not take.
pub(super) fn arguments(typed: Vec<OsString>) -> Result<Vec<OsString>, ConfigError> {
    // What is wrong with the user's own words is for the true parse to tell; help needs no file.
    let tolerant = Cli::command().ignore_errors(true);
    let Ok(matches) = tolerant.try_get_matches_from(&typed) else { return Ok(typed) };
    let Some(path) = matches.get_one::<PathBuf>(CONFIG) else { return Ok(typed) };
    let Some((name, given)) = matches.subcommand() else { return Ok(typed) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unread { path: path.clone(), source })?;
    let mut program = Cli::command();
    program.build();
    let wrong = |fault: Fault| {
        let Fault { line, told } = fault;
        ConfigError::Wrong { path: path.clone(), line, told }
    };
    let base = path.parent().unwrap_or(Path::new(""));
    let mut words = settings(&text, base, &program).map_err(wrong)?;
    let Some(subcommand) = program.find_subcommand(name) else { return Ok(typed) };
    let given = given_of(subcommand, given);
    let words = words.remove(subcommand.get_name()).unwrap_or_default();
    Ok(merge(typed, subcommand, &given, words))
}

/// The flag itself; a file cannot name another one.
const CONFIG: &str = "config";

/// The words of each subcommand that the file has a table of.
type AllWords = std::collections::BTreeMap<String, Words>;

/// Reads the whole file, also the tables of other subcommands: a fault in one is told at once and
/// not by the job that runs at night.
fn settings(text: &str, base: &Path, program: &Command) -> Result<AllWords, Fault> {
    let mut all = AllWords::new();
    for Table { name, line, entries } in file::read(text)? {
        let subcommand = program
            .find_subcommand(&name)
            .ok_or_else(|| Fault { line, told: unknown_table(&name, program) })?;
        let mut words = Words::new();
        for entry in entries {
            let setting = setting_of(&entry, subcommand)?;
            words.push((setting.id().clone(), words_of(&entry, &setting, base, subcommand)?));
        }
        all.insert(name, words);
    }
    Ok(all)
}

fn setting_of<'a>(entry: &Entry, subcommand: &'a Command) -> Result<Setting<'a>, Fault> {
    let settings = keys::settings_of(subcommand);
    if let Some(at) = settings.iter().position(|setting| setting.key == entry.key) {
        return settings.into_iter().nth(at).ok_or_else(|| fault_of(entry, String::new()));
    }
    let (key, table) = (&entry.key, subcommand.get_name());
    let known = settings.iter().map(|setting| setting.key.as_str());
    let told = format!("unknown key `{key}` in [{table}]{}", keys::did_you_mean(key, known, "`"));
    Err(fault_of(entry, told))
}

fn words_of(
    entry: &Entry,
    setting: &Setting<'_>,
    base: &Path,
    subcommand: &Command,
) -> Result<Vec<OsString>, Fault> {
    let refused = |told: String| {
        let told = format!("`{}` in [{}]: {told}", entry.key, subcommand.get_name());
        fault_of(entry, told)
    };
    let words = setting.words(&entry.value, base).map_err(refused)?;
    keys::check(setting, &words, subcommand).map_err(refused)?;
    Ok(words)
}

fn fault_of(entry: &Entry, told: String) -> Fault {
    Fault { line: entry.line, told }
}

fn unknown_table(name: &str, program: &Command) -> String {
    let known = program.get_subcommands().map(Command::get_name);
    let known: Vec<&str> = known.collect();
    let near = keys::did_you_mean(name, known.iter().copied(), "[");
    format!("unknown table [{name}]{near}\nhint: there is one for each subcommand: {}", {
        known.join(", ")
    })
}

/// What the user typed; defaults are not typed.
fn given_of(subcommand: &Command, matches: &ArgMatches) -> Given {
    let ids = subcommand.get_arguments().map(clap::Arg::get_id);
    ids.filter(|id| {
        let is_known = matches.try_contains_id(id.as_str()).is_ok();
        is_known && matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)
    })
    .cloned()
    .collect()
}
