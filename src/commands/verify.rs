//! `tenantsweep verify`: is the dataset what it says it is?

use std::io::Write;

use tenantsweep::dataset::{sources, verify};
use tenantsweep::input::recheck::Recheck;
use tenantsweep::report::clean::clean;

use super::notices::PATH_COLUMNS;
use super::sources::check_all;
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
    let (changed, missing) = match args.inputs {
        true => check_inputs(args, &mut lines)?,
        false => (0, 0),
    };
    let findings = verified.findings.len() + changed + missing;
    lines.push(format!(
        "{}: {} sign-ins in {} parts ({} bytes) of {} exports, generation {}",
        match findings {
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
    Ok(match (verified.findings.len() + changed, missing) {
        (0, 0) => End::Done,
        (0, _) => End::Unread,
        _ => End::Condition,
    })
}

/// Reads the exports again. Answers how many have changed, and how many cannot be read.
fn check_inputs(args: &VerifyArgs, lines: &mut Vec<String>) -> Result<(usize, usize), Failure> {
    let known = sources(&args.out).map_err(Failure::usage)?;
    let (mut same, mut grown, mut changed, mut missing) = (0, 0, 0, 0);
    for check in check_all(&known, args.inputs_root.as_deref()) {
        let what = match check.state {
            Recheck::Same => {
                same += 1;
                continue;
            }
            Recheck::Grown => {
                grown += 1;
                continue;
            }
            Recheck::Changed => {
                changed += 1;
                "is not what was read".to_owned()
            }
            Recheck::Missing => {
                missing += 1;
                "is not there any more".to_owned()
            }
            Recheck::Unreadable(error) => {
                missing += 1;
                format!("cannot be read: {error}")
            }
        };
        lines.push(format!(
            "{}: {}",
            clean(&check.shown, PATH_COLUMNS),
            clean(&what, PATH_COLUMNS)
        ));
    }
    lines.push(format!(
        "Files read again: {same} unchanged, {grown} have grown, {changed} changed, {missing} not there"
    ));
    Ok((changed, missing))
}
