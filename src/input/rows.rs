//! How the records of an export are read, found out from its first ones: which kind of export it
//! is, what the columns of a table are, and in which order its dates stand.

use std::cell::LazyCell;

use super::cells::{cell, cells};
use super::date_order::{DateOrderOfFile, date_order_of};
use super::peek::{Peek, PeekColumns};
use super::read::{NotRead, Place, ReadOptions};
use super::sniff::{NoLog, name_json, name_table};
use crate::dialect::{
    self, Dialect, Reading, RecordOptions, Table, TableRefusal, Unreadable, portal_columns,
    sign_in_type_of_file_name,
};
use crate::time::TimeReading;

/// How the records of a file are read, once that is known.
#[derive(Debug)]
pub(super) enum Rows {
    Unknown,
    Json(Dialect, RecordOptions),
    Csv {
        table: Box<Table>,
        delimiter: u8,
        /// The columns by which a row can be told to be no partner's; `None` if they do not do.
        peek: Option<PeekColumns>,
    },
    /// Arrays of JSON values.
    Values(Box<Table>),
    /// Rows of a table in an answer that holds no sign-ins.
    OtherTable,
}

impl Rows {
    /// The kind of the export, once it is known.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        match self {
            Self::Unknown | Self::OtherTable => None,
            Self::Json(dialect, _) => Some(*dialect),
            Self::Csv { table, .. } | Self::Values(table) => Some(table.dialect()),
        }
    }

    /// Whether a record can be told, without parsing, to be no partner's sign-in.
    pub(super) fn may_skip(&self, record: &[u8], peek: &Peek) -> bool {
        match self {
            Self::Json(..) => peek.may_skip(record),
            Self::Csv { delimiter, peek: Some(columns), .. } => {
                peek.may_skip_row(record, *delimiter, columns)
            }
            _ => false,
        }
    }

    /// Reads a record to a sign-in.
    pub(super) fn normalise(&self, record: &[u8]) -> Result<Reading, Unreadable> {
        match self {
            Self::Unknown | Self::OtherTable => Err(Unreadable::OtherKind),
            Self::Json(dialect, how) => dialect.normalise_json(record, *how),
            Self::Values(table) => table.normalise_values(record),
            Self::Csv { table, delimiter, .. } => {
                let repaired = std::str::from_utf8(record).is_err();
                let reading = table.normalise_cells(&cells(record, *delimiter))?;
                Ok(Reading { repaired: repaired || reading.repaired, ..reading })
            }
        }
    }
}

/// Records that are tried before a JSON file is said to hold no sign-ins.
const DETECT_RECORDS: usize = 64;

/// Finds the kind of JSON records; `Unknown` if there are none yet.
pub(super) fn rows_of_json<'b>(
    records: impl Iterator<Item = &'b [u8]>,
    options: &ReadOptions<'_>,
) -> Result<Rows, NotRead> {
    let times = TimeReading { order: options.tables.date_order, ..TimeReading::default() };
    let how = RecordOptions { times, keep_not_applied: options.keep_not_applied };
    let mut refusal = None;
    for (at, record) in records.enumerate() {
        // Behind the first ones only what has a sign-in's keys is worth a look.
        if at >= DETECT_RECORDS && !names_sign_ins(record) {
            continue;
        }
        match Dialect::detect_json(record) {
            Ok(dialect) => return Ok(Rows::Json(dialect, how)),
            Err(no_dialect) => refusal = refusal.or(Some((record, no_dialect))),
        }
    }
    let Some((record, no_dialect)) = refusal else { return Ok(Rows::Unknown) };
    Err(NotRead::NoLog(name_json(record).unwrap_or_else(|| NoLog {
        what: format!("JSON, but no sign-in log: {no_dialect}"),
        hint: "give an export of the sign-in logs",
    })))
}

/// Finds out how the rows of a CSV are read, by its header and the first rows below it.
pub(super) fn rows_of_csv<'b>(
    header: &[u8],
    below: impl Iterator<Item = &'b [u8]>,
    delimiter: u8,
    place: &Place<'_>,
    options: &ReadOptions<'_>,
) -> Result<Rows, NotRead> {
    let header = csv_texts(header, delimiter);
    let below: Vec<&[u8]> = below.take(SAMPLE_ROWS).collect();
    // Most kinds are known by their header alone.
    let sample = LazyCell::new(|| -> Vec<Vec<String>> {
        below.iter().map(|row| csv_texts(row, delimiter)).collect()
    });
    let mut table = table_of(&header, || &sample, place, options)?;
    table.learn_success_words(|| &sample);
    table.options.keep_not_applied = options.keep_not_applied;
    if let Some(column) = table.time_column() {
        table.options.times.order = match options.tables.date_order {
            Some(order) => Some(order),
            None => {
                let first = below.iter().filter_map(|row| cell(row, delimiter, column));
                let found = date_order_of(first, || (place.reopen)(), column, delimiter, options);
                order_of(found.map_err(NotRead::Failed)?, header.get(column))?
            }
        };
    }
    let peek = PeekColumns::of(&table);
    Ok(Rows::Csv { table: Box::new(table), delimiter, peek })
}

