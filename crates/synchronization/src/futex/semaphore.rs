//! A number of permits: one word decides, another one is slept on.
//!
//! Permits and waiters stand side by side in one 64-bit word, so that a release learns in the same step in which it
//! adds permits whether anybody waits for them. Two words, read one after the other, would need the strongest
//! orderings to tell the truth about each other. glibc's `sem_t` is made in the same way.

use std::{
    fmt,
    time::{Duration, Instant},
};

use model::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use super::{call, spin};

/// Permits that threads take and give back; who finds none waits. In Python: `threading.Semaphore`.
pub struct Semaphore {
    /// Permits in the upper half, so that too many of them overflow; threads that wait in the lower half.
    state: AtomicU64,
    /// How many releases found somebody waiting, and what they sleep on.
    wake_ups: AtomicU32,
}

/// One permit in `state`.
const PERMIT: u64 = 1 << 32;
/// One waiter in `state`.
const WAITER: u64 = 1;

impl Semaphore {
    /// With so many permits to begin with.
    ///
    /// # Panics
    /// With more than `u32::MAX`.
    pub fn new(permits: usize) -> Self {
        let permits = u32::try_from(permits).expect("at most u32::MAX permits");
        Self { state: AtomicU64::new(u64::from(permits) * PERMIT), wake_ups: AtomicU32::new(0) }
    }

    /// Takes a permit, and waits until there is one.
    pub fn acquire(&self) -> Permit<'_> {
        if !self.try_take(0) {
            self.acquire_contended(None);
        }
        self.permit()
    }

    /// A permit, if there is one now.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_take(0).then(|| self.permit())
    }

    /// A permit, if there is one within `limit`.
    pub fn acquire_timeout(&self, limit: Duration) -> Option<Permit<'_>> {
        (self.try_take(0) || self.acquire_contended(Some(limit))).then(|| self.permit())
    }

    /// Adds `permits`, and wakes as many of those who wait.
    ///
    /// # Panics
    /// When there would be more than `u32::MAX`; none is added then.
    pub fn release(&self, permits: usize) {
        let added = u32::try_from(permits).expect("at most u32::MAX permits");
        let add = |state: u64| state.checked_add(u64::from(added) * PERMIT);
        // Release: pairs with the Acquire in `try_take`.
        let before = self.state.fetch_update(Release, Relaxed, add).expect("at most u32::MAX permits");
        if before % PERMIT >= WAITER {
            // Release: who sees this number sees the permits too, and Acquire in `acquire_contended` is its pair.
            self.wake_ups.fetch_add(1, Release);
            call::wake(&self.wake_ups, added);
        }
    }

    /// How many permits there are just now.
    pub fn available(&self) -> usize {
        (self.state.load(Relaxed) / PERMIT) as usize
    }

    fn permit(&self) -> Permit<'_> {
        Permit { semaphore: self }
    }

    /// Takes a permit, if there is one, and so many waiters leave with it.
    fn try_take(&self, waiters: u64) -> bool {
        let take = |state: u64| (state >= PERMIT).then(|| state - PERMIT - waiters);
        // Acquire: pairs with the Release in `release`: what was done before it is seen by who gets the permit.
        self.state.fetch_update(Acquire, Relaxed, take).is_ok()
    }

    #[cold]
    fn acquire_contended(&self, limit: Option<Duration>) -> bool {
        // A limit that the clock cannot express is as good as none.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        if spin(|| self.try_take(0)) {
            return true;
        }
        self.state.fetch_add(WAITER, Relaxed);
        let mut in_time = true;
        loop {
            // Before the look at the permits: a release after it changes the number, and the wait returns at once.
            // Acquire: pairs with the Release in `release`.
            let seen = self.wake_ups.load(Acquire);
            // Also when time is up: who was woken for a permit takes it, else nobody would.
            if self.try_take(WAITER) {
                return true;
            }
            if !in_time {
                self.state.fetch_sub(WAITER, Relaxed);
                return false;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            in_time = call::wait(&self.wake_ups, seen, left);
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("available", &self.available()).finish_non_exhaustive()
    }
}

/// A permit, given back when it is dropped, by a panic too.
#[must_use = "the permit is given back at once if it is dropped"]
#[derive(Debug)]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Permit<'_> {
    /// Keeps the permit for ever: only [`Semaphore::release`] brings it back.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.release(1);
    }
}
