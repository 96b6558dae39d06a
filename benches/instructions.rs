//! One step of the hot path over generated exports, once: what `.ci/instructions` counts the
//! instructions of. `none` does all but the step, so that the difference is the step's own.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench may stop at what it did not expect, and says what it did"
)]

#[path = "../tests/estate/mod.rs"]
mod estate;
mod framed;

use std::hint::black_box;

use estate::{Estate, EstateOptions, Kind};
use framed::{records_of, spans_of};
use tenantsweep::dialect::{Dialect, RecordOptions};
use tenantsweep::input::frame::{CsvFramer, RECORD_LIMIT, Span};
use tenantsweep::input::peek::Peek;
use tenantsweep::tenant::TenantId;

fn main() {
    // Cargo adds words of its own.
    let step = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let step = step.unwrap_or_else(|| "none".to_owned());
    let (lines, array, csv) = (
        Export::of(Kind::DiagnosticLines),
        Export::of(Kind::PortalJson),
        Export::of(Kind::LogAnalyticsCsv),
    );
    let (line_records, array_records) = (records_of(&lines.bytes), records_of(&array.bytes));
    let done = match step.as_str() {
        "none" => 0,
        "frame-lines" => spans_of(black_box(&lines.bytes)).len(),
        "frame-array" => spans_of(black_box(&array.bytes)).len(),
        "frame-csv" => frame_csv(&csv.bytes).len(),
        "peek" => {
            let skipped = |record: &&&[u8]| lines.peek.may_skip(black_box(record));
            line_records.iter().filter(skipped).count()
        }
        "parse-diagnostic" => parse(Dialect::Diagnostic, &line_records),
        "parse-graph" => parse(Dialect::Graph, &array_records),
        other => {
            println!("no step {other}");
            return;
        }
    };
    println!("{step}: {done}");
}

/// A generated export of some two megabytes.
struct Export {
    bytes: Vec<u8>,
    peek: Peek,
}

impl Export {
    fn of(kind: Kind) -> Self {
        let options = EstateOptions {
            tenants: 1,
            records: 300,
            kinds: vec![kind],
            records_per_file: 1_000,
            ..EstateOptions::plain()
        };
        let estate = Estate::generate(&options);
        let partners = estate.partners.iter();
        let ids = partners.map(|partner| TenantId::parse(&partner.id).expect("an id").as_u128());
        let peek = Peek::new(ids, [""; 0]);
        let largest = estate.files.into_iter().max_by_key(|file| file.bytes.len());
        Self { bytes: largest.expect("a file").bytes, peek }
    }
}

fn frame_csv(bytes: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    CsvFramer::new(b',', RECORD_LIMIT).frame(black_box(bytes), 0, true, &mut spans);
    spans
}

fn parse(dialect: Dialect, records: &[&[u8]]) -> usize {
    let read = |record: &&&[u8]| {
        dialect.normalise_json(black_box(record), RecordOptions::default()).is_ok()
    };
    records.iter().filter(read).count()
}
