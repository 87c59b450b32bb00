//! Waiting for a condition, in one word: a sequence number that every notification changes.
//!
//! The gap between unlocking the mutex and falling asleep is where wake-ups get lost. Here the waiter reads the number
//! *before* it unlocks, and sleeps only if it still is the same: a notification in the gap has changed it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use model::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::{MutexGuard, call};

/// Lets threads that hold a [`Mutex`](super::Mutex) wait until another one has changed the value in it.
///
/// As `std::sync::Condvar`, and as there a wait may end without any notification: wait in a loop, or with
/// [`wait_while`](Self::wait_while). Unlike there, a notification that nobody waits for does not call the kernel.
/// In Python: `threading.Condition`.
///
/// A waiter that sleeps through exactly 2<sup>32</sup> notifications between its look at the number and its sleep
/// would miss them, as in std.
#[derive(Default)]
pub struct Condvar {
    /// How many notifications there were, and what waiters sleep on.
    sequence: AtomicU32,
    /// How many are within a wait. Raised under the mutex: whoever has changed the condition under the same mutex
    /// either sees the waiter here, or was seen by it. Therefore Relaxed: it is the mutex that orders.
    waiters: AtomicU32,
}

impl Condvar {
    /// One that nobody waits on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Unlocks, sleeps until notified (or for no reason), and locks again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.sleep(guard, None).0
    }

    /// Waits as long as `condition` holds.
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while condition(&mut guard) {
            guard = self.wait(guard);
        }
        guard
    }

    /// As [`wait`](Self::wait), for `limit` at most.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        let (guard, woken) = self.sleep(guard, Some(limit));
        (guard, WaitTimeoutResult(!woken))
    }

    /// As [`wait_while`](Self::wait_while), for `limit` at most, however often it is woken meanwhile. That time is up
    /// is only said while `condition` still holds.
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> (MutexGuard<'a, T>, WaitTimeoutResult) {
        let start = Instant::now();
        let mut woken = true;
        loop {
            if !condition(&mut guard) {
                return (guard, WaitTimeoutResult(false));
            }
            if !woken {
                return (guard, WaitTimeoutResult(true));
            }
            (guard, woken) = self.sleep(guard, Some(limit.saturating_sub(start.elapsed())));
        }
    }

    /// Wakes one of those who wait, if any does.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.notify(u32::MAX);
    }

    fn notify(&self, most: u32) {
        if self.waiters.load(Relaxed) > 0 {
            // Relaxed: that the waiter did not see this number before is due to the mutex, and what it finds when
            // it wakes it sees through the mutex.
            self.sequence.fetch_add(1, Relaxed);
            call::wake(&self.sequence, most);
        }
    }

    fn sleep<'a, T>(&self, guard: MutexGuard<'a, T>, limit: Option<Duration>) -> (MutexGuard<'a, T>, bool) {
        let mutex = guard.mutex();
        self.waiters.fetch_add(1, Relaxed);
        let seen = self.sequence.load(Relaxed);
        drop(guard);
        let woken = call::wait(&self.sequence, seen, limit);
        self.waiters.fetch_sub(1, Relaxed);
        (mutex.lock(), woken)
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condvar")
    }
}

/// Whether a wait ended because its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether it did.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}
