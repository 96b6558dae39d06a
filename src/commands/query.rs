//! `tenantsweep query`: SQL over the dataset.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use tenantsweep::dataset::Dataset;
use tenantsweep::query::{
    AnswerFormat, KnownAddresses, NAMED, QueryError, QueryOptions, named, nearest, query, title_of,
    write_answer,
};
use tenantsweep::report::clean::clean;

use super::create_file;
use super::notices::PATH_COLUMNS;
use super::redaction::redactor;
use super::report::terminal;
use crate::cli::{QueryArgs, QueryFormat};
use crate::exit::{End, Failure};

/// Answers the question, or lists the questions there are.
pub fn run(args: &QueryArgs, out: &mut dyn Write) -> Result<End, Failure> {
    let Some(sql) = question_of(args)? else {
        list(out).map_err(Failure::unwritten)?;
        return Ok(End::Done);
    };
    let known_addresses = match &args.known_addresses {
        None => KnownAddresses::default(),
        Some(path) => known_addresses(path).map_err(Failure::usage)?,
    };
    let dataset = Dataset::open(&args.out).map_err(Failure::usage)?;
    let options = QueryOptions { filter: args.filter.filter(), known_addresses };
    let answer = query(&dataset, &sql, &options).map_err(Failure::usage)?;
    let answer = match redactor(&args.redaction, &args.out)? {
        Some(by) => {
            answer.with_texts(|column, text| by.cell(column, text)).map_err(Failure::usage)?
        }
        None => answer,
    };
    let title = title_of(&sql).unwrap_or("tenantsweep query");
    let write = |sink: &mut dyn Write| {
        write_answer(&answer, title, format_of(args), sink).map_err(|error| match error {
            QueryError::Io(error) => Failure::unwritten(error),
            error => Failure::usage(error),
        })
    };
    match &args.output {
        None => write(out)?,
        Some(path) => {
            let mut file = create_file(path)?;
            write(&mut file)?;
            file.flush().map_err(Failure::unwritten)?;
        }
    }
    Ok(End::Done)
}

/// The SQL that is asked for; nothing to see what there is.
fn question_of(args: &QueryArgs) -> Result<Option<String>, Failure> {
    if let Some(sql) = &args.sql {
        return Ok(Some(sql.clone()));
    }
    let Some(question) = &args.question else { return Ok(None) };
    if let Some(known) = named(question) {
        return Ok(Some(known.sql.to_owned()));
    }
    let path = Path::new(question);
    let is_file = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
        || path.is_file();
    if is_file {
        let read = fs::read_to_string(path);
        let read = read.with_context(|| format!("{}: cannot read", path.display()));
        return read.map(Some).map_err(Failure::usage);
    }
    let names = nearest(question, NAMED.iter().map(|query| query.name), 3);
    let hint = if names.is_empty() {
        format!("`tenantsweep query {}` lists the questions there are", args.out.display())
    } else {
        format!("there is {}", names.join(", "))
    };
    let question = clean(question, PATH_COLUMNS);
    Err(Failure::usage(anyhow!("`{question}` is no question of ours and no file\nhint: {hint}")))
}

fn known_addresses(path: &Path) -> anyhow::Result<KnownAddresses> {
    let text = fs::read_to_string(path);
    let text = text.with_context(|| format!("{}: cannot read", path.display()))?;
    KnownAddresses::parse(&text).map_err(|error| anyhow!("{}: {error}", path.display()))
}

fn list(out: &mut dyn Write) -> std::io::Result<()> {
    let width = NAMED.iter().map(|query| query.name.len()).max().unwrap_or_default();
    for query in NAMED {
        writeln!(out, "{:width$}  {}", query.name, query.title())?;
    }
    Ok(())
}

fn format_of(args: &QueryArgs) -> AnswerFormat {
    match args.format {
        QueryFormat::Table => AnswerFormat::Table { columns: columns(args.output.is_none()) },
        QueryFormat::Csv => AnswerFormat::Csv,
        QueryFormat::Json => AnswerFormat::Json,
        QueryFormat::Jsonl => AnswerFormat::JsonLines,
        QueryFormat::Parquet => AnswerFormat::Parquet,
        QueryFormat::Timesketch => AnswerFormat::Timesketch,
    }
}

/// As wide as the terminal is; a file or a pipe takes all.
fn columns(is_shown: bool) -> usize {
    if !is_shown || !std::io::stdout().is_terminal() {
        return usize::MAX;
    }
    terminal().columns
}
