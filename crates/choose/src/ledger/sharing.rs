//! What two threads do to a number, to two locks, and to a queue of one: forced, not left to luck.

use std::{
    sync::{
        Barrier, Condvar, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

/// What came out.
pub(super) struct Shared {
    pub(super) increments: u64,
    pub(super) lost: u64,
    pub(super) lost_locked: u64,
    pub(super) inside: usize,
    pub(super) in_order: bool,
    pub(super) stuck: bool,
}

const EACH: u64 = 100;

pub(super) fn shared() -> Shared {
    let increments = 2 * EACH;
    Shared {
        increments,
        lost: increments - unlocked(),
        lost_locked: increments - locked(),
        inside: inside(),
        in_order: in_order(),
        stuck: stuck(),
    }
}

/// Both read, then both write: every other increment is lost, though each read and each write is atomic.
fn unlocked() -> u64 {
    let (number, both) = (AtomicU64::new(0), Barrier::new(2));
    twice(|_| {
        for _ in 0..EACH {
            let read = number.load(SeqCst);
            both.wait();
            number.store(read + 1, SeqCst);
            both.wait();
        }
    });
    number.into_inner()
}

fn locked() -> u64 {
    let number = Mutex::new(0);
    twice(|_| {
        for _ in 0..EACH {
            // A panic elsewhere leaves a number a number.
            *number.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
        }
    });
    number.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// How many of four are inside at most, where a semaphore lets two in.
fn inside() -> usize {
    let (free, changed) = (Mutex::new(2_usize), Condvar::new());
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let free = || free.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let mut permits = free();
                    while *permits == 0 {
                        permits = changed.wait(permits).unwrap_or_else(|poisoned| poisoned.into_inner());
                    }
                    *permits -= 1;
                    drop(permits);
                    most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                    thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                    *free() += 1;
                    changed.notify_one();
                }
            });
        }
    });
    most.into_inner()
}

/// A slot for one number, a condition for "full" and "empty": whether all come, and in order.
fn in_order() -> bool {
    let (slot, changed) = (Mutex::new(None), Condvar::new());
    let lock = || slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..EACH {
                let full = |slot: &mut Option<u64>| slot.is_some();
                let mut slot =
                    changed.wait_while(lock(), full).unwrap_or_else(|poisoned| poisoned.into_inner());
                *slot = Some(number);
                changed.notify_one();
            }
        });
        let came = (0..EACH).map(|number| {
            let empty = |slot: &mut Option<u64>| slot.is_none();
            let mut slot = changed.wait_while(lock(), empty).unwrap_or_else(|poisoned| poisoned.into_inner());
            let as_sent = slot.take() == Some(number);
            changed.notify_one();
            as_sent
        });
        // To the last one, whatever came: the other thread would wait for ever otherwise.
        came.fold(true, |all, one| all & one)
    })
}

/// Whether two threads that hold a lock each are both refused the other's: then waiting for it would have no end.
fn stuck() -> bool {
    let (locks, both) = ([Mutex::new(()), Mutex::new(())], Barrier::new(2));
    let refused = twice(|me| {
        let mine = locks[me].lock();
        both.wait();
        let refused = locks[1 - me].try_lock().is_err();
        // Nobody lets go before both have asked.
        both.wait();
        drop(mine);
        refused
    });
    refused == [Some(true), Some(true)]
}

/// The same on two threads; `None` for one that panicked.
fn twice<T: Send>(work: impl Fn(usize) -> T + Sync) -> [Option<T>; 2] {
    let work = &work;
    thread::scope(|scope| {
        let threads = [scope.spawn(move || work(0)), scope.spawn(move || work(1))];
        threads.map(|thread| thread.join().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forced_comes_out_alike_every_time() {
        for _ in 0..3 {
            let Shared { increments, lost, lost_locked, inside, in_order, stuck } = shared();
            assert_eq!((increments, lost, lost_locked, in_order, stuck), (200, 100, 0, true, true));
            assert!((1..=2).contains(&inside));
        }
    }
}
