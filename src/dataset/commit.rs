//! The file operations that make a run's parts the dataset, in the order that survives a kill
//! or a loss of power at any point.
//!
//! Parts are renamed into their folders, all folders are synced, then the manifest is renamed:
//! that is the commit. Before it, the old dataset is whole and what is new is nobody's; after
//! it, the new one is whole and what is old is nobody's. The next run removes what is nobody's.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    dataset: &Path,
    moves: &[Move],
    manifest: &Manifest,
    replaced: &[PathBuf],
) -> Result<Vec<PathBuf>, DatasetError> {
    let temporary = dataset.join("manifest.json.tmp");
    let mut moved = Vec::new();
    let prepared = move_all(dataset, moves, &mut moved)
        .and_then(|()| write_synced(&temporary, &to_json(dataset, manifest)?))
        .and_then(|()| rename(&temporary, &dataset.join(MANIFEST)));
    if let Err(error) = prepared {
        // The old manifest stands: readers by glob must not see parts that it does not name.
        for part in moved {
            let _ = fs::remove_file(part);
        }
        return Err(error);
    }
    // Until the rename is durable, a loss of power may bring back the old manifest: its parts
    // are not deleted before.
    sync_folder(dataset)?;
    Ok(delete(dataset, replaced))
}

fn move_all(dataset: &Path, moves: &[Move], moved: &mut Vec<PathBuf>) -> Result<(), DatasetError> {
    let mut touched = BTreeSet::new();
    for Move { from, to } in moves {
        if let Some(folder) = to.parent() {
            make_folder(dataset, folder, &mut touched)?;
        }
        rename(from, to)?;
        moved.push(to.clone());
    }
    touched.iter().try_for_each(|folder| sync_folder(folder))
}

/// Makes a folder and notes it and the parents of all new ones: their entries must be synced.
fn make_folder(
    dataset: &Path,
    folder: &Path,
    touched: &mut BTreeSet<PathBuf>,
) -> Result<(), DatasetError> {
    let above = folder.ancestors().take_while(|above| *above != dataset);
    let missing: Vec<&Path> = above.filter(|above| !above.exists()).collect();
    fs::create_dir_all(folder).tried("make folder", folder)?;
    touched.extend(missing.iter().filter_map(|new| new.parent()).map(Path::to_owned));
    touched.insert(folder.to_owned());
    Ok(())
}

fn to_json(dataset: &Path, manifest: &Manifest) -> Result<Vec<u8>, DatasetError> {
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|source| DatasetError::Manifest { path: dataset.join(MANIFEST), source })?;
    text.push(b'\n');
    Ok(text)
}

/// Replaces a file by another content, whole or not at all.
///
/// # Errors
/// The file, or the temporary one beside it, cannot be written.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), DatasetError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    write_synced(&temporary, content)?;
    rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn write_synced(path: &Path, content: &[u8]) -> Result<(), DatasetError> {
    let mut file = File::create(path).tried("create", path)?;
    file.write_all(content).tried("write", path)?;
    file.sync_all().tried("sync", path)
}

fn rename(from: &Path, to: &Path) -> Result<(), DatasetError> {
    fs::rename(from, to).tried("rename", to)
}

/// Makes renames in a folder durable. Windows has no such call; NTFS journals them.
fn sync_folder(folder: &Path) -> Result<(), DatasetError> {
    #[cfg(unix)]
    File::open(folder).and_then(|file| file.sync_all()).tried("sync", folder)?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn delete(dataset: &Path, replaced: &[PathBuf]) -> Vec<PathBuf> {
    let mut left = Vec::new();
    for part in replaced {
        match fs::remove_file(part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => left.push(part.clone()),
            _ => remove_empty_folder(dataset, part.parent()),
        }
    }
    left
}

/// Removes a month's folder when its last part is gone; one that is not empty stays.
fn remove_empty_folder(dataset: &Path, folder: Option<&Path>) {
    if let Some(folder) = folder.filter(|folder| *folder != dataset) {
        let _ = fs::remove_dir(folder);
    }
}

/// Removes what a killed run left: the staging folder, and below the tables every Parquet file
/// that the manifest does not name. Tools that read by glob see the manifest's parts only.
pub(super) fn clean(dataset: &Path, manifest: &Manifest) -> Result<(), DatasetError> {
    let staging = dataset.join(STAGING);
    match fs::remove_dir_all(&staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).tried("remove", &staging);
        }
        _ => {}
    }
    let live: BTreeSet<PathBuf> = manifest.parts.iter().map(|part| part.path_in(dataset)).collect();
    for table in Table::ALL {
        clean_folder(dataset, &dataset.join(table.folder(None)), &live, 1)?;
    }
    Ok(())
}

pub(super) const STAGING: &str = ".staging";

fn clean_folder(
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
            clean_folder(dataset, &path, live, depth - 1)?;
            remove_empty_folder(dataset, Some(&path));
        } else if !kind.is_dir() && is_parquet(&path) && !live.contains(&path) {
            fs::remove_file(&path).tried("remove", &path)?;
        }
    }
    Ok(())
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}
