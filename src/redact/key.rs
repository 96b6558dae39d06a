//! The key of pseudonyms, in a file that only its owner may read.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes of a key, as many as SHA-256 has.
const BYTES: usize = 32;

/// A secret: whoever has it can tell by trial whether a name stands behind a pseudonym.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; BYTES]);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{}: the key cannot be read: {source}", path.display())]
    Unread { path: PathBuf, source: io::Error },
    #[error("{}: the key cannot be made: {source}", path.display())]
    Unmade { path: PathBuf, source: io::Error },
    #[error(
        "{}: this is no key of 64 hexadecimal digits\n\
         hint: name a file that is not there, and a key is made", path.display()
    )]
    NoKey { path: PathBuf },
    #[error(
        "{}: others than its owner may read the key\n\
         hint: chmod 600 {}", path.display(), path.display()
    )]
    Open { path: PathBuf },
}

impl Key {
    pub fn of(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the key in a file; where there is none, makes one that nobody can guess.
    ///
    /// # Errors
    /// The file holds no key, others may read it, or it cannot be made.
    pub fn read_or_make(path: &Path) -> Result<Self, KeyError> {
        match fs::read(path) {
            Ok(text) => Self::read(path, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match Self::make(path) {
                // Someone else was quicker.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let text = fs::read(path);
                    let text =
                        text.map_err(|source| KeyError::Unread { path: path.into(), source })?;
                    Self::read(path, &text)
                }
                made => made.map_err(|source| KeyError::Unmade { path: path.into(), source }),
            },
            Err(source) => Err(KeyError::Unread { path: path.into(), source }),
        }
    }

    fn read(path: &Path, text: &[u8]) -> Result<Self, KeyError> {
        if is_open(path) {
            return Err(KeyError::Open { path: path.into() });
        }
        Self::parse(text).ok_or_else(|| KeyError::NoKey { path: path.into() })
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim();
        let is_key = text.len() == 2 * BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut key = [0; BYTES];
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        is_key.then_some(Self(key))
    }

    /// The file is its owner's alone from the moment on in which it is there.
    fn make(path: &Path) -> io::Result<Self> {
        let mut key = [0; BYTES];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file: File = options.open(path)?;
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(file, "{digits}")?;
        file.sync_all()?;
        Ok(Self(key))
    }
}

/// A secret is not shown, not even to who looks for a fault.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("redact.key");
        let made = Key::read_or_make(&path).expect("made");
        assert_eq!(Key::read_or_make(&path).expect("read"), made);
        let other = Key::read_or_make(&folder.path().join("other.key")).expect("made");
        assert_ne!(made, other);
        assert_eq!(format!("{made:?}"), "Key");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
            assert!(matches!(Key::read_or_make(&path), Err(KeyError::Open { .. })));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        }
        for text in ["", "0123", &"g".repeat(64), &"0".repeat(66)] {
            fs::write(&path, text).expect("written");
            assert!(matches!(Key::read_or_make(&path), Err(KeyError::NoKey { .. })), "{text}");
        }
    }
}
