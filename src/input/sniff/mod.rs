//! What a file's first bytes say it is: JSON, a table, or something that holds no sign-ins.

mod files;
mod other_logs;
mod texts;

use std::fmt;

use files::no_log;

pub use files::office_file;
pub use other_logs::{name_json, name_table};

/// The shape of a decoded stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Json,
    Csv { delimiter: u8 },
}

/// A file that is no sign-in log: what it is, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoLog {
    pub what: String,
    pub hint: &'static str,
}

impl fmt::Display for NoLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Judges the first bytes of a decoded stream (some MiB of it).
///
/// # Errors
/// It is no sign-in log; the answer names it.
pub fn shape_of(head: &[u8]) -> Result<Shape, NoLog> {
    if head.is_empty() {
        return Err(no_log(("empty", EXPORT_AGAIN)));
    }
    if let Some(no_log) = files::name_binary(head) {
        return Err(no_log);
    }
    let text = trim_start(head);
    match text.first() {
        Some(b'{' | b'[') if !is_text_log(text) => return Ok(Shape::Json),
        None => return Err(no_log(("blank", EXPORT_AGAIN))),
        // A torn first line, a warning or an error page before the records: sign-ins all the same.
        Some(_) if holds_json_keys(text) => return Ok(Shape::Json),
        Some(b'<') => return Err(no_log(markup(text))),
        Some(_) => {}
    }
    if let Some(no_log) = texts::name_text(text) {
        return Err(no_log);
    }
    match delimiter_of(text) {
        Some(delimiter) => Ok(Shape::Csv { delimiter }),
        None if head.contains(&0) => Err(no_log(("a binary file", "give the export itself"))),
        None => Err(no_log(("a text file", "only sign-in exports are read"))),
    }
}

const EXPORT_AGAIN: &str = "export it again; was there anything in the time that was asked for?";

fn markup(text: &[u8]) -> (&'static str, &'static str) {
    let head = text[..text.len().min(1024)].to_ascii_lowercase();
    if text.starts_with(b"<?xml") && memchr::memmem::find(&head, b"<html").is_none() {
        return ("an XML document", "give the sign-in logs as JSON or CSV");
    }
    ("a web page", "it may be a page that asks to sign in; download the log as JSON instead")
}

/// `[2026-11-21T09:00:00Z] started` or `[INFO] started`: the text log of a program, not a list.
fn is_text_log(text: &[u8]) -> bool {
    let level = || {
        let word = text.strip_prefix(b"[")?;
        let end = word.iter().position(|byte| !byte.is_ascii_uppercase())?;
        (end >= 3 && word[end] == b']').then_some(())
    };
    texts::name_text(text).is_some() || level().is_some()
}

/// Whether a text holds a key of a sign-in as JSON writes it. (In a cell of a CSV its quotes
/// would be doubled.)
fn holds_json_keys(text: &[u8]) -> bool {
    let key = b"reatedDateTime\"";
    memchr::memmem::find_iter(text, key).any(|at| {
        let behind = text[at + key.len()..].trim_ascii_start();
        behind.first() == Some(&b':')
    })
}

fn trim_start(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let start = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
    let text = &text[start..];
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// What separates the columns of the header line: the first candidate that gives at least
/// two names, tried on the first line, or on the second below Excel's `sep=`.
fn delimiter_of(text: &[u8]) -> Option<u8> {
    let mut lines = text.split(|&byte| byte == b'\n');
    let mut first = lines.next()?;
    let bare = first.strip_prefix(b"\"").unwrap_or(first);
    if let Some([delimiter, ..]) = bare.strip_prefix(b"sep=") {
        return Some(*delimiter);
    }
    // Windows PowerShell 5.1 writes the type of the objects above the header.
    if first.starts_with(b"#TYPE") {
        first = lines.next()?;
    }
    let header = &first[..first.len().min(16 * 1024)];
    let count = |delimiter: u8| header.iter().filter(|&&byte| byte == delimiter).count();
    let most = [b',', b';', b'\t'].into_iter().max_by_key(|&delimiter| count(delimiter))?;
    (count(most) > 0).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_their_names() {
        let csv = |delimiter| Ok(Shape::Csv { delimiter });
        assert_eq!(shape_of(b" \n[{}]"), Ok(Shape::Json));
        assert!(shape_of(b"[INFO] Collecting\n[ERROR] Failed: x\n").is_err());
        assert_eq!(shape_of(b"torn\"}\n{\"createdDateTime\" : 1}"), Ok(Shape::Json));
        assert_eq!(shape_of(b"WARNING: x\n[{\"createdDateTime\":1}]"), Ok(Shape::Json));
        assert_eq!(shape_of(b"a,b\nx,\"{\"\"createdDateTime\"\":1}\""), csv(b','));
        assert_eq!(shape_of(b"#TYPE System.Object\na;b\n"), csv(b';'));
        assert_eq!(shape_of(b"Date (UTC),Request ID\n"), csv(b','));
        assert_eq!(shape_of(b"sep=;\r\na;b\n"), csv(b';'));
        assert_eq!(shape_of(b"Date (UTC);Location, city;x\n"), csv(b';'));
        let named = |bytes: &[u8]| shape_of(bytes).map_err(|no| no.what);
        assert_eq!(named(b"7z\xBC\xAF\x27\x1C"), Err("a 7z archive".to_owned()));
        assert_eq!(named(b"# Read me\nhello\n"), Err("a text file".to_owned()));
        assert_eq!(named(b""), Err("empty".to_owned()));
    }
}
