//! An explanation for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::text::mask_words;
use super::{Case, ExplainedCode, Explanation, Match, evidence_of, warnings_of};
use crate::summary::Occurrences;

/// Raised by every change of the form.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Told<'a> {
    schema: u32,
    query: &'a str,
    #[serde(flatten)]
    answer: AnswerJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurrences: Option<&'a Occurrences>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum AnswerJson<'a> {
    Code(Box<CodeJson<'a>>),
    Mask { names: Vec<String>, words: Vec<String> },
    Case { case: CaseJson<'a> },
    Message { matches: Vec<MatchJson<'a>> },
    Nothing { nearest: Vec<MatchJson<'a>> },
}

#[derive(Serialize)]
struct CodeJson<'a> {
    error_code: i32,
    symbolic_name: Option<&'a str>,
    category: &'static str,
    cause: &'a str,
    who_fixes: &'static str,
    evidence: Option<String>,
    remedy: &'a str,
    cause_basis: &'static str,
    circumstances: Vec<CircumstanceJson<'a>>,
    warnings: Vec<&'a str>,
    cases: Vec<&'a str>,
    source: Option<&'a str>,
    confidence: Option<&'static str>,
}

#[derive(Serialize)]
struct CircumstanceJson<'a> {
    came: &'a str,
    who_fixes: &'static str,
    remedy: &'a str,
}

#[derive(Serialize)]
struct CaseJson<'a> {
    id: &'a str,
    title: &'a str,
    article: &'a str,
    answer: &'static str,
    error_codes: Vec<i32>,
    evidence: &'a str,
    cause: &'a str,
    who_fixes: &'static str,
    remedy: &'a str,
    honest: &'a str,
    warning: Option<&'a str>,
}

#[derive(Serialize)]
struct MatchJson<'a> {
    sureness: &'static str,
    share_percent: u8,
    case: CaseJson<'a>,
}

impl<'a> CaseJson<'a> {
    fn of(case: &'a Case) -> Self {
        Self {
            id: &case.id,
            title: &case.title,
            article: &case.article,
            answer: case.answer.as_str(),
            error_codes: case.codes.iter().map(|code| code.0).collect(),
            evidence: &case.evidence,
            cause: &case.cause,
            who_fixes: case.who_fixes.as_str(),
            remedy: &case.remedy,
            honest: &case.honest,
            warning: Some(case.warning.as_str()).filter(|warning| !warning.is_empty()),
        }
    }
}

impl<'a> MatchJson<'a> {
    fn of(found: &'a Match) -> Self {
        Self {
            sureness: found.sureness.words(),
            share_percent: found.share,
            case: CaseJson::of(found.case),
        }
    }
}

impl<'a> CodeJson<'a> {
    fn of(code: &'a ExplainedCode) -> Self {
        let named = |name: &'a str| Some(name).filter(|name| !name.is_empty());
        Self {
            error_code: code.code.0,
            symbolic_name: code.entry.and_then(|entry| named(&entry.symbolic_name)),
            category: code.cause.category.as_str(),
            cause: &code.cause.cause,
            who_fixes: code.cause.who_fixes.as_str(),
            evidence: code.entry.map(evidence_of),
            remedy: &code.cause.remedy,
            cause_basis: code.cause.basis.as_str(),
            circumstances: code
                .circumstances
                .iter()
                .map(|(came, cause)| CircumstanceJson {
                    came,
                    who_fixes: cause.who_fixes.as_str(),
                    remedy: &cause.remedy,
                })
                .collect(),
            warnings: warnings_of(&code.cases),
            cases: code.cases.iter().map(|case| case.id.as_str()).collect(),
            source: code.entry.map(|entry| entry.source.as_str()),
            confidence: code.entry.map(|entry| entry.confidence.as_str()),
        }
    }
}

/// Writes an explanation, and how often it occurs where that was asked for.
pub fn write_json(
    sink: &mut dyn Write,
    query: &str,
    explanation: &Explanation,
    occurrences: Option<&Occurrences>,
) -> io::Result<()> {
    let answer = match explanation {
        Explanation::Code(code) => AnswerJson::Code(Box::new(CodeJson::of(code))),
        Explanation::Mask(mask) => {
            AnswerJson::Mask { names: mask.names(), words: mask_words(mask) }
        }
        Explanation::Case(case) => AnswerJson::Case { case: CaseJson::of(case) },
        Explanation::Message(matches) => {
            AnswerJson::Message { matches: matches.iter().map(MatchJson::of).collect() }
        }
        Explanation::Nothing(nearest) => {
            AnswerJson::Nothing { nearest: nearest.iter().map(MatchJson::of).collect() }
        }
    };
    let told = Told { schema: SCHEMA, query, answer, occurrences };
    serde_json::to_writer_pretty(&mut *sink, &told)?;
    writeln!(sink)
}
