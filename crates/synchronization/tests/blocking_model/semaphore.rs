//! No permit is given twice, none is lost, and whoever waits for one that is there wakes up.

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time,
};
use synchronization::{BoundedSemaphore, Semaphore};

use crate::{HOUR, HURRY, with};

#[test]
fn no_more_are_inside_than_there_are_permits() {
    model::explore(&Explore::named("semaphore: 1 permit, 3 threads").preemptions(2).floor(40), || {
        let shared = Arc::new((Semaphore::new(1), AtomicUsize::new(0)));
        let body = |(permits, inside): &(Semaphore, AtomicUsize)| {
            let _permit = permits.acquire();
            assert_eq!(inside.fetch_add(1, Relaxed), 0, "two have the one permit");
            inside.fetch_sub(1, Relaxed);
        };
        let others = [with(&shared, body), with(&shared, body)];
        body(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!((shared.0.available(), shared.0.waiting()), (1, 0));
    });
}

/// With one permit it is a mutex: each sees what the one before has done.
#[test]
fn a_permit_hands_over_what_was_done_under_it() {
    struct Shared(Semaphore, UnsafeCell<u32>);
    // SAFETY: the number is reached by who has the one permit.
    unsafe impl Sync for Shared {}

    model::explore(&Explore::named("semaphore: a number under one permit").floor(10), || {
        let shared = Arc::new(Shared(Semaphore::new(1), UnsafeCell::new(0)));
        let body = |Shared(permits, number): &Shared| {
            let _permit = permits.acquire();
            // SAFETY: there is one permit, and this thread has it.
            number.with_mut(|number| unsafe { *number += 1 });
        };
        let other = with(&shared, body);
        body(&shared);
        other.join().unwrap();
        // SAFETY: the other thread has ended.
        assert_eq!(shared.1.with(|number| unsafe { *number }), 2);
    });
}

/// `release` in the given portions, for two who wait.
fn two_wait(name: &str, portions: &'static [usize]) {
    model::explore(&Explore::named(name).floor(100), || {
        let permits = Arc::new(Semaphore::new(0));
        let waiters = [(); 2].map(|()| with(&permits, |permits| permits.acquire().forget()));
        portions.iter().for_each(|&portion| permits.release(portion));
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!(permits.available(), 0);
    });
}

#[test]
fn a_release_of_two_wakes_two() {
    two_wait("semaphore: release(2)", &[2]);
}

#[test]
fn two_releases_wake_two() {
    two_wait("semaphore: release(1) twice", &[1, 1]);
}

#[test]
fn a_dropped_permit_wakes_who_waits() {
    model::explore(&Explore::named("bounded semaphore: a permit is dropped").floor(2), || {
        let permits = Arc::new(BoundedSemaphore::new(1));
        let first = permits.acquire();
        let waiter = with(&permits, |permits| drop(permits.acquire()));
        drop(first);
        waiter.join().unwrap();
        assert_eq!(permits.available(), 1);
    });
}

#[test]
fn a_permit_that_comes_in_the_last_moment_is_not_lost() {
    let plan = Explore::named("semaphore: time runs out against a release").preemptions(2).floor(600);
    model::explore(&plan, || {
        let permits = Arc::new(Semaphore::new(0));
        let hurried =
            with(&permits, |permits| permits.acquire_timeout(HURRY).map(|permit| permit.forget()).is_some());
        let patient = with(&permits, |permits| permits.acquire().forget());
        let clock = model::thread::spawn(time::pass);
        permits.release(1);
        if hurried.join().unwrap() {
            permits.release(1);
        }
        patient.join().unwrap();
        clock.join().unwrap();
        assert_eq!((permits.available(), permits.waiting()), (0, 0));
    });
}

#[test]
fn a_permit_that_comes_in_time_is_taken() {
    model::explore(&Explore::named("semaphore: released, then time runs out").floor(3), || {
        let permits = Arc::new(Semaphore::new(0));
        let waiter = with(&permits, |permits| permits.acquire_timeout(HOUR).is_some());
        permits.release(1);
        time::pass();
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn one_of_two_releases_is_one_too_many() {
    model::explore(&Explore::named("bounded semaphore: two release one").floor(2), || {
        let permits = Arc::new(BoundedSemaphore::new(1));
        permits.acquire().forget();
        let other = with(&permits, |permits| permits.release(1).is_ok());
        let mine = permits.release(1).is_ok();
        assert!(mine ^ other.join().unwrap(), "both or none were accepted");
        assert_eq!(permits.available(), 1);
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken;
