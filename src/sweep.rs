//! Drives the way of a record: every export is read once, its partner sign-ins are spilled, and
//! the run is finished and committed as a whole.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use rayon::ThreadPoolBuilder;
use xxhash_rust::xxh3::Xxh3;

use crate::dataset::{
    Committed, CoverageRow, DatasetError, ExportReading, Identity, PartnerSignIn, RejectRow,
    RunInput, RunOptions, SeenFile, WriteRun,
};
use crate::input::container::SpoolRoom;
use crate::input::container::passwords::Passwords;
use crate::input::discover::{Found, Source};
use crate::input::evidence::Evidence;
use crate::input::hint::hint_of;
use crate::input::path_tenant::tenant_of_path;
use crate::input::peek::Peek;
use crate::input::read::{FoundSignIn, NotRead, ReadExport, ReadOptions, Tally};
use crate::input::sniff::NoLog;
use crate::input::source::{Container, Member, ReadSource, Share, SourceOptions, read_source};
use crate::lists::Lists;
use crate::parallel;
use crate::sign_in::SignInType;
use crate::tenant::{PartnerList, TenantId};

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
    /// Files that could not be read, in archives or not.
    pub failed: Vec<FailedFile>,
    /// Exports with unreadable records: path, rejects, records.
    pub rejects: Vec<(String, u64, u64)>,
    /// Home tenants of users that came to other tenants, and which these are, by the samples:
    /// where no partner is listed and no export has a cross-tenant type, the likely partner.
    visits: BTreeSet<(TenantId, TenantId)>,
}

/// Why a sweep could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("the sign-ins found cannot be kept: {0}")]
    Spill(io::Error),
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
    let run_options = RunOptions {
        keep_not_applied: options.keep_not_applied,
        ..RunOptions::new(&options.run_id)
    };
    let run = WriteRun::begin(&options.out, run_options)?;
    let plan = Plan::make(&run, found, &lists.partners, options.rehash);
    let bytes = plan.to_read.iter().map(|source| source.length).sum();
    progress.start(plan.to_read.len(), bytes);
    let readings = read_all(&plan.to_read, found, lists, &run, options, progress)?;
    progress.finish();
    let mut swept = Swept {
        committed: Committed::default(),
        files: found.sources.len(),
        bytes: found.sources.iter().map(|source| source.length).sum(),
        known: plan.known,
        read: 0,
        tally: Tally::default(),
        no_logs: Vec::new(),
        skipped_members: 0,
        failed: found
            .unreadable
            .iter()
            .map(|(shown, error)| FailedFile::of(shown.clone(), error))
            .collect(),
        rejects: Vec::new(),
        visits: BTreeSet::new(),
    };
    let mut input = RunInput {
        exports: Vec::new(),
        rejects: Vec::new(),
        partners: &lists.partners,
        customers: &lists.customers,
        seen: Vec::new(),
    };
    let mut logs = Vec::new();
    for (source, read) in plan.to_read.iter().zip(readings) {
        let sorted = swept.sort_out(read)?;
        input.seen.extend(sorted.seen(source));
        logs.extend(sorted.logs);
    }
    // The dataset knows an export by its place in this list.
    logs.sort_by_key(|log| log.number);
    for log in logs {
        swept.take_in(log, &lists.partners, &mut input);
    }
    swept.committed = run.finish(input)?;
    Ok(swept)
}

/// What has to be read, and what is known already.
struct Plan<'a> {
    to_read: Vec<&'a Source>,
    known: usize,
}

impl<'a> Plan<'a> {
    fn make(run: &WriteRun, found: &'a Found, partners: &PartnerList, rehash: bool) -> Self {
        let mut plan = Self { to_read: Vec::new(), known: 0 };
        for source in &found.sources {
            match known_exports(run, source, found, partners) {
                Some(count) if !rehash => plan.known += count,
                _ => plan.to_read.push(source),
            }
        }
        plan
    }
}

/// How many exports a source holds, if all of them were read before in the same way.
fn known_exports(
    run: &WriteRun,
    source: &Source,
    found: &Found,
    partners: &PartnerList,
) -> Option<usize> {
    let file = seen_file(source)?;
    let seen = run.seen().find(&file.path, file.bytes, file.modified_ns)?;
    let is_known = |(at, identity): (usize, &Identity)| {
        let tenant = match seen.members.get(at) {
            Some(member) => tenant_of_path(member, found.template.as_ref()),
            None => source.path_tenant,
        };
        run.known(*identity, reading_fingerprint(tenant, partners))
    };
    let all_known = seen.exports.iter().enumerate().all(is_known);
    (all_known && !seen.exports.is_empty()).then_some(seen.exports.len())
}

/// What the file system says of a file; nothing where it keeps no times.
fn seen_file(source: &Source) -> Option<SeenFile> {
    let age = source.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(SeenFile {
        path: std::path::absolute(&source.path).ok()?.to_str()?.to_owned(),
        bytes: source.length,
        modified_ns: i64::try_from(age.as_nanos()).ok()?,
        exports: Vec::new(),
        members: Vec::new(),
    })
}

