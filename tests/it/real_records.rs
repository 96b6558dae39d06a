//! Real records of the shapes, where they are at hand; they are not part of the repository.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tenantsweep::dialect::{Dialect, TableOptions};
use tenantsweep::input::authentication_details::AuthenticationDetails;
use tenantsweep::input::container::SpoolRoom;
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, discover};
use tenantsweep::input::evidence::BlindSpot;
use tenantsweep::input::frame::RECORD_LIMIT;
use tenantsweep::input::lists::{ListKind, read_customers};
use tenantsweep::input::peek::Peek;
use tenantsweep::input::read::{FoundSignIn, NotRead, ReadExport, ReadOptions};
use tenantsweep::input::source::{Share, SourceOptions, read_source};
use tenantsweep::policy::{Conditions, PolicyResult};
use tenantsweep::relation::PartnerMatch;
use tenantsweep::sign_in::{RowEvidence, SignInType};
use tenantsweep::stop::Stop;
use tenantsweep::tenant::{Partner, PartnerList, TenantId};

/// The tenant whose diagnostic settings wrote the blobs.
const OWN: &str = "4d3bac44-0230-4732-9e70-cc00736f0a97";
/// The home tenant of the one guest in them.
const GUEST_HOME: &str = "884bad30-6a27-4411-b3ed-a2018c9de67e";

/// The folder of the samples; `None`, with a word about it, where it is not there.
fn samples() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    let folder = std::env::var_os("TENANTSWEEP_SAMPLES").map_or(beside, PathBuf::from);
    if folder.join("INDEX.md").is_file() {
        return Some(folder);
    }
    eprintln!("skipped: no real records at {}", folder.display());
    None
}

fn partner_list(tenants: &[&str]) -> PartnerList {
    let mut partners = PartnerList::default();
    for tenant in tenants {
        let tenant_id = TenantId::parse(tenant).expect("a GUID");
        partners.add(Partner { tenant_id, name: None, domains: Vec::new() });
    }
    partners
}

/// Reads a file with these partners; the bytes must tile, and peek must make no difference.
fn read(path: &Path, partners: &[&str]) -> Result<(ReadExport, Vec<FoundSignIn>), NotRead> {
    let partners = partner_list(partners);
    let peek = Peek::of(&partners);
    let found = discover(&[path.to_owned()], &DiscoverOptions::default()).expect("found");
    let read_with = |use_peek| {
        let reading = ReadOptions {
            partners: &partners,
            tables: &TableOptions::default(),
            authentication: &AuthenticationDetails::default(),
            peek: &peek,
            use_peek,
            with_sha256: true,
            record_limit: RECORD_LIMIT,
            keep_rejected_bytes: true,
            keep_not_applied: true,
            pool: None,
        };
        let options = SourceOptions {
            reading,
            template: None,
            passwords: &Passwords::default(),
            room: SpoolRoom::MemoryOnly,
            stop: &Stop::default(),
        };
        let taken = Mutex::new(Vec::new());
        let take = |_, more| {
            taken.lock().expect("no panic").extend::<Vec<FoundSignIn>>(more);
            Ok(())
        };
        let mut source = read_source(&found.sources[0], Share::WHOLE, &options, &take, &|_| ());
        let export = *source.members.remove(0).result?;
        let tally = export.tally;
        let tiled = tally.record_bytes + tally.separator_bytes + tally.damage_bytes;
        assert_eq!(tiled, export.decoded_bytes, "{}", path.display());
        assert_eq!(export.fingerprint.length, std::fs::metadata(path).expect("a file").len());
        Ok((export, taken.into_inner().expect("no panic")))
    };
    let (peeking, parsing) = (read_with(true)?, read_with(false)?);
    let rows = |found: &[FoundSignIn]| -> Vec<_> {
        found.iter().map(|found| (found.offset, found.sign_in.clone())).collect()
    };
    assert_eq!(rows(&peeking.1), rows(&parsing.1), "{}", path.display());
    assert_eq!(peeking.0.tally, parsing.0.tally, "{}", path.display());
    Ok(peeking)
}

#[track_caller]
fn read_log(path: &Path, partners: &[&str]) -> (ReadExport, Vec<FoundSignIn>) {
    read(path, partners).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()))
}

