//! What a pool has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a pool has done until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Workers started, replacements included.
    pub started: u64,
    /// Workers that ended without being told to.
    pub died: u64,
    /// Those of them that were killed because a piece took longer than its limit.
    pub late: u64,
    /// Workers that were replaced after their number of pieces.
    pub retired: u64,
    /// Pieces answered, whether well or not.
    pub answered: u64,
}

/// The same, while it counts. Only the pool's thread writes; Relaxed, since nothing else hangs on these.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) started: AtomicU64,
    pub(super) died: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) retired: AtomicU64,
    pub(super) answered: AtomicU64,
}

impl Counts {
    pub(super) fn add(count: &AtomicU64, more: usize) {
        count.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn report(&self) -> Report {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Report {
            started: now(&self.started),
            died: now(&self.died),
            late: now(&self.late),
            retired: now(&self.retired),
            answered: now(&self.answered),
        }
    }
}
