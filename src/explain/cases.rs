//! The failures of which the vendors' articles speak: `data/cases.csv`.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

use crate::error_code::{ErrorCode, WhoFixes};

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Case {
    /// Article and number: L1, L2, L3 are Liongard's, RW Rewst's, SY Syncro's.
    pub id: String,
    pub title: String,
    pub article: String,
    pub answer: Answer,
    #[serde(deserialize_with = "codes")]
    pub codes: Vec<ErrorCode>,
    /// What to look for in a row.
    pub evidence: String,
    pub cause: String,
    pub who_fixes: WhoFixes,
    pub remedy: String,
    /// What a log cannot show, and where to look instead; may be empty where it shows it.
    pub honest: String,
    /// As the vendors' tools print them.
    #[serde(deserialize_with = "messages")]
    pub messages: Vec<String>,
    /// Contradicts dangerous advice of an article by name; empty if there is none.
    pub warning: String,
    /// The test that feeds such sign-ins, or the folder of the corpus.
    pub test: String,
}

/// Whether a sign-in log can show a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A row names it.
    Yes,
    /// A row is a sign of it, but other causes look alike, or only one of two logs has it.
    Partly,
    /// It never reaches a sign-in log.
    No,
    /// It stands for other cases.
    See,
}

impl Answer {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
            Self::See => "see",
        }
    }

    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Yes => "Yes, a row names it.",
            Self::Partly => "Partly: a row is a sign of it.",
            Self::No => "No, it never reaches a sign-in log.",
            Self::See => "It stands for other cases.",
        }
    }
}

fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ErrorCode>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let codes = text.split(';').filter(|code| !code.is_empty());
    codes.map(|code| code.parse().map(ErrorCode).map_err(serde::de::Error::custom)).collect()
}

fn messages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.split('|').filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

/// All cases in the order of the table.
pub fn all() -> &'static [Case] {
    &TABLE
}

/// The case with an id, in any case of letters.
pub fn case(id: &str) -> Option<&'static Case> {
    all().iter().find(|case| case.id.eq_ignore_ascii_case(id.trim()))
}

#[expect(clippy::expect_used, reason = "the table is compiled in, and a test reads it")]
static TABLE: LazyLock<Vec<Case>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/cases.csv").as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("data/cases.csv is compiled in and checked by a test")
});
