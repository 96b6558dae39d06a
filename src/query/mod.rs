//! SQL over a dataset.
//!
//! The parts that the manifest names become tables by their names; the questions of `queries/` and
//! the user's own are answered by polars. What stands in `queries/` is written so that DuckDB, over
//! the same files, gives the same rows.

mod answer;
mod filter;
mod known;
mod named;
mod nearest;
mod write;

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use polars::io::HiveOptions;
use polars::prelude::{
    Column, DataFrame, DataType, Field, IntoLazy, LazyFrame, PlRefPath, PolarsError, PolarsResult,
    ScanArgsParquet, Schema, TimeUnit, TimeZone, col,
};
use polars::sql::SQLContext;

pub use answer::{Answer, Value};
pub use filter::Filter;
pub use known::KnownAddresses;
pub use named::{NAMED, NamedQuery, named, title_of};
pub use nearest::nearest;
pub use write::{AnswerFormat, write_answer};

use crate::dataset::{ColumnKind, Dataset, Table, columns};

/// The tables that a query can name, besides [`KNOWN_ADDRESSES`].
pub const TABLES: [Table; 11] = [
    Table::SignIns,
    Table::AppliedPolicies,
    Table::Exports,
    Table::Coverage,
    Table::Rejects,
    Table::Tenants,
    Table::Partners,
    Table::Accounts,
    Table::Users,
    Table::Tools,
    Table::ErrorCodes,
];

/// The addresses of sign-ins that the user knows to be their own: one column, `ip_address`.
pub const KNOWN_ADDRESSES: &str = "known_addresses";

/// What a query sees.
#[derive(Debug, Clone, Default)]
pub struct QueryOptions {
    pub filter: Filter,
    pub known_addresses: KnownAddresses,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// In the words of polars, with what there is instead.
    #[error("{message}{}", hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
    Sql { message: String, hint: Option<String> },
    /// A library gave up by a panic, which must not take the program with it.
    #[error("the query cannot be answered: {message}")]
    Panicked { message: String },
    #[error("this form needs a time: choose a query with a column such as `created_at`")]
    NoTime,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Answers a query over the live parts of a dataset.
///
/// # Errors
/// The query is no SQL, names what is not there, or the parts cannot be read.
pub fn query(dataset: &Dataset, sql: &str, options: &QueryOptions) -> Result<Answer, QueryError> {
    let answer = catch_unwind(AssertUnwindSafe(|| collect(dataset, sql, options)));
    match answer {
        Ok(Ok(frame)) => Ok(Answer::new(frame)),
        Ok(Err(error)) => Err(explained(&error)),
        Err(panic) => {
            let message = crate::summary::panic_message(panic.as_ref());
            Err(QueryError::Panicked { message })
        }
    }
}

fn collect(dataset: &Dataset, sql: &str, options: &QueryOptions) -> PolarsResult<DataFrame> {
    let mut context = SQLContext::new();
    let sign_ins = scan(dataset, Table::SignIns)?;
    let known = known_frame(&sign_ins, &options.known_addresses)?;
    let sign_ins = options.filter.apply(Table::SignIns, sign_ins);
    for table in TABLES {
        let frame = match table {
            Table::SignIns => sign_ins.clone(),
            Table::AppliedPolicies => {
                options.filter.apply_to_policies(scan(dataset, table)?, &sign_ins)
            }
            _ => options.filter.apply(table, scan(dataset, table)?),
        };
        context.register(table.as_str(), frame);
    }
    context.register(KNOWN_ADDRESSES, known.lazy());
    context.execute(sql)?.collect()
}

/// The rows of a table, whether it has parts or not.
fn scan(dataset: &Dataset, table: Table) -> PolarsResult<LazyFrame> {
    let paths = dataset.paths(table);
    if paths.is_empty() {
        return Ok(DataFrame::empty_with_schema(&schema_of(table)).lazy());
    }
    let paths = paths.iter().map(|path| PlRefPath::try_from_path(path));
    let args = ScanArgsParquet {
        // Part names come from a manifest; a bracket in a folder's name is no pattern.
        glob: false,
        cache: false,
        allow_missing_columns: true,
        // `month=…` in a path is no column; the rows have their times.
        hive_options: HiveOptions::new_disabled(),
        ..ScanArgsParquet::default()
    };
    LazyFrame::scan_parquet_files(paths.collect::<PolarsResult<_>>()?, args)
}

fn schema_of(table: Table) -> Schema {
    let kind = |kind| match kind {
        ColumnKind::Bool => DataType::Boolean,
        ColumnKind::Int32 => DataType::Int32,
        ColumnKind::Int64 => DataType::Int64,
        ColumnKind::Text => DataType::String,
        ColumnKind::Date => DataType::Date,
        ColumnKind::Timestamp => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
    };
    columns(table).into_iter().map(|doc| Field::new(doc.name.into(), kind(doc.kind))).collect()
}

/// The addresses of the sign-ins that are known. Ranges are the program's work, so that a query
/// has only to compare texts.
fn known_frame(sign_ins: &LazyFrame, known: &KnownAddresses) -> PolarsResult<DataFrame> {
    const ADDRESS: &str = "ip_address";
    let mut texts: Vec<String> = Vec::new();
    if *known != KnownAddresses::default() {
        let all = sign_ins.clone().select([col(ADDRESS).unique()]).collect()?;
        let is_known =
            |text: &&str| text.parse::<IpAddr>().is_ok_and(|address| known.holds(address));
        let found = all.column(ADDRESS)?.str()?.iter().flatten().filter(is_known);
        texts.extend(found.map(str::to_owned));
    }
    texts.sort_unstable();
    DataFrame::new_infer_height(vec![Column::new(ADDRESS.into(), texts)])
}

/// The error of polars, and the nearest name of what exists.
fn explained(error: &PolarsError) -> QueryError {
    let message = error.to_string();
    let message = message.lines().next().unwrap_or_default();
    // The list of all columns of the table hides what is wrong.
    let message = message.split("; valid columns").next().unwrap_or_default().trim().to_owned();
    let hint = missing_name(&message).map(|name| hint_for(&name));
    QueryError::Sql { message, hint }
}

/// The table or column that was named and is not there, in the words of polars: the first text in
/// quotes.
fn missing_name(message: &str) -> Option<String> {
    let is_missing = ["not found", "unable to find", "not exist", "no column named"]
        .iter()
        .any(|words| message.contains(words));
    let quote = message.find(['"', '\'', '`'])?;
    let mark = message[quote..].chars().next()?;
    let name = message[quote + 1..].split(mark).next()?;
    is_missing.then(|| name.to_owned())
}

fn hint_for(name: &str) -> String {
    let tables = TABLES.iter().map(|table| table.as_str()).chain([KNOWN_ADDRESSES]);
    let all = TABLES.iter().flat_map(|table| columns(*table)).map(|doc| doc.name);
    let found = nearest(name, tables.clone().chain(all), 3);
    let tables: Vec<&str> = tables.collect();
    match found.as_slice() {
        [] => format!("the tables are {}; `schema dataset` lists their columns", tables.join(", ")),
        found => format!("there is {}", found.join(", ")),
    }
}
