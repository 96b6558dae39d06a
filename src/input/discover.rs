//! Finds what to read: files, folders with all below them, wildcards; sorted, each once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use globset::GlobBuilder;

use super::hint::{NO_SHARE, io_hint};
use super::lists::{self, ListKind};
use super::path_tenant::{PathTemplate, tenant_of_path};
use super::shown::{is_share, shown, without_stray_quote};
use crate::tenant::TenantId;

/// Where the bytes of a source come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    File,
    /// A pipe or a device with a name: its bytes come once.
    Pipe,
    StandardInput,
}

/// A file that may be an export, or an archive of exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub kind: SourceKind,
    pub path: PathBuf,
    /// The path as the user gave it, with `/` between its parts: what the dataset remembers.
    pub shown: String,
    /// Bytes on the disk when it was found.
    pub length: u64,
    pub modified: Option<SystemTime>,
    pub path_tenant: Option<TenantId>,
}

impl Source {
    /// Its bytes can be read from any place, and again.
    pub fn is_seekable(&self) -> bool {
        self.kind == SourceKind::File
    }

    /// Bytes on the disk; of standard input nobody knows.
    pub fn known_length(&self) -> Option<u64> {
        self.is_seekable().then_some(self.length)
    }

    /// It was written, cut or removed since it was found.
    pub fn has_changed(&self) -> bool {
        let as_found =
            |now: fs::Metadata| now.len() == self.length && now.modified().ok() == self.modified;
        self.is_seekable() && !fs::metadata(&self.path).is_ok_and(as_found)
    }
}

/// A list of partners or customers found among the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundList {
    pub path: PathBuf,
    pub shown: String,
    pub kind: ListKind,
}

/// All that the arguments lead to.
#[derive(Debug, Default)]
pub struct Found {
    /// By path, each file once.
    pub sources: Vec<Source>,
    pub lists: Vec<FoundList>,
    /// Folders passed over because they hold a dataset of this program.
    pub passed_over: Vec<String>,
    /// Links, devices and hidden files in folders, which are read only if they are named.
    pub skipped: Vec<String>,
    /// What could not be looked at, with the cause.
    pub unreadable: Vec<(String, io::Error)>,
    /// Where paths hold the tenant's id; names of members are searched for it as well.
    pub template: Option<PathTemplate>,
}

/// What is looked for, and what is left out.
#[derive(Debug, Default)]
pub struct DiscoverOptions<'a> {
    /// The folder of the results, never an input.
    pub out: Option<&'a Path>,
    /// Files named by other flags.
    pub given: &'a [PathBuf],
    pub template: Option<&'a PathTemplate>,
}

/// An input that does not exist.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    #[error("{}: {source}{}", path.display(), missing_hint(path, source))]
    Missing { path: PathBuf, source: io::Error },
    #[error("standard input can be read once: `-` is given twice")]
    StandardInputTwice,
    #[error("`{pattern}` is no file pattern: {source}")]
    Pattern { pattern: String, source: globset::Error },
    #[error("`{pattern}` matches no file")]
    NoMatch { pattern: String },
    #[error("{}: the results would go into the input itself\nhint: choose another `--out`", path.display())]
    OutIsInput { path: PathBuf },
}

/// What to do about an input that cannot be looked at, on a line of its own.
fn missing_hint(path: &Path, source: &io::Error) -> String {
    let hint = if path.to_string_lossy().contains('"') {
        Some("a `\\` in front of a closing quote takes the quote away: leave the last `\\` out")
    } else if is_share(&shown(path)) {
        io_hint(source).or(Some(NO_SHARE))
    } else {
        io_hint(source)
    };
    hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default()
}

/// The input that stands for what is piped in.
pub const STANDARD_INPUT: &str = "-";

/// Finds all files that the inputs name.
///
/// # Errors
/// An input does not exist, or a pattern matches nothing.
pub fn discover(inputs: &[PathBuf], options: &DiscoverOptions<'_>) -> Result<Found, DiscoverError> {
    let mut walk = Walk::new(options);
    for input in inputs {
        if input.as_os_str() == STANDARD_INPUT {
            walk.standard_input()?;
            continue;
        }
        let input = &without_stray_quote(input);
        match fs::metadata(input) {
            Ok(metadata) if metadata.is_dir() => {
                if options.out.is_some_and(|out| absolute(out) == absolute(input)) {
                    return Err(DiscoverError::OutIsInput { path: input.clone() });
                }
                walk.folder(input);
            }
            Ok(metadata) => walk.file(input, &metadata),
            Err(_) if is_pattern(input) => walk.pattern(input)?,
            Err(source) => return Err(DiscoverError::Missing { path: input.clone(), source }),
        }
    }
    Ok(walk.finish())
}

fn is_pattern(input: &Path) -> bool {
    shown(input).contains(['*', '?', '['])
}

