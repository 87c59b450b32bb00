//! A lock that serves in the order of coming: nobody who waits is ever overtaken, so nobody starves.
//!
//! Whoever comes draws a number and sleeps on a condition variable of his own until it is called; whoever leaves calls
//! the next number and wakes exactly that one. The price: when others wait, each turn goes to a thread that sleeps, and
//! waking it takes longer than most critical sections. `std::sync::Mutex` lets whoever runs take the lock meanwhile.
//!
//! `tests/fifo_model.rs` runs it under all schedules.

use std::{collections::VecDeque, sync::Arc};

use model::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A fair lock. It guards no data of its own; let it stand beside what it guards, or around a `Mutex`.
#[derive(Default)]
pub struct FifoLock {
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// The number that may be inside.
    serving: u64,
    /// The number that the next one draws.
    next: u64,
    /// Where those who wait sleep, in the order of their numbers.
    asleep: VecDeque<Arc<Condvar>>,
}

/// While it lives nobody else is inside.
pub struct FifoGuard<'a> {
    lock: &'a FifoLock,
}

impl FifoLock {
    /// Waits until all who came before have gone.
    pub fn lock(&self) -> FifoGuard<'_> {
        let mut line = self.line();
        let mine = line.next;
        line.next += 1;
        if line.serving != mine {
            let bed = Arc::new(Condvar::new());
            line.asleep.push_back(Arc::clone(&bed));
            let not_yet = |line: &mut Line| line.serving != mine;
            drop(bed.wait_while(line, not_yet).unwrap_or_else(PoisonError::into_inner));
        }
        FifoGuard { lock: self }
    }

    /// How many wait at this moment.
    pub fn waiting(&self) -> usize {
        self.line().asleep.len()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing panics under it.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FifoGuard<'_> {
    fn drop(&mut self) {
        let mut line = self.lock.line();
        line.serving += 1;
        let next = line.asleep.pop_front();
        drop(line);
        if let Some(next) = next {
            next.notify_one();
        }
    }
}
