//! A flag that processes wait for, in one word: set or not, whether anybody may sleep, and how often it was set.
//!
//! The number is for those who wait while the flag is set and cleared again at once: they were called, and go on.

use std::time::Duration;

use model::{
    futex::wake_shared,
    sync::atomic::{
        AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::{lock::limit::Limit, shared};

shared! {
    /// In Python: `multiprocessing.Event`.
    #[derive(Debug, Default)]
    pub struct Event {
        /// [`SET`](Self::SET), [`SLEEPERS`](Self::SLEEPERS), and above them how often it was set.
        pub state: AtomicU32,
    }
}

impl Event {
    /// The flag.
    pub const SET: u32 = 1;
    /// Somebody may sleep.
    pub const SLEEPERS: u32 = 2;
    const ONCE: u32 = 4;

    /// Whether it is set. Who sees that it is sees all that was written before it was.
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the Release in `set_at`.
        self.state.load(Acquire) & Self::SET != 0
    }

    /// Sets it, and wakes all who wait.
    pub fn set(&self) {
        self.set_at(|_| ());
    }

    /// The same. Point: `set`, before it wakes them.
    pub fn set_at(&self, at: impl Fn(&'static str)) {
        let mut state = self.state.load(Relaxed);
        loop {
            let set = (state & !Self::SLEEPERS).wrapping_add(Self::ONCE) | Self::SET;
            // Release: pairs with the Acquire of whoever sees it.
            match self.state.compare_exchange_weak(state, set, Release, Relaxed) {
                Ok(_) => break,
                Err(newer) => state = newer,
            }
        }
        at("set");
        if state & Self::SLEEPERS != 0 {
            wake_shared(&self.state, u32::MAX);
        }
    }

    /// Clears it. Who waited before and was called goes on nevertheless.
    pub fn clear(&self) {
        // Relaxed: it promises nothing.
        self.state.fetch_and(!Self::SET, Relaxed);
    }

    /// Waits until it is set.
    pub fn wait(&self) {
        self.wait_at(None, |_| ());
    }

    /// As [`wait`](Self::wait), for `limit` at most: whether it was set.
    pub fn wait_within(&self, limit: Duration) -> bool {
        self.wait_at(Some(limit), |_| ())
    }

    /// Both. Points: `marked` before it sleeps, `woken` after.
    pub fn wait_at(&self, limit: Option<Duration>, at: impl Fn(&'static str)) -> bool {
        let limit = Limit::of(limit);
        let before = self.state.load(Relaxed) / Self::ONCE;
        let mut goes_on = true;
        loop {
            // Acquire: pairs with the Release in `set_at`.
            let state = self.state.load(Acquire);
            if state & Self::SET != 0 || state / Self::ONCE != before {
                return true;
            }
            // It may have been set together with the end of time.
            if !goes_on {
                return false;
            }
            let marked = state | Self::SLEEPERS;
            // Relaxed: it tells nobody anything but itself.
            if state != marked && self.state.compare_exchange(state, marked, Relaxed, Relaxed).is_err() {
                continue;
            }
            at("marked");
            goes_on = limit.sleep(&self.state, marked);
            at("woken");
        }
    }
}
