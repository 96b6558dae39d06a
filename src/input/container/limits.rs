//! How much an archive may unpack to. Decoded bytes are a stream, so size does no harm to memory;
//! these limits bound the time, and the room on the disk, that a hostile archive can take.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::ArchiveError;
use crate::input::open::RawBytes;

/// Members of one archive. The results of all exports stay in memory until the commit; this is
/// a year of one file an hour for more than fifty tenants.
pub const MEMBERS_MAX: usize = 500_000;

/// An archive is cut off where it has unpacked to more than this **and** to more than
/// [`UNPACKED_RATIO`] times its size. Sign-in logs shrink to a 10th, repetitive ones to a 50th;
/// deflate reaches a 1,030th with zeros only. 64 GiB are read in minutes.
pub(super) const UNPACKED_GIB: u64 = 64;
pub(super) const UNPACKED_RATIO: u64 = 1_000;

/// An archive in an archive that needs to be seekable lies in memory up to here …
pub(super) const SPOOL_MEMORY_BYTES: u64 = 8 << 20;
/// … or up to here, where nothing may be written to the disk.
pub(super) const SPOOL_MEMORY_ONLY_BYTES: u64 = 64 << 20;
/// What goes to the disk is cut off beyond this **and** [`SPOOL_RATIO`] times the size of the
/// file that it comes from: packed data hardly shrinks once more.
pub(super) const SPOOL_BYTES: u64 = 1 << 30;
pub(super) const SPOOL_RATIO: u64 = 100;

/// What one source may unpack to, over all its members.
#[derive(Debug)]
pub struct Budget {
    unpacked: AtomicU64,
    max: u64,
}

impl Budget {
    /// The budget of a source with this many bytes; of standard input the length is not known.
    pub fn of(length: Option<u64>) -> Arc<Self> {
        let by_ratio = length.map_or(0, |length| length.saturating_mul(UNPACKED_RATIO));
        Arc::new(Self { unpacked: AtomicU64::new(0), max: by_ratio.max(UNPACKED_GIB << 30) })
    }

    /// Counts what is read of a stream, and ends it when the budget is spent.
    pub fn limit<'a>(self: &Arc<Self>, bytes: RawBytes<'a>) -> RawBytes<'a> {
        Box::new(Limited { bytes, budget: Arc::clone(self) })
    }
}

struct Limited<'a> {
    bytes: RawBytes<'a>,
    budget: Arc<Budget>,
}

impl Read for Limited<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        let before = self.budget.unpacked.fetch_add(count as u64, Relaxed);
        if count > 0 && before > self.budget.max {
            return Err(ArchiveError::Bomb.into());
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_by_all_members_together() {
        let budget = Arc::new(Budget { unpacked: AtomicU64::new(0), max: 10 });
        let read = || {
            let mut bytes = budget.limit(Box::new(&[7_u8; 8][..]));
            bytes.read_to_end(&mut Vec::new()).map_err(|error| ArchiveError::within(&error))
        };
        assert_eq!(read(), Ok(8));
        assert_eq!(read(), Ok(8));
        assert_eq!(read(), Err(Some(ArchiveError::Bomb)));
        assert_eq!(Budget::of(Some(1)).max, 64 << 30);
        assert_eq!(Budget::of(Some(1 << 30)).max, 1000 << 30);
    }
}
