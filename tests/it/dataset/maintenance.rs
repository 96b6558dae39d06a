//! Parts are joined, old rows and customers go; the account stays whole.

use tenantsweep::dataset::{
    Disk, Maintenance, PARTS_MAX, Removal, WriterOptions, seal, verify, wants_compaction,
};

use super::*;

fn keeper(out: &Path) -> Maintenance {
    Maintenance::begin(out, WriterOptions::new("keeper")).expect("begun")
}

/// Nothing is wrong with the dataset, the list of hashes included.
fn assert_verified(out: &Path) {
    seal(out, &Disk::default()).expect("sealed");
    let verified = verify(out).expect("a dataset");
    assert!(verified.findings.is_empty(), "{:#?}", verified.findings);
    check_promises(out);
}

fn hourly(hour: i64, window: i64) -> Export {
    let rows = ((hour - window).max(0)..hour).flat_map(|hour| {
        [0, 1].map(|n| sign_in(&format!("id-{hour}-{n}"), hour * 3600 + n * 60, None, 2))
    });
    export(&format!("hour-{hour}.json"), rows.collect())
}

fn parts(out: &Path, table: Table) -> usize {
    Dataset::open(out).expect("a dataset").parts(table).len()
}

#[test]
fn hourly_runs_with_overlapping_windows_are_one_run() {
    let hours = 80 * i64::from(crate::times()).min(9);
    let (place, single) = (folder(), folder());
    let out = place.path();
    let mut compactions = 0;
    for hour in 1..=hours {
        Run::default().sweep(out, &[hourly(hour, 3)]).expect("committed");
        if wants_compaction(out).expect("a manifest") {
            keeper(out).compact(PARTS_MAX).expect("joined");
            compactions += 1;
        }
        assert!(parts(out, Table::Coverage) <= PARTS_MAX);
    }
    assert!(compactions > 0);
    assert_verified(out);
    Run::default().sweep(single.path(), &[hourly(hours, hours)]).expect("committed");
    for table in [Table::SignIns, Table::AppliedPolicies, Table::Tenants, Table::Accounts] {
        assert_eq!(facts(out, table), facts(single.path(), table));
    }
}

#[test]
fn compacting_changes_no_row_and_leaves_one_part_a_month() {
    let place = folder();
    let out = place.path();
    for hour in 1..=12 {
        Run::default().sweep(out, &[hourly(hour, 2)]).expect("committed");
    }
    let tables = [Table::SignIns, Table::AppliedPolicies, Table::Coverage, Table::Rejects];
    let sorted = |table| {
        let mut rows = rows(out, table);
        rows.sort();
        rows
    };
    let before = tables.map(sorted);
    let compacted = keeper(out).compact(1).expect("joined");
    assert_eq!(tables.map(|table| parts(out, table)), [1; 4]);
    assert!(compacted.parts_before >= 48, "{compacted:?}");
    assert_eq!(tables.map(sorted), before);
    let times: Vec<String> =
        rows(out, Table::SignIns).iter().map(|row| row["created_at"].clone()).collect();
    assert!(times.is_sorted());
    assert_verified(out);
    let again = keeper(out).compact(1).expect("nothing to join");
    assert_eq!(again.parts_before, again.parts_after);
}

#[test]
fn rows_before_a_moment_go_and_the_account_says_so() {
    let place = folder();
    let out = place.path();
    Run::default().sweep(out, &[hourly(10, 10)]).expect("committed");
    let removal = keeper(out).keep_since(moment(4 * 3600)).expect("removed");
    assert_eq!(removal.sign_ins, 8);
    assert_eq!(rows(out, Table::SignIns).len(), 12);
    assert_eq!(rows(out, Table::AppliedPolicies).len(), 24);
    assert_eq!(rows(out, Table::Exports)[0]["removed"], "8");
    assert_verified(out);
    // They do not come back with the export that is known, and go again with a new one.
    Run::default().sweep(out, &[hourly(10, 10)]).expect("unchanged");
    assert_eq!(rows(out, Table::SignIns).len(), 12);
    Run::default().sweep(out, &[export("copy.json", hourly(10, 10).rows)]).expect("committed");
    assert_eq!(keeper(out).keep_since(moment(4 * 3600)).expect("removed").sign_ins, 8);
    assert_verified(out);
    let none = keeper(out).keep_since(moment(4 * 3600)).expect("nothing to remove");
    assert_eq!(none, Removal::default());
}

