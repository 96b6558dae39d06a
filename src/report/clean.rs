//! Log text made harmless: names, policies and user agents come from outsiders.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::text::is_steering;

/// Longest text in a cell of a document; a terminal's cells are cut by their column.
pub const CELL_COLUMNS_MAX: usize = 300;

/// One line of plain, visible text, at most `columns` wide.
///
/// Characters that steer a terminal, turn the direction of reading or cannot be seen become
/// their code point in braces (`\u{1b}`); every run of blanks becomes one, so that no text
/// can draw columns of its own.
pub fn clean(text: &str, columns: usize) -> String {
    // A text may be megabytes of marks without width; no more than this is looked at.
    let looked_at = columns.saturating_mul(4).saturating_add(16);
    let mut visible = String::new();
    for (seen, character) in text.trim().chars().enumerate() {
        if seen >= looked_at {
            visible.push('…');
            break;
        }
        push_visible(&mut visible, character);
    }
    shorten(&visible, columns)
}

/// [`clean`], with every character outside of ASCII replaced.
pub fn clean_ascii(text: &str, columns: usize) -> String {
    let text = clean(text, usize::MAX / 8).replace('…', "...");
    let ascii: String = text.chars().map(ascii_of).collect();
    shorten_with(&ascii, columns, "...")
}

fn push_visible(visible: &mut String, character: char) {
    if is_steering(character) {
        // Writing to a `String` cannot fail.
        let _ = write!(visible, "{}", character.escape_unicode());
    } else if character.is_whitespace() {
        if !visible.ends_with(' ') {
            visible.push(' ');
        }
    } else {
        visible.push(character);
    }
}

fn ascii_of(character: char) -> char {
    match character {
        '–' | '—' | '‐' | '‑' => '-',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        known if known.is_ascii() => known,
        _ => '?',
    }
}

/// Cuts a clean text to a width, with an ellipsis where something is lost.
pub fn shorten(text: &str, columns: usize) -> String {
    shorten_with(text, columns, "…")
}

/// Cuts a clean text to a width, with a mark of the caller's where something is lost.
pub(super) fn shorten_with(text: &str, columns: usize, mark: &str) -> String {
    if text.width() <= columns && text.chars().count() <= columns.saturating_mul(4) {
        return text.to_owned();
    }
    let room = columns.saturating_sub(mark.width());
    let mut cut = String::new();
    let mut used = 0;
    for (taken, character) in text.chars().enumerate() {
        used += character.width().unwrap_or_default();
        if used > room || taken >= room.saturating_mul(4) {
            break;
        }
        cut.push(character);
    }
    let cut = cut.trim_end();
    let mark: String = mark.chars().take(columns).collect();
    format!("{cut}{mark}")
}

/// A clean text that no spreadsheet takes for a formula.
pub fn cell(text: &str, columns: usize) -> String {
    let text = clean(text, columns);
    if looks_like_a_formula(&text) { format!("'{text}") } else { text }
}

/// Whether a spreadsheet would take it for a formula, were it typed into a cell.
pub fn looks_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// The longest text in a cell of a workbook, in UTF-16 units.
pub const WORKBOOK_UNITS_MAX: usize = 32_767;

