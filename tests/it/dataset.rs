//! Runs on real files, read back with a plain Parquet reader.

mod durability;
mod maintenance;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::array_value_to_string;
use chrono::{DateTime, TimeDelta, Utc};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::parquet_reader::read_batches;
use tenantsweep::dataset::{
    Committed, CoverageRow, Dataset, DatasetError, Disk, ExportReading, Identity, PartnerSignIn,
    RejectRow, RunInput, RunOptions, SeenFile, Table, WriteRun, columns,
};
use tenantsweep::error_code::ErrorCode;
use tenantsweep::policy::{AppliedPolicy, Conditions, PolicyFacts, PolicyResult};
use tenantsweep::relation::{PartnerMatch, Provider};
use tenantsweep::sign_in::{CrossTenantAccess, Outcome, RowEvidence, SignIn, SignInType};
use tenantsweep::tenant::{CustomerList, Partner, PartnerList, TenantId};
use tenantsweep::tools::ToolList;
use tenantsweep::who::UserList;

const PARTNER: &str = "8f3c52d1-0000-4000-8000-000000000001";
const OTHER: &str = "8f3c52d1-0000-4000-8000-000000000002";
const CHILD: &str = "c0000000-0000-4000-8000-000000000002";

fn tenant(text: &str) -> TenantId {
    TenantId::parse(text).expect("a GUID")
}

fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time")
}

fn partner_list(tenants: &[&str]) -> PartnerList {
    let mut partners = PartnerList::default();
    for text in tenants {
        partners.add(Partner { tenant_id: tenant(text), name: None, domains: Vec::new() });
    }
    partners
}

/// A sign-in of the partner to the child, with as many failing policies as asked for.
fn sign_in(id: &str, seconds: i64, published: Option<i64>, policies: usize) -> PartnerSignIn {
    let policy = |number: usize| AppliedPolicy {
        id: format!("policy-{number}"),
        name: format!("CA{number:03}"),
        result: if number == 0 { PolicyResult::Failure } else { PolicyResult::Success },
        enforced_grant_controls: vec!["Block".to_owned(), "Mfa".to_owned()],
        matched: Some(Conditions::parse("application,users")),
        unmatched: Some(Conditions::default()),
        ..AppliedPolicy::default()
    };
    let applied_policies: Vec<AppliedPolicy> = (0..policies).map(policy).collect();
    let policy_facts = PolicyFacts::of(&applied_policies);
    let row_evidence = RowEvidence::of(policy_facts, None);
    let sign_in = SignIn {
        sign_in_id: (!id.is_empty()).then(|| id.to_owned()),
        created_at: moment(seconds),
        published_at: published.map(moment),
        sign_in_type: SignInType::NonInteractiveUser,
        exporting_tenant: None,
        home_tenant: Some(tenant(PARTNER)),
        resource_tenant: Some(tenant(CHILD)),
        cross_tenant_access: Some(CrossTenantAccess::parse("serviceProvider")),
        user_id: None,
        user_principal_name: Some("sync@partner.example".to_owned()),
        user_display_name: None,
        user_type: None,
        service_principal_id: None,
        service_principal_name: None,
        app_id: Some("app".to_owned()),
        app_name: Some("Backup".to_owned()),
        app_owner_tenant: None,
        resource_id: None,
        resource_name: None,
        resource_service_principal_id: None,
        ip_address: Some("203.0.113.7".to_owned()),
        country: None,
        city: None,
        asn: Some(64_500),
        client_app: None,
        user_agent: None,
        device_id: None,
        operating_system: None,
        browser: None,
        is_compliant: Some(false),
        is_managed: None,
        trust_type: None,
        authentication_requirement: None,
        authentication_methods: None,
        session_lifetime_policies: None,
        authentication_protocol: None,
        original_transfer_method: None,
        incoming_token_type: None,
        network_location: None,
        risk_state: None,
        risk_level: None,
        outcome: Outcome::Code(ErrorCode(53003)),
        failure_reason: None,
        additional_details: None,
        conditional_access_status: None,
        applied_policies,
        policy_facts,
        row_evidence,
        correlation_id: None,
        session_id: None,
        unique_token_id: None,
    };
    let provider = Provider { tenant: Some(tenant(PARTNER)), matched_by: PartnerMatch::Listed };
    PartnerSignIn {
        sign_in,
        provider,
        export: 0,
        offset: 0,
        recovered: false,
        repaired: false,
        record_hash: 7,
    }
}

/// An export as a test tells it: its rows, and beside them one other record and one reject.
#[derive(Debug, Clone)]
struct Export {
    path: String,
    identity: u128,
    fingerprint: u64,
    rows: Vec<PartnerSignIn>,
}

