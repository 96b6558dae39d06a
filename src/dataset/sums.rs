//! `SHA256SUMS`: the hash of every file of an output folder, in the form that `sha256sum -c` reads.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::disk::Disk;
use super::error::{DatasetError, Tried};
use super::manifest::Manifest;
use super::schema::hex;

/// The name of the file; it stands beside the reports.
pub const SUMS: &str = "SHA256SUMS";

/// The key of pseudonyms, beside the reports: a secret, of which nothing is told, not even a hash.
pub const REDACT_KEY: &str = "redact.key";

/// Files that come and go with the writer, or are nobody's to check.
const PASSING: [&str; 4] = [".lock", ".holder", SUMS, REDACT_KEY];

/// Writes the hashes of all files of an output folder, last of all. Parts are not read again:
/// the manifest has their hashes.
///
/// # Errors
/// A file cannot be read, or the list not be written.
pub fn seal(out: &Path, disk: &Disk) -> Result<(), DatasetError> {
    let path = out.join(SUMS);
    let text = lines(&sums(out)?);
    if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    disk.replace(&path, text.as_bytes())
}

/// By path below the output folder, with slashes.
pub(super) type Sums = BTreeMap<String, String>;

fn sums(out: &Path) -> Result<Sums, DatasetError> {
    let dataset = out.join("dataset");
    let mut sums = Sums::new();
    if let Some(manifest) = Manifest::load(&dataset)? {
        let parts = manifest.parts.into_iter();
        sums.extend(parts.map(|part| (format!("dataset/{}", part.path), part.sha256)));
    }
    for file in other_files(out)? {
        let Some(name) = name_below(out, &file) else { continue };
        let sum = file_sum(&file).tried("read", &file)?;
        sums.insert(name, sum);
    }
    Ok(sums)
}

/// All files but the parts. Links are not followed.
pub(super) fn other_files(out: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let dataset = out.join("dataset");
    let mut files = Vec::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).tried("read folder", &folder)? {
            let entry = entry.tried("read folder", &folder)?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().tried("look at", &path)?;
            let name = name.to_string_lossy();
            // Tables hold parts only, and the staging folder is nobody's.
            if kind.is_dir() && folder != dataset {
                folders.push(path);
            } else if kind.is_file() && !PASSING.contains(&&*name) && !name.ends_with(".tmp") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn name_below(out: &Path, file: &Path) -> Option<String> {
    let below = file.strip_prefix(out).ok()?;
    let names: Option<Vec<&str>> = below.iter().map(|name| name.to_str()).collect();
    // A name with a line break would look like two files.
    Some(names?.join("/")).filter(|name| !name.contains(['\n', '\r', '\\']))
}

pub(super) fn file_sum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 256 << 10];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&block[..length]),
        }
    }
}

fn lines(sums: &Sums) -> String {
    sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect()
}

/// Reads a list of hashes; lines of another form are passed over.
pub(super) fn parse(text: &str) -> Sums {
    let pair =
        |line: &str| line.split_once("  ").map(|(sum, name)| (name.to_owned(), sum.to_owned()));
    text.lines().filter_map(pair).collect()
}
