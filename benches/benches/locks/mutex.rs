//! Locks around an addition, the shortest critical section that there is.

use std::{
    cell::UnsafeCell,
    sync::{Mutex, PoisonError},
};

use lesson::measure::cores;
use synchronization::spin::{McsLock, SpinLock, TicketLock};

use crate::{InOneLine, Plan, Turn, threads_of};

pub(crate) fn compare(threads: usize, plan: Plan) {
    let theirs = InOneLine(Mutex::new(0_u64));
    let posix = PosixMutex::new();
    let spin = InOneLine(SpinLock::new(0_u64));
    let tickets = InOneLine(TicketLock::new(0_u64));
    let queue = InOneLine(McsLock::new(0_u64));
    let add_under_theirs = || *theirs.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    let add_in_c = || posix.add_one();
    let mut kinds: Vec<(&str, Turn)> =
        vec![("std::sync::Mutex", &add_under_theirs), ("pthread_mutex", &add_in_c)];
    #[cfg(target_os = "linux")]
    let ours = InOneLine(synchronization::futex::Mutex::new(0_u64));
    #[cfg(target_os = "linux")]
    let add_under_ours = || *ours.0.lock() += 1;
    #[cfg(target_os = "linux")]
    kinds.push(("futex::Mutex", &add_under_ours));
    let add_spinning = || *spin.0.lock() += 1;
    let add_in_turn = || *tickets.0.lock() += 1;
    let add_in_queue = || queue.0.with(|total| *total += 1);
    kinds.push(("SpinLock", &add_spinning));
    // Handed over in turn, a lock that spins takes minutes when there are more threads than cores.
    if threads <= cores() {
        kinds.push(("TicketLock", &add_in_turn));
        kinds.push(("McsLock", &add_in_queue));
    }
    crate::compare(&format!("locks, {}", threads_of(threads)), plan, &kinds, threads, 2);
}

/// The mutex of C, as it comes: `PTHREAD_MUTEX_INITIALIZER`.
struct PosixMutex {
    // In a box: it must not move while it is in use.
    inner: Box<InOneLine<(UnsafeCell<libc::pthread_mutex_t>, UnsafeCell<u64>)>>,
}

// SAFETY: the total is reached under the mutex only, which is made for threads.
unsafe impl Sync for PosixMutex {}

impl PosixMutex {
    fn new() -> Self {
        let mutex = UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER);
        Self { inner: Box::new(InOneLine((mutex, UnsafeCell::new(0)))) }
    }

    fn add_one(&self) {
        let (mutex, total) = &self.inner.0;
        // SAFETY: the mutex is initialised, and is locked and unlocked by one thread; between the two nobody else
        // reaches the total.
        unsafe {
            let locked = libc::pthread_mutex_lock(mutex.get());
            debug_assert_eq!(locked, 0);
            *total.get() += 1;
            libc::pthread_mutex_unlock(mutex.get());
        }
    }
}
