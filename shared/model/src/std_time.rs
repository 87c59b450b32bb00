//! std: the monotonic clock.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use crate::sync::{Condvar, MutexGuard};

/// When to give up waiting; perhaps never.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// `limit` from now. One so far away that the clock cannot express it never passes.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit))
    }

    /// Never passes.
    pub fn never() -> Self {
        Self(None)
    }

    /// Sleeps until woken, for no reason, or until the deadline. Returns the guard, and whether the deadline has
    /// passed: also if a wake-up came, so look at what you wait for before you give up.
    ///
    /// Poison is ignored: meant for a lock under which nobody's code can panic.
    pub fn wait<'a, T>(self, condvar: &Condvar, guard: MutexGuard<'a, T>) -> (MutexGuard<'a, T>, bool) {
        let Some(end) = self.0 else {
            return (condvar.wait(guard).unwrap_or_else(PoisonError::into_inner), false);
        };
        let left = end.saturating_duration_since(Instant::now());
        let (guard, _) = condvar.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
        (guard, Instant::now() >= end)
    }
}

/// Does nothing: here time passes by itself.
pub fn pass() {}
