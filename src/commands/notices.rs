//! What is told about files that were not read: place, cause, hint.

use std::collections::BTreeMap;
use std::io::{self, Write};

use tenantsweep::report::clean::clean;

/// Of a path in a message: log text and names of files come from outsiders.
pub const PATH_COLUMNS: usize = 400;
/// Of what is said of a file: room for the names of all columns of a table.
const TEXT_COLUMNS: usize = 2500;
/// Members of one archive that are named one by one where the same is said of all.
const NAMED_MAX: usize = 3;

/// What is told about one file.
pub struct Notice<'a> {
    pub shown: &'a str,
    pub text: String,
    pub hint: Option<&'a str>,
}

/// Writes notices: of the members of an archive about which the same is said the first few, and
/// how many more there are.
pub fn write_notices<'a>(
    messages: &mut dyn Write,
    notices: impl Iterator<Item = Notice<'a>>,
) -> io::Result<()> {
    let mut counts: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for Notice { shown, text, hint } in notices {
        if let Some((archive, _)) = shown.split_once("!/") {
            let count = counts.entry((archive, text.clone())).or_default();
            *count += 1;
            if *count > NAMED_MAX {
                continue;
            }
        }
        let text = clean(&text, TEXT_COLUMNS);
        writeln!(messages, "{}: {text}", clean(shown, PATH_COLUMNS))?;
        if let Some(hint) = hint {
            writeln!(messages, "hint: {hint}")?;
        }
    }
    for ((archive, text), count) in counts {
        if let Some(more @ 1..) = count.checked_sub(NAMED_MAX) {
            let (archive, text) = (clean(archive, PATH_COLUMNS), clean(&text, PATH_COLUMNS));
            writeln!(messages, "{archive}: {more} more files in it: {text}")?;
        }
    }
    Ok(())
}
