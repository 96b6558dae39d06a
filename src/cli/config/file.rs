//! A TOML text as tables of keys and values with their lines.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Fault;

/// `[sweep]` and what stands below it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Value,
}

/// A value as a flag may take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Switch(bool),
    /// Text, a number or a date: what would be typed behind a flag.
    Text(String),
    List(Vec<Value>),
    Table,
}

impl Value {
    /// As people call it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Switch(_) => "true or false",
            Self::Text(_) => "a single value",
            Self::List(_) => "a list",
            Self::Table => "a table",
        }
    }
}

/// Reads all tables, in the order of the file.
pub(super) fn read(text: &str) -> Result<Vec<Table>, Fault> {
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Fault { line: line_of(text, at), told: format!("no TOML: {}", error.message().trim()) }
    })?;
    let mut tables = Vec::new();
    for (key, value) in root.get_ref() {
        let (name, line) = (key.get_ref().to_string(), line_of(text, key.span().start));
        let DeValue::Table(table) = value.get_ref() else {
            let told = format!(
                "`{name}` stands in no table\nhint: put it below its subcommand, such as [sweep]"
            );
            return Err(Fault { line, told });
        };
        tables.push(Table { name, line, entries: entries(text, table)? });
    }
    tables.sort_by_key(|table| table.line);
    Ok(tables)
}

fn entries(text: &str, table: &DeTable<'_>) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    for (key, value) in table {
        let line = line_of(text, key.span().start);
        let key = key.get_ref().to_string();
        let value = value_of(value).map_err(|told| {
            let told = format!("`{key}`: {told}");
            Fault { line, told }
        })?;
        entries.push(Entry { key, line, value });
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn value_of(value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    Ok(match value.get_ref() {
        DeValue::Boolean(is_on) => Value::Switch(*is_on),
        DeValue::String(text) if text.contains('\0') => {
            return Err("no flag takes a zero byte".to_owned());
        }
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() != 10 => {
            return Err("write the number in decimal digits, or as text".to_owned());
        }
        DeValue::Integer(number) => Value::Text(number.as_str().to_owned()),
        DeValue::Float(number) => Value::Text(number.as_str().to_owned()),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(value_of).collect::<Result<_, _>>()?),
        DeValue::Table(_) => Value::Table,
    })
}

/// The line of a byte, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}