struct Walk<'a> {
    options: &'a DiscoverOptions<'a>,
    /// Absolute paths of OUT and of the files named by flags.
    left_out: Vec<PathBuf>,
    /// By absolute path, so that a file named twice is read once.
    files: BTreeMap<PathBuf, Source>,
    found: Found,
}

impl<'a> Walk<'a> {
    fn new(options: &'a DiscoverOptions<'a>) -> Self {
        let left_out = options.out.into_iter().chain(options.given.iter().map(PathBuf::as_path));
        Self {
            options,
            left_out: left_out.map(absolute).collect(),
            files: BTreeMap::new(),
            found: Found::default(),
        }
    }

    /// A folder that the user named.
    fn folder(&mut self, folder: &Path) {
        self.folder_at(folder, &absolute(folder));
    }

    /// A folder, and the one name that it has whatever way leads to it.
    fn folder_at(&mut self, folder: &Path, key: &Path) {
        if self.left_out.iter().any(|left_out| left_out == key) || is_dataset(folder) {
            self.found.passed_over.push(shown(folder));
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(folder, error),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry, key),
                Err(error) => self.unreadable(folder, error),
            }
        }
    }

    /// Links and devices are not followed unless the user names them: so the name of an entry is
    /// that of its folder and its own, and the disk need not be asked for it.
    fn entry(&mut self, entry: &fs::DirEntry, folder_key: &Path) {
        let (path, name) = (entry.path(), entry.file_name());
        if name.as_encoded_bytes().starts_with(b".") {
            self.found.skipped.push(shown(&path));
            return;
        }
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => self.folder_at(&path, &folder_key.join(name)),
            Ok(metadata) if metadata.is_file() => {
                self.file_at(&path, folder_key.join(name), &metadata);
            }
            Ok(_) => self.found.skipped.push(shown(&path)),
            Err(error) => self.unreadable(&path, error),
        }
    }

    /// A file that the user named.
    fn file(&mut self, path: &Path, metadata: &fs::Metadata) {
        self.file_at(path, absolute(path), metadata);
    }

    fn file_at(&mut self, path: &Path, key: PathBuf, metadata: &fs::Metadata) {
        if self.left_out.contains(&key) {
            return;
        }
        let shown = shown(path);
        let is_file = metadata.is_file();
        self.files.entry(key).or_insert_with(|| Source {
            kind: if is_file { SourceKind::File } else { SourceKind::Pipe },
            path: path.to_owned(),
            path_tenant: tenant_of_path(&shown, self.options.template),
            shown,
            length: metadata.len(),
            // What comes once cannot be known again.
            modified: metadata.modified().ok().filter(|_| is_file),
        });
    }

    fn standard_input(&mut self) -> Result<(), DiscoverError> {
        let source = Source {
            kind: SourceKind::StandardInput,
            path: PathBuf::from(STANDARD_INPUT),
            shown: "standard input".to_owned(),
            length: 0,
            modified: None,
            path_tenant: None,
        };
        match self.files.insert(source.path.clone(), source) {
            None => Ok(()),
            Some(_) => Err(DiscoverError::StandardInputTwice),
        }
    }

    /// Expands a wildcard, since Windows shells do not: walks from the last folder before it.
    fn pattern(&mut self, input: &Path) -> Result<(), DiscoverError> {
        let pattern = shown(input);
        let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
        let matcher = glob
            .map_err(|source| DiscoverError::Pattern { pattern: pattern.clone(), source })?
            .compile_matcher();
        let base = base_of_pattern(&pattern);
        let mut inner = Walk::new(self.options);
        inner.folder(&base);
        let count = self.files.len();
        let strip = |shown: &str| shown.strip_prefix("./").unwrap_or(shown).to_owned();
        for (key, mut source) in inner.files {
            source.shown = strip(&source.shown);
            let folders = Path::new(&source.shown).ancestors();
            if folders.filter_map(Path::to_str).any(|path| matcher.is_match(path)) {
                self.files.entry(key).or_insert(source);
            }
        }
        self.found.passed_over.extend(inner.found.passed_over);
        self.found.skipped.extend(inner.found.skipped);
        self.found.unreadable.extend(inner.found.unreadable);
        if self.files.len() == count {
            return Err(DiscoverError::NoMatch { pattern });
        }
        Ok(())
    }

    fn unreadable(&mut self, path: &Path, error: io::Error) {
        self.found.unreadable.push((shown(path), error));
    }

    fn finish(mut self) -> Found {
        for source in self.files.into_values() {
            match list_kind(&source) {
                Some(kind) => {
                    let list = FoundList { path: source.path, shown: source.shown, kind };
                    self.found.lists.push(list);
                }
                None => self.found.sources.push(source),
            }
        }
        self.found.sources.sort_by(|a, b| a.shown.cmp(&b.shown));
        self.found.lists.sort_by(|a, b| a.shown.cmp(&b.shown));
        self.found.template = self.options.template.cloned();
        self.found.passed_over.sort();
        self.found.passed_over.dedup();
        self.found.skipped.sort();
        self.found.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
        self.found
    }
}

