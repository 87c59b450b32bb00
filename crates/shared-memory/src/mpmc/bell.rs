//! Who finds nothing to do sleeps until somebody rings; who rings when nobody sleeps makes no system call.
//!
//! One says that it sleeps and then looks once more; the other does something and then looks whether somebody sleeps. If
//! neither saw the other, one would sleep on what is there already: the two fences see to it that one of them does.
//! (Dekker's problem, 1965: the one place in the queue that needs sequential consistency.)

use std::time::Duration;

use model::sync::atomic::{
    AtomicU32,
    Ordering::{Relaxed, SeqCst},
    fence,
};

use crate::{futex, shared};

/// Set in [`Bell`]: somebody sleeps until it changes.
const ASLEEP: u32 = 1;

shared! {
    /// Counts by twos how often it rang while somebody slept. A futex.
    #[derive(Debug, Default)]
    pub struct Bell { word: AtomicU32 }
}

impl Bell {
    // ANCHOR: bell
    /// Says that somebody is about to sleep. The caller looks once more, and then [sleeps](Self::sleep) with this number.
    pub fn announce(&self) -> u32 {
        let seen = self.word.fetch_or(ASLEEP, Relaxed) | ASLEEP;
        // Before the look to come: pairs with the fence in `ring`.
        fence(SeqCst);
        seen
    }

    /// Sleeps until it rings, unless it has rung since; as long as `limit` at most.
    pub fn sleep(&self, seen: u32, limit: Option<Duration>) {
        futex::wait_shared(&self.word, seen, limit);
    }

    /// Wakes all who sleep, after something was done for which they wait: each looks for itself.
    pub fn ring(&self) {
        // After what was done: pairs with the fence in `announce`.
        fence(SeqCst);
        let seen = self.word.load(Relaxed);
        // Of several who ring one wakes.
        if seen & ASLEEP != 0
            && self.word.compare_exchange(seen, (seen & !ASLEEP).wrapping_add(2), Relaxed, Relaxed).is_ok()
        {
            futex::wake_shared(&self.word, u32::MAX);
        }
    }
    // ANCHOR_END: bell
}
