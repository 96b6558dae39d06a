//! What the files hold, for who reads them by program: published schemas of the JSON files, and the
//! tables and columns of the dataset.

use std::io::{self, Write};

use serde::Serialize;

use super::clean::markdown;
use super::json::write_visible;
use crate::dataset::{ColumnDoc, SCHEMA_VERSION, Table, columns};

/// The JSON Schema of summary.json.
pub const SUMMARY_SCHEMA: &str = include_str!("../../docs/schema/summary.schema.json");
/// The JSON Schema of tickets.json.
pub const TICKETS_SCHEMA: &str = include_str!("../../docs/schema/tickets.schema.json");
/// The JSON Schema of the answer of `compare --format json`.
pub const COMPARE_SCHEMA: &str = include_str!("../../docs/schema/compare.schema.json");

/// Writes the tables of the dataset as Markdown: what stands in docs/dataset.md.
pub fn write_dataset_schema_markdown(sink: &mut impl Write) -> io::Result<()> {
    writeln!(sink, "# The dataset\n")?;
    writeln!(
        sink,
        "Schema version {SCHEMA_VERSION}. Written by `tenantsweep schema dataset`; a test keeps this page and \
         the program equal.\n"
    )?;
    writeln!(
        sink,
        "Each table is the Parquet files below `dataset/TABLE/`. Within a version columns are only added. \
         Nothing is nested, every time is UTC, and a column that is not always there is null where the \
         log does not tell.\n"
    )?;
    for table in readable() {
        table_markdown(sink, table)?;
    }
    Ok(())
}

/// Tables for readers.
fn readable() -> impl Iterator<Item = Table> {
    Table::ALL.into_iter().filter(|table| table.row_words().is_some())
}

fn table_markdown(sink: &mut impl Write, table: Table) -> io::Result<()> {
    let months = if table.is_by_month() { ", in a folder for each month" } else { "" };
    writeln!(sink, "## {}\n", markdown(table.as_str()))?;
    writeln!(sink, "A row is {}{months}.\n", table.row_words().unwrap_or_default())?;
    writeln!(sink, "| column | type | always | unit | field of the log | meaning |")?;
    writeln!(sink, "|---|---|---|---|---|---|")?;
    for ColumnDoc { name, kind, required, unit, source, meaning } in columns(table) {
        let always = if *required { "yes" } else { "" };
        let (unit, source, meaning) = (markdown(unit), markdown(source), markdown(meaning));
        let kind = kind.as_str();
        writeln!(sink, "| `{name}` | {kind} | {always} | {unit} | {source} | {meaning} |")?;
    }
    writeln!(sink)
}

/// Writes the same for programs.
pub fn write_dataset_schema_json(sink: &mut impl Write) -> io::Result<()> {
    let document = Document {
        schema_version: SCHEMA_VERSION,
        tables: readable().map(TableJson::of).collect(),
    };
    write_visible(sink, &document)
}

#[derive(Serialize)]
struct Document {
    schema_version: u32,
    tables: Vec<TableJson>,
}

#[derive(Serialize)]
struct TableJson {
    name: &'static str,
    /// What a row is.
    row: &'static str,
    /// Its files stand in a folder for each month.
    by_month: bool,
    columns: Vec<ColumnJson>,
}

#[derive(Serialize)]
struct ColumnJson {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    nullable: bool,
    unit: Option<&'static str>,
    source: Option<&'static str>,
    meaning: &'static str,
}

impl TableJson {
    fn of(table: Table) -> Self {
        Self {
            name: table.as_str(),
            row: table.row_words().unwrap_or_default(),
            by_month: table.is_by_month(),
            columns: columns(table).into_iter().map(ColumnJson::of).collect(),
        }
    }
}

impl ColumnJson {
    fn of(column: &ColumnDoc) -> Self {
        let some = |text: &'static str| Some(text).filter(|text| !text.is_empty());
        Self {
            name: column.name,
            kind: column.kind.as_str(),
            nullable: !column.required,
            unit: some(column.unit),
            source: some(column.source),
            meaning: column.meaning,
        }
    }
}
