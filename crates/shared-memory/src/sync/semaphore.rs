//! A number of permits that processes take and give back, in one word: the number, and whether anybody may sleep.
//!
//! A release clears the mark and wakes as many as it lets in. Who was woken sets the mark again when it takes, for others may
//! still sleep; and if it leaves permits behind it wakes the next, whom a second release did not know of.

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
    /// In Python: `multiprocessing.Semaphore`, and `BoundedSemaphore` for [`bounded`](Self::bounded).
    #[derive(Debug, Default)]
    pub struct Semaphore {
        /// Permits, and [`SLEEPERS`](Self::SLEEPERS).
        pub state: AtomicU32,
        /// No more permits than this; 0: as many as fit.
        pub most: AtomicU32,
    }
}

/// A release would have made more permits than there ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("released more often than acquired: there would be more than {most} permits")]
pub struct TooMany {
    /// The bound.
    pub most: u32,
}

impl Semaphore {
    /// Somebody may sleep.
    pub const SLEEPERS: u32 = 1 << 31;
    /// Permits that fit.
    pub const MOST: u32 = Self::SLEEPERS - 1;

    /// With so many permits, at most [`MOST`](Self::MOST).
    pub fn new(permits: u32) -> Self {
        Self { state: AtomicU32::new(permits.min(Self::MOST)), most: AtomicU32::new(0) }
    }

    /// As [`new`](Self::new), and a release beyond that number is an error.
    pub fn bounded(permits: u32) -> Self {
        Self { most: AtomicU32::new(permits), ..Self::new(permits) }
    }

    /// Permits that nobody has, at this moment.
    pub fn available(&self) -> u32 {
        self.state.load(Relaxed) & Self::MOST
    }

    /// Takes a permit, and waits until there is one.
    #[inline]
    pub fn acquire(&self) {
        self.acquire_at(None, |_| ());
    }

    /// As [`acquire`](Self::acquire), for `limit` at most: whether it has one. With [`Duration::ZERO`] it tries.
    pub fn acquire_within(&self, limit: Duration) -> bool {
        self.acquire_at(Some(limit), |_| ())
    }

    // ANCHOR: acquire
    /// Both. Points: `marked` before it sleeps, `woken` after, `taken` when it has a permit.
    #[inline]
    pub fn acquire_at(&self, limit: Option<Duration>, at: impl Fn(&'static str)) -> bool {
        let limit = Limit::of(limit);
        let mut mark = 0;
        loop {
            let state = self.state.load(Relaxed);
            let permits = state & Self::MOST;
            if permits > 0 {
                // Acquire: pairs with the Release in `release_at`.
                if self.state.compare_exchange(state, (state - 1) | mark, Acquire, Relaxed).is_ok() {
                    at("taken");
                    if mark != 0 && permits > 1 {
                        wake_shared(&self.state, 1);
                    }
                    return true;
                }
                continue;
            }
            if state == 0 && self.state.compare_exchange(0, Self::SLEEPERS, Relaxed, Relaxed).is_err() {
                continue;
            }
            mark = Self::SLEEPERS;
            at("marked");
            let goes_on = limit.sleep(&self.state, Self::SLEEPERS);
            at("woken");
            if !goes_on {
                return false;
            }
        }
    }
    // ANCHOR_END: acquire

    /// Gives a permit back, or adds one.
    ///
    /// # Errors
    /// When that is too many: nothing has changed.
    #[inline]
    pub fn release(&self) -> Result<(), TooMany> {
        self.release_at(1, |_| ())
    }

    /// So many. Point: `released`, before it wakes those who sleep.
    ///
    /// # Errors
    /// When that is too many: nothing has changed.
    #[inline]
    pub fn release_at(&self, permits: u32, at: impl Fn(&'static str)) -> Result<(), TooMany> {
        let most = match self.most.load(Relaxed) {
            0 => Self::MOST,
            most => most.min(Self::MOST),
        };
        let mut state = self.state.load(Relaxed);
        loop {
            let sum = (state & Self::MOST).checked_add(permits).filter(|sum| *sum <= most);
            let sum = sum.ok_or(TooMany { most })?;
            // Release: pairs with the Acquire in `acquire_at`.
            match self.state.compare_exchange_weak(state, sum, Release, Relaxed) {
                Ok(_) => break,
                Err(newer) => state = newer,
            }
        }
        at("released");
        if state & Self::SLEEPERS != 0 {
            wake_shared(&self.state, permits);
        }
        Ok(())
    }
}
