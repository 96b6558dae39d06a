//! Paths as people see them and as the dataset remembers them: the same on every system.

use std::path::{Path, PathBuf};

/// A path with `/` between its parts and without `.` parts.
pub(super) fn shown(path: &Path) -> String {
    shown_text(&path.to_string_lossy(), cfg!(windows))
}

/// A share keeps its two slashes; the marks of Windows for long paths (`\\?\`) go.
fn shown_text(path: &str, is_windows: bool) -> String {
    let path =
        if is_windows { without_verbatim(&path.replace('\\', "/")) } else { path.to_owned() };
    let root = match path.as_str() {
        share if is_windows && share.starts_with("//") => "//",
        absolute if absolute.starts_with('/') => "/",
        _ => "",
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("{root}{}", parts.join("/"))
}

/// Whether a shown path leads to a share of another computer.
pub(super) fn is_share(shown: &str) -> bool {
    shown.starts_with("//")
}

fn without_verbatim(path: &str) -> String {
    match path.strip_prefix("//?/") {
        None => path.to_owned(),
        Some(long) => match long.get(..4) {
            Some(unc) if unc.eq_ignore_ascii_case("UNC/") => format!("//{}", &long[4..]),
            _ => long.to_owned(),
        },
    }
}

/// A path without the quote that the Windows shell leaves at its end: of `"D:\exports\"` it makes
/// `D:\exports"`, since the backslash takes the quote for a part of the name. No file on Windows
/// has one in its name; elsewhere the file is asked for first.
pub(super) fn without_stray_quote(path: &Path) -> PathBuf {
    let text = path.to_str().and_then(|text| text.strip_suffix('"'));
    match text {
        Some(text) if !path.exists() => PathBuf::from(text),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_windows_are_shown_with_slashes() {
        for (path, expected) in [
            (r"D:\exports\a b\x.json", "D:/exports/a b/x.json"),
            (r"D:\exports\\.\x.json", "D:/exports/x.json"),
            (r"\\server\share\x.json", "//server/share/x.json"),
            (r"\\?\D:\a\x.json", "D:/a/x.json"),
            (r"\\?\UNC\server\share\x.json", "//server/share/x.json"),
            (r"..\x\*.json", "../x/*.json"),
            (r"\\?\D:\a\*.json", "D:/a/*.json"),
        ] {
            assert_eq!(shown_text(path, true), expected);
        }
    }

    #[test]
    fn other_paths_keep_their_backslashes() {
        for (path, expected) in [
            ("/", "/"),
            (".", ""),
            ("./a/./b/", "a/b"),
            ("/a//b", "/a/b"),
            ("//a", "/a"),
            (r"a\b", r"a\b"),
        ] {
            assert_eq!(shown_text(path, false), expected);
        }
    }
}
