//! The passwords of encrypted archives.

use std::io::{self, Read};
use std::path::Path;

use crate::input::open::{Hashing, open};

/// Passwords to try, in the order of the file. They are never shown and never stored.
#[derive(Default, Clone)]
pub struct Passwords(Vec<Vec<u8>>);

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passwords", self.0.len())
    }
}

impl Passwords {
    /// Reads a text file in any encoding, one password a line. Blanks belong to a password.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        /// No list of passwords is longer.
        const BYTES_MAX: u64 = 1 << 20;
        let mut text = String::new();
        open(path, Hashing::Off)?.take(BYTES_MAX).read_to_string(&mut text)?;
        Ok(Self::of_lines(&text))
    }

    pub fn of_lines(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty());
        Self(lines.map(|line| line.as_bytes().to_vec()).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_password_a_line_and_none_is_shown() {
        let passwords = Passwords::of_lines("a b \r\n\nsecond");
        assert_eq!(passwords.iter().collect::<Vec<_>>(), [&b"a b "[..], b"second"]);
        assert_eq!(format!("{passwords:?}"), "2 passwords");
    }
}
