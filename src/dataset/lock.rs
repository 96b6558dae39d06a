//! One writer at a time: a lock on a file, held as long as the run lives.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};

use super::error::{DatasetError, Tried};

/// The right to write a dataset; the operating system takes it back if the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    holder: PathBuf,
}

impl Lock {
    /// Takes the lock of a dataset, or says who has it.
    pub(super) fn take(dataset: &Path, run_id: &str) -> Result<Self, DatasetError> {
        let path = dataset.join(".lock");
        // Who holds it stands in a file of its own: Windows lets nobody read a locked one.
        let holder = dataset.join(".holder");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .tried("open", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(dataset, &holder)),
            Err(TryLockError::Error(source)) => return Err(source).tried("lock", &path),
        }
        let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let text = format!("{since}\nprocess {}, run {run_id}\n", std::process::id());
        fs::write(&holder, text).tried("write", &holder)?;
        Ok(Self { _file: file, holder })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A stale file misleads nobody: it is only read by those who find the lock taken.
        let _ = fs::remove_file(&self.holder);
    }
}

fn locked(dataset: &Path, holder: &Path) -> DatasetError {
    let text = fs::read_to_string(holder).unwrap_or_default();
    let mut lines = text.lines().map(str::to_owned);
    let mut next = || lines.next().unwrap_or_else(|| "unknown".to_owned());
    DatasetError::Locked { path: dataset.to_owned(), since: next(), holder: next() }
}
