//! Texts of listed rows, each once and none without bound.

use std::collections::HashSet;
use std::sync::Arc;

/// Longer texts are cut: no cell of a workbook takes more.
const TEXT_CHARS_MAX: usize = 32_768;
/// Longer texts share what room there is; names of a megabyte occur in hostile logs.
const SHORT_BYTES: usize = 300;
/// For the long ones together.
const LONG_BYTES_MAX: usize = 8 << 20;

/// Each text once.
#[derive(Debug, Default)]
pub(super) struct Pool {
    texts: HashSet<Arc<str>>,
    long_bytes: usize,
}

impl Pool {
    /// The text as it is held: cut, with an ellipsis, if it is very long.
    pub(super) fn take(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new = self.cut(text);
        if let Some(known) = self.texts.get(&*new) {
            return Arc::clone(known);
        }
        self.texts.insert(Arc::clone(&new));
        new
    }

    fn cut(&mut self, text: &str) -> Arc<str> {
        if text.len() <= SHORT_BYTES {
            return text.into();
        }
        let whole = within(text, TEXT_CHARS_MAX);
        if self.long_bytes + whole.len() > LONG_BYTES_MAX {
            return format!("{}…", within(text, SHORT_BYTES / 4)).into();
        }
        self.long_bytes += whole.len();
        if whole.len() < text.len() { format!("{whole}…").into() } else { text.into() }
    }
}

/// The first characters of a text.
fn within(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters).map(|(at, _)| at);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_share_their_room() {
        let mut pool = Pool::default();
        assert!(Arc::ptr_eq(&pool.take("Contoso"), &pool.take("Contoso")));
        let long = pool.take(&"ä".repeat(40_000));
        assert_eq!(long.chars().count(), TEXT_CHARS_MAX + 1);
        assert!(long.ends_with('…'));
        let held: usize = (0..500)
            .map(|number| pool.take(&format!("{number:05}{}", "n".repeat(20_000))).len())
            .sum();
        assert!(held < LONG_BYTES_MAX + 500 * SHORT_BYTES, "{held}");
    }
}
