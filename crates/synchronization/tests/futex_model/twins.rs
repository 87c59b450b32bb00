//! Each primitive once more with one thing left out: the checker must find it.

use super::*;
use model::{
    cell::UnsafeCell,
    futex,
    sync::atomic::{
        AtomicU64,
        Ordering::{self, Acquire, Release},
    },
};
use testkit::must_find;

fn find(name: &'static str, expected: &str, body: impl Fn() + Send + Sync + 'static) {
    must_find(name, expected, || drop(model::explore(&Explore::named(name), body)));
}

/// A mutex in which one thing is wrong.
struct Faulty {
    state: AtomicU32,
    value: UnsafeCell<u32>,
    fault: Fault,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// Two states: an unlock has nothing to learn from that somebody sleeps.
    TwoStates,
    /// The unlock does not wake.
    NoWake,
    /// A sleeper takes the lock as if nobody else slept.
    Forgets,
    /// Looks, then sleeps whatever has happened meanwhile: as a kernel without the compare.
    SleepsAnyway,
    /// The orderings of lock and unlock: only loom sees them.
    #[cfg_attr(not(feature = "loom"), expect(dead_code))]
    Ordered(Ordering, Ordering),
}

// SAFETY: as a mutex, if it were one: loom tells where it is not.
unsafe impl Sync for Faulty {}

impl Faulty {
    fn new(fault: Fault) -> Arc<Self> {
        Arc::new(Self { state: AtomicU32::new(0), value: UnsafeCell::new(0), fault })
    }

    fn add_one(&self) {
        let (acquire, release) = if let Fault::Ordered(acquire, release) = self.fault {
            (acquire, release)
        } else {
            (Acquire, Release)
        };
        let contended = if self.fault == Fault::TwoStates { 1 } else { 2 };
        let take = || self.state.compare_exchange(0, 1, acquire, Relaxed).is_ok();
        if !take() {
            while self.state.swap(contended, acquire) != 0 {
                let expected =
                    if self.fault == Fault::SleepsAnyway { self.state.load(Relaxed) } else { contended };
                futex::wait(&self.state, expected, None);
                if self.fault == Fault::Forgets && take() {
                    break;
                }
            }
        }
        // SAFETY: this should be the only thread here.
        self.value.with_mut(|value| unsafe { *value += 1 });
        if self.state.swap(0, release) == 2 && self.fault != Fault::NoWake {
            futex::wake(&self.state, 1);
        }
    }
}

fn all_add_one(fault: Fault, others: usize) {
    let mutex = Faulty::new(fault);
    together(others, move || mutex.add_one());
}

#[test]
fn mutex_without_the_third_state() {
    find("futex mutex: two states", "deadlock", || all_add_one(Fault::TwoStates, 1));
}

#[test]
fn mutex_that_does_not_wake() {
    find("futex mutex: unlock without a wake", "deadlock", || all_add_one(Fault::NoWake, 1));
}

#[test]
fn mutex_that_forgets_other_sleepers() {
    find("futex mutex: taken as LOCKED after a sleep", "deadlock", || all_add_one(Fault::Forgets, 2));
}

#[test]
fn mutex_that_does_not_compare() {
    find("futex mutex: sleeps on any value", "deadlock", || all_add_one(Fault::SleepsAnyway, 1));
}

#[cfg(feature = "loom")]
#[test]
fn mutex_relaxed() {
    find("futex mutex: Relaxed unlock", "Causality violation", || {
        all_add_one(Fault::Ordered(Acquire, Relaxed), 1);
    });
    find("futex mutex: Relaxed lock", "Causality violation", || {
        all_add_one(Fault::Ordered(Relaxed, Release), 1);
    });
}

/// A condition variable without a sequence number: nothing to compare, so what comes in the gap is lost.
#[test]
fn condvar_without_a_sequence() {
    find("futex condvar: no sequence number", "deadlock", || {
        let shared = Arc::new((Mutex::new(false), AtomicU32::new(0)));
        let theirs = Arc::clone(&shared);
        let giver = thread::spawn(move || {
            *theirs.0.lock() = true;
            futex::wake(&theirs.1, 1);
        });
        loop {
            let open = shared.0.lock();
            if *open {
                break;
            }
            drop(open);
            futex::wait(&shared.1, 0, None);
        }
        giver.join().unwrap();
    });
}

/// A condition variable that counts its waiters only when they have unlocked.
#[test]
fn condvar_that_counts_too_late() {
    find("futex condvar: waiter counted after the unlock", "deadlock", || {
        let shared = Arc::new((Mutex::new(false), AtomicU32::new(0), AtomicU32::new(0)));
        let theirs = Arc::clone(&shared);
        let giver = thread::spawn(move || {
            let (open, sequence, waiters) = &*theirs;
            *open.lock() = true;
            if waiters.load(Relaxed) > 0 {
                sequence.fetch_add(1, Relaxed);
                futex::wake(sequence, 1);
            }
        });
        let (open, sequence, waiters) = &*shared;
        loop {
            let guard = open.lock();
            if *guard {
                break;
            }
            let seen = sequence.load(Relaxed);
            drop(guard);
            waiters.fetch_add(1, Relaxed);
            futex::wait(sequence, seen, None);
        }
        giver.join().unwrap();
    });
}

/// A semaphore that looks at the permits first and then at the number it will sleep on.
#[test]
fn semaphore_that_reads_the_number_last() {
    find("futex semaphore: number read after the look", "deadlock", || {
        let words = Arc::new((AtomicU64::new(0), AtomicU32::new(0)));
        let theirs = Arc::clone(&words);
        let releasing = thread::spawn(move || {
            theirs.0.fetch_add(1, Release);
            theirs.1.fetch_add(1, Release);
            futex::wake(&theirs.1, 1);
        });
        while words.0.load(Acquire) == 0 {
            let seen = words.1.load(Acquire);
            futex::wait(&words.1, seen, None);
        }
        releasing.join().unwrap();
    });
}

/// Two threads wait for two permits, and the release wakes one of them.
#[test]
fn semaphore_that_wakes_one_for_two_permits() {
    find("futex semaphore: one woken for two permits", "deadlock", || {
        let permits = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&permits);
        let releasing = thread::spawn(move || {
            theirs.fetch_add(2, Release);
            futex::wake(&theirs, 1);
        });
        let theirs = Arc::clone(&permits);
        together(1, move || {
            while theirs.fetch_update(Acquire, Relaxed, |permits| permits.checked_sub(1)).is_err() {
                futex::wait(&theirs, 0, None);
            }
        });
        releasing.join().unwrap();
    });
}

/// A read-write lock whose last reader does not call the writer.
#[test]
fn rwlock_whose_last_reader_goes_silently() {
    find("futex rwlock: last reader does not wake", "deadlock", || {
        let readers = Arc::new(AtomicU32::new(1));
        let theirs = Arc::clone(&readers);
        let reader = thread::spawn(move || {
            theirs.fetch_sub(1, Release);
        });
        loop {
            let in_now = readers.load(Acquire);
            if in_now == 0 {
                break;
            }
            futex::wait(&readers, in_now, None);
        }
        reader.join().unwrap();
    });
}
