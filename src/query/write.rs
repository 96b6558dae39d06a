//! The forms in which an answer is given.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use unicode_width::UnicodeWidthStr;

use super::QueryError;
use super::answer::{Answer, Value};
use crate::report::clean::{cell, clean};

/// A form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFormat {
    /// For people, as wide as the terminal.
    Table {
        columns: usize,
    },
    /// For spreadsheets: no text is taken for a formula.
    Csv,
    /// One list of objects.
    Json,
    /// One object a line.
    JsonLines,
    Parquet,
    /// CSV as Timesketch imports it: `message`, `datetime`, `timestamp_desc`, then all columns.
    Timesketch,
}

/// Writes an answer. `title` is what an event of Timesketch is called.
///
/// # Errors
/// The sink fails, or Timesketch is asked for and no column holds times.
pub fn write_answer(
    answer: &Answer,
    title: &str,
    format: AnswerFormat,
    sink: &mut dyn Write,
) -> Result<(), QueryError> {
    match format {
        AnswerFormat::Table { columns } => write_table(answer, columns, sink)?,
        AnswerFormat::Csv => write_csv(answer, sink)?,
        AnswerFormat::Json => write_json(answer, sink)?,
        AnswerFormat::JsonLines => write_json_lines(answer, sink)?,
        AnswerFormat::Parquet => answer.write_parquet(sink)?,
        AnswerFormat::Timesketch => write_timesketch(answer, title, sink)?,
    }
    Ok(())
}

/// Between two columns.
const GAP: usize = 2;
/// A column is not made narrower, if there is any other way.
const COLUMN_MIN: usize = 8;
/// No text is drawn wider, however wide the terminal.
const COLUMN_MAX: usize = 60;

fn write_table(answer: &Answer, columns: usize, sink: &mut dyn Write) -> io::Result<()> {
    let names = answer.columns();
    let rows: Vec<Vec<String>> = answer
        .rows()
        .map(|row| row.iter().map(|value| clean(&shown(value), COLUMN_MAX)).collect())
        .collect();
    let width_of = |at: usize| {
        let cells = rows.iter().map(|row| row[at].width());
        cells.chain([names[at].width()]).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..names.len()).map(width_of).collect();
    let gaps = GAP * names.len().saturating_sub(1);
    // The widest columns of text give way until all fit.
    while widths.iter().sum::<usize>() + gaps > columns {
        let widest = (0..widths.len())
            .filter(|&at| widths[at] > COLUMN_MIN && !answer.is_numeric(at))
            .max_by_key(|&at| widths[at]);
        let Some(widest) = widest else { break };
        widths[widest] -= 1;
    }
    let mut line = |cells: &mut dyn Iterator<Item = &str>| -> io::Result<()> {
        let mut text = String::new();
        for (at, value) in cells.enumerate() {
            let value = clean(value, widths[at]);
            let blanks = " ".repeat(widths[at].saturating_sub(value.width()));
            let (before, behind) = if answer.is_numeric(at) {
                (blanks, String::new())
            } else {
                (String::new(), blanks)
            };
            text.push_str(&before);
            text.push_str(&value);
            text.push_str(&behind);
            text.push_str(&" ".repeat(GAP));
        }
        writeln!(sink, "{}", text.trim_end())
    };
    line(&mut names.iter().copied())?;
    for row in &rows {
        line(&mut row.iter().map(String::as_str))?;
    }
    let rows = rows.len();
    writeln!(sink, "{rows} row{}", if rows == 1 { "" } else { "s" })
}

/// Times to the second: who wants more takes another form.
fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Time(time) => time.format("%Y-%m-%d %H:%M:%S").to_string(),
        Value::Number(number) => {
            let text = format!("{number:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => other.to_text().into_owned(),
    }
}

/// A cell of CSV: only texts can be taken for formulas.
fn csv_cell(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => cell(text, usize::MAX),
        other => other.to_text().into_owned(),
    }
}

fn write_csv(answer: &Answer, sink: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(sink);
    writer.write_record(answer.columns())?;
    for row in answer.rows() {
        writer.write_record(row.iter().map(csv_cell))?;
    }
    writer.flush()
}

fn write_timesketch(answer: &Answer, title: &str, sink: &mut dyn Write) -> Result<(), QueryError> {
    let names = answer.columns();
    let time = answer.time_column().ok_or(QueryError::NoTime)?;
    let mut writer = csv::Writer::from_writer(sink);
    let head = ["message", "datetime", "timestamp_desc"];
    writer.write_record(head.iter().chain(&names)).map_err(io::Error::from)?;
    for row in answer.rows() {
        let cells: Vec<String> = row.iter().map(csv_cell).collect();
        let told = names.iter().zip(&cells).filter(|(_, text)| !text.is_empty());
        let told: Vec<String> = told.map(|(name, text)| format!("{name}: {text}")).collect();
        let message = cell(&format!("{title} {}", told.join(", ")), usize::MAX);
        let head = [message, cells[time].clone(), names[time].to_owned()];
        writer.write_record(head.iter().chain(&cells)).map_err(io::Error::from)?;
    }
    writer.flush()?;
    Ok(())
}

/// A row as a JSON object, its members in the order of the columns.
struct Object<'a> {
    names: &'a [&'a str],
    row: Vec<Value<'a>>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(&self.row))
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(number) => serializer.serialize_i64(*number),
            // What is no number, such as a share of nothing, becomes null.
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Null => serializer.serialize_none(),
            Self::Text(_) | Self::Date(_) | Self::Time(_) => {
                serializer.serialize_str(&self.to_text())
            }
        }
    }
}

fn write_json(answer: &Answer, sink: &mut dyn Write) -> io::Result<()> {
    let names = answer.columns();
    sink.write_all(b"[")?;
    for (number, row) in answer.rows().enumerate() {
        sink.write_all(if number == 0 { b"\n  " } else { b",\n  " })?;
        serde_json::to_writer(&mut *sink, &Object { names: &names, row })?;
    }
    sink.write_all(if answer.is_empty() { b"]\n" } else { b"\n]\n" })
}

fn write_json_lines(answer: &Answer, sink: &mut dyn Write) -> io::Result<()> {
    let names = answer.columns();
    for row in answer.rows() {
        serde_json::to_writer(&mut *sink, &Object { names: &names, row })?;
        sink.write_all(b"\n")?;
    }
    Ok(())
}
