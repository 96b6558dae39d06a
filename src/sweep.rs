//! Drives the way of a record: every export is read once, its partner sign-ins are spilled, and
//! the run is finished and committed as a whole.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use rayon::ThreadPoolBuilder;
use xxhash_rust::xxh3::Xxh3;

use crate::dataset::{
    Committed, CoverageRow, DatasetError, ExportReading, Identity, PartnerSignIn, RejectRow,
    RunInput, RunOptions, Seen, Spill, WriteRun,
};
use crate::input::discover::{Found, Source};
use crate::input::evidence::Evidence;
use crate::input::peek::Peek;
use crate::input::read::{FoundSignIn, NotRead, ReadExport, ReadOptions, Tally, read_export};
use crate::input::sniff::NoLog;
use crate::lists::Lists;
use crate::parallel;
use crate::tenant::PartnerList;

/// Counts up when a reader reads the same bytes to other rows than before: exports that an
/// older reader has read are then read again.
pub const READER_VERSION: u32 = 1;

/// How to sweep.
#[derive(Debug)]
pub struct SweepOptions {
    pub out: PathBuf,
    pub run_id: String,
    pub threads: usize,
    pub use_peek: bool,
    pub with_sha256: bool,
    /// Bytes of the longest record that is read.
    pub record_limit: usize,
    pub keep_not_applied: bool,
    pub keep_rejected_bytes: bool,
    /// Read every export, whatever is remembered of it.
    pub rehash: bool,
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
    /// `None` where nothing was new, so that nothing was written.
    pub committed: Committed,
    /// Files that were looked for sign-ins, without the lists.
    pub files: usize,
    /// Bytes of these files on the disk.
    pub bytes: u64,
    /// Exports known from an earlier run, not read again.
    pub known: usize,
    pub read: usize,
    /// The ledger over the exports read; `partner` still holds the duplicates.
    pub tally: Tally,
    /// Files that are no sign-in logs, by path.
    pub no_logs: Vec<(String, NoLog)>,
    /// Files that could not be read, by path, with the cause.
    pub failed: Vec<(String, String)>,
    /// Exports with many unreadable records: path, rejects, records.
    pub rejects: Vec<(String, u64, u64)>,
}

/// Why a sweep could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error(transparent)]
    Dataset(#[from] DatasetError),
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
    let run = WriteRun::begin(
        &options.out,
        RunOptions {
            run_id: options.run_id.clone(),
            keep_not_applied: options.keep_not_applied,
            ..RunOptions::default()
        },
    )?;
    let plan = Plan::make(&run, found, &lists.partners, options.rehash);
    let bytes = plan.to_read.iter().map(|planned| planned.source.length).sum();
    progress.start(plan.to_read.len(), bytes);
    let readings = read_all(&plan.to_read, lists, options, run.spill(), progress)?;
    progress.finish();
    let mut swept = Swept {
        committed: Committed::default(),
        files: found.sources.len(),
        bytes: found.sources.iter().map(|source| source.length).sum(),
        known: plan.known,
        read: 0,
        tally: Tally::default(),
        no_logs: Vec::new(),
        failed: found.unreadable.clone(),
        rejects: Vec::new(),
    };
    let mut input = RunInput {
        exports: Vec::new(),
        rejects: Vec::new(),
        partners: &lists.partners,
        customers: &lists.customers,
        seen: Vec::new(),
    };
    for (planned, reading) in plan.to_read.iter().zip(readings) {
        match reading {
            Ok(export) => swept.take_in(planned, export, &mut input),
            Err(NotRead::NoLog(no_log)) => {
                swept.no_logs.push((planned.source.shown.clone(), no_log));
            }
            Err(NotRead::Failed(error)) => {
                swept.failed.push((planned.source.shown.clone(), error.to_string()));
            }
        }
    }
    swept.committed = run.finish(input)?;
    Ok(swept)
}

/// An export to be read.
struct Planned<'a> {
    source: &'a Source,
    fingerprint: u64,
}

/// What has to be read, and what is known already.
struct Plan<'a> {
    to_read: Vec<Planned<'a>>,
    known: usize,
}

impl<'a> Plan<'a> {
    fn make(run: &WriteRun, found: &'a Found, partners: &PartnerList, rehash: bool) -> Self {
        let mut plan = Self { to_read: Vec::new(), known: 0 };
        for source in &found.sources {
            let fingerprint = reading_fingerprint(source, partners);
            if !rehash && is_known(run, source, fingerprint) {
                plan.known += 1;
                continue;
            }
            plan.to_read.push(Planned { source, fingerprint });
        }
        plan
    }
}

