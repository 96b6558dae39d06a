//! `tests/attribution.csv` read as the specification of the verdict.

use serde::Deserialize;
use tenantsweep::attribution::attribute;
use tenantsweep::dialect::{Dialect, RecordOptions};
use tenantsweep::error_code::ErrorCode;
use tenantsweep::policy::{AppliedPolicy, ConditionalAccessStatus, PolicyResult};
use tenantsweep::sign_in::{Outcome, SignIn, SignInType, StatusWord};

#[derive(Debug, Deserialize)]
struct Case {
    case: String,
    sign_in_type: String,
    error_code: Option<i32>,
    status_word: String,
    ca_status: String,
    policies: String,
    verdict: String,
    disputed: String,
}

impl Case {
    fn sign_in(&self) -> SignIn {
        let record = br#"{"createdDateTime":"2026-11-21T09:40:00Z","status":{"errorCode":0}}"#;
        let read = Dialect::Graph
            .normalise_json(record, RecordOptions::default())
            .expect("a readable record");
        let policy = |result: &str| AppliedPolicy {
            result: PolicyResult::parse(result),
            ..AppliedPolicy::default()
        };
        let words = self.policies.split('|').filter(|word| !word.is_empty());
        SignIn {
            sign_in_type: match self.sign_in_type.as_str() {
                "interactiveUser" => SignInType::InteractiveUser,
                "nonInteractiveUser" => SignInType::NonInteractiveUser,
                "unknown" => SignInType::Unknown,
                other => panic!("{other}"),
            },
            outcome: Outcome::new(
                self.error_code.map(ErrorCode),
                StatusWord::parse(&self.status_word),
            )
            .expect("an outcome"),
            conditional_access_status: ConditionalAccessStatus::parse(&self.ca_status),
            applied_policies: words.map(policy).collect(),
            ..read.sign_in
        }
    }
}

#[test]
fn every_case_gets_its_verdict() {
    let cases: Vec<Case> = csv::Reader::from_path("tests/attribution.csv")
        .expect("the table")
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows");
    assert!(cases.len() >= 30);
    for case in cases {
        let attribution = attribute(&case.sign_in());
        let answer = (attribution.verdict.as_str(), attribution.disputed);
        assert_eq!(answer, (case.verdict.as_str(), case.disputed == "yes"), "{}", case.case);
    }
}
