//! `--redact`: nothing of anybody is left in any format, and the same is the same everywhere.

use std::collections::BTreeSet;
use std::fs;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use serde_json::{Value, json};
use tenantsweep::dataset::Table;
use tenantsweep::redact::CAVEAT;

use crate::cli::{Desk, stderr, stdout};
use crate::estate::{Estate, EstateOptions};
use crate::parquet_reader::read_batches;

const FORMATS: [&str; 5] = ["text", "markdown", "json", "html", "tickets"];

/// Columns that hold words of this program or of Graph's enumerations, the same in every tenant.
const PUBLIC_COLUMNS: [&str; 42] = [
    "authentication_methods",
    "authentication_protocol",
    "authentication_requirement",
    "blind_spots",
    "blocks",
    "category",
    "cause",
    "cause_basis",
    "compression",
    "conditional_access_status",
    "confidence",
    "country",
    "cross_tenant_access",
    "demanded_controls",
    "dialect",
    "encoding",
    "evidence_basis",
    "incoming_token_type",
    "kind",
    "kind_from",
    "kind_noninteractive",
    "matched_conditions",
    "name_from",
    "network_location",
    "original_transfer_method",
    "partner_match",
    "policy_result",
    "reason",
    "remedy",
    "risk_level",
    "risk_state",
    "row_evidence",
    "run_id",
    "session_controls",
    "session_lifetime_policies",
    "side",
    "sign_in_type",
    "trust_type",
    "unmatched_conditions",
    "user_type",
    "verdict",
    "who_fixes",
];

/// Values that stay or are no secret: public apps and words, and what is too short or too common
/// to be anybody's.
const PUBLIC_VALUES: [&str; 27] = [
    "android",
    "azure portal",
    "azure resource manager",
    "browser",
    "cipp-sam",
    "exchange online",
    "file",
    "folder",
    "ios",
    "liongard",
    "linux",
    "macos",
    "microsoft graph",
    "microsoft graph command line tools",
    "microsoft office 365 portal",
    "mobile apps and desktop clients",
    "office 365 exchange online",
    "office 365 sharepoint online",
    "other clients",
    "providers",
    "rewst",
    "security defaults",
    "securitydefaults",
    "syncro",
    "windows",
    "windows azure active directory",
    "windows azure service management api",
];

const SHORTEST: usize = 4;

/// Everything that the dataset holds of anybody, in lower case: whole values, the two sides of an
/// address of mail, and the names on a path.
fn originals(out: &std::path::Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::ErrorCodes) {
        for batch in read_batches(out, table) {
            let schema = batch.schema();
            let columns = schema.fields().iter().zip(batch.columns());
            let texts = columns.filter(|(field, _)| {
                let is_public = PUBLIC_COLUMNS.contains(&field.name().as_str());
                *field.data_type() == DataType::Utf8 && !is_public
            });
            for (_, column) in texts {
                let column = column.as_string::<i32>();
                found.extend(column.iter().flatten().flat_map(parts_of));
            }
        }
    }
    found.retain(|text| {
        let is_figure = text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_punctuation());
        text.chars().count() >= SHORTEST
            && (!is_figure || text.contains('.'))
            && !PUBLIC_VALUES.contains(&text.as_str())
    });
    found
}

fn parts_of(text: &str) -> Vec<String> {
    let text = text.trim().to_lowercase();
    let mut parts = vec![text.clone()];
    if let Some((name, domain)) = text.split_once('@') {
        parts.extend([name.to_owned(), domain.to_owned()]);
    }
    if text.contains('/') && !text.contains(' ') {
        parts.extend(text.split('/').filter(|part| part.len() >= 8).map(str::to_owned));
    }
    parts
}

/// What each format says, in lower case, entities of HTML and escapes taken back.
fn told(desk: &Desk, more: &[&str]) -> Vec<(&'static str, String)> {
    FORMATS
        .into_iter()
        .map(|format| {
            let words = ["report", "sweep-out", "--redact", "--format", format];
            let words: Vec<&str> = words.into_iter().chain(more.iter().copied()).collect();
            let output = desk.run(&words);
            assert!(matches!(output.status.code(), Some(0 | 5)), "{}", stderr(&output));
            let text = stdout(&output);
            let plain = text.replace("&amp;", "&").replace("&#39;", "'").replace('\\', "");
            (format, plain.to_lowercase())
        })
        .collect()
}

