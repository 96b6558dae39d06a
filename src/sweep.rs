//! Drives the way of a record: every export is read once, its partner sign-ins are spilled, and
//! the run is finished and committed as a whole.

mod plan;
mod read_all;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::dataset::{
    Committed, CoverageRow, DatasetError, ExportReading, Identity, RejectRow, RunInput, RunOptions,
    SeenFile, WriteRun, WriterOptions,
};
use crate::dialect::TableOptions;
use crate::input::container::passwords::Passwords;
use crate::input::discover::{Found, Source};
use crate::input::evidence::{BlindSpot, Evidence};
use crate::input::hint::hint_of;
use crate::input::read::{NotRead, ReadExport, Tally};
use crate::input::refused::Refusal;
use crate::input::sniff::NoLog;
use crate::input::source::{Container, Member};
use crate::lists::Lists;
use crate::sign_in::SignInType;
use crate::tenant::TenantId;
use plan::{Fingerprints, Plan, seen_file};
use read_all::{Read, read_all};

/// Counts up when a reader reads the same bytes to other rows than before: exports that an
/// older reader has read are then read again.
pub const READER_VERSION: u32 = 4;

/// How to sweep.
#[derive(Debug)]
pub struct SweepOptions {
    pub out: PathBuf,
    pub writer: WriterOptions,
    pub threads: usize,
    pub use_peek: bool,
    pub with_sha256: bool,
    /// What the user says of tables.
    pub tables: TableOptions,
    /// Bytes of the longest record that is read.
    pub record_limit: usize,
    pub keep_not_applied: bool,
    pub keep_rejected_bytes: bool,
    /// Read every export, whatever is remembered of it.
    pub rehash: bool,
    /// Of encrypted archives.
    pub passwords: Passwords,
}

/// A file or member that could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFile {
    pub shown: String,
    pub cause: String,
    pub hint: Option<&'static str>,
}

impl FailedFile {
    fn of(shown: String, error: &io::Error) -> Self {
        Self { shown, cause: error.to_string(), hint: hint_of(error) }
    }
}

/// Told how far the sweep is, in bytes of the inputs.
pub trait Progress: Sync {
    fn start(&self, files: usize, bytes: u64);
    fn advance(&self, bytes: u64);
    fn finish(&self);
}

/// What a sweep did.
#[derive(Debug)]
pub struct Swept {
    pub committed: Committed,
    /// Files that were looked for sign-ins, without the lists.
    pub files: usize,
    /// Bytes of these files on the disk.
    pub bytes: u64,
    /// Exports known from an earlier run, not read again; an archive may hold several.
    pub known: usize,
    /// Exports read.
    pub read: usize,
    /// Links, devices and hidden files in archives.
    pub skipped_members: usize,
    /// The ledger over the exports read; `partner` still holds the duplicates.
    pub tally: Tally,
    /// Files, in archives or not, that are no sign-in logs, by path.
    pub no_logs: Vec<(String, NoLog)>,
    /// Files that the user has to say more of before they can be read, by path.
    pub refused: Vec<(String, NoLog)>,
    /// Files that hold the error of someone who refused the export, by path.
    pub refusals: Vec<(String, Refusal)>,
    /// Files that could not be read, in archives or not.
    pub failed: Vec<FailedFile>,
    /// Files that were written, cut or removed while they were read; what was there then counts.
    pub changed: Vec<String>,
    /// Exports with unreadable records.
    pub rejects: Vec<RejectedRecords>,
    /// Home tenants of users that came to other tenants, and which these are, by the samples:
    /// where no partner is listed and no export has a cross-tenant type, the likely partner.
    visits: BTreeSet<(TenantId, TenantId)>,
}

/// The unreadable records of one export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecords {
    pub shown: String,
    pub rejected: u64,
    pub records: u64,
    /// Where the first one lies, in bytes of the decoded stream, and why it is unreadable.
    pub first: Option<(u64, String)>,
}

