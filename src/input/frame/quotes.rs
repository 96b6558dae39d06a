//! The quotes of CSV, many bytes at a time: what stands inside of a quoted field, and where fields
//! end.
//!
//! A doubled quote closes its field and opens it again, so that whether a byte is quoted follows
//! from the number of quotes before it alone. That holds as long as quotes open fields at their
//! beginning only; any other quote is *stray*, and whoever meets one has to look more closely.

use std::ops::Range;

use crate::blocks::{BLOCK, Kernel, Ops, run};

/// What is carried from block to block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quotes {
    delimiter: u8,
    /// All ones within a quoted field, else 0.
    inside: u64,
    /// 1 if a quote may open a field, or open it again, at the first byte of the next block.
    may_open: u64,
}

/// The fields of one block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) inside: u64,
    pub(super) delimiters: u64,
    pub(super) stray: u64,
}

impl Quotes {
    /// At the beginning of a row.
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, inside: 0, may_open: 1 }
    }

    #[inline(always)]
    pub(super) fn block<O: Ops>(&mut self, ops: O, block: &[u8; BLOCK]) -> Fields {
        let quote = ops.equal(block, b'"');
        // An opening quote counts as inside, a closing one as outside.
        let inside = ops.prefix_xor(quote) ^ self.inside;
        let delimiters = ops.equal(block, self.delimiter) & !inside;
        let before = delimiters | quote & !inside;
        let stray = quote & inside & !(before << 1 | self.may_open);
        self.inside = 0u64.wrapping_sub(inside >> 63);
        self.may_open = before >> 63;
        Fields { inside, delimiters, stray }
    }

    /// A field was opened and not closed.
    pub(super) fn is_open(&self) -> bool {
        self.inside != 0
    }
}

/// The blocks of a text; the last one is filled up with blanks.
#[inline(always)]
pub(super) fn blocks_of(bytes: &[u8]) -> (&[[u8; BLOCK]], Option<[u8; BLOCK]>) {
    let (blocks, tail) = bytes.as_chunks::<BLOCK>();
    let last = (!tail.is_empty()).then(|| {
        let mut last = [b' '; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        last
    });
    (blocks, last)
}

/// Where some cells of a row lie, with their quotes; `columns` in ascending order. Nothing if the
/// row has too few, or a stray quote.
pub fn cells_at(row: &[u8], delimiter: u8, columns: &[usize]) -> Option<Vec<Range<usize>>> {
    run(CellsAt { row, delimiter, columns })
}

#[derive(Debug, Clone, Copy)]
struct CellsAt<'a> {
    row: &'a [u8],
    delimiter: u8,
    columns: &'a [usize],
}

impl Kernel for CellsAt<'_> {
    type Answer = Option<Vec<Range<usize>>>;

    #[inline(always)]
    fn run<O: Ops>(self, ops: O) -> Self::Answer {
        let mut quotes = Quotes::new(self.delimiter);
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut wanted = self.columns.iter().copied().peekable();
        // The field at hand, and where it begins.
        let (mut field, mut start) = (0, 0);
        let (blocks, last) = blocks_of(self.row);
        for (number, block) in blocks.iter().chain(&last).enumerate() {
            let at = number * BLOCK;
            let fields = quotes.block(ops, block);
            if fields.stray != 0 {
                return None;
            }
            let mut ends = fields.delimiters;
            let count = ends.count_ones() as usize;
            // None of the fields that end here is wanted.
            if wanted.peek().is_some_and(|&column| column >= field + count) && ends != 0 {
                field += count;
                start = at + BLOCK - ends.leading_zeros() as usize;
                continue;
            }
            while ends != 0 {
                let end = at + ends.trailing_zeros() as usize;
                if wanted.next_if_eq(&field).is_some() {
                    cells.push(start..end);
                }
                (field, start) = (field + 1, end + 1);
                ends &= ends - 1;
            }
        }
        if wanted.next_if_eq(&field).is_some() {
            cells.push(start..self.row.len());
        }
        (wanted.next().is_none() && !quotes.is_open()).then_some(cells)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::blocks::run_all;

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 1000, failure_persistence: None, ..ProptestConfig::default()
        })]
        #[test]
        fn the_cells_are_those_that_were_written(
            cells in prop::collection::vec("[a-z\",\n ]{0,40}", 1..30),
            quoted: u32,
            columns in prop::collection::btree_set(0usize..32, 1..5),
        ) {
            let written: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(at, cell)| {
                    let must = cell.contains(['"', ',', '\n']);
                    if must || quoted >> (at % 32) & 1 == 1 {
                        format!("\"{}\"", cell.replace('"', "\"\""))
                    } else {
                        cell.clone()
                    }
                })
                .collect();
            let row = written.join(",");
            let columns: Vec<usize> = columns.into_iter().collect();
            let expected: Option<Vec<&str>> =
                columns.iter().map(|&column| written.get(column).map(String::as_str)).collect();
            for found in run_all(CellsAt { row: row.as_bytes(), delimiter: b',', columns: &columns })
            {
                let found = found.map(|cells| {
                    cells.into_iter().map(|range| &row[range]).collect::<Vec<_>>()
                });
                prop_assert_eq!(&found, &expected, "{}", row);
            }
        }
    }

    #[test]
    fn a_stray_quote_is_told() {
        for row in ["a\"b,c", "a,b \"c\",d", "\"a\"b\"c\",d", "\"open,d"] {
            assert_eq!(cells_at(row.as_bytes(), b',', &[0]), None, "{row}");
        }
        let found = cells_at(b"\"a\"b,c", b',', &[1]);
        assert_eq!(found.as_deref(), Some(&[Range { start: 5, end: 6 }][..]));
    }
}
