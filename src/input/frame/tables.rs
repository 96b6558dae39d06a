//! Answers of query interfaces: tables whose columns are told once, `{"tables": [{"columns": […],
//! "rows": [[…], …]}]}` (Log Analytics), `{"Tables": …}` and a list of frames (Kusto v1 and v2).
//!
//! The columns come out as a [`super::SpanKind::Header`], each row as a record: an array of values. They
//! may be far longer than any window, so the document is walked member by member.

use memchr::{memchr, memchr3};

use super::first_key::is_blank;
use super::resync::Effort;
use super::tiler::{Step, Tiler};
use super::wrapper::{Stop, count_leading, key_and_colon, members, value_len};
use super::{DamageReason, Span, WINDOW_SLACK};

/// Whether a document is such an answer, judged by the keys at its head.
pub(in crate::input) fn holds_tables(head: &[u8]) -> bool {
    let blanks = count_leading(head, |byte| is_blank(byte) || byte == b'[');
    let object = &head[blanks..];
    let is_frames = blanks > 0 && head[..blanks].contains(&b'[');
    let mut keys = first_keys(object);
    if is_frames {
        return keys.any(|(key, _)| key.eq_ignore_ascii_case("FrameType"));
    }
    keys.any(|(key, value)| {
        let list = value.first() == Some(&b'[');
        list && (key.eq_ignore_ascii_case("tables") || is_table(&key, object))
    })
}

/// A table by itself, without the list around it.
fn is_table(key: &str, object: &[u8]) -> bool {
    let has_rows = || first_keys(object).any(|(key, _)| key.eq_ignore_ascii_case("rows"));
    key.eq_ignore_ascii_case("columns") && has_rows()
}

/// The keys at the first level of an object with what is there of their values: the last one may
/// be cut short.
fn first_keys(object: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let whole: Vec<(String, &[u8])> = members(object).collect();
    let end = whole
        .last()
        .map_or(1, |(_, value)| value.as_ptr() as usize - object.as_ptr() as usize + value.len());
    let rest = object.get(end..).unwrap_or_default();
    let rest = &rest[count_leading(rest, |byte| is_blank(byte) || byte == b',')..];
    let cut = (rest.first() == Some(&b'"'))
        .then(|| key_and_colon(rest).ok().map(|(key, at)| (key, &rest[at..])))
        .flatten();
    whole.into_iter().chain(cut)
}

#[derive(Debug)]
pub struct TablesFramer {
    record_limit: usize,
    in_rows: bool,
    /// The table at hand holds the answer, not what goes with it.
    is_answer: bool,
    /// How many columns the table at hand has, once they were told.
    columns: Option<usize>,
    is_partial: bool,
    /// A damage that goes on until a row fits again.
    recovering: Option<DamageReason>,
    effort: Effort,
    longest: usize,
}

impl TablesFramer {
    pub fn new(record_limit: usize) -> Self {
        Self {
            record_limit,
            in_rows: false,
            is_answer: true,
            columns: None,
            is_partial: false,
            recovering: None,
            effort: Effort::new(record_limit),
            longest: 0,
        }
    }

    /// The same contract as [`super::JsonFramer::frame`].
    pub fn frame(
        &mut self,
        window: &[u8],
        base: u64,
        at_end: bool,
        spans: &mut Vec<Span>,
    ) -> usize {
        let mut tiler = Tiler::new(window, base, at_end, spans);
        while !tiler.rest().is_empty() {
            if self.step(&mut tiler) == Step::Go {
                continue;
            }
            if at_end {
                self.damage(&mut tiler, DamageReason::Unfinished);
            } else if tiler.rest().len() >= self.record_limit.saturating_add(WINDOW_SLACK) {
                self.damage(&mut tiler, DamageReason::TooLong);
            } else {
                break;
            }
        }
        tiler.finish()
    }