#[test]
fn a_customer_is_forgotten_in_every_table_but_the_list_of_exports() {
    const GONE: &str = "dddddddd-0000-4000-8000-000000000004";
    let place = folder();
    let out = place.path();
    let theirs: Vec<PartnerSignIn> = (0..5)
        .map(|n| {
            let mut row = sign_in(&format!("their-{n}"), n * 60, Some(n), 2);
            row.sign_in.resource_tenant = Some(tenant(GONE));
            row
        })
        .collect();
    let mut states = theirs.clone();
    states.iter_mut().for_each(|row| row.sign_in.published_at = None);
    let mixed = export("mixed.json", [hourly(4, 4).rows, theirs].concat());
    Run::default().sweep(out, &[mixed, export("states.json", states)]).expect("committed");
    let before = rows(out, Table::SignIns).len();
    let removal = keeper(out).forget(tenant(GONE)).expect("removed");
    assert_eq!(removal.sign_ins, 5);
    assert_eq!(rows(out, Table::SignIns).len(), before - 5);
    assert_verified(out);
    for (path, bytes) in files(out) {
        let holds = bytes.windows(GONE.len()).any(|window| window == GONE.as_bytes());
        assert!(!holds, "{}", path.display());
    }
    for table in Table::ALL {
        let holds = |row: &Row| row.values().any(|cell| cell.contains(GONE));
        assert!(!rows(out, table).iter().any(holds), "{table:?}");
    }
    assert_eq!(keeper(out).forget(tenant(GONE)).expect("nothing left"), Removal::default());
    let error = keeper(out).forget(tenant(PARTNER)).expect_err("a partner");
    assert!(error.is_misuse(), "{error}");
}

#[test]
fn what_is_wrong_is_found_where_it_is() {
    type Damage = fn(&Path);
    let cases: [(Damage, &str, &str); 6] = [
        (|out| flip(&part(out, "sign_ins")), "sign_ins/", "SHA-256 is"),
        (|out| fs::remove_file(part(out, "exports")).expect("removed"), "exports/", "is missing"),
        (
            |out| drop(fs::copy(part(out, "sign_ins"), out.join("dataset/sign_ins/x.parquet"))),
            "x.parquet",
            "is not in the manifest",
        ),
        (
            |out| fs::write(out.join("report.md"), "other").expect("written"),
            "report.md",
            "is not as",
        ),
        (|out| fs::write(out.join("new.txt"), "new").expect("written"), "new.txt", "is not in SHA"),
        (
            |out| fs::remove_file(out.join("report.md")).expect("removed"),
            "report.md",
            "and missing",
        ),
    ];
    for (damage, place, what) in cases {
        let folder = folder();
        let out = folder.path();
        Run::default().sweep(out, &[hourly(4, 4)]).expect("committed");
        fs::write(out.join("report.md"), "the report").expect("written");
        assert_verified(out);
        damage(out);
        let findings = verify(out).expect("a dataset").findings;
        let is_it =
            |f: &&tenantsweep::dataset::Finding| f.place.contains(place) && f.what.contains(what);
        assert!(findings.iter().any(|finding| is_it(&finding)), "{what}: {findings:#?}");
    }
}

fn part(out: &Path, table: &str) -> PathBuf {
    let dataset = Dataset::open(out).expect("a dataset");
    let part = dataset.manifest().parts.iter().find(|part| part.table == table).expect("a part");
    part.path_in(&out.join("dataset"))
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).expect("a part");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).expect("written");
}

