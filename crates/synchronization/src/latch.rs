//! A latch: opens once, when it has been counted down, and stays open.
//!
//! ```
//! use std::thread;
//! use synchronization::Latch;
//!
//! let ready = Latch::new(3);
//! thread::scope(|scope| {
//!     for _ in 0..3 {
//!         scope.spawn(|| ready.count_down());
//!     }
//!     ready.wait(); // until all three are so far
//! });
//! assert_eq!(ready.count(), 0);
//! ```
//!
//! In Python there is none; one takes a `Semaphore` or a `Condition` and a count. In C++: `std::latch`.

use std::{sync::PoisonError, time::Duration};

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Deadline,
};

/// A count that goes down to 0, and threads that sleep until then.
///
/// Other than at a [`Barrier`](crate::Barrier), who counts down does not wait, and one thread may count down often.
///
/// # Poison
/// None: the lock inside guards a count, and nothing that could panic runs under it.
#[derive(Debug)]
pub struct Latch {
    left: Mutex<usize>,
    opened: Condvar,
}

impl Latch {
    /// A latch that opens after `n` counts; with 0 it is open.
    pub fn new(n: usize) -> Self {
        Self { left: Mutex::new(n), opened: Condvar::new() }
    }

    /// Counts one down; the last one opens the latch. An open latch stays as it is.
    pub fn count_down(&self) {
        let mut left = self.left();
        if *left == 0 {
            return;
        }
        *left -= 1;
        if *left == 0 {
            drop(left);
            self.opened.notify_all();
        }
    }

    /// Sleeps until the latch is open.
    pub fn wait(&self) {
        self.wait_until(Deadline::never());
    }

    /// Sleeps until the latch is open, but not longer than `limit`. Whether it is open.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.wait_until(Deadline::after(limit))
    }

    /// How many counts are left.
    pub fn count(&self) -> usize {
        *self.left()
    }

    fn wait_until(&self, deadline: Deadline) -> bool {
        deadline.wait_while(&self.opened, self.left(), |left| *left > 0).1
    }

    fn left(&self) -> MutexGuard<'_, usize> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
