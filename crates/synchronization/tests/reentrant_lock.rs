//! What `threading.RLock` promises, of ours.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    thread,
    time::Duration,
};

use synchronization::ReentrantLock;

const LIMIT: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(10);

#[test]
fn its_owner_takes_it_again_and_it_is_free_when_all_guards_are_gone() {
    let lock = ReentrantLock::new(Cell::new(0));
    assert!(!lock.is_locked() && !lock.is_owned());
    let first = lock.lock();
    let second = lock.try_lock().expect("it is mine");
    let third = lock.try_lock_for(Duration::ZERO).expect("it is mine");
    for guard in [first, second, third] {
        assert!(lock.is_locked() && lock.is_owned());
        guard.set(guard.get() + 1);
    }
    assert!(!lock.is_locked() && !lock.is_owned());
    assert_eq!(lock.into_inner().get(), 3);
}

#[test]
fn others_do_not_get_it_before_the_last_guard_is_gone() {
    let lock = ReentrantLock::new(());
    let elsewhere = || {
        thread::scope(|scope| {
            let other = || {
                let got = [
                    lock.try_lock().is_some(),
                    lock.try_lock_for(Duration::ZERO).is_some(),
                    lock.try_lock_for(MOMENT).is_some(),
                ];
                (lock.is_locked(), lock.is_owned(), got)
            };
            scope.spawn(other).join().unwrap()
        })
    };
    let outer = lock.lock();
    let inner = lock.lock();
    assert_eq!(elsewhere(), (true, false, [false; 3]));
    drop(outer);
    assert_eq!(elsewhere(), (true, false, [false; 3]), "one guard is left");
    drop(inner);
    assert_eq!(elsewhere(), (false, false, [true; 3]));
}

#[test]
fn a_thousand_add_to_what_is_no_sync() {
    let _watchdog = testkit::watchdog(LIMIT);
    let lock = ReentrantLock::new(Cell::new(0));
    let held = lock.lock();
    thread::scope(|scope| {
        for index in 0..1_000 {
            let lock = &lock;
            thread::Builder::new()
                .stack_size(64 << 10)
                .spawn_scoped(scope, move || {
                    let outer =
                        if index % 2 == 0 { lock.lock() } else { lock.try_lock_for(Duration::MAX).unwrap() };
                    let inner = lock.lock();
                    outer.set(inner.get() + 1);
                })
                .expect("a thread");
        }
        drop(held);
    });
    assert!(!lock.is_locked());
    assert_eq!(lock.into_inner().get(), 1_000);
}

#[test]
fn a_panic_lets_go_of_it() {
    let lock = ReentrantLock::new(RefCell::new(vec![1]));
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        let value = lock.lock();
        let _again = lock.lock();
        value.borrow_mut().push(2);
        panic!("while it is held");
    }));
    assert!(ended.is_err() && !lock.is_locked());
    assert_eq!(*lock.lock().borrow(), [1, 2]);
}
