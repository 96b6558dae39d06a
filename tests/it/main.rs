//! The integration tests: one binary, since each would link the whole engine anew.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    reason = "a test stops at what it did not expect"
)]

#[path = "../estate/mod.rs"]
mod estate;
#[path = "../fuzz_checks/mod.rs"]
mod fuzz_checks;
mod oracle;
mod parquet_reader;

// Small things first: the verdict, the frames, the house.
mod attribution;
mod cause;
mod error_codes;
mod frame;
mod house;

// One export each: made by hand, and real ones where they are at hand.
mod corpus;
mod coverage;
mod real_records;

// The rooms by themselves.
mod dataset;
mod summary;

// The whole way.
mod attacked;
#[cfg(target_os = "linux")]
mod browser;
mod cli;
mod compare;
mod containers;
mod crashes;
mod custody;
mod estates;
mod explain;
mod markdown;
mod mutations;
mod page;
mod partner_side;
mod query;
mod redact;
mod scheduled;
mod schemas;
mod shell;
mod stopped;
mod tickets;
mod together;
mod who;
mod workbook;

/// How much more the long suite asks of each property than a test run has time for.
fn times() -> u32 {
    let asked = std::env::var("TENANTSWEEP_TIMES").ok();
    asked.and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// The settings of a property that is checked on `few` cases in a test run.
fn cases(few: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases: few * times(),
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}