impl RejectedRecords {
    /// Of all records, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.rejected as f64 / self.records.max(1) as f64
    }
}

/// Why a sweep could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("the sign-ins found cannot be kept: {0}")]
    Spill(io::Error),
    #[error(
        "stopped: {read} of {files} files were read, nothing of this run was taken over; the \
         dataset is as it was\n\
         hint: run it again"
    )]
    Stopped { read: usize, files: usize },
    #[error(transparent)]
    Dataset(DatasetError),
}

impl From<DatasetError> for SweepError {
    fn from(error: DatasetError) -> Self {
        Self::Dataset(error)
    }
}

/// Reads all exports found and commits what they hold.
///
/// # Errors
/// The dataset cannot be read or written. A file that cannot be read is no error: it is named
/// in the answer, and the others count.
pub fn sweep(
    found: &Found,
    lists: &Lists,
    options: &SweepOptions,
    progress: &dyn Progress,
) -> Result<Swept, SweepError> {
    let run_options = RunOptions {
        writer: options.writer.clone(),
        keep_not_applied: options.keep_not_applied,
        threads: options.threads,
        ..RunOptions::new("")
    };
    let run = WriteRun::begin(&options.out, run_options)?;
    let plan = Plan::make(&run, found, lists, options);
    let bytes = plan.to_read.iter().map(|source| source.length).sum();
    progress.start(plan.to_read.len(), bytes);
    let readings = read_all(&plan.to_read, found, lists, &run, options, progress)?;
    progress.finish();
    let files = plan.to_read.len();
    if options.writer.stop.is_asked() {
        let is_whole = |read: &&Read| !read.members.is_empty() && read.is_whole();
        let read = readings.iter().filter(is_whole).count();
        return Err(SweepError::Stopped { read, files });
    }
    let mut swept = Swept {
        committed: Committed::default(),
        files: found.sources.len(),
        bytes: found.sources.iter().map(|source| source.length).sum(),
        known: plan.known,
        read: 0,
        tally: Tally::default(),
        no_logs: Vec::new(),
        refused: Vec::new(),
        refusals: Vec::new(),
        skipped_members: 0,
        failed: found
            .unreadable
            .iter()
            .map(|(shown, error)| FailedFile::of(shown.clone(), error))
            .collect(),
        changed: Vec::new(),
        rejects: Vec::new(),
        visits: BTreeSet::new(),
    };
    let mut input = RunInput {
        exports: Vec::new(),
        rejects: Vec::new(),
        partners: &lists.partners,
        customers: &lists.customers,
        users: &lists.users,
        tools: &lists.tools,
        seen: Vec::new(),
    };
    let mut logs = Vec::new();
    for (source, read) in plan.to_read.iter().zip(readings) {
        let has_changed = read.has_changed;
        let sorted = swept.sort_out(read)?;
        if has_changed {
            swept.changed.push(source.shown.clone());
        } else {
            input.seen.extend(sorted.seen(source));
        }
        logs.extend(sorted.logs);
    }
    if found.sources.iter().any(|source| source.shown.contains("!/")) {
        tell_apart(&mut logs);
    }
    // The dataset knows an export by its place in this list.
    logs.sort_by_key(|log| log.number);
    let readers = Fingerprints::of(lists, &options.tables);
    for log in logs {
        swept.take_in(log, &readers, &mut input);
    }
    swept.sort();
    swept.committed = run.finish(input).map_err(|error| match error {
        DatasetError::Stopped => SweepError::Stopped { read: files, files },
        error => SweepError::Dataset(error),
    })?;
    Ok(swept)
}

/// An export that was read.
struct Log {
    number: u32,
    shown: String,
    path_tenant: Option<TenantId>,
    /// The archive that it lies in.
    container: Option<Arc<Container>>,
    export: Box<ReadExport>,
}

