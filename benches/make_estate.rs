//! Writes a generated estate to a folder, for measuring by hand:
//! `cargo bench --bench make_estate -- DIR RECORDS [SEED]`.

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
        eprintln!("usage: cargo bench --bench make_estate -- DIR RECORDS [SEED]");
        return;
    };
    let options = estate::EstateOptions {
        records: records.parse().expect("a number of records"),
        seed: words.next().map_or(1, |seed| seed.parse().expect("a seed")),
        ..estate::EstateOptions::plain()
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
