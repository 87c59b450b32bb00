//! What several locks at once refuse: one lock twice, a poisoned one, the wrong order, a second key.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use deadlock::{
    Key, LevelError, Leveled, LockAllError, RankError, Ranked, TimedLock, levels, lock_all,
    lock_all_backing_off,
};
use model::sync::Mutex;

#[test]
fn guards_come_in_the_order_in_which_the_locks_were_named() {
    let locks = [Mutex::new(0), Mutex::new(1), Mutex::new(2)];
    let [a, b, c] = [&locks[2], &locks[0], &locks[1]];
    assert_eq!(lock_all([a, b, c]).unwrap().map(|guard| *guard), [2, 0, 1]);
    assert_eq!(lock_all_backing_off([a, b, c]).unwrap().map(|guard| *guard), [2, 0, 1]);
    assert_eq!(lock_all::<u8, 0>([]).unwrap().len(), 0);
}

#[test]
fn one_lock_twice_is_an_error_and_locks_nothing() {
    let (a, b) = (Mutex::new(0), Mutex::new(0));
    let twice = LockAllError::Twice { first: 0, second: 2 };
    assert_eq!(lock_all([&a, &b, &a]).unwrap_err(), twice);
    assert_eq!(lock_all_backing_off([&a, &b, &a]).unwrap_err(), twice);
    assert!(a.try_lock().is_ok() && b.try_lock().is_ok());
}

fn poisoned() -> Mutex<u32> {
    let mutex = Mutex::new(0);
    let poison = AssertUnwindSafe(|| {
        let _held = mutex.lock().unwrap();
        std::panic::resume_unwind(Box::new("while it is held"));
    });
    assert!(catch_unwind(poison).is_err());
    mutex
}

#[test]
fn a_poisoned_one_is_named_and_the_others_are_free_again() {
    let (sound, bad) = (Mutex::new(0), poisoned());
    assert_eq!(lock_all([&sound, &bad]).unwrap_err(), LockAllError::Poisoned { which: 1 });
    assert_eq!(lock_all_backing_off([&sound, &bad]).unwrap_err(), LockAllError::Poisoned { which: 1 });
    assert_eq!(lock_all_backing_off([&bad, &sound]).unwrap_err(), LockAllError::Poisoned { which: 0 });
    assert!(sound.try_lock().is_ok());
}

#[test]
fn a_rank_is_refused_while_an_equal_or_higher_one_is_held() {
    let (low, also_low, high) =
        (Ranked::new("low", 1, ()), Ranked::new("also", 1, ()), Ranked::new("high", 2, ()));
    let held = low.lock().unwrap();
    assert!(matches!(low.lock(), Err(RankError::OutOfOrder { held: "low", .. })), "itself");
    assert!(matches!(also_low.lock(), Err(RankError::OutOfOrder { .. })), "of the same rank");
    let higher = high.lock().unwrap();
    // Given back in the other order: what is still held counts.
    drop(held);
    assert!(low.lock().is_err());
    drop(higher);
    assert!(low.lock().is_ok());
}

#[test]
fn what_another_thread_holds_does_not_count() {
    let (low, high) = (Ranked::new("low", 1, ()), Ranked::new("high", 2, ()));
    let _held = high.lock().unwrap();
    thread::scope(|scope| {
        let other = scope.spawn(|| low.lock().is_ok());
        assert!(other.join().unwrap());
    });
}

levels!(A < B < C);

#[test]
fn a_thread_has_one_key_and_may_skip_levels() {
    let (a, c) = (Leveled::<A, _>::new(1), Leveled::<C, _>::new(3));
    let mut key = Key::of_this_thread().unwrap();
    assert_eq!(Key::of_this_thread().unwrap_err(), LevelError::KeyIsOut);
    {
        let (one, mut key) = a.lock(&mut key).unwrap();
        let (three, _) = c.lock(&mut key).unwrap();
        assert_eq!((*one, *three), (1, 3));
    }
    // All are given back: the first key can be used again, and for any level.
    assert!(c.lock(&mut key).is_ok());
    drop(key);
    assert!(Key::of_this_thread().is_ok());
}

#[test]
fn a_time_limit_of_zero_takes_a_free_lock_and_refuses_a_held_one() {
    let lock = TimedLock::new();
    let held = lock.lock_within(Duration::ZERO).unwrap();
    let error = lock.lock_within(Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "gave up waiting for the lock after 0ns");
    drop(held);
    assert!(lock.lock_within(Duration::ZERO).is_ok());
}
