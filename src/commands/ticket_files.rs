//! `tickets/`, `tickets.csv`, `tickets.json` and `remedies/` in the output folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use tenantsweep::dataset::Disk;
use tenantsweep::redact::{Redactor, redacted};
use tenantsweep::report::tickets::{
    RemedyFile, Status, Ticket, follow_up, parse_tickets, remedy_files, tickets_of,
    write_ticket_files, write_tickets_csv, write_tickets_json,
};
use tenantsweep::summary::Summary;
use tenantsweep::tenant::TenantId;

use super::remove;
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
) -> Result<Written, Failure> {
    let json = out.join("tickets.json");
    let (mut before, unread) = match earlier(&json)? {
        Earlier::Tickets(tickets) => (tickets, None),
        Earlier::Unreadable(text) => (Vec::new(), Some(text)),
    };
    // It may hold the customer that is to be forgotten.
    let unread = unread.filter(|_| forgotten.is_none());
    let kept_in = out.join("tickets-before.json");
    if let Some(text) = &unread {
        replace(disk, &kept_in, text)?;
    }
    let kept_in = unread.map(|_| kept_in);
    let had_tickets = !before.is_empty();
    before.retain(|ticket| Some(ticket.customer_tenant_id) != forgotten);
    let tickets = follow_up(tickets_of(summary), before, summary);
    let written = Written { open: count_open(&tickets), kept_in };
    if tickets.is_empty() && !had_tickets {
        remove_old(out, &[])?;
        return Ok(written);
    }
    let remedies = remedy_files(summary, &tickets).map_err(Failure::unwritten)?;
    let mut files: Vec<(PathBuf, Vec<u8>)> = write_ticket_files(&tickets)
        .into_iter()
        .map(|(name, text)| (out.join("tickets").join(name), text.into_bytes()))
        .collect();
    files.extend(
        remedies.iter().map(|file| (remedy_path(out, file), file.text.clone().into_bytes())),
    );
    remove_old(out, &files)?;
    let (mut table, mut document) = (Vec::new(), Vec::new());
    write_tickets_csv(&mut table, &tickets).map_err(Failure::unwritten)?;
    write_tickets_json(&mut document, &tickets).map_err(Failure::unwritten)?;
    files.push((out.join("tickets.csv"), table));
    // Last, so that it names no file that is not there.
    files.push((json, document));
    for (path, content) in files {
        replace(disk, &path, &content)?;
    }
    Ok(written)
}

/// What came of it.
pub struct Written {
    /// Open tickets.
    pub open: usize,
    /// Where a list of an earlier run is kept that nobody can read: keys, approvers and standings
    /// of its tickets are lost to this one.
    pub kept_in: Option<PathBuf>,
}

/// What an earlier run has left.
enum Earlier {
    Tickets(Vec<Ticket>),
    Unreadable(Vec<u8>),
}

/// The tickets of a summary as they stand against the run before; nothing is written. Of redacted
/// ones only the status is known from there: what an earlier run left may name anyone.
pub fn current(
    out: &Path,
    summary: &Summary,
    redactor: Option<&Redactor>,
) -> Result<Vec<Ticket>, Failure> {
    let before = match earlier(&out.join("tickets.json"))? {
        Earlier::Tickets(tickets) => tickets,
        Earlier::Unreadable(_) => Vec::new(),
    };
    let followed = follow_up(tickets_of(summary), before, summary);
    let Some(by) = redactor else { return Ok(followed) };
    let hidden = tickets_of(&redacted(summary.clone(), by));
    // Those that are asked for now stand first, in the order of the customers.
    let standing = hidden.into_iter().zip(followed);
    Ok(standing.map(|(ticket, known)| Ticket { status: known.status, ..ticket }).collect())
}

/// How many open tickets an earlier run left in the output folder.
pub fn open_tickets(out: &Path) -> usize {
    let Ok(Earlier::Tickets(tickets)) = earlier(&out.join("tickets.json")) else { return 0 };
    count_open(&tickets)
}

fn count_open(tickets: &[Ticket]) -> usize {
    tickets.iter().filter(|ticket| ticket.status != Status::Resolved).count()
}

fn earlier(path: &Path) -> Result<Earlier, Failure> {
    match fs::read(path) {
        Ok(text) => Ok(match parse_tickets(&text) {
            Some(tickets) => Earlier::Tickets(tickets),
            None => Earlier::Unreadable(text),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Earlier::Tickets(Vec::new())),
        Err(error) => Err(Failure::unwritten(anyhow!("{}: cannot read: {error}", path.display()))),
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

/// Removes the files of tickets that are not open any more: those that a run has written, also
/// one that was killed before it said so, and no other.
fn remove_old(out: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    let now: BTreeSet<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
    let tickets = out.join("tickets");
    for page in names_in(&tickets)?.iter().map(|name| tickets.join(name)) {
        if !now.contains(page.as_path()) && is_ticket(&page) {
            remove(&page)?;
        }
    }
    let remedies = out.join("remedies");
    for folder in names_in(&remedies)?.iter().map(|name| remedies.join(name)) {
        for name in names_in(&folder)?.iter().filter(|name| is_remedy(name)) {
            let file = folder.join(name);
            if !now.contains(file.as_path()) {
                remove(&file)?;
            }
        }
        // Only if it is empty; what someone else put there stays.
        let _ = fs::remove_dir(&folder);
    }
    for folder in [tickets, remedies] {
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// The names in a folder; none where it is not there or no folder.
fn names_in(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => {
            let failure = anyhow!("{}: cannot read: {error}", folder.display());
            return Err(Failure::unwritten(failure));
        }
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.collect())
}

/// A page of ours has a key; notes that someone put beside have none.
fn is_ticket(page: &Path) -> bool {
    let has_key = |text: String| text.lines().any(|line| line.starts_with("- Key: ts-"));
    page.extension().is_some_and(|ending| ending == "md")
        && fs::read_to_string(page).is_ok_and(has_key)
}

/// The partner's short id, then one of our names.
fn is_remedy(name: &str) -> bool {
    name.split_once('-').is_some_and(|(partner, rest)| {
        let is_short = partner.len() == 8 && partner.chars().all(|c| c.is_ascii_hexdigit());
        is_short && REMEDY_FILES.contains(&rest)
    })
}