#[test]
fn every_blob_is_read_whole() {
    let Some(samples) = samples() else { return };
    for (name, records, sign_in_type) in [
        ("diagnostic_blob_noninteractive_crlf.jsonl", 14, SignInType::NonInteractiveUser),
        ("diagnostic_blob_signinlogs.jsonl", 5, SignInType::InteractiveUser),
        ("diagnostic_blob_serviceprincipal.jsonl", 25, SignInType::ServicePrincipal),
        ("diagnostic_blob_managedidentity_unterminated.jsonl", 24, SignInType::ManagedIdentity),
    ] {
        let (export, found) = read_log(&samples.join(name), &[]);
        assert_eq!(export.dialect, Dialect::Diagnostic, "{name}");
        assert_eq!(export.tally.records, records, "{name}");
        assert_eq!(export.tally.other, records, "{name}");
        assert_eq!((export.tally.rejected, found.len()), (0, 0), "{name}: {:?}", export.rejects);
        // CRLF behind every record, but for the last one of the unterminated blob.
        let line_ends = 2 * (records - u64::from(name.contains("unterminated")));
        assert_eq!(export.tally.separator_bytes, line_ends, "{name}");
        assert_eq!(export.evidence.exporting_tenant(None), TenantId::parse(OWN), "{name}");
        let types: Vec<SignInType> =
            export.evidence.coverage.keys().map(|key| key.sign_in_type).collect();
        assert!(types.iter().all(|&found| found == sign_in_type), "{name}: {types:?}");
        // Workloads have no home tenant there: nothing to judge them by, and nothing to miss.
        let is_user = sign_in_type.is_user();
        assert_eq!(export.tally.undecided, if is_user { 0 } else { records }, "{name}");
        let interactive = sign_in_type == SignInType::InteractiveUser;
        let blind_spots: &[BlindSpot] = match (is_user, interactive) {
            (false, _) => &[BlindSpot::NoUserSignIns],
            (true, true) => &[BlindSpot::InteractiveOnly],
            (true, false) => &[],
        };
        assert_eq!(export.blind_spots, blind_spots, "{name}");
    }
}

#[test]
fn the_guest_is_found_by_its_home_tenant() {
    let Some(samples) = samples() else { return };
    let path = samples.join("diagnostic_blob_noninteractive_crlf.jsonl");
    let (export, found) = read_log(&path, &[GUEST_HOME]);
    assert_eq!((export.tally.partner, export.tally.other), (1, 13));
    let guest = &found[0];
    assert_eq!(guest.provider.matched_by, PartnerMatch::Listed);
    assert_eq!(guest.sign_in.home_tenant, TenantId::parse(GUEST_HOME));
    assert_eq!(guest.sign_in.resource_tenant, TenantId::parse(OWN));
    let access = guest.sign_in.cross_tenant_access.as_ref().map(|access| access.to_text());
    assert_eq!(access.as_deref(), Some("b2bCollaboration"));
    let path = samples.join("diagnostic_blob_noninteractive_crlf.jsonl");
    assert_eq!(read_log(&path, &[GUEST_HOME, OWN]).0.tally.partner, 14);
}

#[test]
fn policies_keep_their_shape_and_masks_are_decoded() {
    let Some(samples) = samples() else { return };
    let mut policies = 0;
    for name in ["diagnostic_blob_noninteractive_crlf.jsonl", "diagnostic_blob_signinlogs.jsonl"] {
        let (_, found) = read_log(&samples.join(name), &[OWN, GUEST_HOME]);
        for policy in found.iter().flat_map(|found| &found.sign_in.applied_policies) {
            policies += 1;
            assert!(TenantId::parse(&policy.id).is_some(), "{name}: a GUID: {}", policy.id);
            let [matched, unmatched] = [&policy.matched, &policy.unmatched]
                .map(|set| set.as_ref().map(Conditions::names).expect("a mask in each policy"));
            match policy.result {
                PolicyResult::NotEnabled => {
                    assert_eq!(policy.name, "Require MFA");
                    assert!(matched.is_empty() && unmatched.is_empty());
                    assert!(policy.demanded_controls().is_empty());
                }
                PolicyResult::ReportOnlyNotApplied => {
                    assert!(policy.name.starts_with("Microsoft-managed: Multifactor"));
                    assert_eq!(
                        (matched, unmatched),
                        (vec!["application".to_owned()], vec!["users".to_owned()])
                    );
                    assert_eq!(policy.demanded_controls(), ["Mfa"]);
                    assert_eq!(policy.enforced_session_controls, ["SignInFrequency"]);
                }
                ref other => panic!("{name}: {other:?}"),
            }
            assert!(policy.matched_rules.is_empty() && policy.authentication_strength.is_none());
        }
        let shown = found.iter().map(|found| found.sign_in.row_evidence);
        assert!(shown.max() == Some(RowEvidence::Conditions), "{name}");
    }
    // Three of the nineteen records list none.
    assert_eq!(policies, 2 * (14 + 5 - 3));
}

