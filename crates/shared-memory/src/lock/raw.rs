//! Exclusion in one word that says who holds it: whoever has waited for a moment looks if that one lives.
//!
//! | `state` | |
//! |---|---|
//! | [`FREE`](RawLock::FREE) | nobody holds it |
//! | a [`Holder`] | that thread does, and nobody sleeps: the unlock need not call the kernel |
//! | a [`Holder`] with [`WAITERS`](RawLock::WAITERS) | and others may sleep: the unlock wakes one |
//! | [`LOST`](RawLock::LOST) | for ever: its holder died, and nobody could repair what it guards |
//!
//! Sleepers sleep on `wakes`, since the kernel compares 32 bits and a holder needs more. The state is never set to the
//! holder *after* it was taken: there is no moment at which a death would leave a lock that is held by nobody.
//!
//! **Killed at any point**: before the exchange it has changed nothing, after it the word says who is dead. Killed between the
//! exchange that frees the lock and the wake-up, or as the one who was woken: a wake-up is lost, and whoever sleeps
//! looks again after [`LOOK`]. So the bound holds there as well.
//!
//! The kernel has the same for its own list of locks (set_robust_list(2)). That list belongs to libc: there is one for a
//! thread, and the distance from entry to word is the same for all entries.

use std::time::Duration;

use model::{
    futex::{wait_shared, wake_shared},
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::Holder;
use crate::shared;

/// How long a waiter sleeps before it looks: 10 ms. A look costs some 10 us, so waiting costs a thousandth of a core.
pub const LOOK: Duration = Duration::from_millis(10);

/// What the lock asks about the world. [`Processes`](super::Processes) is the real one; a model has its own.
pub trait Life {
    /// Whether this thread can still run. `false` is final: the caller takes what it held.
    fn is_alive(&self, holder: Holder) -> bool;
    /// How long to sleep before the next look; `None`: until woken.
    fn nap(&self) -> Option<Duration>;
    /// Whether to give up.
    fn is_late(&self) -> bool {
        false
    }
    /// It is at this point: where a test kills it.
    fn at(&self, point: &'static str) {
        let _ = point;
    }
}

/// How the lock was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// From one who gave it back, or as the first.
    Sound,
    /// From one who died.
    OwnerDied,
}

/// Why it was not got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody gets it any more.
    NotRecoverable,
    /// The caller has it.
    Deadlock,
    /// See [`Life::is_late`].
    TimedOut,
}

shared! {
    /// The lock without a value. All zero, it is free.
    #[derive(Debug, Default)]
    pub struct RawLock {
        /// See above.
        pub state: AtomicU64,
        /// How many wake-ups there were.
        pub wakes: AtomicU32,
    }
}

impl RawLock {
    /// Nobody holds it.
    pub const FREE: u64 = 0;
    /// Others than the holder may sleep.
    pub const WAITERS: u64 = 1 << 63;
    /// What it guards is lost. No holder has this number: thread ids are smaller.
    pub const LOST: u64 = !Self::WAITERS;

    /// Takes it for `me`, which is the calling thread.
    ///
    /// # Errors
    /// See [`Refusal`].
    #[inline]
    pub fn lock(&self, me: Holder, life: &impl Life) -> Result<Taken, Refusal> {
        // Acquire: pairs with the Release in `unlock`.
        if self.state.compare_exchange(Self::FREE, me.word(), Acquire, Relaxed).is_err() {
            return self.lock_contended(me, life);
        }
        life.at("taken");
        Ok(Taken::Sound)
    }

    // ANCHOR: contended
    #[cold]
    fn lock_contended(&self, me: Holder, life: &impl Life) -> Result<Taken, Refusal> {
        self.spin();
        // Who has slept takes it with WAITERS, even if alone: others may sleep, and would be forgotten.
        let mut mark = 0;
        loop {
            // Acquire: pairs with the Release in `wake`. Who sees the number that a wake-up left sees the lock as it was left
            // before it; else one could see an old holder with a new number, and sleep through the last wake-up.
            let seen = self.wakes.load(Acquire);
            let state = self.state.load(Relaxed);
            let holder = Holder::from_word(state & !Self::WAITERS);
            if state == Self::LOST {
                return Err(Refusal::NotRecoverable);
            }
            if state == Self::FREE {
                // Acquire: pairs with the Release in `unlock`.
                if self.state.compare_exchange(Self::FREE, me.word() | mark, Acquire, Relaxed).is_ok() {
                    life.at("taken");
                    return Ok(Taken::Sound);
                }
                continue;
            }
            if holder == me {
                return Err(Refusal::Deadlock);
            }
            let marked = state | Self::WAITERS;
            // Relaxed: it tells nobody anything but itself.
            if state != marked && self.state.compare_exchange(state, marked, Relaxed, Relaxed).is_err() {
                continue;
            }
            mark = Self::WAITERS;
            life.at("marked");
            wait_shared(&self.wakes, seen, life.nap());
            life.at("woken");
            // Nobody has woken anybody: a moment has passed, or a signal came. Time to look.
            if self.wakes.load(Relaxed) == seen {
                // Relaxed: what the dead one wrote is seen by whoever has learnt of its death, from the kernel. The exchange
                // succeeds for one waiter, and only as long as it is held by this holder, who does not come back.
                if !life.is_alive(holder)
                    && self.state.compare_exchange(marked, me.word() | mark, Relaxed, Relaxed).is_ok()
                {
                    life.at("taken over");
                    return Ok(Taken::OwnerDied);
                }
                if life.is_late() {
                    return Err(Refusal::TimedOut);
                }
            }
        }
    }
    // ANCHOR_END: contended

    /// Gives it back. Only for the thread that has it.
    #[inline]
    pub fn unlock(&self, life: &impl Life) {
        // Release: pairs with the Acquire of the next to lock.
        let state = self.state.swap(Self::FREE, Release);
        life.at("unlocked");
        if state & Self::WAITERS != 0 {
            self.wake(1);
        }
    }

    /// Gives it up, for all and for ever: what it guards is not to be used any more. Only for the thread that has it.
    pub fn give_up(&self) {
        // Relaxed: nobody reads what it guards.
        self.state.swap(Self::LOST, Relaxed);
        self.wake(u32::MAX);
    }

    #[cold]
    fn wake(&self, most: u32) {
        // Release: pairs with the Acquire in `lock_contended`.
        self.wakes.fetch_add(1, Release);
        wake_shared(&self.wakes, most);
    }

    /// Looks for a while if it gets free, as long as a short critical section takes. A checker has no time to save.
    fn spin(&self) {
        if cfg!(any(feature = "loom", feature = "shuttle")) {
            return;
        }
        for pauses in [16, 32, 64] {
            let state = self.state.load(Relaxed);
            // Where somebody sleeps already: they will be woken, and come first.
            if state == Self::FREE || state & Self::WAITERS != 0 {
                return;
            }
            (0..pauses).for_each(|_| model::hint::spin_loop());
        }
    }
}
