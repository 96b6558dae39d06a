//! Messages as tools print them, matched loosely: by the words that they share, rare words first.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::cases::{self, Case};
use super::{Explanation, explain_code};
use crate::cause::entry_of_reason;

/// A case that a message may speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub case: &'static Case,
    pub sureness: Sureness,
    /// How much the message and the case's share, of 100.
    pub share: u8,
}

/// How sure a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    Far,
    Perhaps,
    Likely,
    Sure,
}

impl Sureness {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Far => "hardly",
            Self::Perhaps => "perhaps",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }

    fn of(share: u8) -> Self {
        match share {
            85.. => Self::Sure,
            60.. => Self::Likely,
            40.. => Self::Perhaps,
            _ => Self::Far,
        }
    }
}

/// Matches that are named beside the best one.
const MATCHES: usize = 5;
/// So much less than the best of 100 still counts beside it.
const BESIDE: u8 = 10;
/// Names offered where nothing matches.
const NEAREST: usize = 3;

/// Explains a message: the text of a known code, or the case whose messages it is like.
pub(super) fn explain_message(query: &str) -> Explanation {
    let ranked = ranked(query);
    let best = ranked.first().map_or(0, |found| found.share);
    if Sureness::of(best) < Sureness::Likely
        && let Some(entry) = entry_of_reason(query)
    {
        return Explanation::Code(explain_code(entry.code));
    }
    if Sureness::of(best) == Sureness::Far {
        let near = ranked.into_iter().filter(|found| found.share > 0);
        return Explanation::Nothing(near.take(NEAREST).collect());
    }
    let beside = ranked.into_iter().filter(|found| found.share + BESIDE >= best);
    Explanation::Message(beside.take(MATCHES).collect())
}

/// All cases, the best first; of equals the first of the table.
fn ranked(query: &str) -> Vec<Match> {
    let words = words_of(query);
    let mut ranked: Vec<Match> = cases::all()
        .iter()
        .map(|case| {
            let sentences = SENTENCES.iter().filter(|sentence| sentence.case_id == case.id);
            let share = sentences.map(|sentence| share(&words, &sentence.words)).max();
            let share = share.unwrap_or_default();
            Match { case, sureness: Sureness::of(share), share }
        })
        .collect();
    ranked.sort_by_key(|found| std::cmp::Reverse(found.share));
    ranked
}

/// A message of a case, or its title, in words.
struct Sentence {
    case_id: &'static str,
    words: BTreeSet<String>,
}

static SENTENCES: LazyLock<Vec<Sentence>> = LazyLock::new(|| {
    let of_case = |case: &'static Case| {
        let texts = case.messages.iter().chain([&case.title]);
        texts.map(|text| Sentence { case_id: &case.id, words: words_of(text) })
    };
    cases::all().iter().flat_map(of_case).collect()
});

/// In how many sentences a word stands.
static SEEN_IN: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let mut seen = HashMap::new();
    for word in SENTENCES.iter().flat_map(|sentence| &sentence.words) {
        *seen.entry(word.as_str()).or_default() += 1;
    }
    seen
});

/// Rare words weigh more; a word that no sentence has weighs like the rarest.
fn weight(word: &str) -> u64 {
    let seen = SEEN_IN.get(word).copied().unwrap_or(1);
    let all = u32::try_from(SENTENCES.len()).unwrap_or(u32::MAX);
    // The logarithm, in quarters of a bit and never nothing.
    u64::from((all.saturating_pow(4) / seen.saturating_pow(4).max(1)).max(2).ilog2())
}

/// What two sets of words share, of 100: three parts for how much of the sentence is said, one for
/// how much of what is said is in the sentence. A trace behind a message so costs little.
fn share(query: &BTreeSet<String>, sentence: &BTreeSet<String>) -> u8 {
    let weigh = |words: &mut dyn Iterator<Item = &String>| words.map(|word| weight(word)).sum();
    let common: u64 = weigh(&mut query.intersection(sentence));
    let (said, wanted): (u64, u64) = (weigh(&mut query.iter()), weigh(&mut sentence.iter()));
    let part = |whole: u64, parts: u64| (common * parts * 100).checked_div(whole * 4).unwrap_or(0);
    u8::try_from(part(wanted, 3) + part(said, 1)).unwrap_or(100).min(100)
}

/// More words of a query are not looked at.
const WORDS: usize = 300;

/// Words without those that say nothing, without ids and long numbers.
fn words_of(text: &str) -> BTreeSet<String> {
    const EMPTY: [&str; 28] = [
        "a", "an", "and", "are", "as", "at", "be", "because", "by", "for", "from", "has", "have",
        "in", "is", "it", "of", "on", "or", "that", "the", "there", "this", "to", "was", "with",
        "you", "your",
    ];
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty() && !EMPTY.contains(word) && !is_id(word))
        .map(str::to_owned)
        .take(WORDS)
        .collect()
}

/// Parts of ids, times and traces; statuses of HTTP are words.
fn is_id(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let is_number = digits == word.len();
    is_number && digits != 3
        || digits > 0 && word.len() > 3 && word.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_times_are_no_words() {
        let words = words_of("The 401: 0b4c7a52-1f00-4 at 2026-11-21T09:40Z, Token_revoked");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(words, ["21t09", "401", "40z", "revoked", "token"]);
    }

    #[test]
    fn equal_words_share_all() {
        let words = words_of("Presented multi-factor authentication has expired");
        assert_eq!(share(&words, &words), 100);
        assert_eq!(share(&words, &words_of("nothing alike")), 0);
        assert_eq!(share(&BTreeSet::new(), &BTreeSet::new()), 0);
    }
}
