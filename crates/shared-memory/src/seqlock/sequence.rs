//! The number that tells a reader whether its copy is whole, and where the fences must stand.

use model::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};

use crate::{shared, who::Who};

shared! {
    /// The number, whose the snapshot is, and what it is.
    #[repr(align(64))]
    #[derive(Debug, Default)]
    pub struct Sequence {
        /// Odd while it is written.
        pub number: AtomicU64,
        /// Who writes: a [`Who`].
        pub writer: AtomicU64,
        /// `Plain::LAYOUT` of the value.
        pub layout: AtomicU64,
    }
}

// ANCHOR: algorithm
/// The algorithm, on any memory: `tests/seqlock_model.rs` runs it through the model checkers.
impl Sequence {
    /// Becomes the writer, if there is none or `is_alive` says that it is dead.
    ///
    /// # Errors
    /// The one who is.
    pub fn claim(&self, me: Who, is_alive: impl Fn(Who) -> bool) -> Result<(), Who> {
        let mut writer = self.writer.load(Relaxed);
        loop {
            let who = Who::from_bits(writer);
            if is_alive(who) {
                return Err(who);
            }
            // Acquire: pairs with the Release in `leave`: the number is seen as the last writer has left it.
            match self.writer.compare_exchange(writer, me.bits(), Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => writer = other,
            }
        }
    }

    /// Is no longer the writer.
    pub fn leave(&self) {
        // Release: pairs with the Acquire in `claim`.
        self.writer.store(Who::NOBODY.bits(), Release);
    }

    /// What `copy` copies, if nothing was written meanwhile.
    pub fn read<R>(&self, copy: impl FnOnce() -> R) -> Option<R> {
        // Acquire: pairs with the Release in `end`: all words of that write are seen.
        let before = self.number.load(Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let copied = copy();
        // Pairs with the fence in `begin`: if a word came from a later write, the load below sees that it had begun.
        fence(Acquire);
        (self.number.load(Relaxed) == before).then_some(copied)
    }

    /// Makes the number odd, or leaves it so, after a writer that died.
    pub fn begin(&self) {
        // Relaxed: only the one writer stores it.
        self.number.store(self.number.load(Relaxed) | 1, Relaxed);
        // Pairs with the fence in `read`: whoever sees one of the words to come sees the odd number too.
        fence(Release);
    }

    /// Makes it even.
    pub fn end(&self) {
        // Release: pairs with the Acquire in `read`: the words come before the even number.
        self.number.store(self.number.load(Relaxed).wrapping_add(1), Release);
    }
}
// ANCHOR_END: algorithm
