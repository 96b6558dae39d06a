//! One writer at a time: a lock on a file, held as long as the run lives.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};

use super::disk::Disk;
use super::error::{DatasetError, Tried};
use super::held::WriterOptions;

/// The right to write a dataset; the operating system takes it back if the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    holder: PathBuf,
}

impl Lock {
    /// Takes the lock of a dataset; where another run has it, waits so long, then says who.
    pub(super) fn take(dataset: &Path, options: &WriterOptions) -> Result<Self, DatasetError> {
        const PAUSE: Duration = Duration::from_millis(100);
        let begin = Instant::now();
        loop {
            match Self::try_take(&options.disk, dataset, &options.run_id) {
                Err(DatasetError::Locked { .. })
                    if options.wait.is_some_and(|wait| begin.elapsed() < wait) =>
                {
                    options.stop_here()?;
                    sleep(PAUSE);
                }
                result => return result,
            }
        }
    }

    fn try_take(disk: &Disk, dataset: &Path, run_id: &str) -> Result<Self, DatasetError> {
        let path = dataset.join(".lock");
        // Who holds it stands in a file of its own: Windows lets nobody read a locked one.
        let holder = dataset.join(".holder");
        let file = disk.options().truncate(false).open(&path).tried("open", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(dataset, &holder)),
            Err(TryLockError::Error(source)) => return Err(source).tried("lock", &path),
        }
        let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let text = format!("{since}\nprocess {}, run {run_id}\n", std::process::id());
        let written = disk.options().truncate(true).open(&holder);
        written.and_then(|mut file| file.write_all(text.as_bytes())).tried("write", &holder)?;
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
