//! The kept rows of one day in the order in which they are written.
//!
//! A day that is larger than its share of memory comes in pieces by hash of the key. Each piece
//! is sorted by itself and put aside; then all are merged. So the order of the rows, and with it
//! the bytes of the part, does not depend on the memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::relation::Side;

use super::disk::DiskFile;
use super::error::{At, DatasetError};
use super::part::Staging;
use super::row::Key;
use super::spill::{FrameFile, Frames};

/// A row of this run that is written: to `sign_ins`, or to the reserve.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Kept<'p> {
    pub created_at: i64,
    #[serde(borrow)]
    pub key: Key<'p>,
    pub is_reserve: bool,
    /// Publication times of all its copies.
    pub times: Vec<i64>,
    /// As it lay in the spill.
    #[serde(skip)]
    pub row: &'p [u8],
}

impl<'p> Kept<'p> {
    /// The row stands behind the rest: serde would take it byte by byte.
    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        let mut bytes = postcard::to_allocvec(self)?;
        bytes.extend_from_slice(self.row);
        Ok(bytes)
    }

    fn decode(bytes: &'p [u8]) -> Result<Self, postcard::Error> {
        let (kept, row): (Self, &[u8]) = postcard::take_from_bytes(bytes)?;
        Ok(Self { row, ..kept })
    }

    /// A key stands in one piece only, and at most once in `sign_ins` and once in the reserve.
    fn place(&self) -> Place {
        (self.created_at, self.key.id.to_owned(), self.key.side, self.is_reserve)
    }
}

type Place = (i64, String, Side, bool);

/// The kept rows of the pieces of a day, on the disk.
#[derive(Default)]
pub(super) struct Queue {
    pieces: Vec<Aside>,
}

/// A piece while it is read, and its frame whose turn it is.
struct Aside {
    frames: Frames<DiskFile>,
}

impl Queue {
    /// Puts the rows of a piece aside, in their order.
    pub(super) fn add(
        &mut self,
        staging: &Staging,
        piece: &[Kept<'_>],
    ) -> Result<(), DatasetError> {
        let path = staging.path("rows");
        let mut file = FrameFile::create(&staging.disk, path.clone())?;
        for kept in piece {
            file.push(&kept.encode().at(&path)?)?;
        }
        self.pieces.push(Aside { frames: file.read()? });
        Ok(())
    }

    /// Hands all rows to `take`, in order of time and key.
    pub(super) fn drain(
        mut self,
        mut take: impl FnMut(Kept<'_>) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let mut heap = BinaryHeap::new();
        for (index, piece) in self.pieces.iter_mut().enumerate() {
            heap.extend(piece.next_place()?.map(|place| Reverse((place, index))));
        }
        while let Some(Reverse((_, index))) = heap.pop() {
            let piece = &mut self.pieces[index];
            take(piece.kept()?)?;
            heap.extend(piece.next_place()?.map(|place| Reverse((place, index))));
        }
        Ok(())
    }
}

impl Aside {
    fn next_place(&mut self) -> Result<Option<Place>, DatasetError> {
        if self.frames.next_frame()?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.kept()?.place()))
    }

    /// The row whose turn it is.
    fn kept(&self) -> Result<Kept<'_>, DatasetError> {
        Kept::decode(self.frames.frame()).at(self.frames.path())
    }
}
