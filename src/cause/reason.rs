//! What the words of a log's reason say, by `data/failure_reasons.csv`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::Circumstances;
use crate::error_code::{Category, ErrorCode, ErrorCodeEntry};

/// A line of the table: where all words occur, it is this code, or at least this kind of cause.
#[derive(Debug, Deserialize)]
struct Words {
    /// Joined by `&`, in lower case.
    words: String,
    code: Option<ErrorCode>,
    category: Option<Category>,
}

impl Words {
    fn occur_in(&self, text: &str) -> bool {
        self.words.split('&').all(|word| text.contains(word))
    }
}

#[expect(clippy::expect_used, reason = "the table is compiled in, and a test reads it")]
static TABLE: LazyLock<Vec<Words>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/failure_reasons.csv").as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("data/failure_reasons.csv is compiled in and checked by a test")
});

/// More of a reason is not looked at.
const LOOKED_AT: usize = 2000;

/// Reason and details, in lower case, with one kind of hyphen.
fn text_of(facts: &Circumstances<'_>) -> String {
    let texts = facts.failure_reason.iter().chain(&facts.additional_details);
    texts.flat_map(|text| text.chars().take(LOOKED_AT).chain([' '])).map(plain).collect()
}

fn line_for(text: &str) -> Option<&'static Words> {
    TABLE.iter().find(|line| line.occur_in(text))
}

/// The known code whose text this is, by its words.
pub fn entry_of_reason(text: &str) -> Option<&'static ErrorCodeEntry> {
    let text: String = text.chars().take(LOOKED_AT).map(plain).collect();
    line_for(&text)?.code?.entry()
}

/// In lower case, with one kind of hyphen.
fn plain(character: char) -> char {
    if matches!(character, '\u{2010}'..='\u{2015}') { '-' } else { character.to_ascii_lowercase() }
}

/// The known code that the reason names, or whose text it is.
pub(super) fn entry_of(facts: &Circumstances<'_>) -> Option<&'static ErrorCodeEntry> {
    let text = text_of(facts);
    entry_named_in(&text).or_else(|| line_for(&text)?.code?.entry())
}

/// The kind of cause of which the reason speaks.
pub(super) fn category_of(facts: &Circumstances<'_>) -> Option<Category> {
    line_for(&text_of(facts))?.category
}

/// Words that alone would mean too little.
pub(super) fn speaks_of_a_second_factor(facts: &Circumstances<'_>) -> bool {
    let text = text_of(facts);
    ["second factor", "authenticator", "verification", "strong auth", "one-time"]
        .iter()
        .any(|words| text.contains(words))
}

/// The first known code that is written in a text as `AADSTS…`, in any case.
pub fn entry_named_in(text: &str) -> Option<&'static ErrorCodeEntry> {
    const MARK: &str = "aadsts";
    let lower = text.to_ascii_lowercase();
    let named = lower.match_indices(MARK).filter_map(|(at, _)| {
        let behind = lower.get(at + MARK.len()..)?.trim_start_matches([' ', ':', '#']);
        let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        ErrorCode(behind.get(..digits)?.parse().ok()?).entry()
    });
    named.into_iter().find(|entry| entry.code != ErrorCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_one_thing_in_lower_case() {
        for line in TABLE.iter() {
            assert!(line.code.is_some() != line.category.is_some(), "{}", line.words);
            assert_eq!(line.words, line.words.to_lowercase());
            if let Some(code) = line.code {
                assert!(code.entry().is_some(), "{code}");
            }
        }
    }

    #[test]
    fn no_line_is_hidden_by_one_above() {
        for (at, line) in TABLE.iter().enumerate() {
            let text = line.words.replace('&', " ");
            let first = TABLE.iter().position(|other| other.occur_in(&text));
            assert_eq!(first, Some(at), "{}", line.words);
        }
    }

    #[test]
    fn codes_are_found_in_messages() {
        let named = |text| entry_named_in(text).map(|entry| entry.code.0);
        assert_eq!(named("AADSTS50076: Due to a change"), Some(50_076));
        assert_eq!(named("x aadsts 53003 y"), Some(53_003));
        assert_eq!(named("AADSTS99 AADSTS530034"), Some(530_034));
        assert_eq!(named("AADSTS"), None);
        assert_eq!(named("AADSTS99999999999999"), None);
    }
}