fn is_known(run: &WriteRun, source: &Source, fingerprint: u64) -> bool {
    let identity = run.seen().identity(&source.path, source.length, source.modified);
    identity.is_some_and(|identity| run.known(identity, fingerprint))
}

/// Everything besides the bytes on which the rows of an export depend.
fn reading_fingerprint(source: &Source, partners: &PartnerList) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&READER_VERSION.to_le_bytes());
    for partner in partners.iter() {
        hash.update(&partner.tenant_id.as_u128().to_le_bytes());
    }
    for domain in partners.domains() {
        hash.update(domain.as_bytes());
        hash.update(&[0]);
    }
    if let Some(tenant) = source.path_tenant {
        hash.update(b"path");
        hash.update(&tenant.as_u128().to_le_bytes());
    }
    hash.digest()
}

/// An export that was read, with the number that its rows carry in the spill.
struct Read {
    number: u32,
    export: ReadExport,
}

fn read_all(
    to_read: &[Planned<'_>],
    lists: &Lists,
    options: &SweepOptions,
    spill: &Spill,
    progress: &dyn Progress,
) -> Result<Vec<Result<Read, NotRead>>, SweepError> {
    let peek = Peek::new(lists.partners.iter().map(|partner| partner.tenant_id.as_u128()));
    let pool = match options.threads {
        1 => None,
        threads => Some(ThreadPoolBuilder::new().num_threads(threads).build()?),
    };
    let read_options = ReadOptions {
        partners: &lists.partners,
        peek: &peek,
        use_peek: options.use_peek,
        with_sha256: options.with_sha256,
        record_limit: options.record_limit,
        keep_rejected_bytes: options.keep_rejected_bytes,
        pool: pool.as_ref(),
    };
    let numbers = AtomicU32::new(0);
    Ok(parallel::map(to_read, options.threads, |planned| {
        // Only a file that turns out to be a log takes a number, and the dataset counts on
        // there being no gaps.
        let mut number = None;
        let mut take_number = || *number.get_or_insert_with(|| numbers.fetch_add(1, Relaxed));
        let mut spill_found = |found: Vec<FoundSignIn>| {
            if found.is_empty() {
                return Ok(());
            }
            let number = take_number();
            let rows: Vec<PartnerSignIn> =
                found.into_iter().map(|found| row_of(found, number)).collect();
            spill.append(&rows).map_err(io::Error::other)
        };
        let advance = |bytes| progress.advance(bytes);
        let export = read_export(planned.source, &read_options, &mut spill_found, &advance)?;
        Ok(Read { number: take_number(), export })
    }))
}

/// A sign-in as the dataset takes it. The envelope names the exporting tenant; where it does
/// not, the export's end does.
fn row_of(found: FoundSignIn, export: u32) -> PartnerSignIn {
    PartnerSignIn {
        sign_in: found.sign_in,
        provider: found.provider,
        export,
        offset: found.offset,
        recovered: found.recovered,
        repaired: found.repaired,
        record_hash: found.record_hash,
    }
}

impl Swept {
    /// Notes what an export gave, for the answer and for the commit.
    fn take_in(&mut self, planned: &Planned<'_>, export: ReadExport, input: &mut RunInput<'_>) {
        let source = planned.source;
        let tally = export.tally;
        self.read += 1;
        self.tally += tally;
        if tally.rejected > 0 {
            self.rejects.push((source.shown.clone(), tally.rejected, tally.records));
        }
        let identity =
            Identity { xxh3: export.fingerprint.xxh3, length: export.fingerprint.length };
        input.seen.push(Seen {
            path: source.path.clone(),
            length: source.length,
            modified: source.modified,
            identity,
        });
        let exporting_tenant = export.evidence.exporting_tenant(source.path_tenant);
        input.exports.push(ExportReading {
            number: planned.number,
            path: source.shown.clone(),
            identity,
            fingerprint: planned.fingerprint,
            sha256: export.fingerprint.sha256,
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
        });
        input.rejects.extend(export.rejects.into_iter().map(|reject| RejectRow {
            export: planned.number,
            offset: reject.offset,
            length: reject.length,
            reason: reject.reason,
            raw: reject.raw,
        }));
    }
}

/// The sample by exporting tenant: a record's envelope, else the export's, else the resource
/// tenant, since a record that nobody claims is taken for inbound.
fn coverage_of(
    evidence: &Evidence,
    exporting_tenant: Option<crate::tenant::TenantId>,
) -> Vec<CoverageRow> {
    evidence
        .coverage
        .iter()
        .map(|(key, &sampled)| CoverageRow {
            tenant: key.exporting.or(exporting_tenant).or(key.resource),
            hour: key.hour,
            sign_in_type: key.sign_in_type,
            sampled,
        })
        .collect()
}
