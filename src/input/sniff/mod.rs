//! What a file's first bytes say it is: JSON, a table, or something that holds no sign-ins.

mod other_logs;

use std::fmt;

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

/// First bytes, what begins with them, and what to do with such a file.
const OTHER_FILES: [(&[u8], &str, &str); 11] = [
    (
        b"PK\x03\x04",
        "a zip archive or an Excel workbook",
        "unpack it, or save the sheet as CSV UTF-8",
    ),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive", "unpack it first"),
    (b"Rar!\x1A\x07", "a rar archive", "unpack it first"),
    (b"\x28\xB5\x2F\xFD", "a zstd file", "unpack it first (`zstd -d`)"),
    (b"PAR1", "a Parquet file", "give the export that it was made from"),
    (b"SQLite format 3\0", "a SQLite database", "export its table as CSV"),
    (b"ElfFile\0", "a Windows event log", "it holds no Entra sign-ins"),
    (b"%PDF", "a PDF document", "give the export, not its print"),
    (b"\xD0\xCF\x11\xE0", "an old Excel or Word file", "save the sheet as CSV UTF-8"),
    (b"\xFF\xFE\0\0", "a file in UTF-32", "save it as UTF-8"),
    (b"\x89PNG", "a picture", "give the export, not a screenshot"),
];

/// Names an Office file by the folder in it that holds its content.
pub fn office_file(folder: &str) -> Option<NoLog> {
    let (what, hint) = match folder {
        "xl" => ("an Excel workbook", "open it and save the sheet as `CSV UTF-8`"),
        "word" => ("a Word document", "give the export itself"),
        "ppt" => ("a PowerPoint presentation", "give the export itself"),
        "visio" => ("a Visio drawing", "give the export itself"),
        _ => return None,
    };
    Some(NoLog { what: what.to_owned(), hint })
}

/// Judges the first bytes of a decoded stream (some MiB of it).
///
/// # Errors
/// It is no sign-in log; the answer names it.
pub fn shape_of(head: &[u8]) -> Result<Shape, NoLog> {
    if head.is_empty() {
        return Err(NoLog { what: "empty".to_owned(), hint: "export it again" });
    }
    let no_log = |what: &str, hint| Err(NoLog { what: what.to_owned(), hint });
    let known = OTHER_FILES.iter().find(|(magic, _, _)| head.starts_with(magic));
    if let Some((_, what, hint)) = known {
        return no_log(what, hint);
    }
    let text = trim_start(head);
    match text.first() {
        Some(b'{' | b'[') => return Ok(Shape::Json),
        None => return no_log("blank", "export it again"),
        // A torn first line, a warning or an error page before the records: sign-ins all the same.
        Some(_) if holds_json_keys(text) => return Ok(Shape::Json),
        Some(b'<') => {
            let hint = "download the log as JSON, not the page";
            return no_log("an HTML or XML document", hint);
        }
        Some(_) => {}
    }
    match delimiter_of(text) {
        Some(delimiter) => Ok(Shape::Csv { delimiter }),
        None if head.contains(&0) => no_log("a binary file", "give the export itself"),
        None => no_log("a text file", "only sign-in exports are read"),
    }
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
    if let Some([delimiter, ..]) = first.strip_prefix(b"sep=") {
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
        assert_eq!(shape_of(b"torn\"}\n{\"createdDateTime\" : 1}"), Ok(Shape::Json));
        assert_eq!(shape_of(b"WARNING: x\n[{\"createdDateTime\":1}]"), Ok(Shape::Json));
        assert_eq!(shape_of(b"a,b\nx,\"{\"\"createdDateTime\"\":1}\""), csv(b','));
        assert_eq!(shape_of(b"#TYPE System.Object\na;b\n"), csv(b';'));
        assert_eq!(shape_of(b"Date (UTC),Request ID\n"), csv(b','));
        assert_eq!(shape_of(b"sep=;\r\na;b\n"), csv(b';'));
        assert_eq!(shape_of(b"Date (UTC);Location, city;x\n"), csv(b';'));
        let named = |bytes: &[u8]| shape_of(bytes).map_err(|no| no.what);
        assert_eq!(named(b"PK\x03\x04..."), Err("a zip archive or an Excel workbook".to_owned()));
        assert_eq!(named(b"# Read me\nhello\n"), Err("a text file".to_owned()));
        assert_eq!(named(b""), Err("empty".to_owned()));
    }
}
