//! `tickets/`, `tickets.csv`, `tickets.json` and `remedies/` in the output folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tenantsweep::dataset::Disk;
use tenantsweep::report::tickets::{
    RemedyFile, Status, Ticket, follow_up, parse_tickets, remedy_files, tickets_of,
    write_ticket_files, write_tickets_csv, write_tickets_json,
};
use tenantsweep::summary::Summary;
use tenantsweep::tenant::TenantId;

use crate::exit::Failure;

/// Names that files below a customer's folder of `remedies/` can have, behind the partner.
const REMEDY_FILES: [&str; 3] = ["steps.md", "what-if.json", "replacement-policy.json"];

/// Writes the tickets of a summary, and what is to be done about them. Where nothing is asked,
/// now or before, nothing is written.
pub fn write(
    out: &Path,
    disk: &Disk,
    summary: &Summary,
    forgotten: Option<TenantId>,
) -> Result<(), Failure> {
    let json = out.join("tickets.json");
    let before = earlier(&json)?;
    let kept = before.iter().filter(|ticket| Some(ticket.customer_tenant_id) != forgotten);
    let tickets = follow_up(tickets_of(summary), kept.cloned().collect(), summary);
    if tickets.is_empty() && before.is_empty() {
        return Ok(());
    }
    let remedies = remedy_files(summary, &tickets).map_err(Failure::unwritten)?;
    let mut files: Vec<(PathBuf, Vec<u8>)> = write_ticket_files(&tickets)
        .into_iter()
        .map(|(name, text)| (out.join("tickets").join(name), text.into_bytes()))
        .collect();
    files.extend(
        remedies.iter().map(|file| (remedy_path(out, file), file.text.clone().into_bytes())),
    );
    remove_old(out, &before, &files)?;
    let (mut table, mut document) = (Vec::new(), Vec::new());
    write_tickets_csv(&mut table, &tickets).map_err(Failure::unwritten)?;
    write_tickets_json(&mut document, &tickets).map_err(Failure::unwritten)?;
    files.push((out.join("tickets.csv"), table));
    // Last: it says which files there are, so that the next run can remove them.
    files.push((json, document));
    for (path, content) in files {
        replace(disk, &path, &content)?;
    }
    Ok(())
}

/// How many open tickets the output folder holds.
pub fn open_tickets(out: &Path) -> usize {
    let tickets = earlier(&out.join("tickets.json")).unwrap_or_default();
    tickets.iter().filter(|ticket| ticket.status != Status::Resolved).count()
}

fn earlier(path: &Path) -> Result<Vec<Ticket>, Failure> {
    match fs::read(path) {
        Ok(text) => Ok(parse_tickets(&text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            let context = format!("{}: cannot read", path.display());
            Err(Failure::unwritten(anyhow::Error::new(error).context(context)))
        }
    }
}

fn remedy_path(out: &Path, file: &RemedyFile) -> PathBuf {
    out.join("remedies").join(&file.folder).join(&file.name)
}

fn replace(disk: &Disk, path: &Path, content: &[u8]) -> Result<(), Failure> {
    // Most tickets of a repeated sweep are the same.
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        disk.make_folders(folder).map_err(Failure::unwritten)?;
    }
    disk.replace(path, content).map_err(Failure::unwritten)
}

/// Removes the files of tickets that are not open any more: those that the run before wrote, and
/// no other.
fn remove_old(out: &Path, before: &[Ticket], files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    let now: BTreeSet<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
    for ticket in before.iter().filter(|ticket| is_file_name(&ticket.file)) {
        let folder = out.join("remedies").join(&ticket.file);
        let partner = ticket.partner_tenant_id.to_string();
        let prefix = partner.split('-').next().unwrap_or_default();
        let remedies = REMEDY_FILES.map(|name| folder.join(format!("{prefix}-{name}")));
        let page = out.join("tickets").join(format!("{}.md", ticket.file));
        for path in remedies.iter().chain([&page]).filter(|path| !now.contains(path.as_path())) {
            remove(path)?;
        }
        // Only if it is empty; what someone else put there stays.
        let _ = fs::remove_dir(&folder);
    }
    for folder in ["tickets", "remedies"] {
        let _ = fs::remove_dir(out.join(folder));
    }
    Ok(())
}

/// The file of tickets can be edited by anyone, and must not name a file elsewhere.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error)
            .with_context(|| format!("{}: cannot remove", path.display()))
            .map_err(Failure::unwritten),
        _ => Ok(()),
    }
}
