//! `data/error_codes.csv`: what its remedies must say, and must not.

use tenantsweep::error_code::{Category, ErrorCode, ErrorCodeEntry, all};

/// Codes whose cause is the risk of a user or of a sign-in, whatever their category, and those that
/// no exclusion may cure: device code, security defaults, hostile addresses.
const NEVER_EXCLUDE: [i32; 10] =
    [530_034, 53_011, 530_032, 53_004, 50_135, 50_142, 50_053, 530_036, 530_033, 530_035];

fn remedy(code: i32) -> &'static str {
    let entry = ErrorCode(code).entry().unwrap_or_else(|| panic!("{code} is not in the table"));
    &entry.remedy
}

/// Sentences that speak of exclusion, but not against it.
pub(crate) fn advises_exclusion(text: &str) -> Vec<String> {
    let sentences = text.split(['.', ';', ':']).map(|part| part.trim().to_lowercase());
    let speaks = |part: &String| ["exclu", "exempt"].iter().any(|word| part.contains(word));
    let against = |part: &String| {
        ["never exclude", "do not exclude", "not exempt", "have no exclusions"]
            .iter()
            .any(|word| part.contains(word))
    };
    sentences.filter(|part| speaks(part) && !against(part)).collect()
}

#[test]
fn a_risk_is_never_excluded() {
    let is_risk = |entry: &&ErrorCodeEntry| {
        entry.category == Category::Risk || NEVER_EXCLUDE.contains(&entry.code.0)
    };
    let risks: Vec<&ErrorCodeEntry> = all().iter().filter(is_risk).collect();
    assert!(risks.len() >= NEVER_EXCLUDE.len());
    for entry in risks {
        let advised = advises_exclusion(&entry.remedy);
        assert!(advised.is_empty(), "{}: {advised:?}", entry.code);
    }
    for code in NEVER_EXCLUDE.into_iter().filter(|code| *code != 530_035) {
        assert!(remedy(code).to_lowercase().contains("never exclude"), "{code}");
    }
    // The test itself: what it would find.
    assert_eq!(advises_exclusion("Clear it. Exclude the partner").len(), 1);
    assert!(
        advises_exclusion("Never exclude anyone; security defaults have no exclusions").is_empty()
    );
}

#[test]
fn every_row_says_what_it_is_and_what_to_do() {
    for entry in all() {
        for text in [&entry.cause, &entry.remedy, &entry.source] {
            assert!(!text.trim().is_empty(), "{}", entry.code);
            assert!(text.is_ascii(), "{}: {text}", entry.code);
        }
        let read = format!("{} {}", entry.cause, entry.remedy).to_lowercase();
        assert!(!read.contains("child"), "{}: people read customer", entry.code);
    }
}

#[test]
fn an_exclusion_has_a_replacement_and_names_one_policy() {
    for entry in all().iter().filter(|entry| !advises_exclusion(&entry.remedy).is_empty()) {
        for part in ["service provider users", "only", "the partner tenant id", "in place first"] {
            assert!(entry.remedy.contains(part), "{}: {part}", entry.code);
        }
    }
}

#[test]
fn a_guest_is_deleted_only_after_asking_what_it_is_for() {
    let deletes = |text: &str| {
        let text = text.to_lowercase();
        text.contains("guest") && ["delete", "remove"].iter().any(|word| text.contains(word))
    };
    let found: Vec<&ErrorCodeEntry> = all().iter().filter(|entry| deletes(&entry.remedy)).collect();
    assert!(found.len() >= 8, "{}", found.len());
    for entry in found {
        let asks = ["used for", "meant for"].iter().any(|word| entry.remedy.contains(word));
        assert!(asks, "{}: {}", entry.code, entry.remedy);
    }
}

#[test]
fn service_principals_are_made_for_known_ids_only() {
    let makes = |text: &str| text.contains("New-Mg") || text.contains("service principal");
    for entry in all().iter().filter(|entry| makes(&entry.remedy)) {
        let checks = entry.remedy.contains("you know") || entry.remedy.contains("check that");
        assert!(checks, "{}: {}", entry.code, entry.remedy);
        assert!(!entry.remedy.contains("from the row"), "{}", entry.code);
    }
}

#[test]
fn the_last_resort_is_called_so() {
    assert!(remedy(50_105).contains("last resort"), "{}", remedy(50_105));
    assert!(remedy(530_035).contains("never the cure"));
    assert!(remedy(530_036).contains("in the browser"));
    assert!(remedy(53_003).contains("legacy client: never exclude"));
}

#[test]
fn multifactor_authentication_is_done_at_home_and_devices_are_trusted_by_the_customer() {
    for code in [50_072, 50_074, 50_076, 50_079] {
        assert!(remedy(code).contains("your partner tenant") || code == 50_076, "{code}");
        assert!(remedy(code).contains("Microsoft MFA"), "{code}");
        assert!(!remedy(code).to_lowercase().contains("trust mfa"), "{code}");
        assert!(!remedy(code).contains("inbound"), "{code}");
    }
    for code in [53_000, 53_001, 530_002, 530_003, 530_004] {
        assert!(remedy(code).contains("inbound"), "{code}");
        assert!(remedy(code).contains("customer (resource) tenant"), "{code}");
    }
}

#[test]
fn a_session_policy_keeps_its_grant_part() {
    for code in [50_078, 50_178, 70_043, 70_044, 70_046] {
        assert!(remedy(code).contains("keeps its grant part"), "{code}");
    }
}
