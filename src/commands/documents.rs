//! `tenantsweep completions` and `tenantsweep man`: what is made out of the flags.

use std::fs;
use std::io::Write;

use anyhow::anyhow;

use crate::cli::{CompletionsArgs, ManArgs, man_pages, write_completions};
use crate::exit::{End, Failure};

/// Prints the completions of a shell.
pub fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> Result<End, Failure> {
    write_completions(args.shell, out).map_err(Failure::unwritten)?;
    Ok(End::Done)
}

/// Writes the man pages into a folder, or prints the one of the program.
pub fn man(args: &ManArgs, out: &mut dyn Write) -> Result<End, Failure> {
    let pages = man_pages().map_err(Failure::unwritten)?;
    let Some(folder) = &args.dir else {
        let main = pages.first().map(|page| page.text.as_slice()).unwrap_or_default();
        out.write_all(main).map_err(Failure::unwritten)?;
        return Ok(End::Done);
    };
    let cannot_write =
        |path: &std::path::Path, error| Failure::unwritten(anyhow!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, error))?;
    for page in &pages {
        let path = folder.join(&page.file_name);
        fs::write(&path, &page.text).map_err(|error| cannot_write(&path, error))?;
    }
    let (count, folder) = (pages.len(), folder.display());
    writeln!(out, "{count} man pages in {folder}").map_err(Failure::unwritten)?;
    Ok(End::Done)
}