/// Lists are small: a larger file is never asked whether it is one.
const LIST_BYTES: u64 = 32 * 1024 * 1024;

fn list_kind(source: &Source) -> Option<ListKind> {
    let name = source.path.file_name()?.to_string_lossy().into_owned();
    let ending = source.path.extension()?.to_string_lossy().to_lowercase();
    if !source.is_seekable()
        || source.length > LIST_BYTES
        || !matches!(ending.as_str(), "csv" | "json" | "txt")
    {
        return None;
    }
    let mut head = Vec::new();
    let file = File::open(&source.path).ok()?;
    file.take(4096).read_to_end(&mut head).ok()?;
    let text = match head.as_slice() {
        [0xFF, 0xFE, ..] => encoding_rs::UTF_16LE.decode(&head).0,
        [0xFE, 0xFF, ..] => encoding_rs::UTF_16BE.decode(&head).0,
        _ => String::from_utf8_lossy(&head),
    };
    lists::recognise(&name, &text)
}

fn is_dataset(folder: &Path) -> bool {
    folder.join("dataset").join("manifest.json").is_file()
}

/// One name for a file whatever way leads to it; the path as it is where that cannot be told.
fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// The folder in which a pattern begins to match.
fn base_of_pattern(pattern: &str) -> PathBuf {
    let wildcard = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    match pattern[..wildcard].rsplit_once('/') {
        None => PathBuf::from("."),
        Some(("", _)) => PathBuf::from("/"),
        Some((base, _)) => PathBuf::from(base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estate() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("folder");
        for (path, text) in [
            ("b/z.json", "[]"),
            ("b/a.json", "[]"),
            ("a.csv", "Date (UTC),Request ID\n"),
            ("partners.csv", "tenant_id,name\n"),
            (".hidden/x.json", "[]"),
            ("out/dataset/manifest.json", "{}"),
            ("out/summary.json", "{}"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            fs::write(path, text).expect("file");
        }
        root
    }

    fn names(found: &Found, root: &Path) -> Vec<String> {
        let prefix = format!("{}/", shown(root));
        found.sources.iter().map(|source| source.shown.replacen(&prefix, "", 1)).collect()
    }

    #[test]
    fn folders_are_read_whole_sorted_without_results_and_lists() {
        let root = estate();
        let inputs = [root.path().join("b"), root.path().to_owned(), root.path().join("a.csv")];
        let found = discover(&inputs, &DiscoverOptions::default()).expect("found");
        assert_eq!(names(&found, root.path()), ["a.csv", "b/a.json", "b/z.json"]);
        assert_eq!(found.lists.len(), 1);
        assert_eq!(found.passed_over, [shown(&root.path().join("out"))]);
    }

    #[test]
    fn wildcards_are_expanded() {
        let root = estate();
        let found = |pattern: &str| {
            discover(&[root.path().join(pattern)], &DiscoverOptions::default())
                .map(|found| names(&found, root.path()))
        };
        assert_eq!(found("*/*.json").expect("found"), ["b/a.json", "b/z.json"]);
        assert_eq!(found("b*").expect("found"), ["b/a.json", "b/z.json"]);
        assert!(matches!(found("c*"), Err(DiscoverError::NoMatch { .. })));
        assert!(matches!(found("c"), Err(DiscoverError::Missing { .. })));
        for (pattern, base) in [
            ("*.json", "."),
            ("/*.json", "/"),
            ("a/b/c*/d.json", "a/b"),
            ("//server/share/logs/*.json", "//server/share/logs"),
            ("D:/logs/2026-??/x", "D:/logs"),
        ] {
            assert_eq!(base_of_pattern(pattern), PathBuf::from(base), "{pattern}");
        }
    }

    #[test]
    fn standard_input_is_a_source_once() {
        let dash = || PathBuf::from("-");
        let found = discover(&[dash()], &DiscoverOptions::default()).expect("found");
        assert_eq!(found.sources[0].shown, "standard input");
        assert_eq!(found.sources[0].kind, SourceKind::StandardInput);
        let twice = discover(&[dash(), dash()], &DiscoverOptions::default());
        assert!(matches!(twice, Err(DiscoverError::StandardInputTwice)));
    }

    #[test]
    fn a_quote_that_a_backslash_saved_is_taken_off() {
        let root = estate();
        let quoted = root.path().join("b\"");
        let found = discover(&[quoted], &DiscoverOptions::default()).expect("found");
        assert_eq!(names(&found, root.path()), ["b/a.json", "b/z.json"]);
        let missing = discover(&[PathBuf::from("x\" y")], &DiscoverOptions::default());
        let message = missing.map(|_| ()).map_err(|error| error.to_string());
        assert!(message.is_err_and(|message| message.contains("hint: a `\\` in front")));
    }
}