fn assert_nothing_left(desk: &Desk, more: &[&str]) {
    let originals = originals(&desk.path("sweep-out"));
    assert!(originals.len() > 50, "{}", originals.len());
    let told = told(desk, more);
    let left: Vec<(&str, &String)> = told
        .iter()
        .flat_map(|(format, text)| originals.iter().map(move |original| (format, text, original)))
        .filter(|(_, text, original)| text.contains(original.as_str()))
        .map(|(&format, _, original)| (format, original))
        .collect();
    assert!(left.is_empty(), "{more:?}: {left:#?}");
}

#[test]
fn nothing_of_the_samples_is_left() {
    let desk = Desk::with_samples();
    let names =
        ["--case", "Case of Woodgrove", "--examiner", "Dana Whitfield", "--note", "by Dana"];
    let words: Vec<&str> = ["sweep", "sample-logs"].into_iter().chain(names).collect();
    assert_eq!(desk.run(&words).status.code(), Some(0));
    assert_nothing_left(&desk, &[]);
    assert_nothing_left(&desk, &["--tenant", "2e9d6f10-b84a-4c63-97d5-08f1a3c7be22"]);
    for (format, text) in told(&desk, &[]) {
        for name in ["woodgrove", "contoso", "fabrikam", "dana", "sweep-out", "sample-logs"] {
            assert!(!text.contains(name), "{format}: {name}");
        }
        assert!(text.contains("customer-"), "{format}");
    }
}

#[test]
fn nothing_of_generated_estates_is_left() {
    for seed in 1..=crate::times().clamp(1, 4) {
        let desk = Desk::empty();
        let options = EstateOptions {
            seed: u64::from(seed),
            records: 300,
            partner_share: 0.5,
            other_provider_share: 0.1,
            hostile_share: 0.3,
            damage: 0.02,
            with_partner_export: true,
            ..EstateOptions::default()
        };
        let estate = Estate::generate(&options);
        estate.write_to(&desk.path("in")).expect("written");
        let mut list = csv::Writer::from_path(desk.path("partners.csv")).expect("made");
        list.write_record(["tenant_id", "name", "domains"]).expect("written");
        for (number, partner) in estate.partners.iter().enumerate() {
            let name = format!("Provider Number {number}");
            list.write_record([&partner.id, &name, &partner.domains.join(";")]).expect("written");
        }
        list.flush().expect("written");
        let output = desk.run(&["sweep", "in", "--partners", "partners.csv", "-q"]);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", stderr(&output));
        assert_nothing_left(&desk, &[]);
    }
}

/// A word that stands in every text that a customer or an attacker can choose.
const MARK: &str = "Zanzibar";

fn hostile(number: u32, more: Value) -> Value {
    let mut record = json!({
        "id": format!("51c80401-3f01-4a6d-8000-{number:012}"),
        "correlationId": format!("{MARK}-{number}"),
        "createdDateTime": format!("2026-11-20T08:{number:02}:00Z"),
        "userId": "5b0f1a51-0000-4000-8000-000000000001",
        "userPrincipalName": format!("{MARK}@{MARK}.example"),
        "userDisplayName": format!("Dr {MARK}"),
        "appId": "aaaa4846-ba00-4fd7-ba43-dac1f8f63013",
        "appDisplayName": format!("Liongard for {MARK}"),
        "resourceDisplayName": format!("{MARK} Microsoft Graph"),
        "resourceId": format!("{MARK}-resource"),
        "homeTenantId": PARTNER,
        "resourceTenantId": CUSTOMER,
        "crossTenantAccessType": "serviceProvider",
        "signInEventTypes": ["interactiveUser"],
        "isInteractive": true,
        "ipAddress": "203.0.113.77",
        "userAgent": format!("{MARK}/1.0"),
        "clientAppUsed": format!("{MARK} client"),
        "location": {"countryOrRegion": format!("{MARK}land"), "city": MARK},
        "deviceDetail": {"deviceId": MARK, "displayName": MARK, "operatingSystem": format!("Windows {MARK}")},
        "riskLevelAggregated": MARK,
        "conditionalAccessStatus": "failure",
        "status": {
            "errorCode": 53003,
            "failureReason": format!("User {MARK}@{MARK}.example of tenant '{MARK}'"),
            "additionalDetails": format!("MFA requirement skipped due to {MARK}"),
        },
        "appliedConditionalAccessPolicies": [{
            "id": "c0000000-0000-4000-8000-000000000001",
            "displayName": format!("Microsoft-managed: {MARK}"),
            "enforcedGrantControls": ["Block", format!("{MARK}Control"), format!("{MARK}Again")],
            "enforcedSessionControls": [format!("SignInFrequency {MARK}"), MARK],
            "conditionsSatisfied": format!("application,users,{MARK}"),
            "conditionsNotSatisfied": "none",
            "authenticationStrength": {"displayName": MARK},
            "includeRulesSatisfied": [{"conditionalAccessCondition": MARK, "ruleSatisfied": MARK}],
            "result": "failure",
        }, {
            "id": "c0000000-0000-4000-8000-000000000002",
            "displayName": format!("CA001 {MARK}"),
            "enforcedGrantControls": ["RequireCompliantDevice"],
            "conditionsSatisfied": "application,users",
            "conditionsNotSatisfied": "none",
            "result": "failure",
        }],
    });
    let (Some(fields), Value::Object(more)) = (record.as_object_mut(), more) else {
        panic!("objects")
    };
    fields.extend(more);
    record
}

