//! Each step of the way of a record on generated estates, in bytes per second.

#![expect(clippy::expect_used, reason = "a bench may stop at what it did not expect")]

mod dataset;
#[path = "../../tests/estate/mod.rs"]
mod estate;
#[path = "../framed/mod.rs"]
mod framed;
mod parse;

use std::path::PathBuf;
use std::sync::LazyLock;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use estate::{Estate, EstateFile, EstateOptions, Kind};
use framed::{records_of, spans_of};
use tenantsweep::dataset::WriterOptions;
use tenantsweep::dialect::{Dialect, TableOptions};
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, discover};
use tenantsweep::input::frame::RECORD_LIMIT;
use tenantsweep::input::peek::Peek;
use tenantsweep::lists::{GivenLists, Lists};
use tenantsweep::sweep::{Progress, SweepOptions, sweep};
use tenantsweep::tenant::{Partner, PartnerList, TenantId};

fn main() {
    divan::main();
}

/// One export of some 60 MB, as its shape has it, with a share of partner sign-ins.
fn export_of(kind: Kind, partner_share: f64) -> (EstateFile, Vec<Partner>) {
    let options = EstateOptions {
        tenants: 1,
        records: 8_000,
        kinds: vec![kind],
        records_per_file: 20_000,
        partner_share,
        technicians: 40,
        ..EstateOptions::plain()
    };
    let estate = Estate::generate(&options);
    let partners = estate.partners.iter().map(|partner| Partner {
        tenant_id: TenantId::parse(&partner.id).expect("a tenant id"),
        name: None,
        domains: Vec::new(),
    });
    let partners = partners.collect();
    let largest = estate.files.into_iter().max_by_key(|file| file.bytes.len());
    (largest.expect("a file"), partners)
}

fn list_of(partners: Vec<Partner>) -> PartnerList {
    let mut list = PartnerList::default();
    partners.into_iter().for_each(|partner| list.add(partner));
    list
}

static LINES: LazyLock<(Vec<u8>, Vec<Partner>)> = LazyLock::new(|| bytes_of(Kind::DiagnosticLines));
static ARRAY: LazyLock<(Vec<u8>, Vec<Partner>)> = LazyLock::new(|| bytes_of(Kind::PortalJson));

fn bytes_of(kind: Kind) -> (Vec<u8>, Vec<Partner>) {
    let (file, partners) = export_of(kind, 0.05);
    (file.bytes, partners)
}

mod frame {
    use super::*;

    #[divan::bench]
    fn count_lines(bencher: Bencher) {
        let bytes = &LINES.0;
        bencher
            .counter(BytesCount::of_slice(bytes))
            .bench(|| memchr::memchr_iter(b'\n', black_box(bytes)).count());
    }

    #[divan::bench]
    fn json_lines(bencher: Bencher) {
        let bytes = &LINES.0;
        bencher.counter(BytesCount::of_slice(bytes)).bench(|| spans_of(black_box(bytes)));
    }

    #[divan::bench]
    fn array(bencher: Bencher) {
        let bytes = &ARRAY.0;
        bencher.counter(BytesCount::of_slice(bytes)).bench(|| spans_of(black_box(bytes)));
    }
}

#[divan::bench]
fn peek(bencher: Bencher) {
    let (bytes, partners) = &*LINES;
    let records = records_of(bytes);
    let peek = Peek::new(partners.iter().map(|partner| partner.tenant_id.as_u128()), [""; 0]);
    bencher
        .counter(BytesCount::of_slice(bytes))
        .bench(|| records.iter().filter(|record| peek.may_skip(black_box(record))).count());
}

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn finish(&self) {}
}

/// A whole sweep from files to the committed dataset, with and without the SHA-256.
#[divan::bench(args = [(1, false), (1, true), (2, false), (2, true)], sample_count = 5)]
fn whole_sweep(bencher: Bencher, (threads, with_sha256): (usize, bool)) {
    let input = tempfile::tempdir().expect("a folder");
    let options = EstateOptions { records: 16_000, technicians: 40, ..EstateOptions::plain() };
    estate::generate_into(input.path(), &options).expect("an estate");
    let found = discover(&[PathBuf::from(input.path())], &DiscoverOptions::default());
    let found = found.expect("inputs");
    let mut lists = Lists::gather(&GivenLists::default(), &found).expect("lists");
    for partner in estate::partners(&options) {
        lists.partners.add(Partner {
            tenant_id: TenantId::parse(&partner.id).expect("a tenant id"),
            name: None,
            domains: Vec::new(),
        });
    }
    let bytes: u64 = found.sources.iter().map(|source| source.length).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .with_inputs(|| tempfile::tempdir().expect("a folder"))
        .bench_values(|out| {
            let options = SweepOptions {
                tables: TableOptions::default(),
                out: out.path().join("out"),
                writer: WriterOptions::new("bench"),
                threads,
                use_peek: true,
                with_sha256,
                record_limit: RECORD_LIMIT,
                keep_not_applied: false,
                keep_rejected_bytes: false,
                rehash: false,
                passwords: Passwords::default(),
            };
            let swept = sweep(&found, &lists, &options, &Silent).expect("a sweep");
            assert!(swept.tally.partner > 0);
            out
        });
}