fn export(path: &str, rows: Vec<PartnerSignIn>) -> Export {
    let identity = path.bytes().fold(17, |hash, byte| hash * 257 + u128::from(byte));
    Export { path: path.to_owned(), identity, fingerprint: 1, rows }
}

impl Export {
    fn reading(&self) -> ExportReading {
        let candidates = self.rows.len() as u64;
        ExportReading {
            path: self.path.clone(),
            identity: Identity { xxh3: self.identity, length: 10 },
            fingerprint: self.fingerprint,
            container: None,
            container_sha256: None,
            sha256: Some([5; 32]),
            bytes: 10,
            decoded_bytes: 10,
            encoding: "UTF-8".to_owned(),
            compression: "none".to_owned(),
            dialect: "graph".to_owned(),
            records: candidates + 2,
            other: 1,
            undecided: 0,
            rejected: 1,
            unfinished: 0,
            record_bytes: 7,
            separator_bytes: 2,
            damage_bytes: 1,
            first_at: Some(moment(0)),
            last_at: None,
            evidence_basis: "sample".to_owned(),
            exporting_tenant: Some(tenant(CHILD)),
            blind_spots: vec!["conditions missing".to_owned(), "interactive only".to_owned()],
            coverage: vec![CoverageRow {
                tenant: None,
                hour: moment(0),
                sampled: 3,
                interactive_user: 0,
                non_interactive_user: 3,
                service_principal: 0,
                managed_identity: 0,
                unknown_type: 0,
            }],
            candidates,
        }
    }
}

/// How a run of a test differs from the usual one.
struct Run {
    run_id: &'static str,
    partners: PartnerList,
    spill_memory: usize,
    day_memory: usize,
    threads: usize,
    disk: Disk,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            run_id: "run",
            partners: partner_list(&[PARTNER]),
            spill_memory: 128 << 20,
            day_memory: 64 << 20,
            threads: 1,
            disk: Disk::default(),
        }
    }
}

impl Run {
    fn begin(&self, out: &Path) -> Result<WriteRun, DatasetError> {
        let mut options = RunOptions::new(self.run_id);
        options.spill_memory = self.spill_memory;
        options.day_memory = self.day_memory;
        options.threads = self.threads;
        options.shared_bytes = 0;
        options.writer.disk = self.disk.clone();
        WriteRun::begin(out, options)
    }

    fn sweep(&self, out: &Path, exports: &[Export]) -> Result<Committed, DatasetError> {
        let readings = exports.iter().map(Export::reading).collect();
        self.sweep_as(out, exports, readings)
    }

    fn sweep_as(
        &self,
        out: &Path,
        exports: &[Export],
        readings: Vec<ExportReading>,
    ) -> Result<Committed, DatasetError> {
        let run = self.begin(out)?;
        let rows = numbered(exports);
        std::thread::scope(|scope| {
            let spill = |thread| {
                let (run, rows) = (&run, &rows);
                scope.spawn(move || {
                    let mut rows = rows.iter().skip(thread).step_by(self.threads);
                    rows.try_for_each(|row| run.spill().append([row.clone()]))
                })
            };
            let threads: Vec<_> = (0..self.threads).map(spill).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
        })?;
        let reject = |export| RejectRow {
            export,
            offset: 9,
            length: 1,
            records: 1,
            reason: "not JSON".to_owned(),
            raw: Some(vec![0xff]),
        };
        let customers = {
            let mut customers = CustomerList::default();
            customers.add(tenant(CHILD), Some("Contoso".to_owned()));
            customers
        };
        run.finish(RunInput {
            exports: readings,
            rejects: (0..exports.len() as u32).map(reject).collect(),
            partners: &self.partners,
            customers: &customers,
            users: &UserList::default(),
            tools: &ToolList::default(),
            seen: Vec::new(),
        })
    }
}

fn numbered(exports: &[Export]) -> Vec<PartnerSignIn> {
    let mut rows = Vec::new();
    for (number, export) in exports.iter().enumerate() {
        for (offset, row) in export.rows.iter().enumerate() {
            let mut row = row.clone();
            (row.export, row.offset) = (number as u32, offset as u64);
            rows.push(row);
        }
    }
    rows
}

type Row = BTreeMap<String, String>;

