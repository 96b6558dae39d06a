//! Names that must never become the name of a file that we write.

/// Whether Windows takes a name for a device, or cannot open what is called so: it ignores what
/// follows the first dot of a device's name, and blanks and dots at the end of any name
/// (Microsoft, "Naming Files, Paths, and Namespaces").
pub fn is_reserved_name(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    const NUMBERED: [&str; 2] = ["COM", "LPT"];
    const NUMBERS: [char; 13] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '\u{b9}', '\u{b2}', '\u{b3}'];
    let stem = name.split(['.', ':']).next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_uppercase();
    let is_numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|rest| {
            let mut number = rest.chars();
            number.next().is_some_and(|digit| NUMBERS.contains(&digit)) && number.next().is_none()
        })
    };
    DEVICES.contains(&stem.as_str())
        || NUMBERED.iter().any(|device| is_numbered(device))
        || name.ends_with(['.', ' '])
        || name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::is_reserved_name;

    #[test]
    fn devices_of_windows_and_names_that_it_cannot_open() {
        for name in ["con", "NUL", "Aux.txt", "com1", "LPT\u{b9}.a.b", "nul ", "a.", "a ", ""] {
            assert!(is_reserved_name(name), "{name:?}");
        }
        for name in ["console", "com", "com10", "nul-1", "a.con", "2026-11-21", "aux_"] {
            assert!(!is_reserved_name(name), "{name:?}");
        }
    }
}