const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";
const CUSTOMER: &str = "2e9d6f10-b84a-4c63-97d5-08f1a3c7be22";

/// Blocked, failing for reasons of the log's own, at home, without access, and of nobody's
/// provider: every list of a report has an entry.
fn hostile_records() -> Vec<Value> {
    let reason = |code: i32| {
        json!({
            "conditionalAccessStatus": "notApplied",
            "appliedConditionalAccessPolicies": [],
            "status": {"errorCode": code, "failureReason": format!("{MARK} {code}")},
        })
    };
    let at = |tenant: &str, mut more: Value| {
        more["resourceTenantId"] = json!(tenant);
        more
    };
    let mut records = vec![hostile(1, json!({})), hostile(2, reason(99_999_999))];
    records.push(hostile(3, at("c0000001-0000-4000-8000-000000000001", reason(99_999_998))));
    records.push(hostile(4, at("c0000002-0000-4000-8000-000000000002", reason(65001))));
    let mut home = at(PARTNER, reason(0));
    home["crossTenantAccessType"] = json!("none");
    home["riskState"] = json!(format!("atRisk {MARK}"));
    home["authenticationRequirement"] = json!("singleFactorAuthentication");
    home["networkLocationDetails"] =
        json!([{"networkType": "trustedNamedLocation", "networkNames": [MARK]}]);
    records.push(hostile(5, home.clone()));
    home["authenticationRequirement"] = json!("multiFactorAuthentication");
    home["status"]["additionalDetails"] =
        json!(format!("MFA requirement satisfied by claim in the token of {MARK}"));
    records.push(hostile(6, home));
    let mut passing = at("c0000003-0000-4000-8000-000000000003", reason(0));
    passing["crossTenantAccessType"] = json!("passthrough");
    records.push(hostile(7, passing));
    let mut other = reason(0);
    other["homeTenantId"] = json!("51b27e90-0d4f-4a83-b6c1-9e25d7a3f018");
    records.push(hostile(8, other));
    records.push(hostile(9, reason(0)));
    records.push(hostile(10, json!({})));
    records
}

