//! The names of members: shown, told apart, and never used as paths.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::text::is_steering;

/// Bytes of a name that are kept: each row of the dataset repeats it. Windows allows 260
/// characters in a path, Linux 4,096 bytes.
const NAME_BYTES_MAX: usize = 1024;
/// Of a longer name, this many characters from its beginning and from its end.
const HALF_CHARS: usize = 128;

/// Gives each member of a source a name of its own.
#[derive(Debug, Default)]
pub struct MemberNames {
    /// The number that the next copy of a name gets, by the hash of the name.
    next: HashMap<u64, u32>,
}

impl MemberNames {
    /// How a member is shown: `archive!/name`, with `#2` and so on where the archive has the
    /// name more than once.
    pub fn show(&mut self, container: &str, name: &str) -> String {
        let shown = format!("{container}!/{}", visible(name.strip_prefix("./").unwrap_or(name)));
        let key = xxh3_64(shown.as_bytes());
        let Some(&next) = self.next.get(&key) else {
            self.next.insert(key, 2);
            return shown;
        };
        let numbered = |number| format!("{shown}#{number}");
        let is_free =
            |number: &u32| !self.next.contains_key(&xxh3_64(numbered(*number).as_bytes()));
        let number = (next..).find(is_free).unwrap_or(next);
        self.next.insert(key, number.saturating_add(1));
        self.next.insert(xxh3_64(numbered(number).as_bytes()), 2);
        numbered(number)
    }
}

/// A name with `/` between its parts and everything escaped that acts on a terminal or a reader.
/// Of a name too long to be kept, its beginning and its end remain.
fn visible(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for character in shortened(name).chars() {
        match character {
            '\\' => shown.push('/'),
            _ if is_steering(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
    }
    shown
}

fn shortened(name: &str) -> String {
    if name.len() <= NAME_BYTES_MAX {
        return name.to_owned();
    }
    let start: String = name.chars().take(HALF_CHARS).collect();
    let end_at = name.char_indices().rev().nth(HALF_CHARS).map_or(0, |(at, _)| at);
    let end = &name[end_at..];
    // Two long names that differ in the middle stay two names.
    format!("{start}…{:016x}…{end}", xxh3_64(name.as_bytes()))
}

/// Whether a member is passed over as such a file in a folder is: its name or that of a folder
/// above it begins with a dot, or it is what macOS adds to archives beside the files.
pub fn is_hidden(name: &str) -> bool {
    name.split(['/', '\\'])
        .any(|part| part == "__MACOSX" || (part.starts_with('.') && !matches!(part, "." | "..")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_and_told_apart() {
        let mut names = MemberNames::default();
        let mut show = |name: &str| names.show("a.zip", name);
        assert_eq!(show("x/y.json"), "a.zip!/x/y.json");
        assert_eq!(show("x\\y.json"), "a.zip!/x/y.json#2");
        assert_eq!(show("x/y.json"), "a.zip!/x/y.json#3");
        assert_eq!(show("x/y.json#4"), "a.zip!/x/y.json#4");
        assert_eq!(show("x/y.json"), "a.zip!/x/y.json#5");
        assert_eq!(show("../../etc/passwd"), "a.zip!/../../etc/passwd");
        assert_eq!(show("/etc/passwd"), "a.zip!//etc/passwd");
        assert_eq!(show("a\u{1b}[31m\u{202e}b"), "a.zip!/a\\u{1b}[31m\\u{202e}b");
        assert_eq!(show(""), "a.zip!/");
    }

    #[test]
    fn names_of_a_mebibyte_are_cut_and_stay_apart() {
        let mut names = MemberNames::default();
        let long = "ä".repeat(1 << 19);
        let other = format!("{}x{}", &long[..1 << 19], &long[1 << 19..]);
        let (first, second) = (names.show("a.tar", &long), names.show("a.tar", &other));
        assert!(first.len() < 1200 && second.len() < 1200 && first != second);
    }

    #[test]
    fn hidden_members_are_told_by_any_part_of_their_name() {
        for name in [".x", "a/.git/b.json", "__MACOSX/a/._b.json", "a\\.b"] {
            assert!(is_hidden(name), "{name}");
        }
        for name in ["a.json", "./a.json", "../../a.json", "a/..b/x"] {
            assert_eq!(is_hidden(name), name.contains("..b"), "{name}");
        }
    }
}
