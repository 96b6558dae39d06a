//! The kept rows of one day in the order in which they are written.
//!
//! A day that is larger than its share of memory comes in pieces by hash of the key. Each piece
//! is sorted by itself and put aside; then all are merged. So the order of the rows, and with it
//! the bytes of the part, does not depend on the memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::disk::DiskFile;
use super::error::{At, DatasetError};
use super::part::Staging;
use super::row::Key;
use super::spill::{FrameFile, Frames};

/// A row of this run that is written: to `sign_ins`, or to the reserve.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Kept {
    pub created_at: i64,
    pub key: Key,
    pub is_reserve: bool,
    /// Publication times of all its copies.
    pub times: Vec<i64>,
    /// As it lay in the spill.
    #[serde(skip)]
    pub row: Vec<u8>,
}

impl Kept {
    /// The row stands behind the rest: serde would take it byte by byte.
    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        let mut bytes = postcard::to_allocvec(self)?;
        bytes.extend_from_slice(&self.row);
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, postcard::Error> {
        let (kept, row): (Self, &[u8]) = postcard::take_from_bytes(bytes)?;
        Ok(Self { row: row.to_vec(), ..kept })
    }
}

/// Kept rows, piece by piece.
#[derive(Default)]
pub(super) struct Queue {
    last: Vec<Kept>,
    earlier: Vec<Frames<DiskFile>>,
}

impl Queue {
    /// Takes the rows of a piece; those of the piece before are put aside.
    pub(super) fn add(
        &mut self,
        staging: &Staging,
        mut piece: Vec<Kept>,
    ) -> Result<(), DatasetError> {
        piece.sort_unstable();
        let before = std::mem::replace(&mut self.last, piece);
        if !before.is_empty() {
            let path = staging.path("rows");
            let mut file = FrameFile::create(&staging.disk, path.clone())?;
            for kept in before {
                file.push(&kept.encode().at(&path)?)?;
            }
            self.earlier.push(file.read()?);
        }
        Ok(())
    }

    /// Hands all rows to `take`, in order of time and key.
    pub(super) fn drain(
        self,
        mut take: impl FnMut(Kept) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let mut runs: Vec<Run> = self.earlier.into_iter().map(Run::Aside).collect();
        runs.push(Run::Memory(self.last.into_iter()));
        let mut heap = BinaryHeap::new();
        for (index, run) in runs.iter_mut().enumerate() {
            heap.extend(run.next()?.map(|kept| Reverse((kept, index))));
        }
        while let Some(Reverse((kept, index))) = heap.pop() {
            take(kept)?;
            heap.extend(runs[index].next()?.map(|kept| Reverse((kept, index))));
        }
        Ok(())
    }
}

enum Run {
    Aside(Frames<DiskFile>),
    Memory(std::vec::IntoIter<Kept>),
}

impl Run {
    fn next(&mut self) -> Result<Option<Kept>, DatasetError> {
        match self {
            Self::Memory(rows) => Ok(rows.next()),
            Self::Aside(frames) => {
                let path = frames.path().to_owned();
                let frame = frames.next_frame()?;
                frame.map(|frame| Kept::decode(frame).at(&path)).transpose()
            }
        }
    }
}
