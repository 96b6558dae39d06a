//! Reads one export from its first byte to its last: frame, peek, normalise, join.
//!
//! Memory is bounded: a window of the decoded stream, and the partner sign-ins of that window.

use std::io;
use std::ops::AddAssign;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::authentication_details::AuthenticationDetails;
use super::evidence::{BlindSpot, Evidence, SampleClock};
use super::frame::{DamageReason, Span, SpanKind};
use super::framer::Framer;
use super::open::{Compression, Encoding, Fingerprint, OpenExport};
use super::path_tenant::lone_tenant_of_path;
use super::peek::Peek;
use super::refused::refusal_in;
use super::reject::{Reject, bound_rejects, merge_rejects};
use super::rows::{Rows, names_sign_ins, rows_of_columns, rows_of_csv, rows_of_json};
use super::sniff::NoLog;
use super::window::Window;
use crate::dialect::{Dialect, Reading, TableOptions, Unreadable};
use crate::relation::{Joinable, Provider, provider_of};
use crate::sign_in::SignIn;
use crate::tenant::{PartnerList, TenantId};

/// What reading an export needs to know besides the export.
#[derive(Debug)]
pub struct ReadOptions<'a> {
    pub partners: &'a PartnerList,
    /// What the user says of tables.
    pub tables: &'a TableOptions,
    /// The steps of sign-ins, where a file of their own lists them.
    pub authentication: &'a AuthenticationDetails,
    pub peek: &'a Peek,
    /// Skip records that cannot be a partner's without parsing them.
    pub use_peek: bool,
    pub with_sha256: bool,
    /// Bytes of the longest record that is read.
    pub record_limit: usize,
    pub keep_rejected_bytes: bool,
    /// Parses the records of one window on all cores; `None` on the calling thread alone.
    pub pool: Option<&'a rayon::ThreadPool>,
}

/// A partner's sign-in as read, with its place in the export.
#[derive(Debug)]
pub struct FoundSignIn {
    pub sign_in: SignIn,
    pub provider: Provider,
    /// Bytes from the start of the decoded stream.
    pub offset: u64,
    pub recovered: bool,
    pub repaired: bool,
    /// XXH3 of the raw record: its name where it has no id.
    pub record_hash: u64,
}

/// The ledger of one export, in records and in bytes of the decoded stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub records: u64,
    pub partner: u64,
    pub other: u64,
    /// Among `other`: nothing in the record says whose it is.
    pub undecided: u64,
    pub rejected: u64,
    /// Among `rejected`: a half last record.
    pub unfinished: u64,
    pub record_bytes: u64,
    pub separator_bytes: u64,
    pub damage_bytes: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.partner += other.partner;
        self.other += other.other;
        self.undecided += other.undecided;
        self.rejected += other.rejected;
        self.unfinished += other.unfinished;
        self.record_bytes += other.record_bytes;
        self.separator_bytes += other.separator_bytes;
        self.damage_bytes += other.damage_bytes;
    }
}

/// An export that was read to its end.
#[derive(Debug)]
pub struct ReadExport {
    pub fingerprint: Fingerprint,
    pub encoding: Encoding,
    pub compression: Compression,
    pub dialect: Dialect,
    pub decoded_bytes: u64,
    pub tally: Tally,
    pub rejects: Vec<Reject>,
    pub evidence: Evidence,
    pub blind_spots: Vec<BlindSpot>,
    /// Why the file could not be read to its end.
    pub torn: Option<String>,
}

/// Why a file gave no export.
#[derive(Debug)]
pub enum NotRead {
    NoLog(NoLog),
    /// It may be a sign-in log, but the user has to say how to read it.
    Refused(NoLog),
    Failed(io::Error),
    /// The taker of the sign-ins could not go on: the run ends.
    Taker(io::Error),
}

/// Takes partner sign-ins as they are found; an error of the taker ends the reading.
pub type Taker<'a> = dyn FnMut(Vec<FoundSignIn>) -> io::Result<()> + 'a;

/// Bytes of the decoded stream that are framed and parsed together.
pub(super) const WINDOW_BYTES: usize = 2 * 1024 * 1024;
/// Records of a window are shared among cores from this many bytes on.
const SHARED_BYTES: usize = 512 * 1024;

