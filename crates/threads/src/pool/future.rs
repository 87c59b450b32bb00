//! The receipt for a submitted task: ask it, wait for it, cancel it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use model::sync::Arc;

use super::{Ending, PoolError, slot::Slot};

/// A result that is on its way (`concurrent.futures.Future`; not `std::future::Future`: nothing polls it).
///
/// The value is moved out, so it can be had once. A future that is dropped detaches its task, which runs all
/// the same.
#[must_use = "dropping it detaches the task: nobody will learn of its result or its panic"]
pub struct Future<T> {
    slot: Arc<Slot<T>>,
}

impl<T> Future<T> {
    pub(super) fn of(slot: Arc<Slot<T>>) -> Self {
        Self { slot }
    }

    /// Waits for the task's value.
    ///
    /// Called inside a task for another task of the same pool, it may wait for ever: see
    /// [the pool's limits](super#limits).
    ///
    /// # Errors
    /// [`PoolError::Panicked`], [`PoolError::Cancelled`], [`PoolError::Broken`], or [`PoolError::Taken`] if
    /// the value was had before.
    pub fn result(self) -> Result<T, PoolError> {
        self.slot.wait(None)
    }

    /// Waits for the task's value, at most for `limit`. A task that takes longer goes on: ask again.
    ///
    /// # Errors
    /// [`PoolError::TimedOut`], and as [`result`](Self::result).
    pub fn result_timeout(&mut self, limit: Duration) -> Result<T, PoolError> {
        // A limit beyond what the clock can express is none (`threading.TIMEOUT_MAX` is about 292 years).
        self.slot.wait(Instant::now().checked_add(limit))
    }

    /// The task's value if it has ended, `None` if not. Never waits.
    pub fn try_result(&mut self) -> Option<Result<T, PoolError>> {
        self.slot.try_take()
    }

    /// Cancels the task if it has not started: it then never runs. `false` if it runs or has ended.
    pub fn cancel(&self) -> bool {
        self.slot.cancel()
    }

    /// Whether the task has ended: returned, failed or cancelled.
    pub fn is_done(&self) -> bool {
        self.ending().is_some()
    }

    /// Whether a thread is at it just now.
    pub fn is_running(&self) -> bool {
        self.slot.is_running()
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.ending() == Some(Ending::Cancelled)
    }

    /// How the task ended, `None` while it has not.
    pub fn ending(&self) -> Option<Ending> {
        self.slot.ending()
    }

    /// Has `callback` called exactly once when the task ends (`add_done_callback`): by the thread that ran or
    /// cancelled it, in the order of registration; by the caller at once, if it has ended already.
    ///
    /// Who waits may be woken before. A callback that panics is reported by the panic hook and otherwise
    /// ignored. It learns how the task ended and not the value, which belongs to who holds the future; what is
    /// to be done with each value can be done at the end of the task.
    pub fn on_done(&self, callback: impl FnOnce(Ending) + Send + 'static) {
        self.slot.on_end(Box::new(callback));
    }

    pub(super) fn slot(&self) -> &Slot<T> {
        &self.slot
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Future").field("ending", &self.ending()).finish_non_exhaustive()
    }
}
