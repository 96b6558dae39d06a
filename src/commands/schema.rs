//! `tenantsweep schema`: what the files hold, for who reads them by program.

use std::fs::File;
use std::io::Write;

use tenantsweep::report::{
    COMPARE_SCHEMA, SUMMARY_SCHEMA, TICKETS_SCHEMA, write_dataset_schema_json,
    write_dataset_schema_markdown,
};

use crate::cli::{SchemaArgs, SchemaFormat, SchemaOf};
use crate::exit::{End, Failure};

/// Prints a schema, or writes it to a file.
pub fn run(args: &SchemaArgs, out: &mut dyn Write) -> Result<End, Failure> {
    if args.format == Some(SchemaFormat::Md) && args.of != SchemaOf::Dataset {
        return Err(Failure::usage(anyhow::anyhow!(
            "--format md: only the dataset is told as a page; this is a JSON Schema\n\
             hint: leave --format out"
        )));
    }
    let text = text_of(args).map_err(Failure::unwritten)?;
    match &args.output {
        None => out.write_all(&text),
        Some(path) => File::create(path).and_then(|mut file| file.write_all(&text)),
    }
    .map_err(Failure::unwritten)?;
    Ok(End::Done)
}

fn text_of(args: &SchemaArgs) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match (args.of, args.format) {
        (SchemaOf::Summary, _) => text.extend_from_slice(SUMMARY_SCHEMA.as_bytes()),
        (SchemaOf::Tickets, _) => text.extend_from_slice(TICKETS_SCHEMA.as_bytes()),
        (SchemaOf::Compare, _) => text.extend_from_slice(COMPARE_SCHEMA.as_bytes()),
        (SchemaOf::Dataset, Some(SchemaFormat::Json)) => write_dataset_schema_json(&mut text)?,
        (SchemaOf::Dataset, _) => write_dataset_schema_markdown(&mut text)?,
    }
    Ok(text)
}
