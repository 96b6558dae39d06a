//! A dataset in the hands of its one writer: locked, read, and rid of what a killed run left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::stop::Stop;

use super::commit;
use super::disk::Disk;
use super::draft::Draft;
use super::error::{DatasetError, Tried};
use super::lock::Lock;
use super::manifest::{Custody, Manifest};
use super::part::Staging;
use super::readings::Readings;
use super::table::Table;

/// How a writer comes to a dataset.
#[derive(Debug, Clone, Default)]
pub struct WriterOptions {
    pub run_id: String,
    /// How long to wait while another run writes.
    pub wait: Option<Duration>,
    pub custody: Custody,
    pub disk: Disk,
    /// Asked between two steps; what was not committed by then is left out.
    pub stop: Stop,
}

impl WriterOptions {
    /// A writer that does not wait.
    pub fn new(run_id: impl Into<String>) -> Self {
        Self { run_id: run_id.into(), ..Self::default() }
    }

    /// Ends the run if it was asked to stop.
    pub(super) fn stop_here(&self) -> Result<(), DatasetError> {
        if self.stop.is_asked() { Err(DatasetError::Stopped) } else { Ok(()) }
    }
}

/// The dataset as it stands, and the right to write it.
#[derive(Debug)]
pub(super) struct Held {
    pub dataset: PathBuf,
    pub options: WriterOptions,
    pub run_id: Arc<str>,
    pub manifest: Manifest,
    pub readings: Readings,
    pub staging: PathBuf,
    _lock: Lock,
}

impl Held {
    /// Takes the lock, reads what is there, and removes what a killed run left.
    pub(super) fn begin(out: &Path, options: WriterOptions) -> Result<Self, DatasetError> {
        let dataset = std::path::absolute(out).tried("find", out)?.join("dataset");
        let disk = &options.disk;
        for new in disk.make_folder(&dataset)? {
            new.parent().map_or(Ok(()), |above| disk.sync_folder(above))?;
        }
        let lock = Lock::take(&dataset, &options)?;
        let manifest = Manifest::load(&dataset)?.unwrap_or_else(Manifest::empty);
        commit::clean(disk, &dataset, &manifest)?;
        let readings = Readings::load(&manifest.paths(&dataset, Table::Exports))?;
        let run_id = unused_run_id(&options.run_id, &readings);
        let staging = dataset.join(commit::STAGING).join(folder_name(&run_id));
        disk.make_folder(&staging)?;
        Ok(Self { dataset, run_id, manifest, readings, staging, _lock: lock, options })
    }

    /// The next dataset, as yet the same as this one.
    pub(super) fn draft(&mut self) -> Result<Draft, DatasetError> {
        let staging =
            Staging::new(self.staging.clone(), Arc::clone(&self.run_id), self.options.disk.clone());
        let readings = std::mem::take(&mut self.readings);
        Draft::new(&self.dataset, &self.manifest, readings, staging, &self.options)
    }
}

impl Drop for Held {
    /// Whatever came of the run, nothing in the staging folder is of use any more; if it cannot
    /// be removed now, the next run does it.
    fn drop(&mut self) {
        let _ = self.options.disk.remove_folder(&self.dataset.join(commit::STAGING));
    }
}

/// Rows name their run, so two runs must not have the same id.
fn unused_run_id(wanted: &str, readings: &Readings) -> Arc<str> {
    let numbered = (2u32..).map(|number| format!("{wanted}-{number}"));
    let mut candidates = std::iter::once(wanted.to_owned()).chain(numbered);
    candidates.find(|id| !readings.has_run(id)).unwrap_or_else(|| wanted.to_owned()).into()
}

/// A run id is the user's text; a folder's name is not.
fn folder_name(run_id: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("run-{}", run_id.chars().take(40).map(plain).collect::<String>())
}
