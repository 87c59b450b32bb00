//! The futex primitives under every schedule: exclusion with all orderings, and no wake-up lost.

#![cfg(target_os = "linux")]

use std::time::Duration;

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
};
use synchronization::futex::{Condvar, Mutex, RwLock, Semaphore, calls};

/// Any limit: the model decides when it runs out.
const LIMIT: Duration = Duration::from_secs(100);

/// Runs `work` on so many threads beside this one, and on this one, until all are done.
fn together(others: usize, work: impl Fn() + Clone + Send + 'static) {
    let others: Vec<_> = (0..others).map(|_| thread::spawn(work.clone())).collect();
    work();
    for other in others {
        other.join().unwrap();
    }
}

/// When all have gone nobody is counted as waiting any more: `work` finds the way free and calls no kernel.
fn nobody_waits(work: impl FnOnce()) {
    let before = calls();
    work();
    assert_eq!(calls(), before, "somebody who has gone is still counted as waiting");
}

#[test]
fn mutex_excludes_two() {
    model::explore(&Explore::named("futex::Mutex: two threads, twice").floor(60), || {
        let total = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&total);
        together(1, move || {
            *theirs.lock() += 1;
            *theirs.lock() += 1;
        });
        assert_eq!(*total.lock(), 4);
    });
}

/// With three, one sleeps while two others hand over: the state that forgets sleepers would leave it asleep.
#[test]
fn mutex_excludes_three() {
    model::explore(&Explore::named("futex::Mutex: three threads").preemptions(2).floor(130), || {
        let total = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&total);
        together(2, move || *theirs.lock() += 1);
        assert_eq!(*total.lock(), 3);
    });
}

