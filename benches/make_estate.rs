//! Writes a generated estate to a folder, for measuring: plain exports, nothing odd in them, and
//! `partners.csv` beside them.
//!
//! ```text
//! cargo bench --bench make_estate -- DIR RECORDS [SEED [KIND…]] [--OPTION VALUE…]
//! cargo run --release --manifest-path benches/tools/Cargo.toml --bin make_estate -- DIR …
//! ```
//!
//! The second needs none of the program's libraries and is there in a minute.
//!
//! Kinds go by the names of `estate::Kind`, or `all`. Options: `--partner-share 0.05` ·
//! `--policies 10..26` (policies a record, which makes its size) · `--records-per-file 40000` ·
//! `--tenants 6` · `--days 3` · `--technicians 40` (accounts of each provider; with 0 every sign-in
//! is one of a new account).

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench may stop at what it did not expect"
)]

#[path = "../tests/estate/mod.rs"]
mod estate;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use estate::{EstateOptions, Kind};

const USAGE: &str = "usage: make_estate DIR RECORDS [SEED [KIND…]]
       [--partner-share 0.05] [--policies 10..26] [--records-per-file 40000] [--tenants 6] [--days 3]
       [--technicians 40]";

fn main() {
    let (dir, options) = match parse(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(complaint) => {
            eprintln!("{complaint}\n{USAGE}");
            std::process::exit(2);
        }
    };
    let truth = estate::generate_into(&dir, &options).expect("the estate is written");
    let mut list = String::from("tenant_id,name,domains\n");
    for partner in estate::partners(&options) {
        list.push_str(&format!("{},{},\n", partner.id, partner.name));
    }
    std::fs::write(dir.join("partners.csv"), list).expect("the list is written");
    eprintln!("{} files, {} partner sign-ins", truth.files.len(), truth.sign_ins.len());
}

/// Where to write, and what.
fn parse(mut words: impl Iterator<Item = String>) -> Result<(PathBuf, EstateOptions), String> {
    let mut options = EstateOptions { technicians: 40, ..EstateOptions::plain() };
    let mut places = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            // Said by cargo to every bench.
            Some("bench") => {}
            Some(name) => {
                let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
                set(&mut options, name, &value)?;
            }
            None => places.push(word),
        }
    }
    let mut places = places.into_iter();
    let (Some(dir), Some(records)) = (places.next(), places.next()) else {
        return Err("where to, and how many records?".to_owned());
    };
    options.records = number("RECORDS", &records)?;
    if let Some(seed) = places.next() {
        options.seed = number("SEED", &seed)?;
    }
    let kinds = kinds_of(places)?;
    if !kinds.is_empty() {
        options.kinds = kinds;
    }
    Ok((PathBuf::from(dir), options))
}

fn set(options: &mut EstateOptions, name: &str, value: &str) -> Result<(), String> {
    match name {
        "partner-share" => options.partner_share = number(name, value)?,
        "policies" => options.policies_per_record = range(name, value)?,
        "records-per-file" => options.records_per_file = number(name, value)?,
        "tenants" => options.tenants = number(name, value)?,
        "days" => options.days = number(name, value)?,
        "technicians" => options.technicians = number(name, value)?,
        _ => return Err(format!("`--{name}` is no option")),
    }
    Ok(())
}

fn number<T: FromStr>(name: &str, text: &str) -> Result<T, String>
where
    T::Err: Display,
{
    text.parse().map_err(|error| format!("{name}: `{text}`: {error}"))
}

/// `10..26`, both ends included, or one number.
fn range(name: &str, text: &str) -> Result<RangeInclusive<usize>, String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let range = number(name, least)?..=number(name, most)?;
    if range.is_empty() { Err(format!("{name}: `{text}` holds nothing")) } else { Ok(range) }
}

/// The kinds that are asked for, if any are.
fn kinds_of(words: impl Iterator<Item = String>) -> Result<Vec<Kind>, String> {
    let mut kinds = Vec::new();
    for word in words {
        match word.as_str() {
            "all" => kinds.extend(Kind::ALL),
            name => kinds.push(Kind::parse(name).ok_or_else(|| format!("`{name}` is no kind"))?),
        }
    }
    Ok(kinds)
}
