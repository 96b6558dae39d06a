//! From a partner's sign-ins to the committed dataset and its summary, in rows per second.

use std::path::Path;

use divan::counter::ItemsCount;
use tempfile::TempDir;
use tenantsweep::attribution::attribute;
use tenantsweep::dataset::{
    Dataset, ExportReading, Identity, PartnerSignIn, RunInput, RunOptions, WriteRun,
};
use tenantsweep::summary::{DatasetParts, SummaryOptions, summarise};
use tenantsweep::tenant::{CustomerList, PartnerList};
use tenantsweep::tools::ToolList;
use tenantsweep::who::UserList;

use super::*;

/// Some 10,000 sign-ins of a partner, as read from diagnostic settings of one tenant.
static ROWS: LazyLock<(Vec<PartnerSignIn>, PartnerList)> = LazyLock::new(|| {
    let (file, partners) = export_of(Kind::DiagnosticLines, 1.0);
    let partners = list_of(partners);
    let found = parse::read(&file.path, &file.bytes, &partners, true);
    let rows = found.into_iter().map(|found| PartnerSignIn {
        sign_in: found.sign_in,
        provider: found.provider,
        export: 0,
        offset: found.offset,
        recovered: found.recovered,
        repaired: found.repaired,
        record_hash: found.record_hash,
    });
    (rows.collect(), partners)
});

fn rows() -> ItemsCount {
    ItemsCount::new(ROWS.0.len())
}

fn begin(out: &Path) -> WriteRun {
    WriteRun::begin(out, RunOptions::new("bench")).expect("a run")
}

fn spill(run: &WriteRun, rows: Vec<PartnerSignIn>) {
    run.spill().append(rows).expect("spilled");
}

fn finish(run: WriteRun) {
    let count = ROWS.0.len() as u64;
    let export = ExportReading {
        path: "log.json".to_owned(),
        identity: Identity { xxh3: 1, length: 1 },
        fingerprint: 1,
        sha256: None,
        container: None,
        container_sha256: None,
        bytes: 1,
        decoded_bytes: 1,
        encoding: "UTF-8".to_owned(),
        compression: "none".to_owned(),
        dialect: Dialect::Diagnostic.as_str().to_owned(),
        records: count,
        other: 0,
        undecided: 0,
        rejected: 0,
        unfinished: 0,
        record_bytes: 1,
        separator_bytes: 0,
        damage_bytes: 0,
        first_at: None,
        last_at: None,
        evidence_basis: "conditions".to_owned(),
        exporting_tenant: None,
        blind_spots: Vec::new(),
        coverage: Vec::new(),
        candidates: count,
    };
    let committed = run.finish(RunInput {
        exports: vec![export],
        rejects: Vec::new(),
        partners: &ROWS.1,
        customers: &CustomerList::default(),
        users: &UserList::default(),
        tools: &ToolList::default(),
        seen: Vec::new(),
    });
    assert!(committed.expect("committed").ledger.partner > 0);
}

#[divan::bench]
fn attribute_all(bencher: Bencher) {
    bencher.counter(rows()).bench(|| {
        let is_flagged =
            |row: &&PartnerSignIn| attribute(black_box(&row.sign_in)).verdict.is_flagged();
        ROWS.0.iter().filter(is_flagged).count()
    });
}

#[divan::bench(sample_count = 10)]
fn spill_all(bencher: Bencher) {
    bencher
        .counter(rows())
        .with_inputs(|| {
            let out = tempfile::tempdir().expect("a folder");
            (begin(out.path()), out, ROWS.0.clone())
        })
        .bench_values(|(run, out, rows)| {
            spill(&run, rows);
            (run, out)
        });
}

#[divan::bench(sample_count = 10)]
fn finish_all(bencher: Bencher) {
    bencher
        .counter(rows())
        .with_inputs(|| {
            let out = tempfile::tempdir().expect("a folder");
            let run = begin(out.path());
            spill(&run, ROWS.0.clone());
            (run, out)
        })
        .bench_values(|(run, out)| {
            finish(run);
            out
        });
}

#[divan::bench(sample_count = 10)]
fn summarise_all(bencher: Bencher) {
    let out: TempDir = tempfile::tempdir().expect("a folder");
    let run = begin(out.path());
    spill(&run, ROWS.0.clone());
    finish(run);
    let dataset = Dataset::open(out.path()).expect("a dataset");
    let parts = DatasetParts::of(&dataset);
    bencher
        .counter(rows())
        .bench(|| summarise(&parts, &SummaryOptions::default()).expect("a summary"));
}
