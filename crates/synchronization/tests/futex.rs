//! What the futex primitives do, seen from outside; after CPython's `lock_tests.py`.

#![cfg(target_os = "linux")]

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Barrier, mpsc},
    thread,
    time::Duration,
};

use synchronization::futex::{Condvar, Mutex, RwLock, Semaphore, calls};

/// Longer than any test may take.
const LONG: Duration = Duration::from_secs(1_000);
/// Longer than any clock can express.
const CENTURIES: Duration = Duration::MAX;

#[test]
fn a_mutex_is_free_after_its_guard_and_not_before() {
    let mutex = Mutex::new(1);
    let guard = mutex.lock();
    assert!(mutex.try_lock().is_none());
    assert_eq!(format!("{mutex:?}"), "Mutex(<locked>)");
    drop(guard);
    *mutex.try_lock().expect("free") += 1;
    assert_eq!(format!("{mutex:?}"), "Mutex(2)");
    let mut mutex = mutex;
    *mutex.get_mut() += 1;
    assert_eq!(mutex.into_inner(), 3);
}

#[test]
fn a_thousand_threads_count_under_a_mutex() {
    let total = Mutex::new(0);
    let all_here = Barrier::new(1_000);
    thread::scope(|scope| {
        for _ in 0..1_000 {
            scope.spawn(|| {
                all_here.wait();
                *total.lock() += 1;
            });
        }
    });
    assert_eq!(total.into_inner(), 1_000);
}

#[test]
fn a_panic_releases_and_does_not_poison() {
    let (mutex, lock, semaphore) = (Mutex::new(0), RwLock::new(0), Semaphore::new(1));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        let _permit = semaphore.acquire();
        let (mut first, mut second) = (mutex.lock(), lock.write());
        (*first, *second) = (1, 1);
        panic!("half-way");
    }));
    assert!(outcome.is_err());
    assert_eq!((*mutex.lock(), *lock.read(), semaphore.available()), (1, 1, 1));
}

#[test]
fn nobody_in_the_way_means_no_call_of_the_kernel() {
    let (mutex, condvar, semaphore, lock) =
        (Mutex::new(0), Condvar::new(), Semaphore::new(1), RwLock::new(0));
    for _ in 0..100 {
        *mutex.lock() += 1;
        condvar.notify_one();
        condvar.notify_all();
        drop(semaphore.acquire());
        *lock.write() += 1;
        drop((lock.read(), lock.read()));
    }
    assert_eq!(calls(), 0);
    let (_, result) = condvar.wait_timeout(mutex.lock(), Duration::from_millis(1));
    let _ = result;
    assert!(calls() > 0, "and a sleep does call it");
}

#[test]
fn a_condvar_hands_over_in_both_directions() {
    let (slot, changed) = (Mutex::new(None), Condvar::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 0..1_000 {
                let mut slot = changed.wait_while(slot.lock(), |slot| slot.is_some());
                *slot = Some(value);
                changed.notify_one();
            }
        });
        for expected in 0..1_000 {
            let mut slot = changed.wait_while(slot.lock(), |slot| slot.is_none());
            assert_eq!(slot.take(), Some(expected));
            changed.notify_one();
        }
    });
}

#[test]
fn notify_all_wakes_all() {
    let (open, opened) = (Mutex::new(false), Condvar::new());
    let (waits, waiting) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..20 {
            let waits = waits.clone();
            let (open, opened) = (&open, &opened);
            scope.spawn(move || {
                let guard = open.lock();
                waits.send(()).unwrap();
                drop(opened.wait_while(guard, |open| !*open));
            });
        }
        waiting.iter().take(20).for_each(drop);
        *open.lock() = true;
        opened.notify_all();
    });
}

