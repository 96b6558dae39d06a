//! Writes a generated estate to a folder, for measuring by hand:
//! `cargo bench --bench make_estate -- DIR RECORDS [SEED [KIND…]]`, kinds by the names of
//! `estate::Kind`, or `all`.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench may stop at what it did not expect"
)]

#[path = "../tests/estate/mod.rs"]
mod estate;

use std::path::PathBuf;

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let (Some(dir), Some(records)) = (words.next(), words.next()) else {
        eprintln!("usage: cargo bench --bench make_estate -- DIR RECORDS [SEED [KIND…]]");
        return;
    };
    let plain = estate::EstateOptions::plain();
    let options = estate::EstateOptions {
        records: records.parse().expect("a number of records"),
        seed: words.next().map_or(1, |seed| seed.parse().expect("a seed")),
        kinds: kinds_of(words).unwrap_or_else(|| plain.kinds.clone()),
        ..plain
    };
    let dir = PathBuf::from(dir);
    let truth = estate::generate_into(&dir, &options).expect("the estate is written");
    let mut list = String::from("tenant_id,name,domains\n");
    for partner in estate::partners(&options) {
        list.push_str(&format!("{},{},\n", partner.id, partner.name));
    }
    std::fs::write(dir.join("partners.csv"), list).expect("the list is written");
    eprintln!("{} files, {} partner sign-ins", truth.files.len(), truth.sign_ins.len());
}

/// The kinds that are asked for, if any are.
fn kinds_of(words: impl Iterator<Item = String>) -> Option<Vec<estate::Kind>> {
    let mut kinds = Vec::new();
    for word in words {
        match word.as_str() {
            "all" => kinds.extend(estate::Kind::ALL),
            name => kinds.push(estate::Kind::parse(name).expect("a kind of `estate::Kind`")),
        }
    }
    (!kinds.is_empty()).then_some(kinds)
}
