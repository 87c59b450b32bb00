//! The same checks on semaphores with a mistake: each must be found.

use model::{
    sync::{
        Condvar, Mutex,
        atomic::{
            Ordering::{Acquire, Release, SeqCst},
            fence,
        },
    },
    time::Deadline,
};
use testkit::must_find;

use super::*;

#[derive(Default)]
struct Permits {
    available: Mutex<usize>,
    released: Condvar,
}

impl Permits {
    fn release(&self, n: usize) {
        *self.available.lock().unwrap() += n;
        self.released.notify_one();
    }

    fn acquire(&self) {
        let available = self.available.lock().unwrap();
        *self.released.wait_while(available, |available| *available == 0).unwrap() -= 1;
    }

    /// Late is late: does not look whether a permit came together with the end of time.
    fn acquire_or_leave(&self, deadline: Deadline) -> bool {
        let mut available = self.available.lock().unwrap();
        while *available == 0 {
            let late;
            (available, late) = deadline.wait(&self.released, available);
            if late {
                return false;
            }
        }
        *available -= 1;
        true
    }

    /// Looks, lets go of the lock, and takes what may be gone.
    fn acquire_in_two_steps(&self) {
        loop {
            let seen = *self.available.lock().unwrap();
            if seen > 0 {
                *self.available.lock().unwrap() = seen - 1;
                return;
            }
            model::thread::yield_now();
        }
    }
}

/// Ours in miniature, permits and waiters in two words, with one step of `release` left out.
struct TwoWords {
    bug: Bug,
    available: AtomicUsize,
    waiting: AtomicUsize,
    falling_asleep: Mutex<()>,
    released: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// Permits are added and waiters are looked for, but nothing says in this order.
    NoFence,
    /// One who has found no permit, and is not asleep yet, is notified too early.
    NoLock,
}

impl TwoWords {
    fn new(bug: Bug) -> Self {
        let [available, waiting] = [(); 2].map(|()| AtomicUsize::new(0));
        Self { bug, available, waiting, falling_asleep: Mutex::new(()), released: Condvar::new() }
    }

    fn acquire(&self) {
        let guard = self.falling_asleep.lock().unwrap();
        self.waiting.fetch_add(1, Relaxed);
        fence(SeqCst);
        let none = |(): &mut ()| {
            self.available.fetch_update(Acquire, Relaxed, |available| available.checked_sub(1)).is_err()
        };
        drop(self.released.wait_while(guard, none).unwrap());
    }

    fn release(&self) {
        self.available.fetch_add(1, Release);
        if self.bug != Bug::NoFence {
            fence(SeqCst);
        }
        if self.waiting.load(Relaxed) > 0 {
            if self.bug != Bug::NoLock {
                drop(self.falling_asleep.lock().unwrap());
            }
            self.released.notify_one();
        }
    }
}

fn never_woken(name: &'static str, bug: Bug) {
    must_find(name, "deadlock", || {
        model::explore(&Explore::named(name), move || {
            let permits = Arc::new(TwoWords::new(bug));
            let waiter = with(&permits, TwoWords::acquire);
            permits.release();
            waiter.join().unwrap();
        });
    });
}

/// Shuttle knows no weaker order than the strongest, and cannot find this.
#[test]
#[cfg_attr(not(feature = "loom"), ignore = "only loom knows weak orderings")]
fn a_waiter_not_seen() {
    never_woken("semaphore: no fence between permits and waiters", Bug::NoFence);
}

#[test]
fn a_waiter_woken_too_early() {
    never_woken("semaphore: notified before it sleeps", Bug::NoLock);
}

#[test]
fn one_wake_up_for_two_permits() {
    must_find("semaphore: release(2) wakes one", "deadlock", || {
        model::explore(&Explore::named("semaphore: release(2) wakes one"), || {
            let permits = Arc::new(Permits::default());
            let waiters = [(); 2].map(|()| with(&permits, Permits::acquire));
            permits.release(2);
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        });
    });
}

#[test]
fn a_permit_given_twice() {
    must_find("semaphore: look and take in two steps", "two have the one permit", || {
        model::explore(&Explore::named("semaphore: look and take in two steps"), || {
            let shared = Arc::new((Permits::default(), AtomicUsize::new(0)));
            shared.0.release(1);
            let body = |(permits, inside): &(Permits, AtomicUsize)| {
                permits.acquire_in_two_steps();
                assert_eq!(inside.fetch_add(1, Relaxed), 0, "two have the one permit");
                inside.fetch_sub(1, Relaxed);
                permits.release(1);
            };
            let other = with(&shared, body);
            body(&shared);
            other.join().unwrap();
        });
    });
}

#[test]
fn a_wake_up_taken_by_one_who_leaves() {
    must_find("semaphore: no look after the end of time", "deadlock", || {
        let plan = Explore::named("semaphore: no look after the end of time").iterations(20_000);
        model::explore(&plan, || {
            let permits = Arc::new(Permits::default());
            let hurried = with(&permits, |permits| permits.acquire_or_leave(Deadline::after(HURRY)));
            let patient = with(&permits, Permits::acquire);
            let clock = model::thread::spawn(time::pass);
            permits.release(1);
            if hurried.join().unwrap() {
                permits.release(1);
            }
            patient.join().unwrap();
            clock.join().unwrap();
        });
    });
}
