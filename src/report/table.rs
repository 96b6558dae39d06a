//! A table before any format draws it.

use unicode_width::UnicodeWidthStr;

use super::clean;

/// Where a cell's text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Of a column of texts, whatever the terminal.
const NARROWEST: usize = 6;

/// A column's head and how wide a terminal may draw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) align: Align,
    /// Narrower than this it is not made, if there is any other way.
    pub(super) columns_min: usize,
    /// A terminal has no room for it.
    documents_only: bool,
}

impl Column {
    pub(super) const fn left(title: &'static str, columns_min: usize) -> Self {
        Self { title, align: Align::Left, columns_min, documents_only: false }
    }

    /// Numbers are never cut.
    pub(super) const fn right(title: &'static str) -> Self {
        Self { title, align: Align::Right, columns_min: usize::MAX, documents_only: false }
    }

    /// Leaves the column out of terminals.
    pub(super) const fn in_documents(self) -> Self {
        Self { documents_only: true, ..self }
    }
}

/// Columns and rows; the cells hold log text as it came.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// The same without columns of counts that are 0 in every row, and columns without a text.
    pub(super) fn without_blank_columns(&self) -> Self {
        let is_blank = |at: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.all(|cell| cell.is_empty() || cell == "0")
        };
        self.with_columns(|at, _| !is_blank(at))
    }

    fn with_columns(&self, wanted: impl Fn(usize, &Column) -> bool) -> Self {
        let wanted: Vec<bool> =
            self.columns.iter().enumerate().map(|(at, column)| wanted(at, column)).collect();
        let row = |row: &Vec<String>| {
            let cells = row.iter().zip(&wanted).filter(|&(_, &wanted)| wanted);
            cells.map(|(cell, _)| cell.clone()).collect()
        };
        let columns = self.columns.iter().zip(&wanted).filter(|&(_, &wanted)| wanted);
        Self {
            columns: columns.map(|(column, _)| *column).collect(),
            rows: self.rows.iter().map(row).collect(),
        }
    }

    /// The numbers of rows that belong together. A row without a first cell continues the
    /// one above.
    pub(super) fn groups(&self) -> Vec<usize> {
        let mut groups: Vec<usize> = Vec::new();
        for row in &self.rows {
            let continues = row.first().is_some_and(String::is_empty);
            match groups.last_mut() {
                Some(rows) if continues => *rows += 1,
                _ => groups.push(1),
            }
        }
        groups
    }

    /// The lines of a terminal: head, then the first `rows` rows, none wider than `width`.
    pub(super) fn lines(&self, width: usize, rows: usize, ascii: bool) -> Vec<String> {
        let terminal = self.for_terminal();
        let shown: Vec<Vec<String>> = terminal
            .rows
            .iter()
            .take(rows)
            .map(|row| row.iter().map(|cell| show(cell, width, ascii)).collect())
            .collect();
        let widths = terminal.widths(&shown, width);
        let titles = terminal.columns.iter().map(|column| column.title.to_owned()).collect();
        std::iter::once(&titles)
            .chain(&shown)
            .map(|row| terminal.line(row, &widths, ascii))
            .collect()
    }

    fn for_terminal(&self) -> Self {
        self.with_columns(|_, column| !column.documents_only)
    }

    /// Natural widths, and where they are too much, the widest left-aligned column gives way.
    fn widths(&self, rows: &[Vec<String>], width: usize) -> Vec<usize> {
        let natural = |at: usize, column: &Column| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
            cells.chain([column.title.width()]).max().unwrap_or_default()
        };
        let mut widths: Vec<usize> =
            self.columns.iter().enumerate().map(|(at, column)| natural(at, column)).collect();
        self.narrow(&mut widths, width, |column| column.columns_min);
        // On a narrow terminal a name has to do with less than is good for it.
        self.narrow(&mut widths, width, |column| column.columns_min.min(NARROWEST));
        widths
    }

    /// Takes from the widest column until all fit, and from none more than it can spare.
    fn narrow(&self, widths: &mut [usize], width: usize, least: impl Fn(&Column) -> usize) {
        while total(widths) > width {
            let spare = |(at, &width): (usize, &usize)| {
                let column = self.columns.get(at).filter(|column| column.align == Align::Left);
                let least = column.map_or(usize::MAX, &least);
                (width > least).then_some((width, at))
            };
            let Some((_, widest)) = widths.iter().enumerate().filter_map(spare).max() else {
                break;
            };
            widths[widest] -= 1;
        }
    }

    fn line(&self, row: &[String], widths: &[usize], ascii: bool) -> String {
        let mut line = String::from(" ");
        for ((cell, column), &width) in row.iter().zip(&self.columns).zip(widths) {
            let cell = clean::shorten_with(cell, width, if ascii { "..." } else { "…" });
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            line.push(' ');
            match column.align {
                Align::Left => line.extend([cell, gap]),
                Align::Right => line.extend([gap, cell]),
            }
            line.push(' ');
        }
        line.trim_end().to_owned()
    }
}

/// An indent of one, and a blank on both sides of each column.
fn total(widths: &[usize]) -> usize {
    1 + widths.iter().map(|width| width + 2).sum::<usize>()
}

/// Log text for a terminal.
pub(super) fn show(text: &str, columns: usize, ascii: bool) -> String {
    if ascii { clean::clean_ascii(text, columns) } else { clean::clean(text, columns) }
}
