//! A lock that one can give up waiting for.
//!
//! std's mutex has no time limit; `parking_lot::Mutex::try_lock_for` has, and so has this one of a page. It guards no
//! data, as Python's `threading.Lock`, whose `acquire(timeout=...)` is [`lock_within`](TimedLock::lock_within).
//!
//! ```
//! use std::time::Duration;
//! use deadlock::TimedLock;
//!
//! let lock = TimedLock::new();
//! let held = lock.lock_within(Duration::from_secs(60))?;
//! assert!(lock.lock_within(Duration::from_millis(1)).is_err());
//! drop(held);
//! # Ok::<(), deadlock::TimedOut>(())
//! ```

use std::{sync::PoisonError, time::Duration};

use model::{
    sync::{Condvar, Mutex},
    time::Deadline,
};
use thiserror::Error;

/// Exclusion with a limit to the wait.
#[derive(Debug)]
pub struct TimedLock {
    is_held: Mutex<bool>,
    freed: Condvar,
}

/// It was held for as long as the caller was ready to wait. Nothing is held now by this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("gave up waiting for the lock after {limit:?}")]
pub struct TimedOut {
    /// How long that was.
    pub limit: Duration,
}

/// While it lives the lock is held.
#[derive(Debug)]
pub struct TimedGuard<'a>(&'a TimedLock);

impl Default for TimedLock {
    fn default() -> Self {
        Self::new()
    }
}

impl TimedLock {
    /// A free lock.
    pub fn new() -> Self {
        Self { is_held: Mutex::new(false), freed: Condvar::new() }
    }

    /// Waits for it, but not longer than `limit`. A free lock is taken even if `limit` is zero.
    ///
    /// # Errors
    /// [`TimedOut`] when it was held all the time.
    pub fn lock_within(&self, limit: Duration) -> Result<TimedGuard<'_>, TimedOut> {
        // Poison: nothing can panic under this mutex.
        let is_held = self.is_held.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut is_held, came) = Deadline::after(limit).wait_while(&self.freed, is_held, |is_held| *is_held);
        if !came {
            return Err(TimedOut { limit });
        }
        *is_held = true;
        Ok(TimedGuard(self))
    }
}

impl Drop for TimedGuard<'_> {
    fn drop(&mut self) {
        *self.0.is_held.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.freed.notify_one();
    }
}
