//! Reads one export from its first byte to its last: frame, peek, normalise, join.
//!
//! Memory is bounded: a few windows of the decoded stream, and the partner sign-ins in them.

use std::io;
use std::ops::AddAssign;
use std::sync::Arc;

use super::authentication_details::AuthenticationDetails;
use super::evidence::{BlindSpot, Evidence, SampleClock};
use super::frame::{DamageReason, Span, SpanKind};
use super::framer::Framer;
use super::open::{Compression, Encoding, Fingerprint, Hashing, OpenExport};
use super::path_tenant::lone_tenant_of_path;
use super::peek::Peek;
use super::records::{Batch, Framed, RecordReader, Records};
use super::refused::refusal_in;
use super::reject::{Reject, merge_rejects};
use super::rows::{Rows, names_sign_ins, rows_of_columns, rows_of_csv, rows_of_json};
use super::sniff::NoLog;
use super::window::Window;
use super::windows::{Crew, Work};
use crate::dialect::{Dialect, TableOptions};
use crate::relation::Provider;
use crate::sign_in::SignIn;
use crate::tenant::{PartnerList, TenantId};

/// What reading an export needs to know besides the export.
#[derive(Debug, Clone, Copy)]
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
    /// Keep the policies that did not look at a sign-in; else they are only counted.
    pub keep_not_applied: bool,
    /// Reads the windows of an export on all cores; `None` on the calling thread alone.
    pub pool: Option<&'a rayon::ThreadPool>,
}

impl ReadOptions<'_> {
    /// Where the bytes of an export are hashed.
    pub(super) fn hashing(&self) -> Hashing {
        match (self.with_sha256, self.pool) {
            (false, _) => Hashing::Off,
            (true, None) => Hashing::Here,
            (true, Some(_)) => Hashing::Beside,
        }
    }
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

/// Takes partner sign-ins as they are found, in any order; an error of the taker ends the reading.
pub type Taker<'a> = dyn Fn(Vec<FoundSignIn>) -> io::Result<()> + Sync + 'a;

/// Bytes of the decoded stream that are framed and parsed together.
pub(super) const WINDOW_BYTES: usize = 512 * 1024;

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
    take: &Taker<'_>,
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
    take: &Taker<'_>,
    advance: &dyn Fn(u64),
) -> Result<ExportReader<'a>, NotRead> {
    let head = window.bytes();
    let framer = Framer::of(head, options.record_limit).map_err(NotRead::NoLog)?;
    let mut reader = ExportReader {
        records: RecordReader { options, place },
        rows: Arc::new(Rows::Unknown),
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

/// The steps from window to window.
struct Steps<'a> {
    spans: Vec<Span>,
    more: usize,
    advance: &'a dyn Fn(u64),
    /// Progress counts bytes on the disk, whatever they unpack to.
    told: u64,
}

impl<'a> Steps<'a> {
    fn new(advance: &'a dyn Fn(u64)) -> Self {
        Self { spans: Vec::new(), more: WINDOW_BYTES, advance, told: 0 }
    }

    /// Steps over what was framed, and says how many bytes the next window asks for; nothing if
    /// there is none.
    fn next(&mut self, window: &mut Window<'_>, consumed: usize) -> Option<usize> {
        window.done += consumed;
        let on_disk = window.stream.bytes_read();
        (self.advance)(on_disk - self.told);
        self.told = on_disk;
        // A record longer than the window: give the framer twice as much.
        self.more = if consumed == 0 { self.more.saturating_mul(2) } else { WINDOW_BYTES };
        (!window.at_end).then_some(self.more)
    }
}

struct ExportReader<'a> {
    records: RecordReader<'a>,
    framer: Framer,
    rows: Arc<Rows>,
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

impl<'a> ExportReader<'a> {
    fn read_all(
        &mut self,
        window: &mut Window<'_>,
        take: &Taker<'_>,
        advance: &dyn Fn(u64),
    ) -> Result<(), NotRead> {
        // What is in memory already is not worth waking others.
        let pool = self.records.options.pool.filter(|_| !window.at_end);
        let mut steps = Steps::new(advance);
        let Some(pool) = pool else {
            return self.read_alone(window, take, &mut steps);
        };
        let records = self.records;
        pool.in_place_scope(|scope| {
            let mut crew = Crew::new(scope, pool.current_num_threads(), records, take);
            let read = self.read_together(window, &mut crew, &mut steps);
            crew.finish(&mut self.total).map_err(NotRead::Taker).and(read)
        })
    }

    /// Reads window after window on this thread.
    fn read_alone(
        &mut self,
        window: &mut Window<'_>,
        take: &Taker<'_>,
        steps: &mut Steps<'_>,
    ) -> Result<(), NotRead> {
        loop {
            let (consumed, work) = self.frame(window, steps)?;
            let batch = work.read(window.bytes(), self.records, take).map_err(NotRead::Taker)?;
            self.total.add(batch);
            let Some(more) = steps.next(window, consumed) else { return Ok(()) };
            window.fill(more);
        }
    }

