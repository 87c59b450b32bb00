//! A semaphore: so many permits; who wants one when there is none sleeps until one comes back.
//!
//! ```
//! use synchronization::Semaphore;
//!
//! let seats = Semaphore::new(2);
//! let (first, _second) = (seats.acquire(), seats.acquire());
//! assert!(seats.try_acquire().is_none());
//! drop(first); // gives its permit back
//! assert_eq!(seats.available(), 1);
//! ```
//!
//! In Python: `threading.Semaphore`. There a permit is a number that someone has to remember to give back, on every
//! path out of a function; here it is a value, and dropping it gives it back, also in a panic.

use std::{mem, sync::PoisonError, time::Duration};

use model::{
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{
            AtomicUsize,
            Ordering::{Acquire, Relaxed, Release, SeqCst},
            fence,
        },
    },
    time::Deadline,
};

use crate::{OverRelease, give_way::give_way_until};

/// Permits to be taken and given back, by any thread.
///
/// Not fair: one who comes at the right moment can take a permit before one who was woken for it, who then sleeps on.
/// (CPython's is not fair either. It is what makes a semaphore fast: nobody waits for a sleeper to wake up.)
///
/// A permit that is there is taken without a lock; the lock is for falling asleep and for waking.
///
/// # Poison
/// None: nothing that could panic runs under the lock inside.
#[derive(Debug)]
pub struct Semaphore {
    available: AtomicUsize,
    /// Threads that sleep, or are about to, or are just waking up: what comes back must wake that many at most.
    waiting: AtomicUsize,
    /// Held from a last look at `available` until asleep, so that who is about to sleep is not woken too early.
    falling_asleep: Mutex<()>,
    released: Condvar,
}

impl Semaphore {
    /// A semaphore with `permits` to begin with; with none, the first [`release`](Self::release) makes one.
    pub fn new(permits: usize) -> Self {
        Self {
            available: AtomicUsize::new(permits),
            waiting: AtomicUsize::new(0),
            falling_asleep: Mutex::new(()),
            released: Condvar::new(),
        }
    }

    /// Takes a permit, sleeping until there is one.
    pub fn acquire(&self) -> Permit<'_> {
        self.take(Deadline::never());
        self.permit()
    }

    /// Takes a permit if there is one.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_take().then(|| self.permit())
    }

    /// Takes a permit, sleeping until there is one, but not longer than `limit`; `None` if there was none in all that
    /// time. A permit that comes in the last moment is taken or left for others, never lost.
    pub fn acquire_timeout(&self, limit: Duration) -> Option<Permit<'_>> {
        self.take(Deadline::after(limit)).then(|| self.permit())
    }

    /// Adds `n` permits, and wakes as many who wait. They need not have been taken before: so a semaphore can also
    /// count what there is ("three items are in the store").
    ///
    /// # Panics
    /// When that makes more than `usize::MAX`. The permits are then as before.
    pub fn release(&self, n: usize) {
        if let Err(why) = self.release_within(usize::MAX, n) {
            panic!("{why}");
        }
    }

    /// Permits that could be taken at this moment. Who acts on it may find it changed.
    pub fn available(&self) -> usize {
        self.available.load(Relaxed)
    }

    /// Threads that wait for a permit at this moment.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    fn permit(&self) -> Permit<'_> {
        Permit { semaphore: self, bound: usize::MAX }
    }

    /// Takes a permit if there is one.
    pub(crate) fn try_take(&self) -> bool {
        // Acquire: pairs with the Release in `release_within`: what was done before it is seen by who gets the permit.
        self.available.fetch_update(Acquire, Relaxed, |available| available.checked_sub(1)).is_ok()
    }

    /// Waits for a permit and takes it; `false` if the deadline passes first.
    pub(crate) fn take(&self, deadline: Deadline) -> bool {
        if self.try_take() || give_way_until(|| self.try_take()) {
            return true;
        }
        let guard = self.lock();
        self.waiting.fetch_add(1, Relaxed);
        // SeqCst: pairs with the fence in `release_within`. One of the two comes first: then either that one sees us
        // wait, or we see its permits.
        fence(SeqCst);
        // The condition is looked at once more when time is up: there may be a permit by then, and it is taken. Had
        // this one been woken for it and left it, nobody else would be woken for it.
        let (_guard, taken) = deadline.wait_while(&self.released, guard, |()| !self.try_take());
        self.waiting.fetch_sub(1, Relaxed);
        taken
    }

    /// Adds `n` permits, unless there would be more than `bound`.
    pub(crate) fn release_within(&self, bound: usize, n: usize) -> Result<(), OverRelease> {
        let add = |available: usize| available.checked_add(n).filter(|sum| *sum <= bound);
        // Release: pairs with the Acquire in `try_take`.
        self.available.fetch_update(Release, Relaxed, add).map_err(|available| OverRelease {
            released: n,
            available,
            bound,
        })?;
        // SeqCst: pairs with the fence in `take`.
        fence(SeqCst);
        let wake = self.waiting.load(Relaxed).min(n);
        if wake > 0 {
            // Who has found no permit, and is not asleep yet, has the lock: it can be woken after that.
            drop(self.lock());
            for _ in 0..wake {
                self.released.notify_one();
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.falling_asleep.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit, given back when it is dropped.
#[derive(Debug)]
#[must_use = "the permit is given back as soon as this is dropped"]
pub struct Permit<'a> {
    pub(crate) semaphore: &'a Semaphore,
    pub(crate) bound: usize,
}

impl Permit<'_> {
    /// Keeps the permit from being given back: the semaphore has one less, until someone
    /// [releases](Semaphore::release) one.
    pub fn forget(self) {
        mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // Refused only when someone has released more than was taken: then this permit is back already.
        let _ = self.semaphore.release_within(self.bound, 1);
    }
}
