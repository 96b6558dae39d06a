//! Is a file still what was read?

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

/// What the bytes of a file were when they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// The hash of the whole file.
    Whole([u8; 32]),
    /// The hash of its first bytes, all there were.
    Sha256 { bytes: u64, hash: [u8; 32] },
    /// The same without SHA-256: good against accidents, not against forgery.
    Xxh3 { bytes: u64, hash: u128 },
}

/// What is left of a file.
#[derive(Debug)]
pub enum Recheck {
    Same,
    /// Its first bytes are what was read; others came behind.
    Grown,
    Changed,
    Missing,
    Unreadable(io::Error),
}

/// Reads a file again and compares.
pub fn recheck(path: &Path, known: Known) -> Recheck {
    match compare(path, known) {
        Ok(result) => result,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Recheck::Missing,
        Err(error) => Recheck::Unreadable(error),
    }
}

fn compare(path: &Path, known: Known) -> io::Result<Recheck> {
    let mut file = File::open(path)?;
    let (is_same, bytes) = match known {
        Known::Whole(hash) => {
            let mut hasher = Sha256::new();
            read(&mut file, u64::MAX, |block| hasher.update(block))?;
            (<[u8; 32]>::from(hasher.finalize()) == hash, None)
        }
        Known::Sha256 { bytes, hash } => {
            let mut hasher = Sha256::new();
            read(&mut file, bytes, |block| hasher.update(block))?;
            (<[u8; 32]>::from(hasher.finalize()) == hash, Some(bytes))
        }
        Known::Xxh3 { bytes, hash } => {
            let mut hasher = Xxh3::new();
            read(&mut file, bytes, |block| hasher.update(block))?;
            (hasher.digest128() == hash, Some(bytes))
        }
    };
    let has_more = bytes.is_some() && file.read(&mut [0])? > 0;
    Ok(match (is_same, has_more) {
        (true, false) => Recheck::Same,
        (true, true) => Recheck::Grown,
        (false, _) => Recheck::Changed,
    })
}

fn read(file: &mut File, bytes: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut file = file.take(bytes);
    let mut block = vec![0; 256 << 10];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(()),
            length => take(&block[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_grown_changed_or_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.json");
        let hash = |text: &[u8]| <[u8; 32]>::from(Sha256::digest(text));
        let part = Known::Sha256 { bytes: 3, hash: hash(b"abc") };
        let xxh3 = Known::Xxh3 { bytes: 3, hash: xxhash_rust::xxh3::xxh3_128(b"abc") };
        let whole = Known::Whole(hash(b"abc"));
        let told = |known| format!("{:?}", recheck(&path, known));
        assert_eq!([part, xxh3, whole].map(told), ["Missing", "Missing", "Missing"]);
        for (text, expected) in [
            ("abc", ["Same", "Same", "Same"]),
            ("abcd", ["Grown", "Grown", "Changed"]),
            ("abd", ["Changed", "Changed", "Changed"]),
            ("ab", ["Changed", "Changed", "Changed"]),
        ] {
            std::fs::write(&path, text).expect("written");
            assert_eq!([part, xxh3, whole].map(told), expected, "{text}");
        }
    }
}
