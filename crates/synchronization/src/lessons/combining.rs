//! Flat combining: who gets the lock does the work of all who wait for it.
//!
//! Each thread writes what it wants into a slot of its own. One gets the lock and serves every slot: the data stay in
//! its cache, and the others need only see that their slot is empty again.
//!
//! Source: D. Hendler, I. Incze, N. Shavit, M. Tzafrir, *Flat Combining and the Synchronization-Parallelism Tradeoff*
//! (2010).

use std::{
    hint::spin_loop,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crossbeam_utils::CachePadded;

/// A total, and for each thread what it wants to add.
pub(super) struct Combining {
    total: Mutex<u64>,
    wanted: Box<[CachePadded<AtomicU64>]>,
}

impl Combining {
    pub(super) fn new(threads: usize) -> Self {
        Self { total: Mutex::new(0), wanted: (0..threads).map(|_| CachePadded::default()).collect() }
    }

    /// Adds `amount` (not 0) for the thread of this number.
    pub(super) fn add(&self, thread: usize, amount: u64) {
        self.wanted[thread].store(amount, Ordering::Relaxed);
        // Relaxed everywhere: the amounts are all there is, and the mutex orders the total.
        while self.wanted[thread].load(Ordering::Relaxed) > 0 {
            match self.total.try_lock() {
                Ok(mut total) => {
                    *total += self.wanted.iter().map(|slot| slot.swap(0, Ordering::Relaxed)).sum::<u64>();
                }
                Err(_) => spin_loop(),
            }
        }
    }

    pub(super) fn into_total(self) -> u64 {
        self.total.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