#[test]
fn mutex_tries() {
    model::explore(&Explore::named("futex::Mutex: try_lock").floor(5), || {
        let total = Arc::new(Mutex::new(0));
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

#[test]
fn condvar_wakes_one() {
    model::explore(&Explore::named("futex::Condvar: hand-over").floor(25), || {
        let shared = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let giver = thread::spawn(move || {
            *theirs.0.lock() = Some(7);
            theirs.1.notify_one();
        });
        let value = shared.1.wait_while(shared.0.lock(), |value| value.is_none());
        assert_eq!(*value, Some(7));
        drop(value);
        giver.join().unwrap();
    });
}

#[test]
fn condvar_wakes_all() {
    model::explore(&Explore::named("futex::Condvar: two waiters").preemptions(2).floor(200), || {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let wait =
            |shared: &(Mutex<bool>, Condvar)| drop(shared.1.wait_while(shared.0.lock(), |open| !*open));
        let waiters = [(); 2].map(|()| {
            let theirs = Arc::clone(&shared);
            thread::spawn(move || wait(&theirs))
        });
        *shared.0.lock() = true;
        shared.1.notify_all();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

#[test]
fn condvar_gives_up_or_gets_it() {
    model::explore(&Explore::named("futex::Condvar: limit").floor(120), || {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let giver = thread::spawn(move || {
            *theirs.0.lock() = true;
            theirs.1.notify_one();
        });
        let (open, result) = shared.1.wait_timeout_while(shared.0.lock(), LIMIT, |open| !*open);
        assert_eq!(
            *open,
            !result.timed_out(),
            "that time is up is said only where the condition still holds"
        );
        drop(open);
        giver.join().unwrap();
    });
}

/// Two permits in turn between two threads, and a plain value that only a permit orders.
#[test]
fn semaphore_hands_over() {
    model::explore(&Explore::named("futex::Semaphore: one permit").floor(40), || {
        let semaphore = Arc::new(Semaphore::new(1));
        // `Shared` is what makes it `Sync`; the lint looks only at this line.
        #[allow(clippy::arc_with_non_send_sync)]
        let total = Arc::new(model::cell::UnsafeCell::new(0));
        let shared = Shared(Arc::clone(&total));
        let theirs = Arc::clone(&semaphore);
        together(1, move || {
            let _permit = theirs.acquire();
            // SAFETY: there is one permit, and this thread has it.
            shared.get().with_mut(|total| unsafe { *total += 1 });
        });
        assert_eq!(semaphore.available(), 1);
        nobody_waits(|| semaphore.release(0));
        // SAFETY: the other one has ended.
        assert_eq!(total.with(|total| unsafe { *total }), 2);
    });
}

/// A cell that crosses threads because a semaphore guards it.
#[derive(Clone)]
struct Shared(Arc<model::cell::UnsafeCell<u32>>);

// SAFETY: used only with the one permit in hand.
unsafe impl Send for Shared {}

impl Shared {
    fn get(&self) -> &model::cell::UnsafeCell<u32> {
        &self.0
    }
}

#[test]
fn semaphore_wakes_as_many_as_it_lets_in() {
    model::explore(&Explore::named("futex::Semaphore: release of two").preemptions(2).floor(7_000), || {
        let semaphore = Arc::new(Semaphore::new(0));
        let theirs = Arc::clone(&semaphore);
        let releasing = thread::spawn(move || theirs.release(2));
        let theirs = Arc::clone(&semaphore);
        together(1, move || theirs.acquire().forget());
        releasing.join().unwrap();
        assert_eq!(semaphore.available(), 0);
        nobody_waits(|| semaphore.release(1));
    });
}

/// Who gives up takes neither a permit nor a wake-up along: the other waiter gets the permit for certain.
#[test]
fn semaphore_loses_nothing_to_a_limit() {
    model::explore(&Explore::named("futex::Semaphore: limit").preemptions(2).floor(10_000), || {
        let semaphore = Arc::new(Semaphore::new(0));
        let theirs = Arc::clone(&semaphore);
        let releasing = thread::spawn(move || theirs.release(1));
        let theirs = Arc::clone(&semaphore);
        let hasty = thread::spawn(move || theirs.acquire_timeout(LIMIT).is_some());
        drop(semaphore.acquire());
        hasty.join().unwrap();
        releasing.join().unwrap();
        assert_eq!(semaphore.available(), 1);
        nobody_waits(|| semaphore.release(1));
    });
}

#[test]
fn rwlock_excludes_writers() {
    model::explore(&Explore::named("futex::RwLock: two writers").floor(30), || {
        let total = Arc::new(RwLock::new(0));
        let theirs = Arc::clone(&total);
        together(1, move || *theirs.write() += 1);
        assert_eq!(*total.read(), 2);
        nobody_waits(|| drop(total.write()));
    });
}

#[test]
fn rwlock_keeps_readers_and_writers_apart() {
    model::explore(&Explore::named("futex::RwLock: a writer, two readers").preemptions(2).floor(900), || {
        let pair = Arc::new(RwLock::new((0, 0)));
        let theirs = Arc::clone(&pair);
        let writer = thread::spawn(move || {
            let mut pair = theirs.write();
            pair.0 += 1;
            pair.1 += 1;
        });
        let theirs = Arc::clone(&pair);
        together(1, move || {
            let pair = theirs.read();
            assert_eq!(pair.0, pair.1, "half a write was read");
        });
        writer.join().unwrap();
        nobody_waits(|| drop(pair.write()));
    });
}

/// The writer that leaves wakes the reader, though another writer had been called first.
#[test]
fn rwlock_wakes_both_kinds() {
    model::explore(
        &Explore::named("futex::RwLock: two writers, a reader").preemptions(2).floor(1_500),
        || {
            let total = Arc::new(RwLock::new(0));
            let theirs = Arc::clone(&total);
            let reader = thread::spawn(move || *theirs.read());
            let theirs = Arc::clone(&total);
            together(1, move || *theirs.write() += 1);
            assert!(reader.join().unwrap() <= 2);
            nobody_waits(|| drop(total.write()));
        },
    );
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "futex_model/twins.rs"]
mod twins;
