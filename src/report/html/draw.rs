//! Texts and tables as markup.

use maud::{Markup, html};

use super::super::clean::{CELL_COLUMNS_MAX, clean};
use super::super::table::{Align, Table};

/// Of a sentence that holds names, each of which is cut already.
const SENTENCE_COLUMNS: usize = 1_200;

/// Under every table that shows addresses or countries.
pub(super) const ADDRESS_CAVEAT: &str = "For tools that keep their access (Liongard, Rewst, CIPP, \
                                         Syncro and the like) a non-interactive sign-in shows the \
                                         address and country where access was first granted, not where \
                                         the tool runs.";

/// A text as it may be shown: on one line, nothing hidden, of bounded length.
pub(super) fn say(text: &str) -> Markup {
    say_short(text, CELL_COLUMNS_MAX)
}

/// A sentence of ours, which may be longer than a cell.
pub(super) fn tell(text: &str) -> Markup {
    say_short(text, SENTENCE_COLUMNS)
}

/// The same, cut to a width. What is read from right to left stands apart, so that it takes no
/// figure beside it along.
pub(super) fn say_short(text: &str, columns: usize) -> Markup {
    let text = clean(text, columns);
    html! {
        @for (piece, is_turned) in pieces(&text) {
            @if is_turned { bdi { (piece) } } @else { (piece) }
        }
    }
}

/// Where no markup can be: in the title of the page or of a picture.
pub(super) fn plain(text: &str, columns: usize) -> String {
    clean(text, columns)
}

/// Cuts a text into what is read from right to left, words and the blanks between them, and the
/// rest.
fn pieces(text: &str) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_right_to_left) {
        let (before, turned) = rest.split_at(start);
        let is_within = |character: char| is_right_to_left(character) || character == ' ';
        let end = turned.find(|character| !is_within(character)).unwrap_or(turned.len());
        let end = turned[..end].trim_end().len();
        let (turned, behind) = turned.split_at(end);
        pieces.extend([(before, false), (turned, true)]);
        rest = behind;
    }
    pieces.push((rest, false));
    pieces.retain(|(piece, _)| !piece.is_empty());
    pieces
}

/// Letters and marks of the blocks that Unicode keeps for scripts from right to left.
fn is_right_to_left(character: char) -> bool {
    matches!(character,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// A section of the page; its heading can be linked to.
pub(super) fn section(id: &str, title: &str, body: &Markup) -> Markup {
    let heading = format!("{id}-heading");
    html! {
        section id=(id) aria-labelledby=(heading) {
            h2 id=(heading) { (title) }
            (body)
        }
    }
}

/// What is folded until someone opens it.
pub(super) fn folded(title: &Markup, body: &Markup) -> Markup {
    html! {
        details.fold {
            summary { (title) }
            (body)
        }
    }
}

/// A table of at most so many rows, with what is left out counted; nothing without rows.
pub(super) fn table(caption: &str, table: &Table, rows_max: usize) -> Markup {
    let groups = groups_within(table, rows_max);
    let shown: usize = groups.iter().sum();
    let left_out = table.rows.len() - shown;
    let mut rows = table.rows.iter();
    html! {
        @if !table.rows.is_empty() {
            div.scroll role="region" aria-label=(caption) tabindex="0" {
                table {
                    caption { (caption) }
                    thead {
                        tr {
                            @for column in &table.columns {
                                th scope="col" class=[class_of(column.align)] { (column.title) }
                            }
                        }
                    }
                    @for &group in &groups {
                        tbody {
                            @for row in rows.by_ref().take(group) {
                                (table_row(table, row))
                            }
                        }
                    }
                }
            }
            (more(left_out, "rows"))
        }
    }
}

/// Says how many are not shown; nothing, if none.
pub(super) fn more(left_out: usize, what: &str) -> Markup {
    html! {
        @if left_out > 0 {
            p.more { "And " (left_out) " more " (what) "; all are in report.md, summary.json and dataset/." }
        }
    }
}

fn table_row(table: &Table, row: &[String]) -> Markup {
    let cells = row.iter().zip(&table.columns).enumerate();
    html! {
        tr {
            @for (place, (cell, column)) in cells {
                @let class = class_of(column.align).or_else(|| class_of_text(cell));
                @if place == 0 && !cell.is_empty() {
                    th scope="row" class=[class] { (say(cell)) }
                } @else {
                    td class=[class] { (say(cell)) }
                }
            }
        }
    }
}

fn class_of(align: Align) -> Option<&'static str> {
    match align {
        Align::Left => None,
        Align::Right => Some("n"),
    }
}

/// A moment, a day or an address stays on one line.
fn class_of_text(text: &str) -> Option<&'static str> {
    let is_whole = text.len() <= 20 && text.starts_with(|first: char| first.is_ascii_digit());
    is_whole.then_some("w")
}

/// The first groups of rows that together are no more than a number of rows; one at least.
fn groups_within(table: &Table, rows_max: usize) -> Vec<usize> {
    let mut shown = 0;
    let mut groups = table.groups();
    let fits = groups.iter().take_while(|&&group| {
        shown += group;
        shown <= rows_max
    });
    let fits = fits.count().max(1);
    groups.truncate(fits);
    groups
}

#[cfg(test)]
mod tests {
    use super::super::super::table::Column;
    use super::*;

    #[test]
    fn what_is_read_from_right_to_left_stands_apart_from_figures() {
        let turned = "\u{5e9}\u{5dc}\u{5d5}\u{5dd}";
        let cases = [
            ("plain", "plain".to_owned()),
            ("<b> & \"", "&lt;b&gt; &amp; &quot;".to_owned()),
            (&format!("5 {turned} {turned} 7"), format!("5 <bdi>{turned} {turned}</bdi> 7")),
            (&format!("{turned}<"), format!("<bdi>{turned}</bdi>&lt;")),
            ("a\u{202e}b", "a\\u{202e}b".to_owned()),
        ];
        for (text, shown) in cases {
            assert_eq!(say(text).into_string(), shown);
        }
    }

    #[test]
    fn rows_that_belong_together_are_shown_together_and_the_rest_is_counted() {
        let mut table = Table::new(vec![Column::left("a", 1), Column::right("b")]);
        for first in ["one", "", "two", "", "", "three"] {
            table.rows.push(vec![first.to_owned(), "1".to_owned()]);
        }
        let drawn = |rows| super::table("Caption", &table, rows).into_string();
        assert_eq!(drawn(9).matches("<tbody>").count(), 3);
        let cut = drawn(4);
        assert_eq!(cut.matches("<tbody>").count(), 1);
        assert!(cut.contains("And 4 more rows"), "{cut}");
        // One group at least, however long.
        assert_eq!(drawn(1).matches("<tbody>").count(), 1);
        assert!(cut.contains("<th scope=\"row\">one</th><td class=\"n\">1</td>"), "{cut}");
    }
}
