//! An explanation for people.

use std::io::{self, Write};

use super::{Case, ExplainedCode, Explanation, Match, Sureness, evidence_of, warnings_of};
use crate::error_code::ErrorCodeEntry;
use crate::policy::{Conditions, condition_word};
use crate::report::clean::clean_ascii;
use crate::summary::Occurrences;

/// Columns of the terminal.
const COLUMNS: usize = 100;
const LABEL: usize = 13;
/// Of names that come from logs.
const NAME: usize = 40;
/// Lines of a list.
const ROWS: usize = 10;

/// Of a code that is not in the table.
const BY_RANGE: &str = "the range of the code; the reason in the log may say more";

/// Writes an explanation, and how often it occurs where that was asked for.
pub fn write_text(
    sink: &mut dyn Write,
    query: &str,
    explanation: &Explanation,
    occurrences: Option<&Occurrences>,
) -> io::Result<()> {
    match explanation {
        Explanation::Code(code) => code_lines(sink, code)?,
        Explanation::Mask(mask) => mask_lines(sink, mask)?,
        Explanation::Case(case) => case_lines(sink, case)?,
        Explanation::Message(matches) => message_lines(sink, matches)?,
        Explanation::Nothing(nearest) => nothing_lines(sink, query, nearest)?,
    }
    match occurrences {
        Some(found) => occurrence_lines(sink, found),
        None => Ok(()),
    }
}

fn code_lines(sink: &mut dyn Write, code: &ExplainedCode) -> io::Result<()> {
    let name = code.entry.map_or("not in the table", |entry| entry.symbolic_name.as_str());
    let head = format!("{}  {name}", code.code);
    writeln!(sink, "{}", head.trim_end())?;
    labelled(sink, "Kind", code.cause.category.words())?;
    labelled(sink, "Means", &code.cause.cause)?;
    labelled(sink, "Who", code.cause.who_fixes.words())?;
    match code.entry {
        Some(entry) => labelled(sink, "Look for", &evidence_of(entry))?,
        None => unknown_code_lines(sink, code)?,
    }
    labelled(sink, "What to do", &code.cause.remedy)?;
    for (words, cause) in &code.circumstances {
        labelled(sink, "", &format!("If it came {words}: {}", cause.remedy))?;
    }
    for warning in warnings_of(&code.cases) {
        labelled(sink, "Do not", warning)?;
    }
    labelled(sink, "In a log", "Yes: the code stands in the row.")?;
    for case in &code.cases {
        let line = format!("{}  {}", case.id, case.title);
        labelled(sink, if *case == code.cases[0] { "Cases" } else { "" }, &line)?;
    }
    if let Some(ErrorCodeEntry { confidence, source, .. }) = code.entry {
        labelled(sink, "Sources", &format!("{source} (confidence: {})", confidence.as_str()))?;
    }
    Ok(())
}

/// A number alone may as well be meant as a mask.
fn unknown_code_lines(sink: &mut dyn Write, code: &ExplainedCode) -> io::Result<()> {
    labelled(sink, "Judged by", BY_RANGE)?;
    let mask = u64::try_from(code.code.0).map(Conditions::from_mask).unwrap_or_default();
    match mask.names().iter().any(|name| name.starts_with("bit")) {
        true => Ok(()),
        false => {
            let words = mask_words(&mask).join(", ");
            labelled(sink, "As a mask", &format!("{words} (explain mask:{})", code.code.0))
        }
    }
}

/// Conditions as people read them.
pub(super) fn mask_words(mask: &Conditions) -> Vec<String> {
    let names = mask.names();
    let mut words: Vec<String> = names.iter().map(|name| condition_word(name).to_owned()).collect();
    words.dedup();
    words
}

fn case_lines(sink: &mut dyn Write, case: &Case) -> io::Result<()> {
    writeln!(sink, "{}  {}", case.id, case.title)?;
    labelled(sink, "Article", &case.article)?;
    labelled(sink, "Means", &case.cause)?;
    labelled(sink, "Who", case.who_fixes.words())?;
    labelled(sink, "Look for", &case.evidence)?;
    labelled(sink, "What to do", &case.remedy)?;
    if !case.warning.is_empty() {
        labelled(sink, "Do not", &case.warning)?;
    }
    labelled(sink, "In a log", format!("{} {}", case.answer.words(), case.honest).trim())?;
    let known = case.codes.iter().filter_map(|code| code.entry());
    for (index, entry) in known.enumerate() {
        let line = format!("{}  {}", entry.code, entry.cause);
        labelled(sink, if index == 0 { "Codes" } else { "" }, &line)?;
    }
    Ok(())
}

