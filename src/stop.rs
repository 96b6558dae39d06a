//! The wish that a run ends soon, as a signal brings it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Shared by all who have to look at it; as made by default nobody asks.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// Where a signal leaves its number; 0 means that none came.
    pub fn flag(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.signal)
    }

    /// The number of the signal, if one came.
    pub fn signal(&self) -> Option<usize> {
        Some(self.signal.load(Relaxed)).filter(|&signal| signal != 0)
    }

    pub fn is_asked(&self) -> bool {
        self.signal().is_some()
    }
}
