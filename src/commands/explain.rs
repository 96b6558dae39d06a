//! `tenantsweep explain`: what a code, a mask, a case or a message means, and where it occurs.

use std::io::Write;
use std::path::Path;

use tenantsweep::dataset::Dataset;
use tenantsweep::error_code::ErrorCode;
use tenantsweep::explain::{explain, write_json, write_text};
use tenantsweep::summary::{DatasetParts, Occurrences, occurrences};

use crate::cli::{ExplainArgs, ExplainFormat};
use crate::exit::{End, Failure};

/// Explains what was asked for.
pub fn run(args: &ExplainArgs, out: &mut dyn Write) -> Result<End, Failure> {
    let query = args.what.join(" ");
    let explanation = explain(&query);
    let codes = explanation.codes();
    let found = match &args.dataset {
        Some(folder) if !codes.is_empty() => Some(occurrences_in(folder, &codes)?),
        Some(folder) => {
            // A wrong folder is told even where nothing is to be counted.
            Dataset::open(folder).map_err(Failure::usage)?;
            None
        }
        None => None,
    };
    let write = match args.format {
        ExplainFormat::Text => write_text,
        ExplainFormat::Json => write_json,
    };
    write(out, &query, &explanation, found.as_ref()).map_err(Failure::unwritten)?;
    Ok(if explanation.is_nothing() { End::Condition } else { End::Done })
}

fn occurrences_in(folder: &Path, codes: &[ErrorCode]) -> Result<Occurrences, Failure> {
    let dataset = Dataset::open(folder).map_err(Failure::usage)?;
    occurrences(&DatasetParts::of(&dataset), codes).map_err(Failure::usage)
}
