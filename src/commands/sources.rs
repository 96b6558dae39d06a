//! The files that a dataset was read from, found again and compared.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tenantsweep::dataset::{ReadSourceRecord, Sources};
use tenantsweep::input::recheck::{Known, Recheck, recheck};

/// A file from which exports were read, and what is left of it.
pub struct SourceCheck {
    /// As the dataset has it.
    pub shown: String,
    pub state: Recheck,
}

/// Looks at every file from which rows come or which a reading stands for. `root` is where to
/// look for paths that are not found otherwise.
pub fn check_all(sources: &Sources, root: Option<&Path>) -> Vec<SourceCheck> {
    let counts = |export: &&ReadSourceRecord| export.is_current || export.rows > 0;
    // Many exports lie in one archive.
    let files: BTreeSet<(&str, Known)> = sources
        .exports
        .iter()
        .filter(counts)
        .filter_map(|export| Some((file_of(export), known(export)?)))
        .collect();
    let check = |(shown, known): (&str, Known)| SourceCheck {
        shown: shown.to_owned(),
        state: recheck(&locate(shown, sources, root), known),
    };
    files.into_iter().map(check).collect()
}

/// Looks at the file of one export; nothing if no hash of it is known.
pub fn check_one(
    export: &ReadSourceRecord,
    sources: &Sources,
    root: Option<&Path>,
) -> (PathBuf, Option<Recheck>) {
    let path = locate(file_of(export), sources, root);
    let state = known(export).map(|known| recheck(&path, known));
    (path, state)
}

/// The file on the disk: of a member of an archive the archive.
fn file_of(export: &ReadSourceRecord) -> &str {
    export.container.as_deref().unwrap_or(&export.path)
}

fn known(export: &ReadSourceRecord) -> Option<Known> {
    if export.container.is_some() {
        return export.container_sha256.as_deref().and_then(hash_of).map(Known::Whole);
    }
    let bytes = export.bytes;
    match export.sha256.as_deref().and_then(hash_of) {
        Some(hash) => Some(Known::Sha256 { bytes, hash }),
        None => Some(Known::Xxh3 { bytes, hash: export.xxh3 }),
    }
}

fn hash_of(hex: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// Where a file lies now: as it was given, below `root`, or where it was when it was read.
fn locate(shown: &str, sources: &Sources, root: Option<&Path>) -> PathBuf {
    let plain = shown.split_once('#').map_or(shown, |(before, number)| {
        // Of two exports that are shown alike the second has a number.
        if number.bytes().all(|byte| byte.is_ascii_digit()) { before } else { shown }
    });
    let below = root.into_iter().flat_map(|root| {
        // The root may stand for any folder on the way.
        let parts: Vec<&str> = plain.split('/').filter(|part| !part.is_empty()).collect();
        (0..parts.len())
            .map(move |skip| parts[skip..].iter().fold(root.to_owned(), |p, n| p.join(n)))
    });
    let seen = sources.seen_paths.iter().map(PathBuf::from);
    let seen = seen.filter(|path| path.ends_with(plain.trim_start_matches("./")));
    let as_given = [PathBuf::from(shown), PathBuf::from(plain)];
    let mut candidates = below.chain(as_given).chain(seen);
    candidates.find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(shown))
}