#[test]
fn nothing_that_somebody_chose_is_left() {
    let desk = Desk::empty();
    let folder = format!("exports/{MARK}/2026");
    fs::create_dir_all(desk.path(&folder)).expect("a folder");
    let page = json!({ "value": hostile_records() });
    fs::write(desk.path(&format!("{folder}/{MARK}.json")), page.to_string()).expect("written");
    fs::write(desk.path("tools.csv"), format!("app_id,app_name,tool\n,{MARK},{MARK} watch\n"))
        .expect("written");
    fs::write(
        desk.path("customers.csv"),
        format!(
            "tenant_id,name\n{CUSTOMER},{MARK} Ltd\nc0000009-0000-4000-8000-000000000009,{MARK} 9\n"
        ),
    )
    .expect("written");
    let partner = format!("{PARTNER}={MARK} IT");
    let output = desk.run(&[
        "sweep",
        "exports",
        "--partner",
        &partner,
        "--tenants",
        "customers.csv",
        "--tools",
        "tools.csv",
        "--case",
        MARK,
        "--examiner",
        MARK,
        "--note",
        MARK,
        "--integration-user",
        &format!("{MARK}@{MARK}.example"),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_nothing_left(&desk, &[]);
    let mark = MARK.to_lowercase();
    for (format, text) in told(&desk, &[]) {
        let place = text.find(&mark).map(|at| {
            let before = text[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
            &text[before..at]
        });
        assert_eq!(place, None, "{format}");
        for id in
            [CUSTOMER, PARTNER, &CUSTOMER[..8], &PARTNER[..8], "203.0.113.77", "c0000000-0000"]
        {
            assert!(!text.contains(id), "{format}: {id}");
        }
    }
    // The very same without the flag names it everywhere, so the test looks at the right places.
    for format in FORMATS {
        let plain = stdout(&desk.run(&["report", "sweep-out", "--format", format]));
        assert!(plain.contains(MARK), "{format}");
        assert!(!plain.contains("Redacted"), "{format}");
    }
}

#[test]
fn every_format_says_so_and_figures_stay() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs"]);
    for (format, text) in told(&desk, &[]) {
        let beginning = CAVEAT.to_lowercase();
        let beginning = beginning.get(..40).expect("a sentence");
        match format {
            "json" => assert!(text.contains("\"redacted\": true"), "{text}"),
            _ => assert!(text.contains(beginning), "{format}: {text}"),
        }
    }
    let json = |words: &[&str]| -> Value {
        let words: Vec<&str> =
            ["report", "--format", "json"].into_iter().chain(words.iter().copied()).collect();
        serde_json::from_str(&stdout(&desk.run(&words))).expect("JSON")
    };
    let (plain, hidden) = (json(&[]), json(&["--redact"]));
    for key in ["totals", "ledger", "causes"] {
        assert_eq!(plain[key], hidden[key], "{key}");
    }
    let states = |summary: &Value| {
        let tenants = summary["tenants"].as_array().expect("a list").iter();
        tenants.map(|tenant| tenant["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(states(&plain), states(&hidden));
    assert_eq!(plain.get("redacted"), None);
}

#[test]
fn the_key_makes_the_pseudonyms_and_is_nobody_elses() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs"]);
    let key = desk.path("sweep-out/redact.key");
    let first = told(&desk, &[]);
    assert_eq!(first, told(&desk, &[]));
    let text = fs::read_to_string(&key).expect("a key");
    assert_eq!(text.trim().len(), 64);
    assert!(first.iter().all(|(_, told)| !told.contains(text.trim())));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    }
    assert_ne!(first, told(&desk, &["--redact-key", "other.key"]));
    fs::copy(&key, desk.path("same.key")).expect("copied");
    assert_eq!(first, told(&desk, &["--redact-key", "same.key"]));
    // Neither the list of hashes nor a check of the folder speaks of it.
    desk.run(&["sweep", "sample-logs", "--rehash", "--case", "7"]);
    let sums = fs::read_to_string(desk.path("sweep-out/SHA256SUMS")).expect("a list");
    assert!(!sums.contains("redact.key") && sums.contains("report.html"), "{sums}");
    let verified = desk.run(&["verify", "sweep-out"]);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));
    for (words, told) in [
        (&["--redact", "--redact-key", "sweep-out/dataset/redact.key"][..], "in the dataset"),
        (&["--redact", "--redact-key", "sweep-out/../sweep-out/dataset/k"], "in the dataset"),
        (&["--redact", "--redact-key", "sweep-out/report.md"], "no key"),
        (&["--redact-key", "x.key"], "--redact"),
    ] {
        let words: Vec<&str> = ["report"].into_iter().chain(words.iter().copied()).collect();
        let output = desk.run(&words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(stderr(&output).contains(told), "{words:?}: {}", stderr(&output));
    }
}

#[test]
fn tickets_are_printed_from_the_dataset_with_their_standing() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs"]);
    desk.run(&["sweep", "sample-logs"]);
    let of = |words: &[&str]| {
        let words: Vec<&str> =
            ["report", "--format", "tickets"].into_iter().chain(words.iter().copied()).collect();
        stdout(&desk.run(&words))
    };
    let (plain, hidden) = (of(&[]), of(&["--redact"]));
    let names = fs::read_dir(desk.path("sweep-out/tickets")).expect("a folder");
    for name in names {
        let page = fs::read_to_string(name.expect("an entry").path()).expect("a page");
        assert!(plain.contains(&page), "{page}");
    }
    let standing = |text: &str| {
        text.lines().filter(|line| line.starts_with("- Status: ")).map(str::to_owned).collect()
    };
    let (plain, hidden): (Vec<String>, Vec<String>) = (standing(&plain), standing(&hidden));
    assert_eq!(plain, hidden);
    assert!(plain.iter().all(|line| line == "- Status: still") && plain.len() >= 3, "{plain:?}");
}
