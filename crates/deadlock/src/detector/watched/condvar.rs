//! A condition variable whose sleepers are known.

use std::{
    borrow::Cow,
    fmt,
    panic::Location,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    Detector, MutexGuard,
    block::{Blocking, Woken},
    graph::On,
    identity::Identity,
    local,
};
use crate::detector::{Kind, LockError, Report};

/// As `std::sync::Condvar` (`threading.Condition`). A wait can be judged in a closed world only: see
/// [`Detector::new`]. It never wakes for nothing, but programs should not rely on that.
pub struct Condvar {
    identity: Identity,
    /// The number of the only mutex it may be used with; 0 before the first wait.
    mutex: AtomicU64,
}

/// Whether a wait ended because its time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether it did.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable of the process's own detector.
    #[track_caller]
    pub const fn new() -> Self {
        let identity = Identity::global(Kind::Condvar, Cow::Borrowed(""), Location::caller());
        Self { identity, mutex: AtomicU64::new(0) }
    }

    /// A condition variable of the process's own detector; reports call it `name`.
    #[track_caller]
    pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
        let identity = Identity::global(Kind::Condvar, name.into(), Location::caller());
        Self { identity, mutex: AtomicU64::new(0) }
    }

    #[track_caller]
    pub(super) fn of(detector: &Detector, name: Cow<'static, str>) -> Self {
        let identity = Identity::of(detector, Kind::Condvar, name, Location::caller());
        Self { identity, mutex: AtomicU64::new(0) }
    }

    /// Gives the mutex back, sleeps until notified, and takes the mutex again.
    ///
    /// # Errors
    /// [`LockError::WouldDeadlock`] when nobody is left who could notify (the mutex is then not held any more), or
    /// when taking the mutex again would deadlock. [`LockError::Poisoned`] as std's.
    ///
    /// # Panics
    /// When it was used with another mutex before, or with one of another detector.
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>> {
        let blocking = Blocking::new(Location::caller(), None);
        let mutex = guard.mutex;
        self.sleep(guard, blocking).map_err(LockError::WouldDeadlock)?;
        mutex.raw.acquire(blocking.place).map_err(LockError::WouldDeadlock)?;
        Ok(mutex.guard()?)
    }

    /// Waits as long as `condition` holds.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait`](Self::wait), but sleeps no longer than `timeout`: such a sleep is never part of a deadlock.
    ///
    /// # Errors
    /// When taking the mutex again would deadlock, or it is poisoned.
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "std's, with our error")]
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let blocking = Blocking::new(Location::caller(), Some(timeout));
        let mutex = guard.mutex;
        let notified = self.sleep(guard, blocking).map_err(LockError::WouldDeadlock)?;
        mutex.raw.acquire(blocking.place).map_err(LockError::WouldDeadlock)?;
        Ok((mutex.guard()?, WaitTimeoutResult(!notified)))
    }

    /// Wakes the one that has slept longest. What is notified while nobody sleeps is lost.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Wakes all that sleep.
    pub fn notify_all(&self) {
        self.notify(usize::MAX);
    }

    fn notify(&self, most: usize) {
        local::try_with(|local| local.meet(&self.identity));
        let number = self.identity.number();
        let mut graph = self.identity.detector().graph();
        let queue = &mut graph.object(number).queue;
        let count = most.min(queue.len());
        let awake: Vec<u64> = queue.drain(..count).map(|(thread, _)| thread).collect();
        awake.into_iter().for_each(|thread| graph.wake(thread));
    }

    /// Gives the mutex back and sleeps; both are one step, so no notification falls between. Whether it was notified.
    fn sleep<T: ?Sized>(&self, guard: MutexGuard<'_, T>, blocking: Blocking) -> Result<bool, Arc<Report>> {
        let raw = &guard.mutex.raw;
        self.check_mutex(&raw.identity);
        let number = self.identity.number();
        guard.poison();
        local::with(|local| {
            local.meet(&self.identity);
            let detector = self.identity.detector();
            let mut graph = detector.graph();
            raw.release_under(local, &mut graph);
            std::mem::forget(guard); // it has been given back just now
            let me = local.number();
            graph.object(number).queue.push_back((me, On::Notify(number)));
            let (mut graph, woken) = detector.block(graph, local, On::Notify(number), blocking);
            // Who is no longer in the queue was notified, whatever else happened.
            let notified = !graph.object(number).leave(me);
            match woken {
                Woken::Deadlock(report) if !notified => Err(report),
                _ => Ok(notified),
            }
        })
    }

    fn check_mutex(&self, mutex: &Identity) {
        assert!(
            mutex.domain() == self.identity.domain(),
            "a condition variable and its mutex must belong to the same detector"
        );
        let number = mutex.number();
        if let Err(other) = self.mutex.compare_exchange(0, number, Relaxed, Relaxed)
            && other != number
        {
            let graph = self.identity.detector().graph();
            let name =
                |number| graph.describe_object(number).map_or("one dropped since".into(), |o| o.to_string());
            let (first, second) = (name(other), name(number));
            drop(graph);
            panic!("attempted to use a condition variable with two mutexes: {first} and {second}");
        }
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Condvar").finish_non_exhaustive()
    }
}