#[test]
fn the_envelopes_of_rule_tests_are_read() {
    let Some(samples) = samples() else { return };
    let path = samples.join("diagnostic_rule_tests.ndjson");
    let (export, found) = read_log(&path, &["4328f0a8-06da-4457-b0d0-2c8e115e52cc"]);
    assert_eq!(export.dialect, Dialect::Diagnostic);
    assert_eq!((export.tally.records, export.tally.rejected), (14, 0), "{:?}", export.rejects);
    // Home is not resource although the type says none; and the same record twice.
    assert_eq!(export.tally.partner, 2);
    let sign_in = &found[0].sign_in;
    assert_eq!(found[1].sign_in.sign_in_id, sign_in.sign_in_id);
    assert_eq!(sign_in.created_at.to_rfc3339(), "2023-07-21T05:03:52.160562+00:00");
    assert_eq!(sign_in.resource_tenant, TenantId::parse("fc66a38e-bcba-4fe9-b2de-c67918514cc5"));
    let access = sign_in.cross_tenant_access.as_ref().map(|access| access.to_text());
    assert_eq!(access.as_deref(), Some("none"));
    assert_eq!(sign_in.outcome.code().map(|code| code.0), Some(0));
}

#[test]
fn of_duplicate_keys_the_last_wins() {
    let Some(samples) = samples() else { return };
    let path = samples.join("graph_beta_page_duplicate_keys.json");
    let first = "4f7a7bc2-28e2-46a3-b90e-5ade5bc90138";
    let last = "99081087-73c4-48d1-a112-f60ff75114f7";
    let (export, found) = read_log(&path, &[first]);
    assert_eq!((export.tally.records, export.tally.other, found.len()), (1, 1, 0));
    let (export, found) = read_log(&path, &[last]);
    assert_eq!(export.dialect, Dialect::Graph);
    assert_eq!(export.tally.partner, 1);
    assert_eq!(found[0].sign_in.home_tenant, TenantId::parse(last));
    assert_eq!(found[0].sign_in.outcome.code().map(|code| code.0), Some(50126));
    assert_eq!(found[0].sign_in.network_location.as_deref(), Some("namedNetwork: North America"));
    assert!(export.blind_spots.contains(&BlindSpot::FurtherPages));
    assert!(export.blind_spots.contains(&BlindSpot::InteractiveOnly));
}

#[test]
fn a_record_of_nulls_has_no_time_that_could_be() {
    let Some(samples) = samples() else { return };
    let (export, _) = read_log(&samples.join("graph_beta_all_keys_null.json"), &[OWN]);
    assert_eq!(export.dialect, Dialect::Graph);
    let tally = export.tally;
    assert_eq!((tally.records, tally.other, tally.undecided, tally.rejected), (1, 0, 0, 1));
}