/// All rows of the live parts of a table, in the order of parts and rows; null is left out.
fn rows(out: &Path, table: Table) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in read_batches(out, table) {
        let columns: Vec<ArrayRef> = batch.columns().iter().map(without_zone).collect();
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells = schema.fields().iter().zip(&columns);
            let filled = cells.filter(|(_, column)| !column.is_null(row));
            let text = |column| array_value_to_string(column, row).expect("a value");
            rows.push(filled.map(|(field, column)| (field.name().clone(), text(column))).collect());
        }
    }
    rows
}

/// Arrow shows times with a zone's name only with a crate that we do not need.
fn without_zone(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(times) => Arc::new(times.clone().with_timezone_opt(None::<Arc<str>>)),
        None => Arc::clone(column),
    }
}

/// Rows as a set, without the columns that say where and by which run they were read.
fn facts(out: &Path, table: Table) -> Vec<Row> {
    let mut rows = rows(out, table);
    for row in &mut rows {
        row.retain(|column, _| column != "run_id" && !column.starts_with("source_"));
    }
    rows.sort();
    rows
}

/// The Parquet files below a folder of the dataset, with their content.
fn files(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                files.insert(path.clone(), fs::read(&path).expect("a file"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&out.join("dataset"), &mut found);
    let relative = |path: PathBuf| path.strip_prefix(out).expect("below").to_owned();
    found.into_iter().map(|(path, bytes)| (relative(path), bytes)).collect()
}

/// The promises that hold after every run: folders hold the manifest's parts only, keys occur
/// once, and each export accounts for its rows.
fn check_promises(out: &Path) {
    let dataset = Dataset::open(out).expect("a dataset");
    let named: BTreeSet<PathBuf> =
        dataset.manifest().parts.iter().map(|part| Path::new("dataset").join(&part.path)).collect();
    let found: BTreeSet<PathBuf> = files(out).into_keys().collect();
    assert_eq!(named, found);
    assert!(!out.join("dataset/.staging").exists());

    let mut live: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for row in rows(out, Table::SignIns) {
        assert!(keys.insert((row["side"].clone(), row["sign_in_id"].clone())), "{row:?}");
        let reading = (row["source_export"].clone(), row["run_id"].clone());
        *live.entry(reading).or_default() += 1;
    }
    for row in rows(out, Table::AppliedPolicies) {
        assert!(keys.contains(&(row["side"].clone(), row["sign_in_id"].clone())), "{row:?}");
    }
    for row in rows(out, Table::Exports) {
        let number = |column: &str| row[column].parse::<i64>().expect("a number");
        let parts = ["partner", "other", "duplicate", "rejected"].map(number);
        assert_eq!(number("records"), parts.iter().sum::<i64>(), "{row:?}");
        assert!(parts.iter().all(|&count| count >= 0), "{row:?}");
        let expected = number("partner") - number("superseded") - number("removed");
        let reading = (row["path"].clone(), row["run_id"].clone());
        assert_eq!(live.remove(&reading).unwrap_or_default(), expected, "{row:?}");
    }
    assert!(live.is_empty(), "{live:?}");
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn what_is_written_comes_back() {
    let out = folder();
    let rows_in = vec![sign_in("A-1", 0, None, 2), sign_in("", 90, None, 0)];
    let committed = Run::default().sweep(out.path(), &[export("a.json", rows_in)]).expect("run");
    assert_eq!((committed.ledger.partner, committed.ledger.records), (2, 4));
    assert_eq!(committed.generation, 1);
    check_promises(out.path());

    let rows = rows(out.path(), Table::SignIns);
    let row = &rows[0];
    let expected = [
        ("sign_in_id", "a-1"),
        ("created_at", "2023-11-14T22:13:20"),
        ("created_date", "2023-11-14"),
        ("created_hour", "22"),
        ("side", "inbound"),
        ("partner_tenant_id", PARTNER),
        ("partner_match", "listed"),
        ("child_tenant_id", CHILD),
        ("exporting_tenant_id", CHILD),
        ("cross_tenant_access", "serviceProvider"),
        ("account", "sync@partner.example"),
        ("asn", "64500"),
        ("is_compliant", "false"),
        ("error_code", "53003"),
        ("verdict", "blocked"),
        ("flagged", "true"),
        ("blocking_policy_count", "1"),
        ("row_evidence", "conditions"),
        ("states", "1"),
        ("source_export", "a.json"),
        ("source_offset", "0"),
        ("run_id", "run"),
    ];
    for (column, value) in expected {
        assert_eq!(row[column], value, "{column}");
    }
    assert!(!row.contains_key("published_at") && !row.contains_key("is_managed"));
    assert_eq!(rows[1]["sign_in_id"], "raw:0000000000000007");
    assert_eq!(rows[1]["verdict"], "unexplained");
}

#[test]
fn the_other_tables_come_back() {
    let out = folder();
    let rows_in = (0..20).map(|n| sign_in(&format!("id-{n}"), n, None, 1)).collect();
    Run::default().sweep(out.path(), &[export("a.json", rows_in)]).expect("run");
    let one = |table| rows(out.path(), table).into_iter().next().expect("a row");

    let policy = one(Table::AppliedPolicies);
    assert_eq!(policy["demanded_controls"], "Block,Mfa");
    assert_eq!(policy["matched_conditions"], "users,application");
    assert_eq!((policy["blocks"].as_str(), policy["unmatched_conditions"].as_str()), ("true", ""));
    let export = one(Table::Exports);
    assert_eq!(export["sha256"], "05".repeat(32));
    assert_eq!(export["blind_spots"], "conditions missing,interactive only");
    assert_eq!((export["partner"].as_str(), export["rejected"].as_str()), ("20", "1"));
    let reject = one(Table::Rejects);
    assert_eq!((reject["reason"].as_str(), reject["raw_hex"].as_str()), ("not JSON", "ff"));
    assert_eq!(one(Table::Coverage)["tenant_id"], CHILD);
    let child = one(Table::Tenants);
    assert_eq!((child["name"].as_str(), child["has_inbound"].as_str()), ("Contoso", "true"));
    assert_eq!(child["sign_ins"], "20");
    let account = one(Table::Accounts);
    assert_eq!((account["kind"].as_str(), account["sign_ins"].as_str()), ("integration", "20"));
    assert_eq!(one(Table::Partners)["listed"], "true");
    assert!(rows(out.path(), Table::ErrorCodes).len() > 100);
}

#[test]
fn every_column_is_documented_and_written_in_that_order() {
    let out = folder();
    let rows_in = vec![sign_in("a", 0, None, 1)];
    Run::default().sweep(out.path(), &[export("a.json", rows_in)]).expect("run");
    let dataset = Dataset::open(out.path()).expect("a dataset");
    for table in Table::ALL {
        let docs = columns(table);
        assert!(docs.iter().all(|doc| !doc.meaning.is_empty()), "{table:?}");
        for part in dataset.parts(table) {
            let file = File::open(&part.path).expect("a part");
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
            let names: Vec<&String> = reader.schema().fields().iter().map(|f| f.name()).collect();
            let documented: Vec<&str> = docs.iter().map(|doc| doc.name).collect();
            assert_eq!(names, documented, "{table:?}");
        }
    }
}

#[test]
fn a_second_run_over_the_same_exports_commits_nothing() {
    let out = folder();
    let exports = [export("a.json", vec![sign_in("a", 0, None, 1)])];
    Run::default().sweep(out.path(), &exports).expect("first");
    let before = fs::read(out.path().join("dataset/manifest.json")).expect("a manifest");
    let again = Run { run_id: "again", ..Run::default() }.sweep(out.path(), &exports).expect("run");
    assert!(again.is_unchanged);
    assert_eq!(again.known, ["a.json"]);
    assert_eq!(fs::read(out.path().join("dataset/manifest.json")).expect("a manifest"), before);
    check_promises(out.path());
}

#[test]
fn copies_of_an_export_in_one_run_count_once() {
    let out = folder();
    let first = export("a.json", vec![sign_in("a", 0, None, 1)]);
    let copy = Export { path: "b.json".to_owned(), ..first.clone() };
    let committed = Run::default().sweep(out.path(), &[copy, first]).expect("run");
    assert_eq!(committed.copies, ["b.json"]);
    assert_eq!((committed.ledger.exports, committed.ledger.partner), (1, 1));
    assert_eq!(rows(out.path(), Table::SignIns)[0]["source_export"], "a.json");
    check_promises(out.path());
}

#[test]
fn the_same_rows_make_the_same_bytes_in_any_order_and_by_any_number_of_threads() {
    let rows_in: Vec<PartnerSignIn> =
        (0..500).map(|n| sign_in(&format!("id-{}", n % 400), n * 977 % 300_000, None, 1)).collect();
    let (left, right) = rows_in.split_at(200);
    let exports = [export("a.json", left.to_vec()), export("b.json", right.to_vec())];
    let expected = {
        let out = folder();
        Run::default().sweep(out.path(), &exports).expect("run");
        files(out.path())
    };
    let reversed: Vec<Export> = exports.iter().rev().cloned().collect();
    for (threads, spill_memory, day_memory) in [(1, 0, 1 << 30), (8, 4_000, 1_000), (3, 1 << 30, 1)]
    {
        let out = folder();
        let run = Run { threads, spill_memory, day_memory, ..Run::default() };
        run.sweep(out.path(), &reversed).expect("run");
        assert!(files(out.path()) == expected, "{threads} threads, {day_memory} bytes a day");
    }
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let out = folder();
    let first = export("a.json", vec![sign_in("a", 0, None, 1)]);
    Run::default().sweep(out.path(), std::slice::from_ref(&first)).expect("run");
    let dataset = out.path().join("dataset");
    // As after a kill between the renames and the manifest.
    let part = files(out.path()).into_iter().find(|(path, _)| path.starts_with("dataset/sign_ins"));
    let (_, bytes) = part.expect("a part");
    for orphan in ["sign_ins/month=2023-11", "sign_ins/month=2031-01", "coverage", "exports"] {
        fs::create_dir_all(dataset.join(orphan)).expect("a folder");
        fs::write(dataset.join(orphan).join("part-00.parquet"), &bytes).expect("an orphan");
    }
    fs::create_dir_all(dataset.join(".staging/run-x")).expect("a folder");
    fs::write(dataset.join(".staging/run-x/000000.parquet"), "PAR1").expect("a partial file");
    fs::write(dataset.join("manifest.json.tmp"), "{").expect("a partial file");

    let second = export("b.json", vec![sign_in("b", 5, None, 1)]);
    Run { run_id: "two", ..Run::default() }.sweep(out.path(), &[second]).expect("run");
    check_promises(out.path());
    assert!(!dataset.join("sign_ins/month=2031-01").exists());
    assert_eq!(rows(out.path(), Table::SignIns).len(), 2);
}

#[test]
fn a_second_writer_is_told_who_holds_the_lock() {
    let out = folder();
    let first = Run::default().begin(out.path()).expect("the lock");
    let second = Run { run_id: "two", ..Run::default() }.begin(out.path());
    let Err(DatasetError::Locked { holder, since, .. }) = second else { panic!("not locked") };
    assert!(holder.contains("run run") && since.ends_with('Z'), "{holder} {since}");
    drop(first);
    Run::default().begin(out.path()).expect("the lock again");
}

#[test]
fn a_newer_dataset_is_refused() {
    let out = folder();
    fs::create_dir_all(out.path().join("dataset")).expect("a folder");
    let manifest = out.path().join("dataset/manifest.json");
    fs::write(&manifest, r#"{"schema_version": 99, "shape": "unknown"}"#).expect("a file");
    let refused = Run::default().begin(out.path()).expect_err("refused");
    assert!(matches!(refused, DatasetError::NewerSchema { found: 99, .. }), "{refused}");
    assert!(refused.to_string().contains("hint:"));
    fs::write(&manifest, "{").expect("a file");
    assert!(matches!(Dataset::open(out.path()), Err(DatasetError::Manifest { .. })));
}

#[test]
fn a_manifest_that_points_elsewhere_is_refused() {
    let place = folder();
    let (out, outside) = (place.path().join("out"), place.path().join("precious"));
    Run::default()
        .sweep(&out, &[export("a.json", vec![sign_in("1", 0, None, 1)])])
        .expect("committed");
    fs::write(&outside, "precious").expect("written");
    let manifest = out.join("dataset/manifest.json");
    let text = fs::read_to_string(&manifest).expect("text");
    for elsewhere in ["../../precious", "/precious", "C:\\\\precious", "sign_ins/./x", ""] {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let path = lines.iter_mut().find(|line| line.contains("\"path\"")).expect("a part");
        *path = format!("\"path\": \"{elsewhere}\",");
        fs::write(&manifest, lines.join("\n")).expect("written");
        let error = Dataset::open(&out).expect_err("refused");
        assert!(matches!(error, DatasetError::ForeignPart { .. }), "{error}");
        let error = Run::default().sweep(&out, &[]).expect_err("refused");
        assert!(error.is_misuse(), "{error}");
    }
    assert!(outside.exists());
}

#[test]
fn a_damaged_part_is_found_before_it_is_used() {
    let out = folder();
    let first = export("a.json", vec![sign_in("a", 0, None, 1)]);
    Run::default().sweep(out.path(), &[first]).expect("run");
    let dataset = Dataset::open(out.path()).expect("a dataset");
    let path = dataset.parts(Table::SignIns)[0].path.clone();
    let mut bytes = fs::read(&path).expect("a part");
    bytes.push(0);
    fs::write(&path, &bytes).expect("written");
    let found = Dataset::open(out.path()).expect_err("damaged");
    assert!(matches!(found, DatasetError::Damaged { what: "the size", .. }), "{found}");
    fs::remove_file(&path).expect("removed");
    assert!(matches!(Dataset::open(out.path()), Err(DatasetError::Io { .. })));
}

#[test]
fn an_account_that_does_not_balance_commits_nothing() {
    let out = folder();
    let first = export("a.json", vec![sign_in("a", 0, None, 1)]);
    let spoil: [fn(&mut ExportReading); 4] = [
        |reading| reading.records += 1,
        |reading| reading.separator_bytes += 1,
        |reading| reading.candidates += 1,
        |reading| {
            reading.rejected += 1;
            reading.records += 1;
        },
    ];
    for spoil in spoil {
        let mut reading = first.reading();
        spoil(&mut reading);
        let refused = Run::default()
            .sweep_as(out.path(), std::slice::from_ref(&first), vec![reading])
            .expect_err("refused");
        assert!(matches!(refused, DatasetError::Ledger(_)), "{refused}");
        assert!(!out.path().join("dataset/manifest.json").exists());
        assert!(files(out.path()).is_empty());
    }
    Run::default().sweep(out.path(), &[first]).expect("the honest one");
}

#[test]
fn a_new_partner_list_reads_known_exports_again() {
    let out = folder();
    let mut by_access = sign_in("a", 0, None, 1);
    by_access.provider.matched_by = PartnerMatch::ServiceProvider;
    let mut gone = sign_in("b", 86_400 * 40, None, 1);
    gone.provider.matched_by = PartnerMatch::ServiceProvider;
    let before = export("a.json", vec![by_access.clone(), gone]);
    let unlisted = Run { partners: PartnerList::default(), ..Run::default() };
    unlisted.sweep(out.path(), std::slice::from_ref(&before)).expect("run");

    let listed = sign_in("a", 0, None, 1);
    let after = Export { fingerprint: 2, rows: vec![listed], ..before.clone() };
    let run = Run { run_id: "two", ..Run::default() };
    assert!(
        !run.begin(out.path())
            .expect("begun")
            .known(Identity { xxh3: before.identity, length: 10 }, after.fingerprint)
    );
    let committed = run.sweep(out.path(), std::slice::from_ref(&after)).expect("run");
    assert_eq!((committed.superseded, committed.removed), (1, 1));
    check_promises(out.path());
    let rows_now = rows(out.path(), Table::SignIns);
    assert_eq!(rows_now.len(), 1);
    assert_eq!(rows_now[0]["partner_match"], "listed");
    assert_eq!(rows(out.path(), Table::AppliedPolicies).len(), 1);
    // Back to the first list: the first reading was superseded, so it is made again.
    let back = Run { run_id: "three", partners: PartnerList::default(), ..Run::default() };
    let committed = back.sweep(out.path(), &[before]).expect("run");
    assert_eq!(committed.ledger.partner, 2);
    check_promises(out.path());
}

#[test]
fn the_present_list_wins_over_a_row_that_was_joined_by_an_older_one() {
    let out = folder();
    let mut older = sign_in("a", 0, None, 1);
    older.provider.matched_by = PartnerMatch::ServiceProvider;
    let unlisted = Run { partners: PartnerList::default(), ..Run::default() };
    unlisted.sweep(out.path(), &[export("a.json", vec![older])]).expect("run");
    let grown = Export { identity: 99, ..export("a.json", vec![sign_in("a", 0, None, 1)]) };
    let run = Run { run_id: "two", ..Run::default() };
    let committed = run.sweep(out.path(), &[grown]).expect("run");
    assert_eq!(committed.superseded, 1);
    assert_eq!(rows(out.path(), Table::SignIns)[0]["partner_match"], "listed");
    check_promises(out.path());
}

#[test]
fn a_grown_export_supersedes_its_earlier_reading_and_adds_only_what_is_new() {
    let out = folder();
    let first = export("a.json", vec![sign_in("a", 0, None, 1)]);
    Run::default().sweep(out.path(), std::slice::from_ref(&first)).expect("run");
    let both = vec![sign_in("a", 0, None, 1), sign_in("b", 9, None, 1)];
    let grown = Export { identity: 99, rows: both, ..first };
    let run = Run { run_id: "two", ..Run::default() };
    let committed = run.sweep(out.path(), &[grown]).expect("run");
    assert_eq!((committed.ledger.partner, committed.ledger.duplicate), (1, 1));
    let exports = rows(out.path(), Table::Exports);
    assert_eq!(exports.len(), 2);
    let earlier = exports.iter().find(|row| row["run_id"] == "run").expect("kept");
    assert_eq!(earlier["superseded_by"], "two");
    check_promises(out.path());
}

#[test]
fn a_later_state_replaces_a_committed_one_and_counts_the_states() {
    let out = folder();
    let runs = [("one", Some(10), 1), ("two", Some(20), 1), ("three", Some(15), 3)];
    for (run_id, published, policies) in runs {
        let rows_in = vec![sign_in("a", 0, published, policies)];
        let run = Run { run_id, ..Run::default() };
        run.sweep(out.path(), &[export(run_id, rows_in)]).expect("run");
        check_promises(out.path());
    }
    let row = &rows(out.path(), Table::SignIns)[0];
    assert_eq!((row["states"].as_str(), row["run_id"].as_str()), ("3", "two"));
    assert_eq!(row["state_times"].split(' ').count(), 3);
    assert_eq!(rows(out.path(), Table::AppliedPolicies).len(), 1);
}

#[test]
fn a_final_copy_comes_back_when_the_state_that_beat_it_turns_out_not_to_be_the_last() {
    let out = folder();
    // The Graph copy loses to a published state that tells more; a later state tells less.
    let runs = [("one", None, 2), ("two", Some(10), 3), ("three", Some(20), 1)];
    let winners = ["one", "two", "one"];
    for ((run_id, published, policies), winner) in runs.into_iter().zip(winners) {
        let rows_in = vec![sign_in("a", 0, published, policies)];
        let run = Run { run_id, ..Run::default() };
        run.sweep(out.path(), &[export(run_id, rows_in)]).expect("run");
        check_promises(out.path());
        assert_eq!(rows(out.path(), Table::SignIns)[0]["run_id"], winner);
    }
    assert_eq!(rows(out.path(), Table::SignIns)[0]["states"], "2");
    assert_eq!(rows(out.path(), Table::AppliedPolicies).len(), 2);
    assert!(rows(out.path(), Table::ReserveSignIns).is_empty());
}

#[test]
fn a_run_id_that_is_taken_gets_a_number() {
    let out = folder();
    for path in ["a.json", "b.json"] {
        let rows_in = vec![sign_in(path, 0, None, 1)];
        Run::default().sweep(out.path(), &[export(path, rows_in)]).expect("run");
    }
    let runs: BTreeSet<String> =
        rows(out.path(), Table::Exports).into_iter().map(|row| row["run_id"].clone()).collect();
    assert_eq!(runs, ["run", "run-2"].map(str::to_owned).into());
    check_promises(out.path());
}

#[test]
fn odd_times_survive_the_spill_and_the_manifest() {
    let out = folder();
    let years = [i64::from(12_345 - 1_970) * 31_556_952, -3_000 * 31_556_952];
    let rows_in = |id: &str| {
        let row = |year: i64| {
            let mut row = sign_in(&format!("{id}{year}"), 0, None, 0);
            row.sign_in.created_at =
                DateTime::UNIX_EPOCH + TimeDelta::seconds(year) + TimeDelta::microseconds(-1);
            row
        };
        years.map(row).to_vec()
    };
    Run { spill_memory: 0, ..Run::default() }
        .sweep(out.path(), &[export("a", rows_in("a"))])
        .expect("run");
    let run = Run { run_id: "two", ..Run::default() };
    let mut both = rows_in("a");
    both.extend(rows_in("b"));
    let committed = run.sweep(out.path(), &[export("b", both)]).expect("run");
    assert_eq!((committed.ledger.partner, committed.ledger.duplicate), (2, 2));
    assert_eq!(rows(out.path(), Table::SignIns).len(), 4);
    check_promises(out.path());
}

#[test]
fn files_that_were_seen_are_known_by_path_size_and_time() {
    let out = folder();
    let run = Run::default().begin(out.path()).expect("begun");
    let identity = Identity { xxh3: u128::MAX, length: 3 };
    let file = SeenFile {
        path: "/logs/a.json".to_owned(),
        bytes: 3,
        modified_ns: 5,
        exports: vec![identity],
        members: Vec::new(),
    };
    let (partners, customers) = (PartnerList::default(), CustomerList::default());
    let committed = run.finish(RunInput {
        exports: Vec::new(),
        rejects: Vec::new(),
        partners: &partners,
        customers: &customers,
        users: &UserList::default(),
        tools: &ToolList::default(),
        seen: vec![file],
    });
    assert!(committed.expect("run").is_unchanged);
    let run = Run::default().begin(out.path()).expect("begun");
    let found = run.seen().find("/logs/a.json", 3, 5).map(|seen| seen.exports.as_slice());
    assert_eq!(found, Some([identity].as_slice()));
    assert_eq!(run.seen().find("/logs/a.json", 3, 6), None);
}

#[test]
fn a_provider_that_is_not_listed_is_kept_apart_by_its_tenant() {
    let out = folder();
    let mut row = sign_in("a", 0, None, 1);
    row.provider =
        Provider { tenant: Some(tenant(OTHER)), matched_by: PartnerMatch::ServiceProvider };
    Run::default().sweep(out.path(), &[export("a", vec![row])]).expect("run");
    let partners = rows(out.path(), Table::Partners);
    let listed: Vec<&str> = partners.iter().map(|row| row["listed"].as_str()).collect();
    assert_eq!(listed, ["true", "false"]);
}

/// A copy of one of few sign-ins, final or published at one of few times.
fn any_copy() -> impl Strategy<Value = PartnerSignIn> {
    let published = prop_oneof![Just(None), (0..4i64).prop_map(Some)];
    (0..6i64, published, 0..4usize, 0..2u8).prop_map(|(id, published, policies, agent)| {
        let seconds = [0, 1, 80_000, 80_001, 2_000_000, 2_000_000][id as usize];
        let mut row = sign_in(&format!("id-{id}"), seconds, published, policies);
        row.sign_in.user_agent = Some(format!("agent {agent}"));
        row
    })
}

fn any_exports() -> impl Strategy<Value = Vec<Vec<PartnerSignIn>>> {
    proptest::collection::vec(proptest::collection::vec(any_copy(), 0..12), 1..6)
}

/// When a copy was published, and how many policies it lists.
type DatedCopy = (Option<DateTime<Utc>>, usize);

/// The rule as people say it: of the final copies of each sign-in, one that tells most.
fn check_against_the_rule(out: &Path, exports: &[Vec<PartnerSignIn>]) {
    let mut copies: BTreeMap<String, Vec<DatedCopy>> = BTreeMap::new();
    for row in exports.iter().flatten() {
        let id = row.sign_in.sign_in_id.clone().expect("an id");
        let copy = (row.sign_in.published_at, row.sign_in.applied_policies.len());
        copies.entry(id).or_default().push(copy);
    }
    let rows = rows(out, Table::SignIns);
    let all_policies = self::rows(out, Table::AppliedPolicies);
    let policies = rows.iter().map(|row| {
        all_policies.iter().filter(|policy| policy["sign_in_id"] == row["sign_in_id"]).count()
    });
    let kept: BTreeMap<String, (usize, String)> = rows
        .iter()
        .zip(policies)
        .map(|(row, policies)| (row["sign_in_id"].clone(), (policies, row["states"].clone())))
        .collect();
    let expected = copies.into_iter().map(|(id, copies)| {
        let times: BTreeSet<_> = copies.iter().filter_map(|(published, _)| *published).collect();
        let is_final = |published: &Option<DateTime<Utc>>| {
            published.is_none() || published.as_ref() == times.last()
        };
        let most =
            copies.iter().filter(|(published, _)| is_final(published)).map(|(_, n)| *n).max();
        (id, (most.expect("a final copy"), times.len().max(1).to_string()))
    });
    assert_eq!(kept, expected.collect());
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn several_runs_in_any_order_end_as_one_run(
        exports in any_exports(),
        order in any::<prop::sample::Index>(),
        run_count in 1..4usize,
    ) {
        let named: Vec<Export> = exports
            .iter()
            .enumerate()
            .map(|(number, rows)| export(&format!("{number}.json"), rows.clone()))
            .collect();
        let (once, split) = (folder(), folder());
        Run::default().sweep(once.path(), &named).expect("one run");
        check_promises(once.path());
        check_against_the_rule(once.path(), &exports);

        let mut shuffled = named.clone();
        shuffled.rotate_left(order.index(named.len()));
        let size = shuffled.len().div_ceil(run_count);
        for (chunk, run_id) in shuffled.chunks(size).zip(["one", "two", "three"]) {
            let run = Run { run_id, day_memory: 2_000, ..Run::default() };
            run.sweep(split.path(), chunk).expect("a run");
            check_promises(split.path());
        }
        for table in [Table::SignIns, Table::AppliedPolicies, Table::Tenants, Table::Accounts] {
            prop_assert_eq!(facts(once.path(), table), facts(split.path(), table));
        }
        for path in [once.path(), split.path()] {
            let partner: i64 = rows(path, Table::Exports)
                .iter()
                .map(|row| row["partner"].parse::<i64>().expect("a number"))
                .sum();
            prop_assert!(partner >= rows(path, Table::SignIns).len() as i64);
        }
    }
}
