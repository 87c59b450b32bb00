//! The time as a parameter: the system's clock, or one that a test moves by hand.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use model::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What time it is, and how to sleep until another time.
pub trait Clock: Clone + Send + 'static {
    /// The time since a fixed moment; it never goes back.
    fn now(&self) -> Duration;

    /// Sleeps on `changed` until it is notified, at most until the clock shows `until`. May return early.
    fn sleep<'a, T>(&self, changed: &Condvar, guard: MutexGuard<'a, T>, until: Duration)
    -> MutexGuard<'a, T>;

    /// `wake` is to be called after each jump of the clock. One that runs by itself never jumps.
    fn on_jump(&self, wake: Box<dyn Fn() + Send>) {
        let _ = wake;
    }
}

/// The system's monotonic clock: nobody sets it back.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// It shows zero now.
    #[expect(clippy::new_without_default, reason = "each one starts at another moment")]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep<'a, T>(
        &self,
        changed: &Condvar,
        guard: MutexGuard<'a, T>,
        until: Duration,
    ) -> MutexGuard<'a, T> {
        let left = until.saturating_sub(self.now());
        changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A clock that stands still until it is told to move: for tests and for models.
#[derive(Clone, Default)]
pub struct ManualClock(Arc<Manual>);

#[derive(Default)]
struct Manual {
    now: Mutex<Duration>,
    wakes: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl ManualClock {
    /// It shows zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves it by `step`, then wakes all who sleep by it.
    pub fn advance(&self, step: Duration) {
        *self.0.now.lock().unwrap_or_else(PoisonError::into_inner) += step;
        for wake in &*self.0.wakes.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        *self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep<'a, T>(&self, changed: &Condvar, guard: MutexGuard<'a, T>, _: Duration) -> MutexGuard<'a, T> {
        changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    fn on_jump(&self, wake: Box<dyn Fn() + Send>) {
        self.0.wakes.lock().unwrap_or_else(PoisonError::into_inner).push(wake);
    }
}
