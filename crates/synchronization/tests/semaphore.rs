//! What `threading.Semaphore` and `BoundedSemaphore` promise, of ours; and what can go wrong with permits.

use std::{
    error::Error,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use synchronization::{BoundedSemaphore, OverRelease, Semaphore};

const LIMIT: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(10);

/// Goes on when `number` threads wait.
fn until_waiting(waiting: impl Fn() -> usize, number: usize) {
    while waiting() < number {
        thread::yield_now();
    }
}

#[test]
fn as_many_are_in_as_there_are_permits() {
    let _watchdog = testkit::watchdog(LIMIT);
    let (permits, inside) = (Semaphore::new(7), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let _permit = permits.acquire();
                    assert!(inside.fetch_add(1, Relaxed) < 7);
                    thread::yield_now();
                    inside.fetch_sub(1, Relaxed);
                }
            });
        }
    });
    assert_eq!((permits.available(), permits.waiting()), (7, 0));
}

#[test]
fn acquire_waits_for_a_release_and_release_of_n_frees_n() {
    let _watchdog = testkit::watchdog(LIMIT);
    let (permits, got) = (Semaphore::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                permits.acquire().forget();
                got.fetch_add(1, Relaxed);
            });
        }
        until_waiting(|| permits.waiting(), 6);
        assert_eq!(got.load(Relaxed), 0);
        permits.release(4);
        until_waiting(|| got.load(Relaxed), 4);
        // Two wait on: there is nothing for them.
        assert_eq!((permits.waiting(), permits.available()), (2, 0));
        permits.release(2);
    });
    assert_eq!((got.load(Relaxed), permits.available()), (6, 0));
}

#[test]
fn a_thousand_wait_and_all_go_on() {
    let _watchdog = testkit::watchdog(LIMIT);
    let permits = Semaphore::new(0);
    thread::scope(|scope| {
        for _ in 0..1_000 {
            thread::Builder::new()
                .stack_size(64 << 10)
                .spawn_scoped(scope, || drop(permits.acquire()))
                .expect("a thread");
        }
        until_waiting(|| permits.waiting(), 1_000);
        // Each who gets the one permit gives it on.
        permits.release(1);
    });
    assert_eq!((permits.available(), permits.waiting()), (1, 0));
}

#[test]
fn try_acquire_never_waits() {
    let permits = Semaphore::new(2);
    let (first, second) = (permits.try_acquire(), permits.try_acquire());
    assert!(first.is_some() && second.is_some() && permits.try_acquire().is_none());
    drop(first);
    assert_eq!(permits.available(), 1);
    drop(second);
    assert_eq!(permits.available(), 2);
}

#[test]
fn a_limit_of_zero_a_moment_and_centuries() {
    let _watchdog = testkit::watchdog(LIMIT);
    let permits = Semaphore::new(1);
    assert!(permits.acquire_timeout(Duration::ZERO).is_some(), "it was there");
    let taken = permits.acquire_timeout(Duration::MAX).expect("it is there");
    assert!(permits.acquire_timeout(Duration::ZERO).is_none());
    assert!(permits.acquire_timeout(MOMENT).is_none());
    assert_eq!((permits.available(), permits.waiting()), (0, 0));
    thread::scope(|scope| {
        let patient = scope.spawn(|| permits.acquire_timeout(Duration::MAX).is_some());
        until_waiting(|| permits.waiting(), 1);
        drop(taken);
        assert!(patient.join().unwrap());
    });
}

#[test]
fn a_panic_gives_the_permit_back() {
    let permits = Semaphore::new(1);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        let _permit = permits.acquire();
        panic!("with a permit");
    }));
    assert!(ended.is_err());
    assert_eq!(permits.available(), 1);
}

#[test]
fn forgotten_permits_are_gone_until_released() {
    let permits = Semaphore::new(1);
    permits.acquire().forget();
    assert!(permits.try_acquire().is_none());
    permits.release(0);
    assert_eq!(permits.available(), 0);
    permits.release(3); // more than ever: it is not bounded
    assert_eq!(permits.available(), 3);
}

#[test]
fn more_than_can_be_counted_is_refused() {
    let permits = Semaphore::new(usize::MAX);
    assert!(panic::catch_unwind(AssertUnwindSafe(|| permits.release(1))).is_err());
    assert_eq!(permits.available(), usize::MAX);
    drop(permits.acquire());
    assert_eq!(permits.available(), usize::MAX, "and it works on");
}

#[test]
fn a_bounded_one_refuses_a_release_too_many() {
    let permits = BoundedSemaphore::new(2);
    let refused = permits.release(1).unwrap_err();
    assert_eq!(refused, OverRelease { released: 1, available: 2, bound: 2 });
    let as_error: &dyn Error = &refused;
    assert_eq!(as_error.to_string(), "1 permits were given back where 2 of 2 are there already");
    permits.acquire().forget();
    assert!(permits.release(2).is_err());
    assert_eq!(permits.available(), 1, "a refused release changes nothing");
    assert_eq!(permits.release(1), Ok(()));
    assert!(permits.release(usize::MAX).is_err(), "no overflow");
    assert_eq!(permits.available(), 2);
}

#[test]
fn a_bounded_one_never_has_more_than_its_bound() {
    let permits = BoundedSemaphore::new(1);
    let held = permits.acquire();
    assert_eq!(permits.release(1), Ok(())); // by hand, although the permit is still held
    drop(held);
    assert_eq!(permits.available(), 1, "the same permit came back twice");
    assert!(permits.try_acquire().is_some());
    assert!(permits.acquire_timeout(Duration::ZERO).is_some());
    assert_eq!(BoundedSemaphore::new(0).release(1).unwrap_err().bound, 0);
    assert!(BoundedSemaphore::new(0).try_acquire().is_none());
}

#[test]
fn a_bounded_one_waits_for_a_dropped_permit() {
    let _watchdog = testkit::watchdog(LIMIT);
    let permits = BoundedSemaphore::new(1);
    thread::scope(|scope| {
        let held = permits.acquire();
        let waiter = scope.spawn(|| permits.acquire_timeout(Duration::MAX).is_some());
        until_waiting(|| permits.waiting(), 1);
        drop(held);
        assert!(waiter.join().unwrap());
    });
    assert_eq!(permits.available(), 1);
}