#[test]
fn a_condvar_gives_up_when_time_is_up_and_only_then() {
    let (value, changed) = (Mutex::new(0), Condvar::new());
    for limit in [Duration::ZERO, Duration::from_millis(5)] {
        let (guard, result) = changed.wait_timeout_while(value.lock(), limit, |value| *value == 0);
        assert!(result.timed_out());
        drop(guard);
    }
    for limit in [LONG, CENTURIES] {
        thread::scope(|scope| {
            *value.lock() = 0;
            scope.spawn(|| {
                *value.lock() = 1;
                changed.notify_one();
            });
            let (guard, result) = changed.wait_timeout_while(value.lock(), limit, |value| *value == 0);
            assert_eq!((*guard, result.timed_out()), (1, false));
        });
    }
}

#[test]
fn a_semaphore_lends_its_permits_and_no_more() {
    let semaphore = Semaphore::new(2);
    let (first, second) = (semaphore.acquire(), semaphore.acquire());
    assert!(semaphore.try_acquire().is_none());
    assert!(semaphore.acquire_timeout(Duration::ZERO).is_none());
    assert!(semaphore.acquire_timeout(Duration::from_millis(5)).is_none());
    drop(first);
    assert_eq!(semaphore.available(), 1);
    second.forget();
    assert_eq!(semaphore.available(), 1);
    semaphore.release(3);
    assert_eq!(semaphore.available(), 4);
    assert!(semaphore.acquire_timeout(CENTURIES).is_some());
    assert_eq!(semaphore.available(), 4);
}

#[test]
fn a_release_lets_that_many_in() {
    let semaphore = Semaphore::new(0);
    let (enters, entered) = mpsc::channel();
    thread::scope(|scope| {
        for limit in [None, Some(LONG), Some(CENTURIES), None] {
            let (semaphore, enters) = (&semaphore, enters.clone());
            scope.spawn(move || {
                match limit {
                    None => semaphore.acquire().forget(),
                    Some(limit) => semaphore.acquire_timeout(limit).expect("in time").forget(),
                }
                enters.send(()).unwrap();
            });
        }
        semaphore.release(3);
        entered.iter().take(3).for_each(drop);
        assert!(entered.try_recv().is_err(), "there were three permits");
        semaphore.release(1);
        entered.recv().unwrap();
    });
    assert_eq!(semaphore.available(), 0);
}

#[test]
fn too_many_permits_are_refused_and_none_is_added() {
    let semaphore = Semaphore::new(u32::MAX as usize);
    assert!(panic::catch_unwind(|| semaphore.release(1)).is_err());
    assert_eq!(semaphore.available(), u32::MAX as usize);
    semaphore.release(0);
    assert!(panic::catch_unwind(|| Semaphore::new(u32::MAX as usize + 1)).is_err());
}

#[test]
fn readers_share_and_a_writer_does_not() {
    let lock = RwLock::new(1);
    let (first, second) = (lock.read(), lock.try_read().expect("readers share"));
    assert!(lock.try_write().is_none());
    drop(first);
    assert!(lock.try_write().is_none());
    drop(second);
    let mut writer = lock.try_write().expect("nobody is in");
    assert!(lock.try_write().is_none() && lock.try_read().is_none());
    assert_eq!(format!("{lock:?}"), "RwLock(<locked>)");
    *writer += 1;
    drop(writer);
    assert_eq!(format!("{lock:?}"), "RwLock(2)");
    let mut lock = lock;
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 3);
}

#[test]
fn readers_see_whole_writes() {
    let pair = RwLock::new((0, 0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let mut pair = pair.write();
                    pair.0 += 1;
                    pair.1 += 1;
                }
            });
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let pair = pair.read();
                    assert_eq!(pair.0, pair.1);
                }
            });
        }
    });
    assert_eq!(pair.into_inner(), (4_000, 4_000));
}

/// The writer waits for the reader inside; who wants to read after it waits too.
#[test]
fn a_waiting_writer_goes_before_new_readers() {
    let lock = RwLock::new(0);
    thread::scope(|scope| {
        let reader = lock.read();
        scope.spawn(|| *lock.write() += 1);
        // A new reader gets in until the writer has announced itself.
        while lock.try_read().is_some() {
            thread::yield_now();
        }
        let late = scope.spawn(|| *lock.read());
        drop(reader);
        assert_eq!(late.join().unwrap(), 1, "it has come after the writer");
    });
}
