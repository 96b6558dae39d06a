//! CSV: rows as RFC 4180 and the `csv` crate see them, and a way out when a quote is never closed.
//!
//! A quote opens only at the start of a field; within it, doubled quotes and line breaks are text.
//! LF, CR and CRLF end a row. A row that spans lines is believed only if it has as many fields as
//! the header: a lone quote would otherwise swallow the file.

use memchr::{memchr, memchr_iter, memchr2};

use super::quotes::{Quotes, blocks_of};
use super::tiler::{Step, Tiler};
use super::{DamageReason, Span};
use crate::blocks::{BLOCK, Kernel, Ops, run};

#[derive(Debug)]
pub struct CsvFramer {
    delimiter: u8,
    record_limit: usize,
    /// How many fields the first row has.
    header_fields: Option<usize>,
    /// A damage that goes on until a row fits again.
    recovering: Option<DamageReason>,
    /// Within a line that is longer than the record limit.
    in_long_line: bool,
    /// Before the first row, where Excel and PowerShell put a line of their own.
    at_start: bool,
}

impl CsvFramer {
    pub fn new(delimiter: u8, record_limit: usize) -> Self {
        let (header_fields, recovering) = (None, None);
        Self {
            delimiter,
            record_limit,
            header_fields,
            recovering,
            in_long_line: false,
            at_start: true,
        }
    }

    /// The same contract as [`super::JsonFramer::frame`]. The header is a record like the others.
    pub fn frame(
        &mut self,
        window: &[u8],
        base: u64,
        at_end: bool,
        spans: &mut Vec<Span>,
    ) -> usize {
        let mut tiler = Tiler::new(window, base, at_end, spans);
        while !tiler.rest().is_empty() && self.step(&mut tiler) == Step::Go {}
        tiler.finish()
    }

    fn step(&mut self, tiler: &mut Tiler) -> Step {
        let rest = tiler.rest();
        if self.in_long_line {
            let line = memchr2(b'\n', b'\r', rest);
            tiler.damage(line.unwrap_or(rest.len()), DamageReason::TooLong, true);
            self.in_long_line = line.is_none();
            return Step::Go;
        }
        let line_ends = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        if line_ends > 0 {
            self.pass_over(tiler, line_ends);
            return Step::Go;
        }
        let bytes = &rest[..rest.len().min(self.record_limit)];
        let row = Row::scan(bytes, self.delimiter);
        match row.end {
            End::Line => self.row(tiler, &row),
            _ if rest.len() > self.record_limit => self.long_row(tiler, &row),
            _ if tiler.at_end => self.last_row(tiler, &row),
            _ => return Step::NeedMore,
        }
        self.at_start = false;
        Step::Go
    }

    /// Line ends, blank lines: part of the damage while one goes on, so that it is in one piece.
    fn pass_over(&self, tiler: &mut Tiler, len: usize) {
        match self.recovering {
            Some(reason) => tiler.damage(len, reason, true),
            None => tiler.skip(len),
        }
    }

    fn row(&mut self, tiler: &mut Tiler, row: &Row) {
        let text = &tiler.rest()[..row.len];
        if self.at_start && is_preamble(text) || self.is_blank(text) {
            self.pass_over(tiler, row.len);
        } else if self.fits(row, text) {
            self.header_fields.get_or_insert(row.fields);
            tiler.record(row.len, self.recovering.take().is_some());
        } else {
            self.misfit(tiler, row, DamageReason::FieldCount);
        }
    }

    /// A row without a line end before the limit.
    fn long_row(&mut self, tiler: &mut Tiler, row: &Row) {
        if row.first_line < row.len {
            self.misfit(tiler, row, DamageReason::OpenQuote);
        } else {
            tiler.damage(row.len, DamageReason::TooLong, self.recovering.take().is_some());
            self.in_long_line = true;
        }
    }

    /// A row that ends with the stream instead of a line end.
    fn last_row(&mut self, tiler: &mut Tiler, row: &Row) {
        let short = self.header_fields.is_some_and(|header| row.fields < header);
        match row.end {
            End::OpenQuote if row.first_line < row.len => {
                self.misfit(tiler, row, DamageReason::OpenQuote);
            }
            _ if row.end == End::OpenQuote || short && !self.is_blank(tiler.rest()) => {
                self.misfit(tiler, row, DamageReason::Unfinished);
            }
            _ => self.row(tiler, row),
        }
    }

    /// Only the first line of a row is given up: what follows may be good rows.
    fn misfit(&mut self, tiler: &mut Tiler, row: &Row, reason: DamageReason) {
        if let Some(going_on) = self.recovering {
            tiler.damage(row.first_line, going_on, true);
            return;
        }
        tiler.damage(row.first_line, reason, false);
        if row.first_line < row.len {
            self.recovering = Some(reason);
        }
    }

