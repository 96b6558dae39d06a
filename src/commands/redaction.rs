//! The key of `--redact`, and the places where it must not lie.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use tenantsweep::dataset::REDACT_KEY;
use tenantsweep::redact::{Key, Redactor};

use crate::cli::RedactArgs;
use crate::exit::Failure;

/// Who makes the pseudonyms, if any are asked for. `out` is the folder that a sweep has written.
pub fn redactor(args: &RedactArgs, out: &Path) -> Result<Option<Redactor>, Failure> {
    if !args.redact {
        return Ok(None);
    }
    let path = args.redact_key.clone().unwrap_or_else(|| out.join(REDACT_KEY));
    if is_within(&path, &out.join("dataset")) {
        return Err(Failure::usage(anyhow!(
            "{}: a key in the dataset would be handed on with it\n\
             hint: name another place with --redact-key",
            path.display()
        )));
    }
    let key = Key::read_or_make(&path).map_err(Failure::usage)?;
    Ok(Some(Redactor::new(key)))
}

/// Links and `..` followed, as far as the folders are there.
fn is_within(path: &Path, folder: &Path) -> bool {
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize();
    match (parent, folder.canonicalize()) {
        (Ok(parent), Ok(folder)) => parent.join(name).starts_with(folder),
        _ => path.starts_with(folder),
    }
}
