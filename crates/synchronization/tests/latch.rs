//! A latch opens once and stays open.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use synchronization::Latch;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_thousand_wait_until_a_thousand_have_counted() {
    let _watchdog = testkit::watchdog(LIMIT);
    let (latch, counted) = (Latch::new(1_000), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..1_000 {
            thread::Builder::new()
                .stack_size(64 << 10)
                .spawn_scoped(scope, || {
                    counted.fetch_add(1, Relaxed);
                    latch.count_down();
                    latch.wait();
                    assert_eq!(counted.load(Relaxed), 1_000);
                })
                .expect("a thread");
        }
    });
    assert_eq!(latch.count(), 0);
}

#[test]
fn it_stays_open_however_often_it_is_counted() {
    let latch = Latch::new(2);
    assert!(!latch.wait_timeout(Duration::ZERO) && !latch.wait_timeout(Duration::from_millis(10)));
    latch.count_down();
    assert_eq!((latch.count(), latch.wait_timeout(Duration::ZERO)), (1, false));
    for _ in 0..3 {
        latch.count_down();
        latch.wait();
        assert_eq!((latch.count(), latch.wait_timeout(Duration::MAX)), (0, true));
    }
}

#[test]
fn with_nothing_to_count_it_is_open() {
    Latch::new(0).wait();
    assert!(Latch::new(0).wait_timeout(Duration::ZERO));
}

#[test]
fn one_thread_may_count_for_many_and_a_waiter_wakes() {
    let _watchdog = testkit::watchdog(LIMIT);
    let latch = Latch::new(3);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| latch.wait_timeout(LIMIT));
        (0..3).for_each(|_| latch.count_down());
        assert!(waiter.join().unwrap());
    });
}