fn message_lines(sink: &mut dyn Write, matches: &[Match]) -> io::Result<()> {
    let Some((best, others)) = matches.split_first() else { return Ok(()) };
    let how = match best.sureness {
        Sureness::Sure => "This is a message",
        Sureness::Likely => "This is likely a message",
        Sureness::Perhaps | Sureness::Far => "This may be a message",
    };
    writeln!(sink, "{how} of case {}.", best.case.id)?;
    writeln!(sink)?;
    case_lines(sink, best.case)?;
    for (index, other) in others.iter().enumerate() {
        let line = format!("{}  {} ({})", other.case.id, other.case.title, other.sureness.words());
        labelled(sink, if index == 0 { "Or" } else { "" }, &line)?;
    }
    Ok(())
}

fn mask_lines(sink: &mut dyn Write, mask: &Conditions) -> io::Result<()> {
    let names = mask.names();
    writeln!(sink, "Conditions of a policy (conditionsSatisfied, conditionsNotSatisfied)")?;
    if names.is_empty() {
        return labelled(sink, "Means", "none");
    }
    labelled(sink, "Means", &clean_ascii(&mask_words(mask).join(", "), COLUMNS * ROWS))?;
    labelled(sink, "In Graph", &clean_ascii(&names.join(","), COLUMNS * ROWS))?;
    labelled(
        sink,
        "Look for",
        "In conditionsSatisfied: why the policy applied, and with result failure why it blocked. In \
         conditionsNotSatisfied: why it did not apply; that is empty for every block.",
    )
}

fn nothing_lines(sink: &mut dyn Write, query: &str, nearest: &[Match]) -> io::Result<()> {
    writeln!(sink, "Nothing known by: {}", clean_ascii(query, 70))?;
    for (index, found) in nearest.iter().enumerate() {
        let line = format!("{}  {}", found.case.id, found.case.title);
        labelled(sink, if index == 0 { "Nearest" } else { "" }, &line)?;
    }
    labelled(sink, "Ask by", "a code (53003), a case (L1.4), mask:1035, or the whole error message")
}

fn occurrence_lines(sink: &mut dyn Write, found: &Occurrences) -> io::Result<()> {
    writeln!(sink)?;
    let time = |time: Option<chrono::DateTime<chrono::Utc>>| {
        time.map(|time| time.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
    };
    if found.sign_ins == 0 {
        return writeln!(sink, "In this dataset: no sign-in with such a code.");
    }
    let codes: Vec<String> =
        found.codes.iter().map(|code| format!("{} ({})", code.code.0, code.sign_ins)).collect();
    let told = format!(
        "{} in {}, {} to {} UTC",
        counted(found.sign_ins, "sign-in"),
        counted(found.customers.len() as u64, "customer"),
        time(found.first_at),
        time(found.last_at)
    );
    labelled(sink, "In dataset", &told)?;
    labelled(sink, "By code", &codes.join(", "))?;
    for (index, customer) in found.customers.iter().take(ROWS).enumerate() {
        let id = customer.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
        let name = customer.name.as_deref().unwrap_or(if id.is_empty() {
            "no customer named"
        } else {
            &id
        });
        let (first, last) = (time(customer.first_at), time(customer.last_at));
        let line = format!("{}: {}, {first} to {last}", clean_ascii(name, NAME), customer.sign_ins);
        labelled(sink, if index == 0 { "Customers" } else { "" }, &line)?;
    }
    if found.customers.len() > ROWS {
        labelled(sink, "", &format!("and {} more", found.customers.len() - ROWS))?;
    }
    let apps = found.apps.iter().take(ROWS);
    let mut apps: Vec<String> =
        apps.map(|app| format!("{} ({})", clean_ascii(&app.name, NAME), app.sign_ins)).collect();
    if found.apps.len() > ROWS {
        apps.push(format!("and {} more", found.apps.len() - ROWS));
    }
    labelled(sink, "Apps", &apps.join(", "))?;
    match found.own_sign_ins {
        0 => Ok(()),
        own => labelled(
            sink,
            "Own tenant",
            &format!("{} more, by no customer", counted(own, "sign-in")),
        ),
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A label and a text beside it, wrapped.
fn labelled(sink: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
    let mut label = label;
    for line in wrapped(text, COLUMNS - LABEL) {
        writeln!(sink, "{}", format!("{label:<LABEL$}{line}").trim_end())?;
        label = "";
    }
    Ok(())
}

/// Lines of at most so many columns; all is ASCII here. A longer word is cut.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        for piece in pieces(word, columns) {
            if !line.is_empty() && line.len() + 1 + piece.len() > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(piece);
        }
    }
    lines.push(line);
    lines
}

/// A word, cut where it is wider than a line.
fn pieces(word: &str, columns: usize) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let at = rest.char_indices().nth(columns).map_or(rest.len(), |(at, _)| at);
        let (piece, behind) = rest.split_at(at);
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}