/// Everything besides the bytes on which the rows of an export depend.
fn reading_fingerprint(path_tenant: Option<TenantId>, partners: &PartnerList) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&READER_VERSION.to_le_bytes());
    for partner in partners.iter() {
        hash.update(&partner.tenant_id.as_u128().to_le_bytes());
    }
    for domain in partners.domains() {
        hash.update(domain.as_bytes());
        hash.update(&[0]);
    }
    if let Some(tenant) = path_tenant {
        hash.update(b"path");
        hash.update(&tenant.as_u128().to_le_bytes());
    }
    hash.digest()
}

/// A source that was read.
struct Read {
    container: Option<Container>,
    /// With the number that the member's rows carry in the spill; none where it is no log.
    members: Vec<(Member, Option<u32>)>,
    skipped: usize,
}

impl Read {
    fn new(source: ReadSource, numbers: Vec<Option<u32>>) -> Self {
        let numbers = numbers.into_iter().chain(std::iter::repeat(None));
        let members = source.members.into_iter().zip(numbers).collect();
        Self { container: source.container, members, skipped: source.skipped }
    }

    /// Adds what another share of the same archive gave. What is wrong with the archive itself
    /// was met by each of them.
    fn add(&mut self, other: Self) {
        self.skipped += other.skipped;
        for (member, number) in other.members {
            let is_archive = self.container.as_ref().is_some_and(|all| all.shown == member.shown);
            if !is_archive || !self.members.iter().any(|(known, _)| known.shown == member.shown) {
                self.members.push((member, number));
            }
        }
    }

    /// Puts members in an order that does not depend on who read them.
    fn sort(&mut self) {
        self.members.sort_by(|(a, _), (b, _)| a.shown.cmp(&b.shown));
    }
}

/// An export that was read.
struct Log {
    number: u32,
    shown: String,
    path_tenant: Option<TenantId>,
    /// The archive that it lies in.
    container: Option<Arc<Container>>,
    export: ReadExport,
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

impl Log {
    fn identity(&self) -> Identity {
        Identity { xxh3: self.export.fingerprint.xxh3, length: self.export.fingerprint.length }
    }
}

fn read_all(
    to_read: &[&Source],
    found: &Found,
    lists: &Lists,
    run: &WriteRun,
    options: &SweepOptions,
    progress: &dyn Progress,
) -> Result<Vec<Read>, SweepError> {
    let peek = Peek::of(&lists.partners);
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
    let source_options = SourceOptions {
        reading: read_options,
        template: found.template.as_ref(),
        passwords: &options.passwords,
        room: SpoolRoom::Folder(run.scratch()),
    };
    let spill = run.spill();
    let numbers = AtomicU32::new(0);
    let shares: Vec<(usize, Share)> = to_read
        .iter()
        .enumerate()
        .flat_map(|(at, source)| Share::split(source, options.threads).map(move |s| (at, s)))
        .collect();
    let reads = parallel::map(&shares, options.threads, |&(at, share)| {
        // Only what turns out to be a log takes a number, and the dataset counts on there being
        // no gaps.
        let mut taken = Numbers { next: &numbers, by_member: Vec::new() };
        let mut spill_found = |member: usize, found: Vec<FoundSignIn>| {
            if found.is_empty() {
                return Ok(());
            }
            let number = taken.of(member);
            let rows = found.into_iter().map(|found| row_of(found, number));
            spill.append(rows).map_err(io::Error::other)
        };
        let advance = |bytes| progress.advance(bytes);
        let source = read_source(to_read[at], share, &source_options, &mut spill_found, &advance);
        let is_log = |(_, member): &(usize, &Member)| member.result.is_ok();
        for (at, _) in source.members.iter().enumerate().filter(is_log) {
            taken.of(at);
        }
        Read::new(source, taken.by_member)
    });
    let mut whole: Vec<Read> = Vec::new();
    for ((_, share), read) in shares.into_iter().zip(reads) {
        match whole.last_mut() {
            Some(first) if !share.is_first() => first.add(read),
            _ => whole.push(read),
        }
    }
    whole.iter_mut().for_each(Read::sort);
    Ok(whole)
}

/// Gives the members of a source their numbers when they need one.
struct Numbers<'a> {
    next: &'a AtomicU32,
    by_member: Vec<Option<u32>>,
}

impl Numbers<'_> {
    fn of(&mut self, member: usize) -> u32 {
        if self.by_member.len() <= member {
            self.by_member.resize(member + 1, None);
        }
        *self.by_member[member].get_or_insert_with(|| self.next.fetch_add(1, Relaxed))
    }
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
                (Err(NotRead::Failed(error)), _) => {
                    sorted.is_whole = false;
                    self.failed.push(FailedFile::of(shown, &error));
                }
                (Err(NotRead::Taker(error)), _) => return Err(SweepError::Spill(error)),
            }
        }
        Ok(sorted)
    }

    /// Notes what an export gave, for the answer and for the commit.
    fn take_in(&mut self, log: Log, partners: &PartnerList, input: &mut RunInput<'_>) {
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
        if tally.rejected > 0 {
            self.rejects.push((log.shown.clone(), tally.rejected, tally.records));
        }
        input.exports.push(export_reading(&log, partners));
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
fn export_reading(log: &Log, partners: &PartnerList) -> ExportReading {
    let export = &log.export;
    let tally = export.tally;
    let exporting_tenant = export.evidence.exporting_tenant(log.path_tenant);
    ExportReading {
        path: log.shown.clone(),
        identity: log.identity(),
        fingerprint: reading_fingerprint(log.path_tenant, partners),
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
