//! `tests/corpus/<kind>/<case>/`: one input each, and beside it what is right.
//!
//! `sign_ins.jsonl` holds the partner sign-ins, `rejects.csv` what could not be read,
//! `export.json` the ledger and the evidence; a file that is no log has `no_log.txt` instead.
//! Members that are null, false or empty are left out. `UPDATE_EXPECT=1` writes what the program
//! says: read it before you believe it. An archive's members each have a part of these files, below
//! a line with the member's name; `passwords.txt` opens an encrypted one.

// Support code outside of a test function: it may fail loudly all the same.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Serialize;
use tenantsweep::attribution::attribute;
use tenantsweep::dialect::TableOptions;
use tenantsweep::input::container::SpoolRoom;
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, FoundList, Source, discover};
use tenantsweep::input::frame::RECORD_LIMIT;
use tenantsweep::input::hint::hint_of;
use tenantsweep::input::lists::{ListKind, read_partners};
use tenantsweep::input::peek::Peek;
use tenantsweep::input::read::{FoundSignIn, NotRead, ReadExport, ReadOptions};
use tenantsweep::input::source::{Member, Share, SourceOptions, read_source};
use tenantsweep::lists::Lists;
use tenantsweep::policy::{AppliedPolicy, Conditions};
use tenantsweep::relation::place;
use tenantsweep::stop::Stop;
use tenantsweep::tenant::{PartnerList, TenantId};

const EXPECTED: [&str; 4] = ["export.json", "no_log.txt", "rejects.csv", "sign_ins.jsonl"];
/// Of an encrypted archive.
const PASSWORDS: &str = "passwords.txt";

#[test]
fn every_case_reads_as_expected() {
    let partners = partner_list();
    let cases = cases();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let checked = catch_unwind(|| check(case, &partners));
            checked.unwrap_or_else(|_| Err(format!("{}: panicked\n", case.display()))).err()
        })
        .collect();
    assert!(wrong.is_empty(), "{} cases differ\n{}", wrong.len(), wrong.join("\n"));
}

/// All folders two levels below the corpus.
fn cases() -> Vec<PathBuf> {
    let folders = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("entry"));
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    folders(Path::new("tests/corpus")).iter().flat_map(|kind| folders(kind)).collect()
}

fn partner_list() -> PartnerList {
    let mut partners = PartnerList::default();
    for partner in read_partners(Path::new("tests/corpus/partners.csv")).expect("the partners") {
        partners.add(partner);
    }
    partners
}