/// Rows by whose cells a column is judged.
const SAMPLE_ROWS: usize = 1000;

fn table_of<'s>(
    header: &[String],
    sample: impl Fn() -> &'s Vec<Vec<String>>,
    place: &Place<'_>,
    options: &ReadOptions<'_>,
) -> Result<Table, NotRead> {
    let name = place.shown.rsplit('/').next().unwrap_or_default();
    let log = sign_in_type_of_file_name(name);
    let refusal = match Table::detect(header, log, options.tables) {
        Ok(table) => return Ok(table),
        Err(refusal) => refusal,
    };
    match refusal {
        TableRefusal::LocalTime { column } => Err(NotRead::Refused(NoLog {
            what: format!("the times in `{column}` are in a zone that the file does not name"),
            hint: "say it with `--utc-offset`, such as `--utc-offset +02:00`, or export again \
                   with the portal set to UTC",
        })),
        TableRefusal::Unknown { .. } => {
            if let Some(table) = portal_columns(header, sample(), log, options.tables) {
                return Ok(table);
            }
            if let Some(no_log) = name_table(header) {
                return Err(NotRead::NoLog(no_log));
            }
            Err(unknown_table(header, sample()))
        }
    }
}

/// What to say of a table that no kind knows: it may be a sign-in log in another language.
fn unknown_table(header: &[String], sample: &[Vec<String>]) -> NotRead {
    let columns: Vec<String> = header.iter().map(|name| format!("`{}`", name.trim())).collect();
    let columns = columns.join(", ");
    if dialect::looks_like_sign_ins(sample) {
        return NotRead::Refused(NoLog {
            what: format!("a table that may hold sign-ins, with unknown columns: {columns}"),
            hint: "say what its columns hold with `--map COLUMN=FIELD` (created_at, home_tenant_id, \
                   resource_tenant_id, user_principal_name, error_code …; a wrong name lists them \
                   all), or export again with the portal in English, better as JSON",
        });
    }
    NotRead::NoLog(NoLog {
        what: format!("a table of something else; its columns: {columns}"),
        hint: "if it is a sign-in log all the same, say what its columns hold with \
               `--map COLUMN=FIELD`",
    })
}

/// The order in which a file's dates are read, or what to ask the user.
fn order_of(
    found: DateOrderOfFile,
    column: Option<&String>,
) -> Result<Option<crate::time::DateOrder>, NotRead> {
    match found {
        DateOrderOfFile::NotAsked => Ok(None),
        DateOrderOfFile::Known(order) => Ok(Some(order)),
        DateOrderOfFile::Contradicts { month_first, day_first } => {
            let column = column.map_or("", |name| name.trim());
            Err(NotRead::Refused(NoLog {
                what: format!(
                    "dates in `{column}` stand in both orders: `{month_first}` and `{day_first}`"
                ),
                hint: "export it again; or say which order counts with `--date-order`, and the \
                       others are told as unreadable",
            }))
        }
        DateOrderOfFile::Open { example } => {
            let column = column.map_or("", |name| name.trim());
            Err(NotRead::Refused(NoLog {
                what: format!(
                    "no date in `{column}` tells whether the day or the month stands first \
                     (`{example}`)"
                ),
                hint: "say it with `--date-order day-first` or `--date-order month-first`",
            }))
        }
    }
}

/// Finds out how the rows of a table in an answer are read, by its list of columns.
pub(super) fn rows_of_columns(columns: &[u8], options: &ReadOptions<'_>) -> (Rows, Vec<String>) {
    let header = column_names(columns);
    let log = crate::sign_in::SignInType::Unknown;
    let rows = match Table::detect(&header, log, options.tables) {
        Ok(mut table) => {
            table.options.times.order = options.tables.date_order;
            table.options.keep_not_applied = options.keep_not_applied;
            Rows::Values(Box::new(table))
        }
        Err(_) => Rows::OtherTable,
    };
    (rows, header)
}

/// The names in `[{"name": …}]` or `[{"ColumnName": …}]`.
fn column_names(columns: &[u8]) -> Vec<String> {
    let columns: Vec<serde_json::Value> = serde_json::from_slice(columns).unwrap_or_default();
    let name = |column: &serde_json::Value| {
        let members = column.as_object()?;
        let named = |wanted: &str| {
            members.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, name)| name)
        };
        named("name").or_else(|| named("ColumnName"))?.as_str().map(str::to_owned)
    };
    columns.iter().map(|column| name(column).unwrap_or_default()).collect()
}

/// Whether a text holds keys that only sign-in logs have.
pub(super) fn names_sign_ins(head: &[u8]) -> bool {
    let keys = [
        &b"reatedDateTime"[..],
        b"\"properties\"",
        b"esultType",
        b"imeGenerated",
        b"\"Timestamp\"",
    ];
    keys.iter().any(|key| memchr::memmem::find(head, key).is_some())
}

fn csv_texts(record: &[u8], delimiter: u8) -> Vec<String> {
    cells(record, delimiter).iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}
