//! A lock that knows its place in the order, and refuses to be taken out of it: an error at once, in every run, instead
//! of a deadlock in one of a million.
//!
//! Each lock has a rank, and a thread may take one only if its rank is above all that it holds. Then no circle of waits
//! is possible: follow it and the ranks would rise for ever. What a run has checked is only what it did; an order that
//! the compiler checks is in [`levels`](crate::levels). (A "hierarchical mutex": Williams, "C++ Concurrency in Action",
//! 3.2.5.)
//!
//! ```
//! use deadlock::Ranked;
//!
//! let (ledger, log) = (Ranked::new("ledger", 1, 0), Ranked::new("log", 2, Vec::new()));
//! let mut sum = ledger.lock()?;
//! log.lock()?.push("a deposit");
//! *sum += 1;
//! drop(sum);
//!
//! let _lines = log.lock()?;
//! let error = ledger.lock().unwrap_err();
//! assert_eq!(error.to_string(), "'ledger' (rank 1) may not be locked while 'log' (rank 2) is held");
//! # Ok::<(), deadlock::RankError>(())
//! ```

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
};

use model::sync::{Mutex, MutexGuard};
use thiserror::Error;

model::thread_local! {
    // Not `const { .. }`: a checker's `thread_local!` does not know that.
    #[allow(clippy::missing_const_for_thread_local)]
    /// Name and rank of each lock that the calling thread holds.
    static HELD: RefCell<Vec<(&'static str, u32)>> = RefCell::new(Vec::new());
}

/// A mutex with a place in the order of all locks.
#[derive(Debug)]
pub struct Ranked<T> {
    name: &'static str,
    rank: u32,
    mutex: Mutex<T>,
}

/// Why a lock was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RankError {
    /// The calling thread holds one that comes later (or the same one, or another one of the same rank).
    #[error("'{wanted}' (rank {rank}) may not be locked while '{held}' (rank {held_rank}) is held")]
    OutOfOrder {
        /// What was to be locked.
        wanted: &'static str,
        /// Its rank.
        rank: u32,
        /// What the thread holds.
        held: &'static str,
        /// Its rank.
        held_rank: u32,
    },
    /// A thread panicked while it held it: what it guards may be half changed.
    #[error("'{0}' is poisoned")]
    Poisoned(&'static str),
}

/// While it lives its thread holds the lock.
#[derive(Debug)]
pub struct RankedGuard<'a, T> {
    lock: &'a Ranked<T>,
    guard: MutexGuard<'a, T>,
}

impl<T> Ranked<T> {
    /// A free lock called `name`; those with a lower `rank` must be taken before it.
    pub fn new(name: &'static str, rank: u32, data: T) -> Self {
        Self { name, rank, mutex: Mutex::new(data) }
    }

    /// Waits until nobody else holds it, and takes it until the guard is dropped.
    ///
    /// # Errors
    /// When this thread holds a lock of the same or a higher rank. And when it is poisoned.
    pub fn lock(&self) -> Result<RankedGuard<'_, T>, RankError> {
        let highest = HELD.with(|held| held.borrow().iter().copied().max_by_key(|(_, rank)| *rank));
        if let Some((held, held_rank)) = highest
            && held_rank >= self.rank
        {
            return Err(RankError::OutOfOrder { wanted: self.name, rank: self.rank, held, held_rank });
        }
        let guard = self.mutex.lock().map_err(|_| RankError::Poisoned(self.name))?;
        HELD.with(|held| held.borrow_mut().push((self.name, self.rank)));
        Ok(RankedGuard { lock: self, guard })
    }
}

impl<T> Deref for RankedGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for RankedGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T> Drop for RankedGuard<'_, T> {
    fn drop(&mut self) {
        // Guards may go in any order. No two held ones have the same rank.
        HELD.with(|held| held.borrow_mut().retain(|(_, rank)| *rank != self.lock.rank));
    }
}
