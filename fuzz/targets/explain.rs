#![no_main]

#[path = "../../tests/fuzz_checks/mod.rs"]
#[allow(dead_code, reason = "the other targets use the rest")]
mod fuzz_checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_checks::explain(bytes));
