//! A gate is shut while one process builds behind it; whoever sees it open sees all that was built.
//!
//! One word, in the segment itself. Zero, as new memory is: nobody has begun. Of several processes that would build, one
//! gets to do so. A process that is killed while it builds leaves the gate shut for ever, which is right: what is behind it
//! is half built.

use model::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::shared;

shared! {
    /// The first word of a segment. `tests/gate_model.rs` runs it through the model checkers.
    #[derive(Debug, Default)]
    pub struct Gate {
        /// 0, [`Gate::BUILDING`], or the number with which it was opened.
        pub word: AtomicU64,
    }
}

impl Gate {
    /// Somebody builds, or died while doing so.
    pub const BUILDING: u64 = u64::from_le_bytes(*b"building");

    // ANCHOR: gate
    /// Whether the caller is the one who builds.
    pub fn begin(&self) -> bool {
        // Relaxed: of two who try, one gets it; nothing was written before that had to be seen.
        self.word.compare_exchange(0, Self::BUILDING, Relaxed, Relaxed).is_ok()
    }

    /// All is built.
    pub fn open(&self, number: u64) {
        // Release: pairs with the Acquire in `look`, so that whoever sees the number sees all that was built.
        self.word.store(number, Release);
    }

    /// The number with which it was opened, if it is open; else 0 or [`BUILDING`](Self::BUILDING).
    pub fn look(&self) -> u64 {
        // Acquire: pairs with the Release in `open`.
        self.word.load(Acquire)
    }
    // ANCHOR_END: gate
}