/// Reads a case and compares it with its expected files, or writes them.
fn check(case: &Path, partners: &PartnerList) -> Result<(), String> {
    let found = discover(&[case.to_owned()], &DiscoverOptions::default()).expect("a case");
    let mut inputs = found.sources;
    let beside = EXPECTED.iter().chain([&PASSWORDS]);
    inputs.retain(|source| !beside.clone().any(|name| source.path.ends_with(name)));
    let mut lists = Lists { partners: partners.clone(), ..Lists::default() };
    let is_steps = |list: &FoundList| list.kind == ListKind::AuthenticationDetails;
    let (steps, others): (Vec<FoundList>, Vec<FoundList>) =
        found.lists.into_iter().partition(|list| is_steps(list) && !inputs.is_empty());
    for list in steps {
        lists.authentication.add(&list.path, &list.shown).expect("steps");
    }
    let says = match (inputs.as_slice(), others.as_slice()) {
        ([input], []) => read(input, case, &lists),
        ([], [list]) => [None, Some(format!("{}\n", list.kind)), None, None],
        _ => panic!("{}: a case has one input: {inputs:?}", case.display()),
    };
    let mut differences = String::new();
    for (name, says) in EXPECTED.iter().zip(&says) {
        let path = case.join(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            match says {
                Some(text) => fs::write(&path, text).expect("written"),
                None if path.exists() => fs::remove_file(&path).expect("removed"),
                None => {}
            }
        } else if fs::read_to_string(&path).ok() != *says {
            let wanted = fs::read_to_string(&path).unwrap_or_else(|_| "no such file\n".to_owned());
            let says = says.as_deref().unwrap_or("nothing\n");
            // A sign-in is one long line: a member a line shows what differs.
            let [wanted, says] = [&wanted, says].map(|text| text.replace(", \"", ",\n\""));
            let diff = similar::TextDiff::from_lines(&wanted, &says);
            differences +=
                &format!("{}\n{}", path.display(), diff.unified_diff().context_radius(0));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

/// What the program says, in the order of [`EXPECTED`]; peek must make no difference. Of an
/// archive, each member's part stands below a line with its name.
fn read(input: &Source, case: &Path, lists: &Lists) -> [Option<String>; 4] {
    let mut peeking = read_with(input, case, lists, true);
    let parsing = read_with(input, case, lists, false);
    assert_eq!(peeking.len(), parsing.len(), "{}: with and without peek", input.shown);
    let is_archive = peeking.iter().any(|read| !read.name.is_empty());
    let mut says: [Option<String>; 4] = Default::default();
    peeking.sort_by(|a, b| a.name.cmp(&b.name));
    for read in peeking {
        let parsed = parsing.iter().find(|parsed| parsed.name == read.name);
        let parsed = parsed.unwrap_or_else(|| panic!("{}: only with peek", read.name));
        let compared = |says: &Says| (says.says[1].clone(), says.says[3].clone());
        assert_eq!(compared(&read), compared(parsed), "{}: with and without peek", input.shown);
        for (all, says) in says.iter_mut().zip(read.says) {
            let Some(text) = says else { continue };
            let all = all.get_or_insert_default();
            if is_archive {
                *all += &format!("# {}\n", read.name);
            }
            *all += &text;
        }
    }
    says
}

/// What the program says of a file or member.
struct Says {
    /// Behind the path of the input: nothing, or `!/member`.
    name: String,
    says: [Option<String>; 4],
}

fn read_with(input: &Source, case: &Path, lists: &Lists, use_peek: bool) -> Vec<Says> {
    let partners = &lists.partners;
    let peek = Peek::of(partners);
    let passwords = case.join(PASSWORDS);
    let passwords =
        if passwords.exists() { Passwords::read(&passwords) } else { Ok(Passwords::default()) };
    let options = SourceOptions {
        reading: ReadOptions {
            partners,
            tables: &TableOptions::default(),
            authentication: &lists.authentication,
            peek: &peek,
            use_peek,
            with_sha256: false,
            record_limit: RECORD_LIMIT,
            keep_rejected_bytes: false,
            keep_not_applied: true,
            pool: None,
        },
        template: None,
        passwords: &passwords.expect("passwords"),
        room: SpoolRoom::MemoryOnly,
        stop: &Stop::default(),
    };
    let found: Mutex<BTreeMap<usize, Vec<FoundSignIn>>> = Mutex::default();
    let take = |member, more| {
        let mut found = found.lock().expect("no panic");
        found.entry(member).or_default().extend::<Vec<FoundSignIn>>(more);
        Ok(())
    };
    let read = read_source(input, Share::WHOLE, &options, &take, &|_| ());
    let found = found.into_inner().expect("no panic");
    let members = read.members.into_iter().enumerate();
    let says = |(at, member): (usize, Member)| Says {
        name: member.shown.strip_prefix(&input.shown).expect("a path of the input").to_owned(),
        says: said(&member, found.get(&at).map_or(&[][..], Vec::as_slice)),
    };
    members.map(says).collect()
}

fn said(member: &Member, found: &[FoundSignIn]) -> [Option<String>; 4] {
    let export = match &member.result {
        Ok(export) => export,
        Err(NotRead::NoLog(no_log)) => {
            return [None, Some(format!("{}\n{}\n", no_log.what, no_log.hint)), None, None];
        }
        Err(NotRead::Refused(refused)) => {
            let said = format!("refused: {}\n{}\n", refused.what, refused.hint);
            return [None, Some(said), None, None];
        }
        Err(NotRead::Failed(error) | NotRead::Taker(error)) => {
            let hint = hint_of(error).map(|hint| format!("{hint}\n")).unwrap_or_default();
            return [None, Some(format!("failed: {error}\n{hint}")), None, None];
        }
    };
    let tally = export.tally;
    let tiled = tally.record_bytes + tally.separator_bytes + tally.damage_bytes;
    assert_eq!(tiled, export.decoded_bytes, "{}: bytes must tile", member.shown);
    assert_eq!(tally.records, tally.partner + tally.other + tally.rejected, "{}", member.shown);
    assert_eq!(tally.partner, found.len() as u64, "{}", member.shown);
    assert_eq!(tally.rejected, export.rejects.len() as u64, "{}", member.shown);
    let exporting = export.evidence.exporting_tenant(member.path_tenant);
    let sign_ins = found.iter().map(|found| sign_in_line(found, exporting) + "\n").collect();
    let mut rejects = "offset,length,reason\n".to_owned();
    for reject in &export.rejects {
        rejects += &format!("{},{},{}\n", reject.offset, reject.length, reject.reason);
    }
    [Some(export_json(member, export)), None, Some(rejects), Some(sign_ins)]
}

fn sign_in_line(found: &FoundSignIn, exporting: Option<TenantId>) -> String {
    let sign_in = &found.sign_in;
    let exporting = sign_in.exporting_tenant.or(exporting);
    let place = place(sign_in.home_tenant, sign_in.resource_tenant, exporting);
    let attribution = attribute(sign_in);
    let access = sign_in.cross_tenant_access.as_ref();
    let policies: Vec<String> = sign_in.applied_policies.iter().map(policy_object).collect();
    object(&[
        ("sign_in_id", text(&sign_in.sign_in_id)),
        ("created_at", text(sign_in.created_at.to_rfc3339())),
        ("published_at", text(sign_in.published_at.map(|at| at.to_rfc3339()))),
        ("sign_in_type", text(sign_in.sign_in_type.as_str())),
        ("side", text(place.side.as_str())),
        ("match", text(found.provider.matched_by.as_str())),
        ("provider", guid(found.provider.tenant)),
        ("child", guid(place.child_tenant)),
        ("home", guid(sign_in.home_tenant)),
        ("resource", guid(sign_in.resource_tenant)),
        ("exporting", guid(exporting)),
        ("app_owner", guid(sign_in.app_owner_tenant)),
        ("cross_tenant_access", text(access.map(|access| access.to_text()))),
        ("account", text(sign_in.account())),
        ("user_type", text(&sign_in.user_type)),
        ("app_name", text(&sign_in.app_name)),
        ("resource_name", text(&sign_in.resource_name)),
        ("ip_address", text(&sign_in.ip_address)),
        ("country", text(&sign_in.country)),
        ("city", text(&sign_in.city)),
        ("user_agent", text(&sign_in.user_agent)),
        ("is_compliant", text(sign_in.is_compliant)),
        ("trust_type", text(&sign_in.trust_type)),
        ("authentication_requirement", text(&sign_in.authentication_requirement)),
        ("authentication_methods", text(&sign_in.authentication_methods)),
        ("session_lifetime_policies", text(&sign_in.session_lifetime_policies)),
        ("incoming_token_type", text(&sign_in.incoming_token_type)),
        ("network_location", text(&sign_in.network_location)),
        ("error_code", text(sign_in.outcome.code().map(|code| code.0))),
        ("status", text(sign_in.outcome.word().map(|word| format!("{word:?}")))),
        ("failure_reason", text(&sign_in.failure_reason)),
        ("additional_details", text(&sign_in.additional_details)),
        (
            "conditional_access_status",
            text(sign_in.conditional_access_status.as_ref().map(|status| status.as_str())),
        ),
        ("row_evidence", text(sign_in.row_evidence.as_str())),
        ("verdict", text(attribution.verdict.as_str())),
        ("disputed", text(attribution.disputed)),
        ("recovered", text(found.recovered)),
        ("repaired", text(found.repaired)),
        ("policies", format!("[{}]", policies.join(", "))),
    ])
}

fn policy_object(policy: &AppliedPolicy) -> String {
    // An empty set says something else than a field that is not there.
    let names = |conditions: &Option<Conditions>| {
        text(conditions.as_ref().map(|conditions| match conditions.names().join(",") {
            names if names.is_empty() => "none".to_owned(),
            names => names,
        }))
    };
    object(&[
        ("name", text(&policy.name)),
        ("id", text(&policy.id)),
        ("result", text(policy.result.as_str())),
        ("matched", names(&policy.matched)),
        ("unmatched", names(&policy.unmatched)),
        ("rules", text(&policy.matched_rules)),
        ("demanded", text(policy.demanded_controls())),
        ("session", text(&policy.enforced_session_controls)),
        ("strength", text(&policy.authentication_strength)),
    ])
}

fn export_json(member: &Member, export: &ReadExport) -> String {
    let tally = export.tally;
    let blind_spots: Vec<&str> = export.blind_spots.iter().map(|spot| spot.as_str()).collect();
    let members = object(&[
        ("dialect", text(export.dialect.as_str())),
        ("encoding", text(export.encoding.as_str())),
        ("compression", text(export.compression.as_str())),
        ("records", text(tally.records)),
        ("partner", text(tally.partner)),
        ("other", text(tally.other)),
        ("undecided", text(tally.undecided)),
        ("rejected", text(tally.rejected)),
        ("unfinished", text(tally.unfinished)),
        ("record_bytes", text(tally.record_bytes)),
        ("separator_bytes", text(tally.separator_bytes)),
        ("damage_bytes", text(tally.damage_bytes)),
        ("exporting_tenant", guid(export.evidence.exporting_tenant(member.path_tenant))),
        ("evidence_basis", text(export.evidence.basis())),
        ("blind_spots", text(blind_spots)),
    ]);
    members.replace(", \"", ",\n \"") + "\n"
}

/// A JSON object in the order given; each value is JSON.
fn object(members: &[(&str, String)]) -> String {
    const EMPTY: [&str; 4] = ["null", "false", "\"\"", "[]"];
    let members: Vec<String> = members
        .iter()
        .filter(|(_, value)| !EMPTY.contains(&value.as_str()))
        .map(|(key, value)| format!("\"{key}\": {value}"))
        .collect();
    format!("{{{}}}", members.join(", "))
}

fn text(value: impl Serialize) -> String {
    serde_json::to_string(&value).expect("JSON")
}

fn guid(tenant: Option<TenantId>) -> String {
    text(tenant.map(|tenant| tenant.to_string()))
}
