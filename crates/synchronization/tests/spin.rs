//! What the spin locks do, seen from outside; after CPython's `lock_tests.py`.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Mutex,
    thread,
};

use synchronization::spin::{McsLock, SpinLock, TicketLock};

macro_rules! behaves {
    ($name:ident, $Lock:ident) => {
        #[test]
        fn $name() {
            let lock = $Lock::new(1);
            let guard = lock.lock();
            assert!(lock.try_lock().is_none());
            assert_eq!(format!("{lock:?}"), concat!(stringify!($Lock), "(<locked>)"));
            drop(guard);
            *lock.try_lock().expect("free") += 1;
            assert_eq!(format!("{lock:?}"), concat!(stringify!($Lock), "(2)"));

            let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
                let _guard = lock.lock();
                panic!("while holding");
            }));
            assert!(outcome.is_err());
            assert!(lock.try_lock().is_some(), "a panic releases");

            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..100).for_each(|_| *lock.lock() += 1));
                }
            });
            assert_eq!(lock.into_inner(), 402);
        }
    };
}

behaves!(spin_lock, SpinLock);
behaves!(ticket_lock, TicketLock);

#[test]
fn mcs_lock() {
    let lock = McsLock::new(0);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| lock.with(|_| panic!("while holding"))));
    assert!(outcome.is_err());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| lock.with(|total| *total += 1)));
        }
    });
    assert_eq!(lock.with(|total| *total), 400);
    assert_eq!(lock.into_inner(), 400);
}

/// Each starts when the one before is seen to wait, so the order of coming is known.
#[test]
fn tickets_are_served_in_the_order_of_coming() {
    let (lock, served) = (TicketLock::new(()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        let first = lock.lock();
        for thread in 0..4 {
            let (lock, served) = (&lock, &served);
            scope.spawn(move || {
                let _turn = lock.lock();
                served.lock().unwrap().push(thread);
            });
            while lock.waiting() < thread + 2 {
                thread::yield_now();
            }
        }
        drop(first);
    });
    assert_eq!(served.into_inner().unwrap(), [0, 1, 2, 3]);
    assert_eq!(lock.waiting(), 0);
}