#[test]
fn the_headers_of_four_generations_are_known() {
    let Some(samples) = samples() else { return };
    for (name, is_application_log) in [
        ("portal_csv_header_gen2023_script.csv", false),
        ("portal_csv_header_gen2024-10.csv", false),
        ("portal_csv_header_gen2025.csv", false),
        ("portal_csv_header_ApplicationSignIns.csv", true),
    ] {
        let header = std::fs::read_to_string(samples.join(name)).expect("a header");
        let row = made_up_row(header.trim_end());
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("export.csv");
        std::fs::write(&path, format!("\u{FEFF}{}\r\n{row}\r\n", header.trim_end())).expect("row");
        let (export, found) = read_log(&path, &[GUEST_HOME]);
        assert_eq!(export.dialect, Dialect::PortalCsv, "{name}");
        let tally = export.tally;
        assert_eq!((tally.records, tally.partner, tally.rejected), (1, 1, 0), "{name}");
        let sign_in = &found[0].sign_in;
        assert_eq!(sign_in.sign_in_id.as_deref(), Some("request id"), "{name}");
        assert_eq!(sign_in.created_at.to_rfc3339(), "2026-11-21T09:40:00+00:00", "{name}");
        assert_eq!(sign_in.home_tenant, TenantId::parse(GUEST_HOME), "{name}");
        assert_eq!(sign_in.resource_tenant, TenantId::parse(OWN), "{name}");
        assert_eq!(sign_in.outcome.code().map(|code| code.0), Some(53003), "{name}");
        let texts = [
            (&sign_in.app_name, "Application"),
            (&sign_in.app_id, "Application ID"),
            (&sign_in.resource_name, "Resource"),
            (&sign_in.resource_id, "Resource ID"),
            (&sign_in.ip_address, "IP address"),
            (&sign_in.city, "Oslo"),
            (&sign_in.country, "NO"),
            (&sign_in.failure_reason, "Failure reason"),
            (&sign_in.correlation_id, "Correlation ID"),
        ];
        for (found, expected) in texts {
            assert_eq!(found.as_deref(), Some(expected), "{name}");
        }
        let status = sign_in.conditional_access_status.as_ref().map(|status| status.as_str());
        assert_eq!(status, Some("failure"), "{name}");
        if is_application_log {
            assert_eq!(sign_in.sign_in_type, SignInType::ServicePrincipal);
            assert_eq!(sign_in.account(), Some("Service principal name"));
            continue;
        }
        let texts = [
            (&sign_in.user_principal_name, "Username"),
            (&sign_in.user_display_name, "User"),
            (&sign_in.user_id, "User ID"),
            (&sign_in.incoming_token_type, "Incoming token type 1"),
            (&sign_in.trust_type, "Join Type"),
            (&sign_in.unique_token_id, "Unique token identifier"),
        ];
        for (found, expected) in texts {
            assert_eq!(found.as_deref(), Some(expected), "{name}");
        }
        let access = sign_in.cross_tenant_access.as_ref();
        assert!(access.is_some_and(|access| access.is_service_provider()), "{name}");
        assert_eq!(sign_in.asn, Some(64496), "{name}");
    }
}

/// A row whose cells are the names of their columns, but where something must be readable.
fn made_up_row(header: &str) -> String {
    let mut token_types = 0;
    let cells = header.split(',').map(|name| match name.trim_matches('"').trim() {
        "Date (UTC)" => "2026-11-21T09:40:00Z".to_owned(),
        "Home tenant ID" => GUEST_HOME.to_owned(),
        "Resource tenant ID" => OWN.to_owned(),
        "Cross tenant access type" => "Service provider".to_owned(),
        "Location" => "\"Oslo, Oslo, NO\"".to_owned(),
        "Status" | "Conditional Access" => "Failure".to_owned(),
        "Sign-in error code" => "53003".to_owned(),
        "Autonomous system  number" => "64496".to_owned(),
        "Incoming token type" => {
            token_types += 1;
            format!("Incoming token type {token_types}")
        }
        name => name.to_owned(),
    });
    cells.collect::<Vec<_>>().join(",")
}

#[test]
fn lists_of_customers_are_found_and_read() {
    let Some(samples) = samples() else { return };
    let contoso = "52eaad04-13a2-4a2f-9ce8-93a294fadf36";
    let subsidiary = "4b827261-d21f-4aa9-b7db-7fa1f56fb163";
    let cases: [(&str, [(&str, &str); 2]); 2] = [
        (
            "partner_gdap_delegatedAdminCustomers_graphdocs.json",
            [
                ("1c0fa218-5dec-49db-8247-cfa457af8116", "Contoso subsidiary Inc"),
                ("4fdbff88-9d6b-42e0-9713-45c922ba8001", "Contoso Inc"),
            ],
        ),
        (
            // One customer has two relationships; the name that came first stays.
            "partner_gdap_delegatedAdminRelationships_graphdocs.json",
            [(subsidiary, "Contoso subsidiary Inc"), (contoso, "Contoso Inc")],
        ),
    ];
    for (name, expected) in cases {
        let found = discover(&[samples.join(name)], &DiscoverOptions::default()).expect("found");
        assert!(found.sources.is_empty(), "{name}");
        assert_eq!(found.lists[0].kind, ListKind::Customers, "{name}");
        let customers = read_customers(&found.lists[0].path).expect(name);
        let expected: Vec<_> = expected
            .iter()
            .map(|(id, name)| (TenantId::parse(id).expect("id"), Some(*name)))
            .collect();
        assert_eq!(customers.iter().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn policy_definitions_are_named_as_no_sign_in_log() {
    let Some(samples) = samples() else { return };
    for name in [
        "capolicies_graph_caoptics_multipleGuestTypes.json",
        "capolicies_powershell_scubagear.json",
    ] {
        match read(&samples.join(name), &[OWN]) {
            Err(NotRead::NoLog(no_log)) => {
                assert_eq!(no_log.what, "definitions of Conditional Access policies", "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