/// Where an export lies: what the reader of its records needs to know of it.
pub struct Place<'a> {
    /// The path as the user gave it; of a member of an archive `archive!/member`.
    pub shown: &'a str,
    /// The tenant that the path names.
    pub path_tenant: Option<TenantId>,
    /// Opens the same export once more from its first byte. Standard input refuses.
    pub reopen: &'a (dyn Fn() -> io::Result<OpenExport<'static>> + Sync),
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// Reads an export from its open stream. Partner sign-ins go to `take`, bytes read to `advance`.
///
/// # Errors
/// It cannot be read from its first byte, or holds no sign-in log. An export that cannot be read
/// to its end is no error: what was read counts, and the rest is a reject.
pub fn read_export(
    place: &Place<'_>,
    stream: OpenExport<'_>,
    options: &ReadOptions<'_>,
    take: &mut Taker<'_>,
    advance: &dyn Fn(u64),
) -> Result<ReadExport, NotRead> {
    let mut window = Window::new(stream);
    window.fill(WINDOW_BYTES);
    if let (Some(error), true) = (&window.failure, window.bytes().is_empty()) {
        return Err(NotRead::Failed(io::Error::new(error.kind(), error.to_string())));
    }
    match read_as_log(place, &mut window, options, take, advance) {
        Ok(reader) => reader.finish(window),
        Err(NotRead::NoLog(no_log)) => read_as_refusal(place, no_log, window),
        Err(not_read) => Err(not_read),
    }
}

fn read_as_log<'a>(
    place: &'a Place<'a>,
    window: &mut Window<'_>,
    options: &'a ReadOptions<'a>,
    take: &mut Taker<'_>,
    advance: &dyn Fn(u64),
) -> Result<ExportReader<'a>, NotRead> {
    let head = window.bytes();
    let framer = Framer::of(head, options.record_limit).map_err(NotRead::NoLog)?;
    let mut reader = ExportReader {
        options,
        place,
        rows: Rows::Unknown,
        answer: None,
        other_columns: None,
        framer,
        sample: SampleClock::default(),
        total: Batch::default(),
        open_damage: None,
        head_names_sign_ins: names_sign_ins(head),
        last_unparsed: None,
        torn: None,
    };
    reader.read_all(window, take, advance)?;
    reader.dialect()?;
    Ok(reader)
}

/// A file that holds no log may hold the answer of someone who refused to give one: that is
/// evidence, too.
fn read_as_refusal(
    place: &Place<'_>,
    no_log: NoLog,
    mut window: Window<'_>,
) -> Result<ReadExport, NotRead> {
    // A refusal is short: what goes on behind the first window is something else.
    let Some(refusal) =
        refusal_in(window.bytes()).filter(|_| window.offset() == 0 && window.at_end)
    else {
        return Err(NotRead::NoLog(no_log));
    };
    window.done += window.bytes().len();
    let decoded_bytes = window.offset();
    let (encoding, compression) = (window.stream.encoding, window.stream.compression);
    let (fingerprint, _) = window.stream.finish();
    Ok(ReadExport {
        fingerprint,
        encoding,
        compression,
        dialect: Dialect::RefusedExport,
        decoded_bytes,
        tally: Tally { separator_bytes: decoded_bytes, ..Tally::default() },
        rejects: Vec::new(),
        evidence: Evidence::without_records(
            place.path_tenant.or_else(|| lone_tenant_of_path(place.shown)),
        ),
        blind_spots: vec![BlindSpot::Refused(refusal)],
        torn: None,
    })
}

/// What a part of an export gave; parts are added in any order.
#[derive(Debug, Default)]
struct Batch {
    tally: Tally,
    found: Vec<FoundSignIn>,
    rejects: Vec<Reject>,
    evidence: Evidence,
}

impl Batch {
    fn add(mut self, other: Self) -> Self {
        self.tally += other.tally;
        self.found.extend(other.found);
        self.rejects.extend(other.rejects);
        bound_rejects(&mut self.rejects);
        self.evidence.merge(other.evidence);
        self
    }
}

/// A record to be read, with what the framer and the sample say of it.
#[derive(Debug, Clone, Copy)]
struct Framed<'a> {
    bytes: &'a [u8],
    offset: u64,
    recovered: bool,
    sampled: bool,
}