#[test]
fn an_account_that_was_changed_is_found() {
    // A part of another dataset in the place of ours, manifest included.
    let (ours, other) = (folder(), folder());
    Run::default().sweep(ours.path(), &[hourly(4, 4)]).expect("committed");
    Run::default().sweep(other.path(), &[hourly(3, 3)]).expect("committed");
    let (old, new) = (part(ours.path(), "sign_ins"), part(other.path(), "sign_ins"));
    let manifest = fs::read_to_string(ours.path().join("dataset/manifest.json")).expect("text");
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let foreign = fs::read_to_string(other.path().join("dataset/manifest.json")).expect("text");
    let foreign: serde_json::Value = serde_json::from_str(&foreign).expect("JSON");
    let is_rows = |part: &serde_json::Value| part["table"] == "sign_ins";
    let theirs =
        foreign["parts"].as_array().expect("parts").iter().find(|p| is_rows(p)).expect("one");
    let slot = manifest["parts"].as_array_mut().expect("parts");
    *slot.iter_mut().find(|part| is_rows(part)).expect("one") = theirs.clone();
    let text = serde_json::to_string(&manifest).expect("text");
    fs::write(ours.path().join("dataset/manifest.json"), text).expect("written");
    fs::copy(&new, old.parent().expect("a folder").join(new.file_name().expect("a name")))
        .expect("copied");
    fs::remove_file(&old).expect("removed");
    let findings = verify(ours.path()).expect("a dataset").findings;
    assert!(!findings.is_empty());
    assert!(findings.iter().any(|f| f.what.contains("hour-3.json")), "{findings:#?}");
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_unless_the_user_says_so() {
    use std::os::unix::fs::PermissionsExt;
    use tenantsweep::dataset::Mode;
    for (mode, file, folder_bits) in [(None, 0o600, 0o700), (Mode::parse("0640"), 0o640, 0o750)] {
        let place = folder();
        let out = place.path().join("out");
        let disk = Disk::new(mode);
        Run { disk: disk.clone(), ..Run::default() }
            .sweep(&out, &[hourly(4, 4)])
            .expect("committed");
        seal(&out, &disk).expect("sealed");
        let mut paths = vec![out];
        while let Some(path) = paths.pop() {
            let bits = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
            let expected = if path.is_dir() { folder_bits } else { file };
            assert_eq!(bits, expected, "{}", path.display());
            if path.is_dir() {
                paths.extend(
                    fs::read_dir(&path).expect("a folder").map(|e| e.expect("entry").path()),
                );
            }
        }
    }
    for wrong in ["0400", "0700", "1600", "rw", "", "00600"] {
        assert_eq!(Mode::parse(wrong), None, "{wrong}");
    }
}

/// What is done to a dataset, in any order.
#[derive(Debug, Clone)]
enum Act {
    Sweep(Vec<PartnerSignIn>),
    Compact,
    Keep(i64),
    Forget,
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => proptest::collection::vec(any_copy(), 0..6).prop_map(Act::Sweep),
        1 => Just(Act::Compact),
        1 => (0..200_000_i64).prop_map(Act::Keep),
        1 => Just(Act::Forget),
    ]
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn whatever_is_done_the_account_is_whole(acts in proptest::collection::vec(any_act(), 1..10)) {
        let place = folder();
        let out = place.path();
        Run::default().sweep(out, &[hourly(2, 2)]).expect("committed");
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Sweep(rows) => {
                    let export = export(&format!("export-{number}.json"), rows);
                    Run::default().sweep(out, &[export]).expect("committed");
                }
                Act::Compact => drop(keeper(out).compact(1).expect("joined")),
                Act::Keep(seconds) => {
                    keeper(out).keep_since(moment(seconds)).expect("removed");
                    let early = DateTime::to_rfc3339(&moment(seconds));
                    let rows = rows(out, Table::SignIns);
                    assert!(rows.iter().all(|row| row["created_at"].as_str() >= &early[..19]));
                }
                Act::Forget => drop(keeper(out).forget(tenant(CHILD)).expect("removed")),
            }
            assert_verified(out);
        }
    }
}
