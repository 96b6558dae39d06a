//! `tenantsweep verify`: is the dataset what it says it is?

use std::io::Write;

use tenantsweep::dataset::verify;
use tenantsweep::report::clean::clean;

use super::notices::PATH_COLUMNS;
use crate::cli::VerifyArgs;
use crate::exit::{End, Failure};

/// Checks the dataset and prints what is wrong, a line each.
pub fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<End, Failure> {
    let verified = verify(&args.out).map_err(Failure::usage)?;
    let mut lines: Vec<String> = verified
        .findings
        .iter()
        .map(|finding| {
            format!(
                "{}: {}",
                clean(&finding.place, PATH_COLUMNS),
                clean(&finding.what, PATH_COLUMNS)
            )
        })
        .collect();
    lines.push(format!(
        "{}: {} sign-ins in {} parts ({} bytes) of {} exports, generation {}",
        match verified.findings.len() {
            0 => "All as it should be".to_owned(),
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        },
        verified.rows,
        verified.parts,
        verified.bytes,
        verified.exports,
        verified.generation
    ));
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(Failure::unwritten)?;
    Ok(if verified.findings.is_empty() { End::Done } else { End::Condition })
}
