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
    sync::{Condvar, Mutex, MutexGuard},
    time::Deadline,
};

use crate::{OverRelease, give_way::give_way_while};

/// Permits to be taken and given back, by any thread.
///
/// Not fair: one who comes at the right moment can take a permit before one who was woken for it, who then sleeps on.
/// (CPython's is not fair either. It is what makes a semaphore fast: nobody waits for a sleeper to wake up.)
///
/// # Poison
/// None: the lock inside guards two counts, and nothing that could panic runs under it.
#[derive(Debug)]
pub struct Semaphore {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug)]
struct State {
    available: usize,
    /// Threads that sleep, or are just waking up: what comes back must wake that many at most.
    waiting: usize,
}

impl Semaphore {
    /// A semaphore with `permits` to begin with; with none, the first [`release`](Self::release) makes one.
    pub fn new(permits: usize) -> Self {
        Self { state: Mutex::new(State { available: permits, waiting: 0 }), released: Condvar::new() }
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
        self.state().available
    }

    /// Threads that wait for a permit at this moment.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    fn permit(&self) -> Permit<'_> {
        Permit { semaphore: self, bound: usize::MAX }
    }

    /// Takes a permit if there is one.
    pub(crate) fn try_take(&self) -> bool {
        let mut state = self.state();
        let there = state.available > 0;
        state.available -= usize::from(there);
        there
    }

    /// Waits for a permit and takes it; `false` if the deadline passes first.
    pub(crate) fn take(&self, deadline: Deadline) -> bool {
        let none = |state: &mut State| state.available == 0;
        let mut state = give_way_while(&self.state, self.state(), none);
        state.waiting += 1;
        let (mut state, there) = deadline.wait_while(&self.released, state, none);
        state.waiting -= 1;
        // There may be one although time is up: then it is taken. Had this one been woken for a permit and left it,
        // nobody else would be woken for it.
        if there {
            state.available -= 1;
        }
        there
    }

    /// Adds `n` permits, unless there would be more than `bound`.
    pub(crate) fn release_within(&self, bound: usize, n: usize) -> Result<(), OverRelease> {
        let mut state = self.state();
        let refused = OverRelease { released: n, available: state.available, bound };
        state.available = state.available.checked_add(n).filter(|sum| *sum <= bound).ok_or(refused)?;
        let wake = state.waiting.min(n);
        // First the lock, or who is woken would go to sleep on it at once.
        drop(state);
        for _ in 0..wake {
            self.released.notify_one();
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
