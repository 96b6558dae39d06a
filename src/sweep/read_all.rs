//! Reads all sources with all threads.

use std::cmp::Reverse;
use std::io;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

use rayon::ThreadPoolBuilder;

use super::{Progress, SweepError, SweepOptions};
use crate::dataset::{PartnerSignIn, WriteRun};
use crate::input::container::SpoolRoom;
use crate::input::discover::{Found, Source};
use crate::input::peek::Peek;
use crate::input::read::{FoundSignIn, NotRead, ReadOptions};
use crate::input::source::{Container, Member, ReadSource, Share, SourceOptions, read_source};
use crate::lists::Lists;
use crate::parallel;

/// A source that was read.
pub(super) struct Read {
    pub(super) container: Option<Container>,
    /// With the number that the member's rows carry in the spill; none where it is no log.
    pub(super) members: Vec<(Member, Option<u32>)>,
    pub(super) skipped: usize,
    /// The source is not what it was when it was found.
    pub(super) has_changed: bool,
}

impl Read {
    fn new(source: ReadSource, numbers: Vec<Option<u32>>, has_changed: bool) -> Self {
        let numbers = numbers.into_iter().chain(std::iter::repeat(None));
        let members = source.members.into_iter().zip(numbers).collect();
        Self { container: source.container, members, skipped: source.skipped, has_changed }
    }

    /// All that was begun was read to its end.
    pub(super) fn is_whole(&self) -> bool {
        let is_cut = |member: &Member| match &member.result {
            Ok(export) => export.torn.is_some(),
            Err(NotRead::Taker(_) | NotRead::Failed(_)) => true,
            Err(_) => false,
        };
        !self.members.iter().any(|(member, _)| is_cut(member))
    }

    /// Adds what another share of the same archive gave. What is wrong with the archive itself
    /// was met by each of them.
    fn add(&mut self, other: Self) {
        self.skipped += other.skipped;
        self.has_changed |= other.has_changed;
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

/// Reads all sources; their partner sign-ins go to the spill.
pub(super) fn read_all(
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
        tables: &options.tables,
        authentication: &lists.authentication,
        peek: &peek,
        use_peek: options.use_peek,
        with_sha256: options.with_sha256,
        record_limit: options.record_limit,
        keep_rejected_bytes: options.keep_rejected_bytes,
        keep_not_applied: options.keep_not_applied,
        pool: None,
    };
    let source_options = |pool| SourceOptions {
        reading: ReadOptions { pool, ..read_options },
        template: found.template.as_ref(),
        passwords: &options.passwords,
        room: SpoolRoom::Folder(run.scratch()),
        stop: &options.writer.stop,
    };
    let (alone, together) = (source_options(None), source_options(pool.as_ref()));
    let total: u64 = to_read.iter().map(|source| source.length).sum();
    let spill = run.spill();
    let numbers = AtomicU32::new(0);
    let shares: Vec<(usize, Share)> = to_read
        .iter()
        .enumerate()
        .flat_map(|(at, source)| Share::split(source, options.threads).map(move |s| (at, s)))
        .collect();
    // The largest first: whoever reads the last one should not have begun it last.
    let length = |place: &usize| to_read[shares[*place].0].length;
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|place| Reverse(length(place)));
    let reads = parallel::map(&order, options.threads, |&place| {
        let (at, share) = shares[place];
        // Only what turns out to be a log takes a number, and the dataset counts on there being
        // no gaps.
        let taken = Mutex::new(Numbers { next: &numbers, by_member: Vec::new() });
        let number_of = |member| taken.lock().unwrap_or_else(PoisonError::into_inner).of(member);
        let spill_found = |member: usize, found: Vec<FoundSignIn>| {
            if options.writer.stop.is_asked() {
                return Err(io::Error::other("the run was stopped"));
            }
            if found.is_empty() {
                return Ok(());
            }
            let number = number_of(member);
            let rows = found.into_iter().map(|found| row_of(found, number));
            spill.append(rows).map_err(io::Error::other)
        };
        let advance = |bytes| progress.advance(bytes);
        // A source is read on all cores if it would keep its one thread busy after the others.
        let is_large = to_read[at].length.saturating_mul(options.threads as u64) > total;
        let source_options = if is_large { &together } else { &alone };
        let source = read_source(to_read[at], share, source_options, &spill_found, &advance);
        let is_log = |(_, member): &(usize, &Member)| member.result.is_ok();
        for (at, _) in source.members.iter().enumerate().filter(is_log) {
            number_of(at);
        }
        let numbers = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
        Read::new(source, numbers.by_member, to_read[at].has_changed())
    });
    let mut reads: Vec<(usize, Read)> = order.into_iter().zip(reads).collect();
    reads.sort_by_key(|(place, _)| *place);
    let mut whole: Vec<Read> = Vec::new();
    for ((_, share), (_, read)) in shares.into_iter().zip(reads) {
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
