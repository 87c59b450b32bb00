//! The spin locks under every schedule: exclusion with all orderings, and everybody gets through.

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
};
use synchronization::spin::{McsLock, SpinLock, TicketLock};

/// Runs `work` on so many threads beside this one, and on this one, until all are done.
fn together(others: usize, work: impl Fn() + Clone + Send + 'static) {
    let others: Vec<_> = (0..others).map(|_| thread::spawn(work.clone())).collect();
    work();
    for other in others {
        other.join().unwrap();
    }
}

macro_rules! excludes {
    ($name:ident, $lock:expr, $what:literal, $floors:expr, $add_one:expr) => {
        #[test]
        fn $name() {
            for (others, preemptions, floor) in $floors {
                let name = format!("{}: {} threads", $what, others + 1);
                model::explore(&Explore::named(name).preemptions(preemptions).floor(floor), move || {
                    let total = Arc::new($lock);
                    let theirs = Arc::clone(&total);
                    together(others, move || $add_one(&theirs));
                    $add_one(&total);
                    let total = Arc::try_unwrap(total).ok().expect("the others have ended");
                    assert_eq!(total.into_inner(), others + 2);
                });
            }
        }
    };
}

// Two threads that spin at a time give loom endless schedules, in which they only look at each other.
excludes!(spin_lock_excludes, SpinLock::new(0), "SpinLock", [(1, 3, 8)], |lock: &SpinLock<usize>| {
    *lock.lock() += 1;
});
excludes!(ticket_lock_excludes, TicketLock::new(0), "TicketLock", [(1, 3, 8)], |lock: &TicketLock<usize>| {
    *lock.lock() += 1
});
excludes!(mcs_lock_excludes, McsLock::new(0), "McsLock", [(1, 3, 25), (2, 2, 300)], |lock: &McsLock<
    usize,
>| {
    lock.with(|total| *total += 1);
});

macro_rules! tries {
    ($name:ident, $Lock:ident, $floor:literal) => {
        #[test]
        fn $name() {
            let name = concat!(stringify!($Lock), ": try_lock");
            model::explore(&Explore::named(name).floor($floor), || {
                let total = Arc::new($Lock::new(0));
                let (theirs, locked) = (Arc::clone(&total), Arc::new(AtomicU32::new(0)));
                let counted = Arc::clone(&locked);
                together(1, move || {
                    if let Some(mut total) = theirs.try_lock() {
                        *total += 1;
                        counted.fetch_add(1, Relaxed);
                    }
                });
                assert_eq!(*total.lock(), locked.load(Relaxed));
                assert!(locked.load(Relaxed) >= 1, "the first finds it free");
            });
        }
    };
}

tries!(spin_lock_tries, SpinLock, 4);
tries!(ticket_lock_tries, TicketLock, 6);

#[test]
fn tickets_are_counted() {
    model::explore(&Explore::named("TicketLock: waiting").floor(6), || {
        let lock = Arc::new(TicketLock::new(()));
        // A gate, because loom overlooks the order in which a thread stores to what it has just loaded (`loom_trap.rs`).
        let gate = Arc::new(AtomicU32::new(0));
        let (theirs, their_gate) = (Arc::clone(&lock), Arc::clone(&gate));
        let other = thread::spawn(move || {
            their_gate.fetch_add(1, Relaxed);
            drop(theirs.lock());
        });
        gate.fetch_add(1, Relaxed);
        assert!(lock.waiting() <= 1, "a number seems to be called before it was drawn");
        other.join().unwrap();
        assert_eq!(lock.waiting(), 0);
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod twins {
    use super::*;
    use model::{
        cell::UnsafeCell,
        hint::spin_loop,
        sync::atomic::{
            AtomicBool,
            Ordering::{self, Acquire, Release},
        },
    };
    use testkit::must_find;

    fn find(name: &'static str, expected: &str, body: impl Fn() + Send + Sync + 'static) {
        must_find(name, expected, || drop(model::explore(&Explore::named(name), body)));
    }

    /// A counter that one of the faulty locks below should guard.
    #[derive(Default)]
    struct Guarded {
        locked: AtomicBool,
        next: AtomicU32,
        serving: AtomicU32,
        inside: AtomicU32,
        total: UnsafeCell<u32>,
    }

    // SAFETY: no more than the lock is right: the checker tells where it is not.
    unsafe impl Sync for Guarded {}

    impl Guarded {
        /// Looks and takes in two steps.
        fn look_then_take(&self) {
            while self.locked.load(Acquire) {
                spin_loop();
            }
            self.locked.store(true, Relaxed);
            assert_eq!(self.inside.fetch_add(1, Relaxed), 0, "two are inside");
            self.inside.fetch_sub(1, Relaxed);
            self.locked.store(false, Release);
        }

        #[cfg_attr(not(feature = "loom"), allow(dead_code, reason = "shuttle sees no orderings"))]
        fn test_and_set(&self, lock: Ordering, unlock: Ordering) {
            while self.locked.swap(true, lock) {
                spin_loop();
            }
            // SAFETY: this should be the only thread here.
            self.total.with_mut(|total| unsafe { *total += 1 });
            self.locked.store(false, unlock);
        }

        #[cfg_attr(not(feature = "loom"), allow(dead_code, reason = "shuttle sees no orderings"))]
        fn tickets(&self, lock: Ordering, unlock: Ordering) {
            let ticket = self.next.fetch_add(1, Relaxed);
            while self.serving.load(lock) != ticket {
                spin_loop();
            }
            // SAFETY: this should be the only thread here.
            self.total.with_mut(|total| unsafe { *total += 1 });
            self.serving.store(ticket + 1, unlock);
        }

        /// Draws a number by a load and a store.
        fn number_drawn_in_two_steps(&self) {
            let ticket = self.next.load(Relaxed);
            self.next.store(ticket + 1, Relaxed);
            while self.serving.load(Acquire) < ticket {
                spin_loop();
            }
            assert_eq!(self.inside.fetch_add(1, Relaxed), 0, "two are inside");
            self.inside.fetch_sub(1, Relaxed);
            self.serving.store(ticket + 1, Release);
        }
    }

    fn race(work: fn(&Guarded)) {
        let shared = Arc::new(Guarded::default());
        together(1, move || work(&shared));
    }

    #[test]
    fn look_then_take() {
        find("spin lock: looks, then takes", "two are inside", || race(Guarded::look_then_take));
    }

    #[test]
    fn number_drawn_in_two_steps() {
        find("ticket lock: number drawn in two steps", "two are inside", || {
            race(Guarded::number_drawn_in_two_steps);
        });
    }

    #[cfg(feature = "loom")]
    #[test]
    fn relaxed() {
        find("spin lock: Relaxed unlock", "Causality violation", || {
            race(|lock| lock.test_and_set(Acquire, Relaxed));
        });
        find("spin lock: Relaxed lock", "Causality violation", || {
            race(|lock| lock.test_and_set(Relaxed, Release))
        });
        find("ticket lock: Relaxed unlock", "Causality violation", || {
            race(|lock| lock.tickets(Acquire, Relaxed))
        });
        find("ticket lock: Relaxed lock", "Causality violation", || {
            race(|lock| lock.tickets(Relaxed, Release))
        });
    }
}
