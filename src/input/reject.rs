//! What could not be read: where, how long, why.

use std::borrow::Cow;

/// A record, or a span of damage, that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Bytes from the start of the decoded stream.
    pub offset: u64,
    pub length: u64,
    /// Records that it stands for: more than one only where an export has very many rejects.
    pub records: u64,
    pub reason: Cow<'static, str>,
    /// Only with `--keep-rejected-bytes`.
    pub raw: Option<Vec<u8>>,
}

impl Reject {
    fn end(&self) -> u64 {
        self.offset + self.length
    }
}

/// Rejects of one export that are kept one by one; those behind them share one entry, so that a
/// file of rubbish does not fill the memory.
const REJECTS_KEPT: usize = 10_000;

/// Merges while rejects are collected. Nothing that would be kept in the end is lost: what shares
/// an entry has ten thousand before it.
pub(super) fn bound_rejects(rejects: &mut Vec<Reject>) {
    if rejects.len() > 2 * REJECTS_KEPT {
        merge_rejects(rejects);
    }
}

/// Sorts rejects, and lets those behind the first ten thousand share the last entry.
pub(super) fn merge_rejects(rejects: &mut Vec<Reject>) {
    rejects.sort_by_key(|reject| reject.offset);
    if rejects.len() <= REJECTS_KEPT {
        return;
    }
    let behind = rejects.split_off(REJECTS_KEPT);
    if let Some(last) = rejects.last_mut() {
        for reject in behind {
            last.records += reject.records;
            last.length = reject.end().max(last.end()) - last.offset;
        }
        last.reason = "many unreadable records, from here to the last one of the file".into();
        last.raw = None;
    }
}