/// The logs of a source.
struct Sorted {
    logs: Vec<Log>,
    is_archive: bool,
    /// Everything in it that may be a log was read to its end.
    is_whole: bool,
}

impl Sorted {
    /// What is remembered of the source: that it need not be opened again, if nothing of it was
    /// left unread.
    fn seen(&self, source: &Source) -> Option<SeenFile> {
        if !self.is_whole || self.logs.is_empty() {
            return None;
        }
        let members = self.is_archive.then(|| self.logs.iter().map(|log| log.shown.clone()));
        Some(SeenFile {
            exports: self.logs.iter().map(Log::identity).collect(),
            members: members.into_iter().flatten().collect(),
            ..seen_file(source)?
        })
    }
}

/// A file in a folder `a.zip!` is shown as a member of an archive `a.zip` is: numbers the second.
fn tell_apart(logs: &mut [Log]) {
    let mut known = BTreeSet::new();
    for log in logs {
        while !known.insert(log.shown.clone()) {
            log.shown.push_str("#2");
        }
    }
}

impl Log {
    fn identity(&self) -> Identity {
        Identity { xxh3: self.export.fingerprint.xxh3, length: self.export.fingerprint.length }
    }
}

/// From this many tenants on, a visitor looks like a service provider.
const LIKELY_TENANTS: usize = 3;

impl Swept {
    /// The tenant whose users came to the most other tenants, and to how many, if it may be the
    /// user's own partner tenant.
    pub fn likely_partner(&self) -> Option<(TenantId, usize)> {
        let mut counts: BTreeMap<TenantId, usize> = BTreeMap::new();
        for (home, _) in &self.visits {
            *counts.entry(*home).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|&(home, count)| (count, Reverse(home)));
        most.filter(|&(_, count)| count >= LIKELY_TENANTS)
    }

    /// Puts what is told of exports in an order that does not depend on which thread was first.
    fn sort(&mut self) {
        self.failed.sort_by(|a, b| a.shown.cmp(&b.shown));
        self.refusals.sort_by(|a, b| a.0.cmp(&b.0));
        self.rejects.sort_by(|a, b| a.shown.cmp(&b.shown));
    }

    /// Parts the logs in a source from what is none or could not be read.
    fn sort_out(&mut self, read: Read) -> Result<Sorted, SweepError> {
        self.skipped_members += read.skipped;
        let container = read.container.map(Arc::new);
        let is_archive = container.is_some();
        let mut sorted = Sorted { logs: Vec::new(), is_archive, is_whole: true };
        for (member, number) in read.members {
            let Member { shown, path_tenant, result } = member;
            match (result, number) {
                (Ok(export), Some(number)) => {
                    sorted.is_whole &= export.torn.is_none();
                    let container = container.clone();
                    sorted.logs.push(Log { number, shown, path_tenant, container, export });
                }
                (Ok(_), None) => {}
                (Err(NotRead::NoLog(no_log)), _) => self.no_logs.push((shown, no_log)),
                (Err(NotRead::Refused(refused)), _) => {
                    sorted.is_whole = false;
                    self.refused.push((shown, refused));
                }
                (Err(NotRead::Failed(error)), _) => {
                    sorted.is_whole = false;
                    self.failed.push(FailedFile::of(shown, &error));
                }
                (Err(NotRead::Taker(error)), _) => return Err(SweepError::Spill(error)),
            }
        }
        Ok(sorted)
    }

    /// Exports that an earlier run had read in the same way: those that were not read again, and
    /// those that turned out to be known when they were.
    pub fn known_exports(&self) -> usize {
        self.known + self.committed.known.len()
    }