struct ExportReader<'a> {
    options: &'a ReadOptions<'a>,
    place: &'a Place<'a>,
    framer: Framer,
    rows: Rows,
    /// The kind of the first table of sign-ins in an answer.
    answer: Option<Dialect>,
    /// The columns of the first table in an answer that holds no sign-ins.
    other_columns: Option<Vec<String>>,
    sample: SampleClock,
    total: Batch,
    /// A damage that may go on in the next window.
    open_damage: Option<Reject>,
    /// The first bytes hold keys of sign-ins, whole record or not.
    head_names_sign_ins: bool,
    /// The last record so far, where it was not parsed: it belongs to the sample as well, since
    /// most exports end with their newest record.
    last_unparsed: Option<Vec<u8>>,
    /// Why the file cannot be read to its end.
    torn: Option<String>,
}

impl ExportReader<'_> {
    fn read_all(
        &mut self,
        window: &mut Window<'_>,
        take: &mut Taker<'_>,
        advance: &dyn Fn(u64),
    ) -> Result<(), NotRead> {
        let mut spans = Vec::new();
        let mut more = WINDOW_BYTES;
        // Progress counts bytes on the disk, whatever they unpack to.
        let mut told = 0;
        loop {
            spans.clear();
            let consumed = self.framer.frame(window, &mut spans);
            let found = self.read_spans(window, &spans)?;
            take(found).map_err(NotRead::Taker)?;
            window.done += consumed;
            let on_disk = window.stream.bytes_read();
            advance(on_disk - told);
            told = on_disk;
            if window.at_end {
                return Ok(());
            }
            // A record longer than the window: give the framer twice as much.
            more = if consumed == 0 { more.saturating_mul(2) } else { WINDOW_BYTES };
            window.fill(more);
        }
    }

    /// Reads the records of a window and adds up the rest; returns the partner sign-ins.
    fn read_spans(
        &mut self,
        window: &Window<'_>,
        spans: &[Span],
    ) -> Result<Vec<FoundSignIn>, NotRead> {
        let bytes_of = |span: &Span| {
            let start = (span.offset - window.offset()) as usize;
            &window.bytes()[start..start + span.len]
        };
        let is_record = |span: &&Span| matches!(span.kind, SpanKind::Record { .. });
        let mut headers_left = self.learn_rows(spans.iter().filter(is_record).map(bytes_of))?;
        let mut found = Vec::new();
        let mut records = Vec::new();
        for span in spans {
            if !matches!(span.kind, SpanKind::Damage { continued: true, .. }) {
                self.total.rejects.extend(self.open_damage.take());
            }
            match span.kind {
                SpanKind::Record { .. } if headers_left > 0 => {
                    headers_left -= 1;
                    self.total.tally.separator_bytes += span.len as u64;
                }
                // What goes with the answer of a query: its status, its statistics.
                SpanKind::Record { .. } if matches!(self.rows, Rows::OtherTable) => {
                    self.total.tally.separator_bytes += span.len as u64;
                }
                SpanKind::Record { recovered } => records.push(Framed {
                    bytes: bytes_of(span),
                    offset: span.offset,
                    recovered,
                    sampled: self.sample.is_due(span.offset),
                }),
                SpanKind::Header => {
                    // The rows so far belong to the table before.
                    found.extend(self.take_records(&std::mem::take(&mut records)));
                    self.learn_columns(bytes_of(span));
                    self.total.tally.separator_bytes += span.len as u64;
                }
                SpanKind::Separator => self.total.tally.separator_bytes += span.len as u64,
                SpanKind::Damage { reason, continued } => {
                    self.damage(span, bytes_of(span), reason, continued);
                }
            }
        }
        found.extend(self.take_records(&records));
        Ok(found)
    }

    /// Reads records; returns the partner sign-ins among them.
    fn take_records(&mut self, records: &[Framed<'_>]) -> Vec<FoundSignIn> {
        if let Some(last) = records.last() {
            self.last_unparsed = (!last.sampled).then(|| last.bytes.to_vec());
        }
        let batch = self.read_records(records);
        self.keep(batch)
    }

    /// Finds out how to read this file from its first records; returns how many of them are
    /// headers.
    fn learn_rows<'b>(
        &mut self,
        mut records: impl Iterator<Item = &'b [u8]>,
    ) -> Result<usize, NotRead> {
        if !matches!(self.rows, Rows::Unknown) {
            return Ok(0);
        }
        match self.framer {
            // Answers tell their columns in spans of their own.
            Framer::Tables(_) => Ok(0),
            Framer::Csv(_, delimiter) => {
                let Some(header) = records.next() else { return Ok(0) };
                self.rows = rows_of_csv(header, records, delimiter, self.place, self.options)?;
                Ok(1)
            }
            Framer::Json(_) => {
                self.rows = rows_of_json(records, self.options)?;
                Ok(0)
            }
        }
    }

    /// Takes the columns of the next table in an answer.
    fn learn_columns(&mut self, columns: &[u8]) {
        let (rows, header) = rows_of_columns(columns, self.options);
        match rows.dialect() {
            Some(dialect) => self.answer = self.answer.or(Some(dialect)),
            None => self.other_columns = self.other_columns.take().or(Some(header)),
        }
        self.rows = rows;
    }

    /// Counts a damaged span: one record, one reject, however many windows it fills.
    fn damage(&mut self, span: &Span, bytes: &[u8], reason: DamageReason, continued: bool) {
        let tally = &mut self.total.tally;
        tally.damage_bytes += span.len as u64;
        let raw = self.options.keep_rejected_bytes.then_some(bytes);
        tally.unfinished += u64::from(reason == DamageReason::Unfinished && !continued);
        match &mut self.open_damage {
            Some(open) if continued => {
                open.length += span.len as u64;
                if let (Some(kept), Some(more)) = (&mut open.raw, raw) {
                    let room = self.options.record_limit.saturating_sub(kept.len());
                    kept.extend_from_slice(&more[..more.len().min(room)]);
                }
            }
            open => {
                tally.records += 1;
                tally.rejected += 1;
                *open = Some(Reject {
                    offset: span.offset,
                    length: span.len as u64,
                    records: 1,
                    reason: reason.as_str().into(),
                    raw: raw.map(<[u8]>::to_vec),
                });
            }
        }
    }

    fn read_records(&self, records: &[Framed<'_>]) -> Batch {
        let bytes: usize = records.iter().map(|record| record.bytes.len()).sum();
        let one_by_one = |part: &[Framed<'_>]| {
            let mut batch = Batch::default();
            for record in part {
                self.read_record(*record, &mut batch);
                bound_rejects(&mut batch.rejects);
            }
            batch
        };
        match self.options.pool {
            Some(pool) if bytes >= SHARED_BYTES => pool.install(|| {
                records.par_chunks(64).map(one_by_one).reduce(Batch::default, Batch::add)
            }),
            _ => one_by_one(records),
        }
    }

    fn read_record(&self, record: Framed<'_>, batch: &mut Batch) {
        batch.tally.records += 1;
        batch.tally.record_bytes += record.bytes.len() as u64;
        let must_parse = record.sampled || record.recovered || !self.options.use_peek;
        if !must_parse && self.may_skip(record.bytes) {
            batch.tally.other += 1;
            return;
        }
        match self.rows.normalise(record.bytes) {
            Ok(reading) => self.join(record, reading, batch),
            Err(Unreadable::OtherCategory { .. }) => batch.tally.other += 1,
            // Where the pages end with an error, it stands in place of the next one.
            Err(Unreadable::NoTime | Unreadable::OtherKind)
                if refusal_in(record.bytes).is_some() =>
            {
                batch.tally.other += 1;
                batch.evidence.broken_off = true;
            }
            Err(reason) => self.reject(record, &reason, batch),
        }
    }

    fn may_skip(&self, record: &[u8]) -> bool {
        match self.rows {
            Rows::Json(..) => self.options.peek.may_skip(record),
            _ => false,
        }
    }

    /// Joins a sign-in against the partner list: partner, other, or a reject if it cannot be judged.
    fn join(&self, record: Framed<'_>, reading: Reading, batch: &mut Batch) {
        let Reading { mut sign_in, missing, repaired, policies_cut } = reading;
        let facts = Joinable::of(&sign_in);
        let provider = provider_of(facts, self.options.partners);
        if let (Some(_), Some(reason)) = (provider, &missing) {
            return self.reject(record, reason, batch);
        }
        if record.sampled || provider.is_some() {
            batch.evidence.observe(&sign_in, record.sampled);
            batch.evidence.policies_cut |= policies_cut;
        }
        let Some(provider) = provider else {
            batch.tally.other += 1;
            batch.tally.undecided += u64::from(facts.is_undecided(self.options.partners));
            return;
        };
        batch.tally.partner += 1;
        self.add_authentication(&mut sign_in);
        batch.found.push(FoundSignIn {
            sign_in,
            provider,
            offset: record.offset,
            recovered: record.recovered,
            repaired,
            record_hash: xxh3_64(record.bytes),
        });
    }

    /// The steps of a sign-in from the file beside the portal's CSV, which names only the last.
    fn add_authentication(&self, sign_in: &mut SignIn) {
        let Some(id) = sign_in.sign_in_id.as_deref() else { return };
        if self.rows.dialect() == Some(Dialect::PortalCsv)
            && let Some(methods) = self.options.authentication.methods(self.place.shown, id)
        {
            sign_in.authentication_methods = Some(methods.to_owned());
        }
    }

    fn reject(&self, record: Framed<'_>, reason: &Unreadable, batch: &mut Batch) {
        batch.tally.rejected += 1;
        batch.rejects.push(Reject {
            offset: record.offset,
            length: record.bytes.len() as u64,
            records: 1,
            reason: reason.words(),
            raw: self.options.keep_rejected_bytes.then(|| record.bytes.to_vec()),
        });
    }

    /// Adds a window's batch to the export's and hands out the partner sign-ins.
    fn keep(&mut self, mut batch: Batch) -> Vec<FoundSignIn> {
        let found = std::mem::take(&mut batch.found);
        let total = std::mem::take(&mut self.total);
        self.total = total.add(batch);
        merge_rejects(&mut self.total.rejects);
        found
    }

    fn finish(mut self, mut window: Window<'_>) -> Result<ReadExport, NotRead> {
        let dialect = self.dialect()?;
        let decoded_bytes = window.offset();
        let (encoding, compression) = (window.stream.encoding, window.stream.compression);
        let (fingerprint, rest) = window.stream.finish();
        if let Some(error) = window.failure.take().or(rest.err()) {
            self.torn_off(decoded_bytes, &error);
        }
        self.total.rejects.extend(self.open_damage.take());
        merge_rejects(&mut self.total.rejects);
        self.observe_last();
        let evidence = self.total.evidence;
        let mut blind_spots = evidence.blind_spots(dialect);
        match &self.framer {
            Framer::Json(framer) if framer.more_pages() || evidence.broken_off => {
                blind_spots.push(BlindSpot::FurtherPages);
            }
            Framer::Tables(framer) if framer.is_partial() => {
                blind_spots.push(BlindSpot::PartialAnswer);
            }
            _ => {}
        }
        if dialect.caps().contains(&self.total.tally.records) {
            blind_spots.push(BlindSpot::CountAtCap);
        }
        Ok(ReadExport {
            fingerprint,
            encoding,
            compression,
            dialect,
            decoded_bytes,
            tally: self.total.tally,
            rejects: self.total.rejects,
            evidence,
            blind_spots,
            torn: self.torn,
        })
    }

    /// Takes the last record into the sample. It was counted when it was read.
    fn observe_last(&mut self) {
        let last = self.last_unparsed.take();
        if let Some(Ok(reading)) = last.map(|record| self.rows.normalise(&record)) {
            self.total.evidence.observe(&reading.sign_in, true);
        }
    }

    /// The kind of a file that is read to its end.
    fn dialect(&self) -> Result<Dialect, NotRead> {
        if let Some(dialect) = self.answer.or(self.rows.dialect()) {
            return Ok(dialect);
        }
        let no_log = |what: String, hint| Err(NotRead::NoLog(NoLog { what, hint }));
        match &self.other_columns {
            Some(columns) => no_log(
                format!(
                    "the answer of a query, but not of sign-ins; its columns: {}",
                    columns.join(", ")
                ),
                "run the query on `SigninLogs` and `AADNonInteractiveUserSignInLogs`, with all columns",
            ),
            // An empty list or page: a log without records.
            None if self.total.tally.rejected == 0 => Ok(Dialect::Graph),
            None if self.head_names_sign_ins => Ok(Dialect::Diagnostic),
            None => no_log("JSON without a single whole record".to_owned(), "export it again"),
        }
    }

    /// Notes that the stream ended before its end.
    fn torn_off(&mut self, offset: u64, error: &io::Error) {
        self.total.tally.records += 1;
        self.total.tally.rejected += 1;
        self.total.rejects.push(Reject {
            offset,
            length: 0,
            records: 1,
            reason: format!("the file cannot be read on from here: {error}").into(),
            raw: None,
        });
        self.torn = Some(error.to_string());
    }
}
