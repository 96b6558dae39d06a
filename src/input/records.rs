//! From framed records to partner sign-ins: peek, normalise, join.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::evidence::Evidence;
use super::read::{FoundSignIn, Place, ReadOptions, Tally};
use super::refused::refusal_in;
use super::reject::{Reject, bound_rejects};
use super::rows::Rows;
use crate::dialect::{Dialect, Reading, Unreadable};
use crate::relation::{Joinable, provider_of};
use crate::sign_in::SignIn;

/// What a part of an export gave. Parts are added in the order in which they stand in the export.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) tally: Tally,
    pub(super) found: Vec<FoundSignIn>,
    pub(super) rejects: Vec<Reject>,
    pub(super) evidence: Evidence,
}

impl Batch {
    pub(super) fn add(&mut self, other: Self) {
        self.tally += other.tally;
        self.found.extend(other.found);
        self.rejects.extend(other.rejects);
        bound_rejects(&mut self.rejects);
        self.evidence.merge(other.evidence);
    }
}

/// A record to be read, with what the framer and the sample say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framed {
    /// Where it begins in the bytes of its window.
    pub(super) start: usize,
    pub(super) len: usize,
    /// Where it begins in the decoded stream.
    pub(super) offset: u64,
    pub(super) recovered: bool,
    pub(super) sampled: bool,
}

impl Framed {
    pub(super) fn bytes<'w>(&self, window: &'w [u8]) -> &'w [u8] {
        &window[self.start..self.start + self.len]
    }
}

/// The records of a window that are read in one way.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) rows: Arc<Rows>,
    pub(super) framed: Vec<Framed>,
}

/// Reads records. It holds nothing of its own, so that windows can be read at the same time.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordReader<'a> {
    pub(super) options: &'a ReadOptions<'a>,
    pub(super) place: &'a Place<'a>,
}

impl RecordReader<'_> {
    /// Reads the records of a window into what the window gave so far.
    pub(super) fn read(&self, window: &[u8], records: &[Records], batch: &mut Batch) {
        for part in records {
            for framed in &part.framed {
                self.read_record(&part.rows, *framed, framed.bytes(window), batch);
                bound_rejects(&mut batch.rejects);
            }
        }
    }

    fn read_record(&self, rows: &Rows, framed: Framed, record: &[u8], batch: &mut Batch) {
        batch.tally.records += 1;
        batch.tally.record_bytes += record.len() as u64;
        let must_parse = framed.sampled || framed.recovered || !self.options.use_peek;
        if !must_parse && rows.may_skip(record, self.options.peek) {
            batch.tally.other += 1;
            return;
        }
        match rows.normalise(record) {
            Ok(reading) => self.join(rows, framed, record, reading, batch),
            Err(Unreadable::OtherCategory { .. }) => batch.tally.other += 1,
            // Where the pages end with an error, it stands in place of the next one.
            Err(Unreadable::NoTime | Unreadable::OtherKind) if refusal_in(record).is_some() => {
                batch.tally.other += 1;
                batch.evidence.broken_off = true;
            }
            Err(reason) => self.reject(framed, record, &reason, batch),
        }
    }

    /// Joins a sign-in against the partner list: partner, other, or a reject if it cannot be judged.
    fn join(
        &self,
        rows: &Rows,
        framed: Framed,
        record: &[u8],
        reading: Reading,
        batch: &mut Batch,
    ) {
        let Reading { mut sign_in, missing, repaired, policies_cut } = reading;
        let facts = Joinable::of(&sign_in);
        let provider = provider_of(facts, self.options.partners);
        if let (Some(_), Some(reason)) = (provider, &missing) {
            return self.reject(framed, record, reason, batch);
        }
        if framed.sampled || provider.is_some() {
            batch.evidence.observe(&sign_in, framed.sampled);
            batch.evidence.policies_cut |= policies_cut;
        }
        let Some(provider) = provider else {
            batch.tally.other += 1;
            batch.tally.undecided += u64::from(facts.is_undecided(self.options.partners));
            return;
        };
        batch.tally.partner += 1;
        self.add_authentication(rows, &mut sign_in);
        batch.found.push(FoundSignIn {
            sign_in,
            provider,
            offset: framed.offset,
            recovered: framed.recovered,
            repaired,
            record_hash: xxh3_64(record),
        });
    }

    /// The steps of a sign-in from the file beside the portal's CSV, which names only the last.
    fn add_authentication(&self, rows: &Rows, sign_in: &mut SignIn) {
        let Some(id) = sign_in.sign_in_id.as_deref() else { return };
        if rows.dialect() == Some(Dialect::PortalCsv)
            && let Some(methods) = self.options.authentication.methods(self.place.shown, id)
        {
            sign_in.authentication_methods = Some(methods.to_owned());
        }
    }

    fn reject(&self, framed: Framed, record: &[u8], reason: &Unreadable, batch: &mut Batch) {
        batch.tally.rejected += 1;
        batch.rejects.push(Reject {
            offset: framed.offset,
            length: record.len() as u64,
            records: 1,
            reason: reason.words(),
            raw: self.options.keep_rejected_bytes.then(|| record.to_vec()),
        });
    }
}