    /// Notes what an export gave, for the answer and for the commit.
    fn take_in(&mut self, log: Log, readers: &Fingerprints<'_>, input: &mut RunInput<'_>) {
        let tally = log.export.tally;
        self.read += 1;
        self.tally += tally;
        self.visits.extend(log.export.evidence.visits());
        if let Some(cause) = &log.export.torn {
            self.failed.push(FailedFile {
                shown: log.shown.clone(),
                cause: format!("read in part only: {cause}"),
                hint: Some("what was read counts; copy or download the file again for the rest"),
            });
        }
        self.refusals.extend(log.export.blind_spots.iter().filter_map(|spot| match spot {
            BlindSpot::Refused(refusal) => Some((log.shown.clone(), *refusal)),
            _ => None,
        }));
        if tally.rejected > 0 {
            let first = log.export.rejects.first();
            self.rejects.push(RejectedRecords {
                shown: log.shown.clone(),
                rejected: tally.rejected,
                records: tally.records,
                first: first.map(|reject| (reject.offset, reject.reason.to_string())),
            });
        }
        input.exports.push(export_reading(&log, readers));
        let number = log.number;
        input.rejects.extend(log.export.rejects.into_iter().map(|reject| RejectRow {
            export: number,
            offset: reject.offset,
            length: reject.length,
            records: reject.records,
            reason: reject.reason.into_owned(),
            raw: reject.raw,
        }));
    }
}

/// An export as the dataset remembers it.
fn export_reading(log: &Log, readers: &Fingerprints<'_>) -> ExportReading {
    let export = &log.export;
    let tally = export.tally;
    let exporting_tenant = export.evidence.exporting_tenant(log.path_tenant);
    ExportReading {
        path: log.shown.clone(),
        identity: log.identity(),
        fingerprint: readers.fingerprint(&log.shown, log.path_tenant),
        container: log.container.as_ref().map(|container| container.shown.clone()),
        container_sha256: log.container.as_ref().and_then(|container| container.sha256),
        sha256: export.fingerprint.sha256,
        bytes: export.fingerprint.length,
        decoded_bytes: export.decoded_bytes,
        encoding: export.encoding.as_str().to_owned(),
        compression: export.compression.as_str().to_owned(),
        dialect: export.dialect.as_str().to_owned(),
        records: tally.records,
        candidates: tally.partner,
        other: tally.other,
        undecided: tally.undecided,
        rejected: tally.rejected,
        unfinished: tally.unfinished,
        record_bytes: tally.record_bytes,
        separator_bytes: tally.separator_bytes,
        damage_bytes: tally.damage_bytes,
        first_at: export.evidence.first_at,
        last_at: export.evidence.last_at,
        evidence_basis: export.evidence.basis().to_owned(),
        exporting_tenant,
        blind_spots: export.blind_spots.iter().map(|spot| spot.as_str().to_owned()).collect(),
        coverage: coverage_of(&export.evidence, exporting_tenant),
    }
}

/// The sample by exporting tenant and hour. The tenant is the record's envelope's, else the
/// export's, else the resource tenant, since a record that nobody claims is taken for inbound.
fn coverage_of(evidence: &Evidence, exporting_tenant: Option<TenantId>) -> Vec<CoverageRow> {
    let mut rows: BTreeMap<(Option<TenantId>, DateTime<Utc>), CoverageRow> = BTreeMap::new();
    for (key, &sampled) in &evidence.coverage {
        let tenant = key.exporting.or(exporting_tenant).or(key.resource);
        let row = rows.entry((tenant, key.hour)).or_insert(CoverageRow {
            tenant,
            hour: key.hour,
            sampled: 0,
            interactive_user: 0,
            non_interactive_user: 0,
            service_principal: 0,
            managed_identity: 0,
            unknown_type: 0,
        });
        row.sampled += sampled;
        *match key.sign_in_type {
            SignInType::InteractiveUser => &mut row.interactive_user,
            SignInType::NonInteractiveUser => &mut row.non_interactive_user,
            SignInType::ServicePrincipal => &mut row.service_principal,
            SignInType::ManagedIdentity => &mut row.managed_identity,
            SignInType::Unknown => &mut row.unknown_type,
        } += sampled;
    }
    rows.into_values().collect()
}