    /// As many fields as the header, but for empty ones behind.
    fn fits(&self, row: &Row, text: &[u8]) -> bool {
        let Some(header) = self.header_fields else { return true };
        row.fields == header
            || row.fields > header
                && row.fields - header <= empty_fields_behind(text, self.delimiter)
    }

    fn is_blank(&self, text: &[u8]) -> bool {
        let blank =
            |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0) && byte != self.delimiter;
        text.iter().all(|&byte| blank(byte))
    }
}

/// `sep=;` (Excel) or `#TYPE System.Object` (PowerShell 5.1) above the header.
fn is_preamble(text: &[u8]) -> bool {
    let bare = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    let sep = bare.len() == 5 && bare[..4].eq_ignore_ascii_case(b"sep=");
    sep || text.starts_with(b"#TYPE ")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Line,
    Bytes,
    /// The bytes end within a quoted field.
    OpenQuote,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    /// Without the line end.
    len: usize,
    /// The length of its first physical line: less than `len` if it spans several.
    first_line: usize,
    fields: usize,
    end: End,
}

impl Row {
    fn scan(bytes: &[u8], delimiter: u8) -> Self {
        run(RowInBlocks { bytes, delimiter })
            .unwrap_or_else(|| Self::scan_closely(bytes, delimiter))
    }

    /// Goes from quote to quote; what lies between is plain text, in which delimiters are counted
    /// and a line ends.
    fn scan_closely(bytes: &[u8], delimiter: u8) -> Self {
        let first_line = memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
        let mut row = Self { len: bytes.len(), first_line, fields: 1, end: End::Bytes };
        let (mut at, mut line_end) = (0, first_line);
        while let Some(plain) = memchr(b'"', &bytes[at..line_end]) {
            let quote = at + plain;
            row.fields += memchr_iter(delimiter, &bytes[at..quote]).count();
            let opens_field = quote == 0 || bytes[quote - 1] == delimiter;
            let Some(len) = (if opens_field { quoted_len(&bytes[quote..]) } else { Some(1) })
            else {
                row.end = End::OpenQuote;
                return row;
            };
            at = quote + len;
            if at > line_end {
                line_end =
                    memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |further| at + further);
            }
        }
        row.fields += memchr_iter(delimiter, &bytes[at..line_end]).count();
        if line_end < bytes.len() {
            (row.len, row.end) = (line_end, End::Line);
        }
        row
    }
}

/// A row looked at in blocks. Gives up where a quote stands in the middle of a field, which is text
/// then: [`Row::scan_closely`] knows what to do.
#[derive(Debug, Clone, Copy)]
struct RowInBlocks<'a> {
    bytes: &'a [u8],
    delimiter: u8,
}

impl Kernel for RowInBlocks<'_> {
    type Answer = Option<Row>;

    #[inline(always)]
    fn run<O: Ops>(self, ops: O) -> Option<Row> {
        let Self { bytes, delimiter } = self;
        let mut quotes = Quotes::new(delimiter);
        let mut row = Row { len: bytes.len(), first_line: bytes.len(), fields: 1, end: End::Bytes };
        let mut has_line = false;
        let (blocks, last) = blocks_of(bytes);
        for (number, block) in blocks.iter().chain(&last).enumerate() {
            let at = number * BLOCK;
            let fields = quotes.block(ops, block);
            let lines = ops.equal(block, b'\n') | ops.equal(block, b'\r');
            if !has_line && lines != 0 {
                has_line = true;
                row.first_line = at + lines.trailing_zeros() as usize;
            }
            let ends = lines & !fields.inside;
            // What stands behind the row is the next one's.
            let until = ends.wrapping_sub(1) & !ends;
            if fields.stray & until != 0 {
                return None;
            }
            row.fields += (fields.delimiters & until).count_ones() as usize;
            if ends != 0 {
                row.len = at + ends.trailing_zeros() as usize;
                row.end = End::Line;
                return Some(row);
            }
        }
        if quotes.is_open() {
            row.end = End::OpenQuote;
        }
        Some(row)
    }
}

/// How many empty fields a row ends with.
fn empty_fields_behind(mut text: &[u8], delimiter: u8) -> usize {
    let mut count = 0;
    loop {
        let unquoted = text
            .strip_suffix(b"\"\"")
            .filter(|before| before.last() == Some(&delimiter))
            .unwrap_or(text);
        let Some(before) = unquoted.strip_suffix(&[delimiter]) else { return count };
        text = before;
        count += 1;
    }
}

/// The length of the quoted text that begins here, with its quotes; None if it is not closed.
fn quoted_len(field: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr(b'"', &field[at..])? + 1;
        if field.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}
