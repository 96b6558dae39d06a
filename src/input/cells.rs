//! The cells of one row of a CSV, as the `csv` crate sees them (a property test compares them): a
//! cell without doubled quotes is a slice of the row.

use std::borrow::Cow;

use memchr::memchr;

use super::frame::cells_at;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Takes a row apart.
pub(super) fn cells(row: &[u8], delimiter: u8) -> Vec<Cow<'_, [u8]>> {
    let mut rest = row.strip_prefix(BYTE_ORDER_MARK).unwrap_or(row);
    let mut cells = Vec::new();
    loop {
        let (cell, behind) = first_cell(rest, delimiter);
        cells.push(cell);
        match behind {
            Some(behind) => rest = behind,
            None => return cells,
        }
    }
}

/// One cell of a row; nothing if it has too few.
pub(super) fn cell(row: &[u8], delimiter: u8, column: usize) -> Option<Cow<'_, [u8]>> {
    // A row with a stray quote, or too few cells, is taken apart to tell.
    let place = cells_at(row, delimiter, &[column]).and_then(|places| places.into_iter().next());
    match place {
        Some(place) if !row.starts_with(BYTE_ORDER_MARK) => {
            Some(first_cell(&row[place], delimiter).0)
        }
        _ => cells(row, delimiter).into_iter().nth(column),
    }
}

/// The first cell of what is left of a row, and what is behind its delimiter.
fn first_cell(rest: &[u8], delimiter: u8) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted_cell(quoted, delimiter),
        None => {
            let (cell, behind) = split_at_delimiter(rest, delimiter);
            (Cow::Borrowed(cell), behind)
        }
    }
}

fn split_at_delimiter(text: &[u8], delimiter: u8) -> (&[u8], Option<&[u8]>) {
    match memchr(delimiter, text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// A cell behind its opening quote. What follows the closing one belongs to it as well.
fn quoted_cell(quoted: &[u8], delimiter: u8) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let mut cell: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    let mut rest = quoted;
    loop {
        let Some(at) = memchr(b'"', rest) else {
            append(&mut cell, rest);
            return (cell, None);
        };
        if rest.get(at + 1) == Some(&b'"') {
            append(&mut cell, &rest[..=at]);
            rest = &rest[at + 2..];
            continue;
        }
        append(&mut cell, &rest[..at]);
        let (tail, behind) = split_at_delimiter(&rest[at + 1..], delimiter);
        append(&mut cell, tail);
        return (cell, behind);
    }
}

/// Appends a piece; the first one need not be copied.
fn append<'a>(cell: &mut Cow<'a, [u8]>, piece: &'a [u8]) {
    if cell.is_empty() {
        *cell = Cow::Borrowed(piece);
    } else if !piece.is_empty() {
        cell.to_mut().extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_csv(row: &[u8]) -> Vec<Vec<u8>> {
        let mut record = csv::ByteRecord::new();
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(row)
            .read_byte_record(&mut record)
            .expect("bytes in memory");
        record.iter().map(<[u8]>::to_vec).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 3000, failure_persistence: None, ..ProptestConfig::default()
        })]
        #[test]
        fn the_same_cells_as_the_csv_crate(
            row in prop::collection::vec(prop::sample::select(b"\"\"\",,a b{}\xEF\xFF".to_vec()), 1..60),
        ) {
            let expected = by_csv(&row);
            prop_assert_eq!(cells(&row, b','), &expected[..]);
            for column in 0..expected.len() + 1 {
                let found = cell(&row, b',', column).map(Cow::into_owned);
                prop_assert_eq!(found.as_ref(), expected.get(column));
            }
        }
    }
}
