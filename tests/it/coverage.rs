//! `tests/corpus/COVERAGE.csv`: which case shows which fact about the shapes of exports.
//!
//! A fact's slug begins with the section of the reference of formats that states it. Beside the
//! facts stand `defect-…` (damage, and files that are no logs) and `verdict-…` rows, so that no
//! case is there without a reason. `KIND/*` names all cases of a kind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

const CORPUS: &str = "tests/corpus";

/// The sections of the reference that speak of bytes and values: Graph, the portal, Azure
/// Monitor, Log Analytics and its exports, Defender XDR, extractors.
const SECTIONS: [&str; 39] = [
    "1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "2.0", "2.1", "2.2", "3.0",
    "3.1", "3.2", "3.3", "3.4", "3.5", "4.0", "5.1", "5.2", "5.3", "5.4", "5.5", "6.0", "6.1",
    "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "7.7", "7.8", "7.9", "7.10", "7.11", "7.12", "7.13",
];

/// Rows that state no fact about a shape.
const BESIDE: [&str; 2] = ["defect", "verdict"];

#[derive(Debug, Deserialize)]
struct Fact {
    fact: String,
    says: String,
    case: String,
}

impl Fact {
    /// What stands before the first hyphen of its slug.
    fn section(&self) -> &str {
        self.fact.split('-').next().unwrap_or_default()
    }

    /// The cases that it names, written out.
    fn cases<'a>(&self, all: &'a BTreeSet<String>) -> Vec<&'a str> {
        self.case.split_whitespace().flat_map(|named| matching(named, all)).collect()
    }
}

fn matching<'a>(named: &str, all: &'a BTreeSet<String>) -> Vec<&'a str> {
    let is_named = |case: &&String| match named.strip_suffix('*') {
        Some(kind) => case.starts_with(kind),
        None => *case == named,
    };
    all.iter().filter(is_named).map(String::as_str).collect()
}

fn facts() -> Vec<Fact> {
    let path = Path::new(CORPUS).join("COVERAGE.csv");
    let mut reader = csv::Reader::from_path(path).expect("the table");
    reader.deserialize().map(|fact| fact.expect("three columns")).collect()
}

/// Every case folder as `KIND/CASE`.
fn all_cases() -> BTreeSet<String> {
    let folders = |path: &Path| -> Vec<String> {
        let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry"));
        let folders = entries.filter(|entry| entry.path().is_dir());
        folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect()
    };
    let corpus = Path::new(CORPUS);
    let kinds = folders(corpus).into_iter();
    kinds
        .flat_map(|kind| {
            let cases = folders(&corpus.join(&kind)).into_iter();
            cases.map(move |case| format!("{kind}/{case}")).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_fact_has_a_case() {
    let all = all_cases();
    let mut slugs = BTreeSet::new();
    for fact in facts() {
        assert!(slugs.insert(fact.fact.clone()), "{} stands twice", fact.fact);
        assert!(!fact.says.is_empty(), "{} says nothing", fact.fact);
        assert!(!fact.case.trim().is_empty(), "{} names no case", fact.fact);
        for named in fact.case.split_whitespace() {
            assert!(!matching(named, &all).is_empty(), "{}: there is no case {named}", fact.fact);
        }
    }
}

#[test]
fn every_case_shows_a_fact() {
    let all = all_cases();
    let facts = facts();
    let named: BTreeSet<&str> = facts.iter().flat_map(|fact| fact.cases(&all)).collect();
    let unnamed: Vec<&String> = all.iter().filter(|case| !named.contains(case.as_str())).collect();
    assert!(unnamed.is_empty(), "COVERAGE.csv names no fact for {unnamed:#?}");
}

#[test]
fn every_section_has_facts() {
    let facts = facts();
    let stated: BTreeSet<&str> = facts.iter().map(Fact::section).collect();
    let known: BTreeSet<&str> = SECTIONS.into_iter().chain(BESIDE).collect();
    assert_eq!(stated, known);
}
