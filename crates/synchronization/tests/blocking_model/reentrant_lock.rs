//! One thread at a time, as often as it likes; let go when the last guard is gone, and someone who waits wakes up.

use model::{Explore, cell::UnsafeCell, sync::Arc, time};
use synchronization::ReentrantLock;

use crate::{HOUR, HURRY, with};

/// Adds one to what the lock guards; loom watches that nobody else is at it.
fn add(count: &UnsafeCell<u32>) {
    // SAFETY: whoever calls this has the lock; where that is not so, loom reports it.
    let seen = count.with(|count| unsafe { *count });
    model::thread::yield_now();
    // SAFETY: as above.
    count.with_mut(|count| unsafe { *count = seen + 1 });
}

fn read(count: &UnsafeCell<u32>) -> u32 {
    // SAFETY: as above.
    count.with(|count| unsafe { *count })
}

#[test]
fn one_thread_at_a_time_and_that_one_twice() {
    model::explore(&Explore::named("reentrant lock: two threads, twice each").floor(6), || {
        let lock = Arc::new(ReentrantLock::new(UnsafeCell::new(0)));
        let body = |lock: &ReentrantLock<_>| {
            let outer = lock.lock();
            add(&outer);
            let inner = lock.lock();
            drop(outer); // the order in which guards go is nobody's business
            assert!(lock.is_owned());
            add(&inner);
        };
        let other = with(&lock, body);
        body(&lock);
        other.join().unwrap();
        assert_eq!(read(&lock.lock()), 4, "an addition is lost");
        assert!(!lock.is_locked());
    });
}

#[test]
fn everyone_who_waits_gets_it() {
    model::explore(&Explore::named("reentrant lock: three threads").preemptions(2).floor(190), || {
        let lock = Arc::new(ReentrantLock::new(UnsafeCell::new(0)));
        let body = |lock: &ReentrantLock<_>| add(&lock.lock());
        let others = [with(&lock, body), with(&lock, body)];
        body(&lock);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(read(&lock.lock()), 3, "an addition is lost");
    });
}

#[test]
fn trying_is_true_to_the_owner() {
    model::explore(&Explore::named("reentrant lock: try_lock").floor(4), || {
        let lock = Arc::new(ReentrantLock::new(UnsafeCell::new(0)));
        let other = with(&lock, |lock| lock.try_lock().map(|count| add(&count)).is_some());
        let mine = lock.try_lock().map(|count| add(&count)).is_some();
        let theirs = other.join().unwrap();
        assert_eq!(read(&lock.lock()), u32::from(mine) + u32::from(theirs));
    });
}

#[test]
fn one_who_gives_up_does_not_take_the_wake_up_along() {
    let plan = Explore::named("reentrant lock: time runs out against an unlock").preemptions(2).floor(720);
    model::explore(&plan, || {
        let lock = Arc::new(ReentrantLock::new(UnsafeCell::new(0)));
        let mine = lock.lock();
        let hurried = with(&lock, |lock| lock.try_lock_for(HURRY).map(|count| add(&count)).is_some());
        let patient = with(&lock, |lock| add(&lock.lock()));
        let clock = model::thread::spawn(time::pass);
        drop(mine);
        let theirs = hurried.join().unwrap();
        patient.join().unwrap();
        clock.join().unwrap();
        assert_eq!(read(&lock.lock()), 1 + u32::from(theirs));
    });
}

#[test]
fn unlocked_in_time_is_taken() {
    model::explore(&Explore::named("reentrant lock: unlocked, then time runs out").floor(3), || {
        let lock = Arc::new(ReentrantLock::new(()));
        let mine = lock.lock();
        let waiter = with(&lock, |lock| lock.try_lock_for(HOUR).is_some());
        drop(mine);
        time::pass();
        assert!(waiter.join().unwrap());
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };
    use testkit::must_find;

    use super::*;

    /// Knows how often it is taken, but not by whom.
    #[derive(Default)]
    struct Ownerless {
        depth: AtomicUsize,
        free: Mutex<()>,
        count: UnsafeCell<u32>,
    }

    // SAFETY: there is none: that is what the checker finds.
    unsafe impl Sync for Ownerless {}

    #[test]
    fn without_an_owner_anyone_enters_again() {
        let expected = if cfg!(feature = "loom") { "Causality violation" } else { "an addition is lost" };
        must_find("reentrant lock: depth without owner", expected, || {
            model::explore(&Explore::named("reentrant lock: depth without owner"), || {
                let lock = Arc::new(Ownerless::default());
                let body = |lock: &Ownerless| {
                    // "It is taken, so it must be me."
                    let first = lock.depth.fetch_add(1, SeqCst) == 0;
                    let held = first.then(|| lock.free.lock().unwrap());
                    add(&lock.count);
                    lock.depth.fetch_sub(1, SeqCst);
                    drop(held);
                };
                let other = with(&lock, body);
                body(&lock);
                other.join().unwrap();
                assert_eq!(read(&lock.count), 2, "an addition is lost");
            });
        });
    }
}