    /// Reads and frames on this thread while the others read the records of the windows before.
    fn read_together<'scope>(
        &mut self,
        window: &mut Window<'_>,
        crew: &mut Crew<'_, 'scope>,
        steps: &mut Steps<'_>,
    ) -> Result<(), NotRead>
    where
        'a: 'scope,
    {
        loop {
            let (consumed, work) = self.frame(window, steps)?;
            let range = window.range();
            let Some(more) = steps.next(window, consumed) else {
                crew.hand_out(window.take_buffer(), range, work);
                return Ok(());
            };
            if consumed == 0 {
                window.fill(more);
                continue;
            }
            let other = crew.buffer(&mut self.total).map_err(NotRead::Taker)?;
            let buffer = window.fill_other(other, more);
            crew.hand_out(buffer, range, work);
        }
    }

    /// Frames what is in the window.
    fn frame(
        &mut self,
        window: &Window<'_>,
        steps: &mut Steps<'_>,
    ) -> Result<(usize, Work), NotRead> {
        steps.spans.clear();
        let consumed = self.framer.frame(window, &mut steps.spans);
        let work = self.sort_out(window, &steps.spans)?;
        Ok((consumed, work))
    }

    /// Finds the records of a window and adds up the rest.
    fn sort_out(&mut self, window: &Window<'_>, spans: &[Span]) -> Result<Work, NotRead> {
        let start_of = |span: &Span| (span.offset - window.offset()) as usize;
        let bytes_of = |span: &Span| &window.bytes()[start_of(span)..start_of(span) + span.len];
        let is_record = |span: &&Span| matches!(span.kind, SpanKind::Record { .. });
        let mut headers_left = self.learn_rows(spans.iter().filter(is_record).map(bytes_of))?;
        let mut work = Work { batch: Batch::default(), records: Vec::new() };
        let mut framed = Vec::new();
        for span in spans {
            if !matches!(span.kind, SpanKind::Damage { continued: true, .. }) {
                work.batch.rejects.extend(self.open_damage.take());
            }
            let separator_bytes = &mut work.batch.tally.separator_bytes;
            match span.kind {
                SpanKind::Record { .. } if headers_left > 0 => {
                    headers_left -= 1;
                    *separator_bytes += span.len as u64;
                }
                // What goes with the answer of a query: its status, its statistics.
                SpanKind::Record { .. } if matches!(*self.rows, Rows::OtherTable) => {
                    *separator_bytes += span.len as u64;
                }
                SpanKind::Record { recovered } => framed.push(Framed {
                    start: start_of(span),
                    len: span.len,
                    offset: span.offset,
                    recovered,
                    sampled: self.sample.is_due(span.offset),
                }),
                SpanKind::Header => {
                    *separator_bytes += span.len as u64;
                    // The rows so far belong to the table before.
                    self.add_records(window, std::mem::take(&mut framed), &mut work);
                    self.learn_columns(bytes_of(span));
                }
                SpanKind::Separator => *separator_bytes += span.len as u64,
                SpanKind::Damage { reason, continued } => {
                    self.damage(span, bytes_of(span), reason, continued, &mut work.batch.tally);
                }
            }
        }
        self.add_records(window, framed, &mut work);
        Ok(work)
    }

    fn add_records(&mut self, window: &Window<'_>, framed: Vec<Framed>, work: &mut Work) {
        let Some(last) = framed.last() else { return };
        self.last_unparsed = (!last.sampled).then(|| last.bytes(window.bytes()).to_vec());
        work.records.push(Records { rows: Arc::clone(&self.rows), framed });
    }

    /// Finds out how to read this file from its first records; returns how many of them are
    /// headers.
    fn learn_rows<'b>(
        &mut self,
        mut records: impl Iterator<Item = &'b [u8]>,
    ) -> Result<usize, NotRead> {
        if !matches!(*self.rows, Rows::Unknown) {
            return Ok(0);
        }
        match self.framer {
            // Answers tell their columns in spans of their own.
            Framer::Tables(_) => Ok(0),
            Framer::Csv(_, delimiter) => {
                let Some(header) = records.next() else { return Ok(0) };
                let RecordReader { options, place } = self.records;
                self.rows = Arc::new(rows_of_csv(header, records, delimiter, place, options)?);
                Ok(1)
            }
            Framer::Json(_) => {
                self.rows = Arc::new(rows_of_json(records, self.records.options)?);
                Ok(0)
            }
        }
    }

    /// Takes the columns of the next table in an answer.
    fn learn_columns(&mut self, columns: &[u8]) {
        let (rows, header) = rows_of_columns(columns, self.records.options);
        match rows.dialect() {
            Some(dialect) => self.answer = self.answer.or(Some(dialect)),
            None => self.other_columns = self.other_columns.take().or(Some(header)),
        }
        self.rows = Arc::new(rows);
    }

    /// Counts a damaged span: one record, one reject, however many windows it fills.
    fn damage(
        &mut self,
        span: &Span,
        bytes: &[u8],
        reason: DamageReason,
        continued: bool,
        tally: &mut Tally,
    ) {
        let options = self.records.options;
        tally.damage_bytes += span.len as u64;
        let raw = options.keep_rejected_bytes.then_some(bytes);
        tally.unfinished += u64::from(reason == DamageReason::Unfinished && !continued);
        match &mut self.open_damage {
            Some(open) if continued => {
                open.length += span.len as u64;
                if let (Some(kept), Some(more)) = (&mut open.raw, raw) {
                    let room = options.record_limit.saturating_sub(kept.len());
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
