//! The checker's condition variable, with what loom's lacks, and within reach of the modelled clock.

use std::{
    sync::{Arc, LockResult},
    time::Duration,
};

#[cfg(feature = "loom")]
use loom::sync as checker;
#[cfg(not(feature = "loom"))]
use shuttle::sync as checker;

use checker::{MutexGuard, WaitTimeoutResult};

/// The checker's condition variable with a `wait_while`.
// Shared, because the modelled clock may still be waking sleepers when its owner is gone.
#[derive(Debug, Default)]
pub struct Condvar(pub(crate) Arc<checker::Condvar>);

impl Condvar {
    /// A condition variable nobody waits on.
    #[track_caller]
    pub fn new() -> Self {
        Self(Arc::new(checker::Condvar::new()))
    }

    /// Sleeps until woken.
    ///
    /// # Errors
    /// Never in loom: see `std::sync::Condvar::wait` for the poisoned lock of the real one.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    /// Sleeps as long as `condition` holds.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.0.wait(guard)?;
        }
        Ok(guard)
    }

    /// Sleeps until woken; **never** times out. For a wait that does, see [`time::Deadline`](crate::time::Deadline).
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.0.wait_timeout(guard, limit)
    }

    /// Wakes one sleeper.
    #[track_caller]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all sleepers.
    #[track_caller]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
