//! The keys of a table, looked up in the arguments of its subcommand, and what they take.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, Id};

use super::CONFIG;
use super::file::Value;

/// An argument that a file can set.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    /// The long name of a flag; of an argument without one, its own.
    pub(super) key: String,
    arg: &'a Arg,
}

/// All settings of a subcommand; `help` and `--config` itself are none.
pub(super) fn settings_of(subcommand: &Command) -> Vec<Setting<'_>> {
    let own = subcommand.get_arguments().filter(|arg| {
        let is_help = matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        );
        !is_help && arg.get_id() != CONFIG
    });
    own.map(|arg| Setting { key: key_of(arg), arg }).collect()
}

fn key_of(arg: &Arg) -> String {
    arg.get_long().map_or_else(|| arg.get_id().as_str().replace('_', "-"), str::to_owned)
}

impl Setting<'_> {
    pub(super) fn id(&self) -> &Id {
        self.arg.get_id()
    }

    /// The words that stand for a value on the command line; none for a switch that is off.
    pub(super) fn words(&self, value: &Value, base: &Path) -> Result<Vec<OsString>, String> {
        let takes = self.arg.get_num_args().unwrap_or_default();
        match value {
            Value::Switch(false) if takes.min_values() == 0 => Ok(Vec::new()),
            Value::Switch(true) if takes.min_values() == 0 => {
                Ok(vec![format!("--{}", self.key).into()])
            }
            Value::Text(text) if takes.takes_values() => Ok(vec![self.word(text, base)]),
            Value::List(items) if self.takes_several() => {
                let word = |item: &Value| match item {
                    Value::Text(text) => Ok(self.word(text, base)),
                    other => Err(self.expected(other)),
                };
                items.iter().map(word).collect()
            }
            other => Err(self.expected(other)),
        }
    }

    fn takes_several(&self) -> bool {
        let takes = self.arg.get_num_args().unwrap_or_default();
        takes.takes_values()
            && (matches!(self.arg.get_action(), ArgAction::Append) || takes.max_values() > 1)
    }

    /// `--key=value`, so that a value may begin with a hyphen; of an argument without a flag, the
    /// value by itself.
    fn word(&self, text: &str, base: &Path) -> OsString {
        let value = self.value(text, base);
        if self.arg.is_positional() {
            return value;
        }
        let mut word = OsString::from(format!("--{}=", self.key));
        word.push(value);
        word
    }

    /// A path begins at the folder of the file; `-` is standard input.
    fn value(&self, text: &str, base: &Path) -> OsString {
        let is_path = self.arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
        if is_path && text != "-" { base.join(text).into() } else { text.into() }
    }

    fn expected(&self, found: &Value) -> String {
        let takes = self.arg.get_num_args().unwrap_or_default();
        let name = self.arg.get_value_names().and_then(|names| names.first());
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let wanted = match (takes.takes_values(), takes.min_values(), self.takes_several()) {
            (false, ..) => "true or false".to_owned(),
            (true, _, true) => format!("a text{name}, or a list of them,"),
            (true, 0, false) => format!("true, or a text{name},"),
            (true, _, false) => format!("a text{name} or a number"),
        };
        format!("expected {wanted} and found {}", found.kind())
    }
}

/// Whether the flag takes the value: clap says it, without the rest of the command line.
pub(super) fn check(
    setting: &Setting<'_>,
    words: &[OsString],
    subcommand: &Command,
) -> Result<(), String> {
    // An argument without a flag is read by its place, which is not known yet.
    if setting.arg.is_positional() {
        return Ok(());
    }
    for word in words {
        let typed = [OsString::from(subcommand.get_name()), word.clone()];
        let Err(error) = subcommand.clone().try_get_matches_from(typed) else { continue };
        match error.kind() {
            ErrorKind::ValueValidation => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                return Err(cause.unwrap_or_else(|| error.to_string()));
            }
            ErrorKind::InvalidValue => return Err(one_of(&error)),
            // What else is missing, or does not go together, is judged with all arguments.
            _ => {}
        }
    }
    Ok(())
}

fn one_of(error: &clap::Error) -> String {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let (value, known) = (text(ContextKind::InvalidValue), text(ContextKind::ValidValue));
    match known.as_str() {
        "" => format!("`{value}` is no value of it"),
        known => format!("`{value}` is none of {known}"),
    }
}

/// `; did you mean …?` with the nearest of the names, if one is near; a name is shown in the
/// opening sign and the one that closes it.
pub(super) fn did_you_mean<'n>(
    wrong: &str,
    known: impl Iterator<Item = &'n str>,
    open: &str,
) -> String {
    const NEAR: f64 = 0.7;
    let close = if open == "[" { "]" } else { open };
    let near = |name: &'n str| (name, strsim::jaro_winkler(&wrong.to_lowercase(), name));
    let best = known.map(near).filter(|(_, nearness)| *nearness >= NEAR);
    let best = best.max_by(|(_, one), (_, other)| one.total_cmp(other));
    best.map(|(name, _)| format!("; did you mean {open}{name}{close}?")).unwrap_or_default()
}
