//! Values of columns before they take the spelling of an export, and these spellings.

use super::json::{Json, Style};
use super::time;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Text,
    Moment,
    Number,
    Flag,
    /// JSON, which some exports keep as it is and others as text.
    Dynamic,
}

#[derive(Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub of: Type,
}

impl Column {
    pub const fn new(name: &'static str, of: Type) -> Self {
        Self { name, of }
    }
}

pub enum Value {
    Nothing,
    Text(String),
    /// Text that no judgement rests on.
    Soft(String),
    Moment(i64),
    Number(i64),
    Flag(bool),
    Json(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// JSON text of a value made by the writer.
pub fn json_text(fill: impl FnOnce(&mut Json)) -> String {
    let mut w = Json::new(Vec::new(), Style::default(), 0);
    fill(&mut w);
    String::from_utf8_lossy(&w.out).into_owned()
}

impl Value {
    /// As a cell of CSV. A moment goes by the clock of the tool that wrote it.
    pub fn into_cell(self, moment: fn(i64) -> String) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) | Self::Soft(text) | Self::Json(text) => text,
            Self::Moment(at) => moment(at),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => if flag { "True" } else { "False" }.into(),
        }
    }

    /// As a value of JSON with its type.
    pub fn write(self, w: &mut Json, keeps_dynamic: bool) {
        match self {
            Self::Nothing => w.raw("null"),
            Self::Text(text) => w.text(&text),
            Self::Soft(text) => w.soft_text(&text),
            Self::Json(text) if keeps_dynamic => w.raw(&text),
            Self::Json(text) => w.text(&text),
            Self::Moment(at) => w.text(&time::monitor(at, "Z")),
            Self::Number(number) => w.number(number),
            Self::Flag(flag) => w.boolean(flag),
        }
    }

    /// As a string of JSON, whatever its type.
    pub fn write_as_text(self, w: &mut Json) {
        match self {
            Self::Soft(text) => w.soft_text(&text),
            other => w.text(&other.into_cell(|at| time::monitor(at, "Z"))),
        }
    }
}
