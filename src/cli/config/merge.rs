//! The words of a file among those that the user typed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use clap::{Arg, Command, Id};

use super::CONFIG;

/// The arguments that the user typed.
pub(super) type Given = BTreeSet<Id>;
/// By argument, in the order of the file.
pub(super) type Words = Vec<(Id, Vec<OsString>)>;

/// Puts the file's words behind the name of the subcommand, those that the user typed himself left
/// out; what has a place and no flag fills the places that he left free.
pub(super) fn merge(
    typed: Vec<OsString>,
    subcommand: &Command,
    given: &Given,
    words: Words,
) -> Vec<OsString> {
    let Some(at) = place_of_subcommand(&typed) else { return typed };
    let places: Vec<&Arg> = subcommand.get_positionals().collect();
    let is_place = |id: &Id| places.iter().any(|arg| arg.get_id() == id);
    let (placed, flags): (Words, Words) = words.into_iter().partition(|(id, _)| is_place(id));
    let flags = flags.into_iter().filter(|(id, _)| !is_replaced(id, subcommand, given));
    let flags = flags.flat_map(|(_, words)| words);
    let (front, back) = split_places(&places, given, placed);
    let (before, after) = typed.split_at(at + 1);
    let mut all: Vec<OsString> = before.iter().cloned().chain(flags).chain(front).collect();
    all.extend(after.iter().cloned());
    if !back.is_empty() && !after.iter().any(|word| word == "--") {
        all.push("--".into());
    }
    all.extend(back);
    all
}

/// The first word that is neither `--config` nor its value.
fn place_of_subcommand(typed: &[OsString]) -> Option<usize> {
    let flag = format!("--{CONFIG}");
    let mut at = 1;
    while let Some(word) = typed.get(at) {
        if word == OsStr::new(&flag) {
            at += 1;
        } else if !word.to_string_lossy().starts_with('-') {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The user typed it, or a flag that cannot stand beside it.
fn is_replaced(id: &Id, subcommand: &Command, given: &Given) -> bool {
    let find = |id: &Id| subcommand.get_arguments().find(|arg| arg.get_id() == id);
    let excludes = |one: &Id, other: &Id| {
        let rivals = find(one).map(|arg| subcommand.get_arg_conflicts_with(arg));
        rivals.unwrap_or_default().iter().any(|rival| rival.get_id() == other)
    };
    given.iter().any(|typed| typed == id || excludes(typed, id) || excludes(id, typed))
}

/// What stands in front of the user's own words, and what behind them. Where he typed fewer than
/// must be there, his are the last of them: `show SIGN_IN_ID` takes its folder from the file.
fn split_places(
    places: &[&Arg],
    given: &Given,
    mut placed: Words,
) -> (Vec<OsString>, Vec<OsString>) {
    let position = |id: &Id| places.iter().position(|arg| arg.get_id() == id).unwrap_or_default();
    placed.sort_by_key(|(id, _)| position(id));
    let typed = places.iter().filter(|arg| given.contains(arg.get_id())).count();
    let required = places.iter().filter(|arg| arg.is_required_set()).count();
    let missing = if typed == 0 { 0 } else { required.saturating_sub(typed) };
    let has = |place: usize| placed.iter().any(|(id, _)| position(id) == place);
    let first = if (0..missing).all(has) { missing } else { 0 };
    let (front, rest): (Words, Words) =
        placed.into_iter().partition(|(id, _)| position(id) < first);
    let back = rest.into_iter().filter(|(id, _)| position(id) >= first + typed).collect();
    let words = |words: Words| words.into_iter().flat_map(|(_, words)| words).collect();
    (words(front), words(back))
}