/// A clean text for a cell of a workbook, where it is a text whatever it begins with: at most so
/// many UTF-16 units, with an ellipsis where something is lost.
pub fn workbook(text: &str, units: usize) -> String {
    // No character is wider than two columns.
    let mut text = clean(text, units.saturating_mul(2));
    let mut used = 0;
    let mut ends = text.char_indices().map(|(at, character)| {
        used += character.len_utf16();
        (at, used)
    });
    // Room for the ellipsis, where the rest does not fit.
    let mut cut = None;
    let is_longer = ends.any(|(at, used)| {
        if used > units.saturating_sub(1) && cut.is_none() {
            cut = Some(at);
        }
        used > units
    });
    if let (true, Some(at)) = (is_longer, cut) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// Escapes a clean text for HTML: text between tags, and between quotes.
pub fn html(text: &str, columns: usize) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in clean(text, columns).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escapes a clean text for Markdown, table cells included.
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let clean = clean(text, CELL_COLUMNS_MAX);
    let mut characters = clean.chars().peekable();
    while let Some(character) = characters.next() {
        if matches!(character, '<' | '>' | '&') {
            let entity = match character {
                '<' => "&lt;",
                '>' => "&gt;",
                _ => "&amp;",
            };
            escaped.push_str(entity);
            continue;
        }
        if steers_markdown(character) || makes_a_link(&escaped, character, characters.peek()) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn steers_markdown(character: char) -> bool {
    "\\`*_[]#|~$@".contains(character)
}

/// Readers make links of `http://…`, `mailto:…` and `www.…` without being asked.
fn makes_a_link(before: &str, character: char, next: Option<&char>) -> bool {
    let joins = next.is_some_and(|next| !next.is_whitespace() && !next.is_ascii_digit());
    character == ':' && joins || character == '.' && ends_in_www(before)
}

fn ends_in_www(text: &str) -> bool {
    let tail = text.as_bytes();
    tail.len() >= 3 && tail[tail.len() - 3..].eq_ignore_ascii_case(b"www")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal_or_a_reader() {
        let hostile = "a\u{1b}]0;title\u{7}\r\nb\u{202e}c\u{200b}d\u{9b}2J\u{e0041}";
        let shown = clean(hostile, 200);
        assert!(!shown.chars().any(is_steering), "{shown}");
        assert!(shown.contains("\\u{1b}]0;title\\u{7}"), "{shown}");
    }

    #[test]
    fn long_and_wide_texts_are_cut_to_the_column() {
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abcde…");
        assert_eq!(clean("日本語日本語", 7), "日本語…");
        assert_eq!(clean_ascii("Müller – “x” long", 12), "M?ller -...");
        let marks = "a".to_owned() + &"\u{301}".repeat(100_000);
        assert!(clean(&marks, 20).chars().count() <= 81);
        assert_eq!(clean("  a \t\n  b ", 20), "a \\u{9}\\u{a} b");
    }

    #[test]
    fn no_name_becomes_a_formula() {
        assert_eq!(cell("=HYPERLINK(1)", 20), "'=HYPERLINK(1)");
        assert_eq!(cell("Contoso Ltd", 20), "Contoso Ltd");
    }

    #[test]
    fn a_cell_of_a_workbook_takes_so_many_units() {
        assert_eq!(workbook("=A1\u{202e}\u{1}\u{ffff}", 60), "=A1\\u{202e}\\u{1}\\u{ffff}");
        assert_eq!(workbook("abcdef", 6), "abcdef");
        assert_eq!(workbook("abcdefg", 6), "abcde…");
        assert_eq!(workbook("😀😀😀", 6), "😀😀😀");
        assert_eq!(workbook("😀😀😀😀", 6), "😀😀…");
        let long = workbook(&"日".repeat(40_000), WORKBOOK_UNITS_MAX);
        assert_eq!(long.encode_utf16().count(), WORKBOOK_UNITS_MAX);
        let marks = "a".to_owned() + &"\u{301}".repeat(100_000);
        assert_eq!(workbook(&marks, WORKBOOK_UNITS_MAX).encode_utf16().count(), WORKBOOK_UNITS_MAX);
    }

    #[test]
    fn no_text_breaks_out_of_html() {
        let shown = html("<b onx='1'>\"&amp;\u{202e}", 100);
        assert_eq!(shown, "&lt;b onx=&#39;1&#39;&gt;&quot;&amp;amp;\\u{202e}");
    }

    #[test]
    fn no_text_breaks_out_of_markdown() {
        let shown = markdown("](http://x) | <script> `a` www.x **b** &lt;");
        assert_eq!(
            shown,
            "\\](http\\://x) \\| &lt;script&gt; \\`a\\` www\\.x \\*\\*b\\*\\* &amp;lt;"
        );
    }
}