    /// The answer says that it is not whole.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    fn step(&mut self, tiler: &mut Tiler) -> Step {
        self.effort.reach(tiler.offset());
        if self.recovering.is_some() {
            return self.recover(tiler);
        }
        tiler.skip(count_leading(tiler.rest(), |byte| is_blank(byte) || matches!(byte, b',' | 0)));
        match (tiler.rest().first(), self.in_rows) {
            (None, _) => Step::Go,
            (Some(b']'), _) => {
                self.in_rows = false;
                tiler.skip(1);
                Step::Go
            }
            (Some(b'['), true) => self.row(tiler),
            (Some(b'{' | b'}' | b'['), false) => {
                tiler.skip(1);
                Step::Go
            }
            (Some(b'"'), false) => self.member(tiler),
            // The mark of the byte order, and whatever else was put before or between.
            _ => {
                self.damage(tiler, DamageReason::NotAnObject);
                Step::Go
            }
        }
    }

    fn member(&mut self, tiler: &mut Tiler) -> Step {
        let rest = tiler.rest();
        let (key, at) = match key_and_colon(rest) {
            Ok(found) => found,
            Err(Stop::Cut) => return Step::NeedMore,
            // A text in some list.
            Err(Stop::Broken) => return self.skip_value(tiler, 0),
        };
        let value = &rest[at..];
        let is_list = value.first() == Some(&b'[');
        match key.to_ascii_lowercase().as_str() {
            "tables" if is_list => tiler.skip(at + 1),
            "rows" if is_list => {
                self.in_rows = true;
                tiler.skip(at + 1);
            }
            "columns" if is_list => return self.columns(tiler, at),
            _ if value.is_empty() => return Step::NeedMore,
            key => {
                let Ok(len) = value_len(value) else { return self.skip_value(tiler, at) };
                self.learn(key, &value[..len]);
                tiler.skip(at + len);
            }
        }
        Step::Go
    }

    /// What a member says of the table or of the whole answer.
    fn learn(&mut self, key: &str, value: &[u8]) {
        let is_nothing = matches!(value, b"null" | b"false" | b"{}" | b"[]" | b"\"\"");
        match key {
            // A new frame begins; its kind follows.
            "frametype" => self.is_answer = true,
            "tablekind" => self.is_answer = value.eq_ignore_ascii_case(b"\"PrimaryResult\""),
            "error" | "haserrors" | "exceptions" => self.is_partial |= !is_nothing,
            _ => {}
        }
    }

    fn columns(&mut self, tiler: &mut Tiler, at: usize) -> Step {
        match value_len(&tiler.rest()[at..]) {
            Ok(len) => {
                tiler.skip(at);
                let columns = &tiler.rest()[..len];
                self.columns = elements(columns).ok().map(|(_, count)| count);
                tiler.header(len);
                Step::Go
            }
            Err(Stop::Cut) => Step::NeedMore,
            Err(Stop::Broken) => {
                self.damage(tiler, DamageReason::Unbalanced);
                Step::Go
            }
        }
    }

    /// A value that nobody wants, behind a key of so many bytes.
    fn skip_value(&mut self, tiler: &mut Tiler, at: usize) -> Step {
        match value_len(&tiler.rest()[at..]) {
            Ok(len) => tiler.skip(at + len),
            Err(Stop::Cut) => return Step::NeedMore,
            Err(Stop::Broken) => self.damage(tiler, DamageReason::Unbalanced),
        }
        Step::Go
    }

    fn row(&mut self, tiler: &mut Tiler) -> Step {
        let cap = self.effort.record_cap(self.longest);
        let rest = tiler.rest();
        let bytes = &rest[..rest.len().min(cap)];
        match elements(bytes) {
            Ok((len, count)) if self.columns.is_none_or(|columns| columns == count) => {
                if self.is_answer {
                    tiler.record(len, false);
                    self.longest = self.longest.max(len);
                } else {
                    tiler.skip(len);
                }
            }
            Ok((len, _)) => {
                self.effort.spend(len);
                self.damage(tiler, DamageReason::FieldCount);
            }
            Err(Stop::Cut) if rest.len() <= cap && !tiler.at_end => return Step::NeedMore,
            Err(Stop::Cut) => {
                self.effort.spend(bytes.len());
                let at_end = rest.len() <= cap;
                let reason = if at_end { DamageReason::Unfinished } else { DamageReason::TooLong };
                self.damage(tiler, reason);
            }
            Err(Stop::Broken) => {
                self.effort.spend(bytes.len());
                self.damage(tiler, DamageReason::BrokenString);
            }
        }
        Step::Go
    }

    /// Tiles one byte as damage, so that the search for the next row goes forward in any case.
    fn damage(&mut self, tiler: &mut Tiler, reason: DamageReason) {
        let going_on = self.recovering;
        tiler.damage(1, going_on.unwrap_or(reason), going_on.is_some());
        self.recovering = going_on.or(Some(reason));
    }

    /// Goes on with a damage up to the next row that fits the columns, or the next table.
    fn recover(&mut self, tiler: &mut Tiler) -> Step {
        let Some(reason) = self.recovering else { return Step::Go };
        let rest = tiler.rest();
        let mut from = 0;
        while let Some(at) = memchr(if self.in_rows { b'[' } else { b'"' }, &rest[from..]) {
            let at = from + at;
            let found = if self.in_rows {
                self.fits(tiler, &rest[at..])
            } else {
                names_a_list(&rest[at..])
            };
            match found {
                Fit::Yes => {
                    tiler.damage(at, reason, true);
                    if reason == DamageReason::Unfinished {
                        tiler.correct_reason(DamageReason::Unbalanced);
                    }
                    self.recovering = None;
                    return self.take_recovered(tiler);
                }
                Fit::No => from = at + 1,
                Fit::Cut => {
                    tiler.damage(at, reason, true);
                    return Step::NeedMore;
                }
            }
        }
        tiler.damage(rest.len(), reason, true);
        Step::Go
    }

    fn take_recovered(&mut self, tiler: &mut Tiler) -> Step {
        if self.in_rows
            && let Ok((len, _)) = elements(tiler.rest())
        {
            tiler.record(len, true);
        }
        Step::Go
    }

    /// Whether a whole row with as many values as there are columns begins here.
    fn fits(&mut self, tiler: &Tiler, bytes: &[u8]) -> Fit {
        let Some(columns) = self.columns.filter(|&columns| columns > 1) else { return Fit::No };
        let cap = self.effort.record_cap(self.longest);
        let seen = &bytes[..bytes.len().min(cap)];
        match elements(seen) {
            Ok((_, count)) if count == columns => Fit::Yes,
            Ok((len, _)) => {
                self.effort.spend(len);
                Fit::No
            }
            Err(Stop::Cut) if seen.len() == bytes.len() && !tiler.at_end => Fit::Cut,
            Err(_) => {
                self.effort.spend(seen.len());
                Fit::No
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// The bytes end too early to say.
    Cut,
}

/// Whether a key of a table or of the list of tables stands here, with its list.
fn names_a_list(bytes: &[u8]) -> Fit {
    match key_and_colon(&bytes[..bytes.len().min(256)]) {
        Ok((key, at)) => {
            let known = ["tables", "columns", "rows"];
            let is_known = known.iter().any(|known| key.eq_ignore_ascii_case(known));
            match bytes.get(at) {
                None if is_known => Fit::Cut,
                Some(b'[') if is_known => Fit::Yes,
                _ => Fit::No,
            }
        }
        Err(Stop::Cut) if bytes.len() < 64 => Fit::Cut,
        Err(_) => Fit::No,
    }
}

/// The length of the array that begins here, and how many elements it has.
fn elements(bytes: &[u8]) -> Result<(usize, usize), Stop> {
    let (mut at, mut depth, mut commas, mut is_empty) = (0usize, 0usize, 0usize, true);
    loop {
        let byte = *bytes.get(at).ok_or(Stop::Cut)?;
        match byte {
            b'"' => {
                is_empty = false;
                at = string_end(bytes, at)?;
            }
            b'[' | b'{' => {
                is_empty &= depth == 0;
                depth += 1;
            }
            b']' | b'}' if depth == 1 => {
                let count = if is_empty { 0 } else { commas + 1 };
                return if byte == b']' { Ok((at + 1, count)) } else { Err(Stop::Broken) };
            }
            b']' | b'}' => depth -= 1,
            b',' => commas += usize::from(depth == 1),
            _ => is_empty &= is_blank(byte),
        }
        at += 1;
    }
}

/// Where the string that begins at `start` has its closing quote.
fn string_end(bytes: &[u8], start: usize) -> Result<usize, Stop> {
    let mut at = start + 1;
    loop {
        at += memchr3(b'"', b'\\', b'\n', bytes.get(at..).ok_or(Stop::Cut)?).ok_or(Stop::Cut)?;
        match bytes[at] {
            b'"' => return Ok(at),
            b'\\' => at += 2,
            _ => return Err(Stop::Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SpanKind;
    use super::*;

    fn spans_of(text: &str) -> Vec<(String, String)> {
        let mut spans = Vec::new();
        let consumed = TablesFramer::new(1 << 20).frame(text.as_bytes(), 0, true, &mut spans);
        assert_eq!(consumed, text.len());
        let total: usize = spans.iter().map(|span| span.len).sum();
        assert_eq!(total, text.len(), "the spans tile the text");
        let kind = |span: &Span| match span.kind {
            SpanKind::Header => "header",
            SpanKind::Record { recovered: false } => "row",
            SpanKind::Record { recovered: true } => "recovered",
            SpanKind::Damage { .. } => "damage",
            SpanKind::Separator => "separator",
        };
        let piece = |span: &Span| text[span.offset as usize..][..span.len].to_owned();
        spans
            .iter()
            .filter(|span| span.kind != SpanKind::Separator)
            .map(|span| (kind(span).to_owned(), piece(span)))
            .collect()
    }

    fn kinds(text: &str) -> String {
        spans_of(text).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_form_of_an_answer() {
        let rest = r#"{"tables":[{"name":"P","columns":[{"name":"a"},{"name":"b"}],"rows":[["1",2],["]",null]]}]}"#;
        assert_eq!(kinds(rest), "header row row");
        let kusto = r#"{"Tables":[{"TableName":"T","Columns":[{"ColumnName":"a"}],"Rows":[["1"]]},
            {"TableName":"Q","Columns":[{"ColumnName":"b"}],"Rows":[]}]}"#;
        assert_eq!(kinds(kusto), "header row header");
        let frames = r#"[{"FrameType":"DataSetHeader","Version":"v2.0"},
            {"FrameType":"DataTable","TableKind":"QueryProperties","TableName":"@x","Columns":[{}],"Rows":[["x"]]},
            {"FrameType":"DataTable","TableKind":"PrimaryResult","TableName":"P","Columns":[{}],"Rows":[["y"]]},
            {"FrameType":"DataSetCompletion","HasErrors":false}]"#;
        assert_eq!(kinds(frames), "header header row");
        assert_eq!(spans_of(rest)[2].1, r#"["]",null]"#);
    }

    #[test]
    fn damage_costs_the_damaged_row() {
        let text = r#"{"tables":[{"columns":[1,2],"rows":[["a",1],["b"",2],["c",3],["d"]"#;
        assert_eq!(kinds(text), "header row damage recovered damage");
        let text = r#"{"tables":[{"columns":[1,2],"rows":[["a",1],["b",2,3],["c",3]]}]}"#;
        assert_eq!(kinds(text), "header row damage recovered");
        let text = "WARNING: x\n{\"tables\":[{\"columns\":[1,2],\"rows\":[[\"a\",1]]}]}";
        assert_eq!(kinds(text), "damage header row");
    }

    #[test]
    fn answers_are_told_by_their_keys() {
        for text in [
            r#"{"tables":[{"name":"#,
            "\n{ \"Tables\" : [",
            r#"[{"FrameType":"DataSetHeader""#,
            r#"{"statistics":{"x":1},"tables":[]}"#,
        ] {
            assert!(holds_tables(text.as_bytes()), "{text}");
        }
        for text in [
            r#"{"value":[{"tables":[]}]}"#,
            r#"[{"id":"1","userAgent":"FrameType"}]"#,
            r#"{"tables":1}"#,
            "",
            r#"{"#,
        ] {
            assert!(!holds_tables(text.as_bytes()), "{text}");
        }
    }
}
