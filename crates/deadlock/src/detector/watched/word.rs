//! The word of a mutex: who owns it, and whether anybody waits. One compare-and-swap takes it, one gives it back.
//!
//! While nobody waits the owner alone changes the word. Once a thread has set `WAITED`, under the graph's lock, the
//! owner finds it set and has to come to the graph too: until then the owner stays who it is. So what the graph says
//! about a lock that somebody waits for is never old.

use super::world::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

const FREE: u64 = 0;
/// Somebody waits, so the lock is given back by way of the graph.
const WAITED: u64 = 1;

pub(super) struct Word(AtomicU64);

impl Word {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(FREE))
    }

    /// Takes the lock for `thread` if it is free.
    #[inline]
    pub(super) fn take(&self, thread: u64) -> bool {
        // Acquire: pairs with the Release in `give_back`.
        self.0.compare_exchange(FREE, owned(thread), Acquire, Relaxed).is_ok()
    }

    /// Gives it back if nobody waits. Only for its owner, which is `thread`.
    #[inline]
    pub(super) fn give_back(&self, thread: u64) -> bool {
        // Release: pairs with the Acquire in `take`.
        self.0.compare_exchange(owned(thread), FREE, Release, Relaxed).is_ok()
    }

    /// Who has it; only its owner can rely on that.
    pub(super) fn owner(&self) -> u64 {
        self.0.load(Relaxed) >> 1
    }

    /// Under the graph's lock: takes the lock for `thread` (`None`), or says that it is waited for and who owns it.
    pub(super) fn take_or_wait(&self, thread: u64) -> Option<u64> {
        let mut seen = self.0.load(Relaxed);
        loop {
            let next = if seen == FREE { owned(thread) } else { seen | WAITED };
            match self.0.compare_exchange(seen, next, Acquire, Relaxed) {
                Ok(FREE) => return None,
                Ok(_) => return Some(seen >> 1),
                Err(now) => seen = now,
            }
        }
    }

    /// Under the graph's lock, by its owner: the next owner, and whether others wait still.
    pub(super) fn hand_to(&self, next: Option<u64>, waited: bool) {
        let word = next.map_or(FREE, |thread| owned(thread) | u64::from(waited));
        // Release: pairs with the Acquire in `take`; one who was handed the lock is woken through the graph's lock.
        self.0.store(word, Release);
    }

    /// Under the graph's lock: the last who waited has left.
    pub(super) fn nobody_waits(&self) {
        self.0.fetch_and(!WAITED, Relaxed);
    }

    pub(super) fn is_free(&self) -> bool {
        self.0.load(Relaxed) == FREE
    }
}

fn owned(thread: u64) -> u64 {
    thread << 1
}
