//! The file operations that make a run's parts the dataset, in the order that survives a kill
//! or a loss of power at any point.
//!
//! Parts are renamed into their folders, all folders are synced, then the manifest is renamed:
//! that is the commit. Before it, the old dataset is whole and what is new is nobody's; after
//! it, the new one is whole and what is old is nobody's. The next run removes what is nobody's.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::error::{DatasetError, Tried};
use super::manifest::{MANIFEST, Manifest};
use super::table::Table;

/// A finished and synced part in the staging folder, and where it belongs.
#[derive(Debug)]
pub(super) struct Move {
    pub from: PathBuf,
    pub to: PathBuf,
}

/// Makes `manifest` the dataset. Answers which replaced parts could not be deleted (a reader
/// on Windows may hold them); the next run deletes them.
pub(super) fn publish(
    disk: &Disk,
    dataset: &Path,
    moves: &[Move],
    manifest: &Manifest,
    replaced: &[PathBuf],
) -> Result<Vec<PathBuf>, DatasetError> {
    let temporary = dataset.join("manifest.json.tmp");
    let mut moved = Vec::new();
    let prepared = move_all(disk, moves, &mut moved)
        .and_then(|()| disk.write_synced(&temporary, &to_json(dataset, manifest)?))
        .and_then(|()| disk.rename(&temporary, &dataset.join(MANIFEST)));
    if let Err(error) = prepared {
        // The old manifest stands: readers by glob must not see parts that it does not name.
        for part in moved {
            if disk.remove_file(&part).is_ok() {
                remove_empty_folder(disk, dataset, part.parent());
            }
        }
        let _ = disk.remove_file(&temporary);
        return Err(error);
    }
    // Until the rename is durable, a loss of power may bring back the old manifest: its parts
    // are not deleted before.
    disk.sync_folder(dataset)?;
    Ok(delete(disk, dataset, replaced))
}

fn move_all(disk: &Disk, moves: &[Move], moved: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    let mut touched = BTreeSet::new();
    for Move { from, to } in moves {
        if let Some(folder) = to.parent() {
            // The entry of a new folder stands in the one above.
            let new = disk.make_folder(folder)?;
            touched.extend(new.iter().filter_map(|new| new.parent()).map(Path::to_owned));
            touched.insert(folder.to_owned());
        }
        disk.rename(from, to)?;
        moved.push(to.clone());
    }
    touched.iter().try_for_each(|folder| disk.sync_folder(folder))
}

fn to_json(dataset: &Path, manifest: &Manifest) -> Result<Vec<u8>, DatasetError> {
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|source| DatasetError::Manifest { path: dataset.join(MANIFEST), source })?;
    text.push(b'\n');
    Ok(text)
}

fn delete(disk: &Disk, dataset: &Path, replaced: &[PathBuf]) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for part in replaced {
        match disk.remove_file(part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => left.push(part.clone()),
            _ => remove_empty_folder(disk, dataset, part.parent()),
        }
    }
    left
}

/// Removes a month's folder when its last part is gone; one that is not empty stays.
fn remove_empty_folder(disk: &Disk, dataset: &Path, folder: Option<&Path>) {
    if let Some(folder) = folder.filter(|folder| *folder != dataset) {
        let _ = disk.remove_empty_folder(folder);
    }
}

/// Removes what a killed run left: the staging folder, and below the tables every Parquet file
/// that the manifest does not name. Tools that read by glob see the manifest's parts only.
pub(super) fn clean(disk: &Disk, dataset: &Path, manifest: &Manifest) -> Result<(), DatasetError> {
    let staging = dataset.join(STAGING);
    disk.remove_folder(&staging).tried("remove", &staging)?;
    for temporary in unfinished(dataset)? {
        disk.remove_file(&temporary).tried("remove", &temporary)?;
    }
    let live: BTreeSet<PathBuf> = manifest.parts.iter().map(|part| part.path_in(dataset)).collect();
    for table in Table::ALL {
        clean_folder(disk, dataset, &dataset.join(table.folder(None)), &live, 1)?;
    }
    Ok(())
}

pub(super) const STAGING: &str = ".staging";

/// Files that a killed run was writing beside the manifest, and beside the reports.
fn unfinished(dataset: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    const REPLACED: [&str; 4] = ["json.tmp", "md.tmp", "csv.tmp", "SHA256SUMS.tmp"];
    let mut found = Vec::new();
    for folder in std::iter::once(dataset).chain(dataset.parent()) {
        for entry in fs::read_dir(folder).tried("read folder", folder)? {
            let entry = entry.tried("read folder", folder)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if REPLACED.iter().any(|ending| name.ends_with(ending)) {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

fn clean_folder(
    disk: &Disk,
    dataset: &Path,
    folder: &Path,
    live: &BTreeSet<PathBuf>,
    depth: usize,
) -> Result<(), DatasetError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).tried("read folder", folder),
    };
    for entry in entries {
        let entry = entry.tried("read folder", folder)?;
        let (path, kind) = (entry.path(), entry.file_type().tried("look at", folder)?);
        if kind.is_dir() && depth > 0 {
            clean_folder(disk, dataset, &path, live, depth - 1)?;
            remove_empty_folder(disk, dataset, Some(&path));
        } else if !kind.is_dir() && is_parquet(&path) && !live.contains(&path) {
            disk.remove_file(&path).tried("remove", &path)?;
        }
    }
    Ok(())
}

pub(super) fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}
