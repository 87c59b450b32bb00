//! What `threading.Condition` promises, of ours.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use synchronization::Condition;

const LIMIT: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(10);

fn until_waiting<T>(condition: &Condition<T>, number: usize) {
    while condition.lock().waiting() < number {
        thread::yield_now();
    }
}

/// The value's length, and how many wait: under one lock, as a second `lock()` in the same statement would wait for the first.
fn look(condition: &Condition<Vec<usize>>) -> (usize, usize) {
    let value = condition.lock();
    (value.len(), value.waiting())
}

#[test]
fn notify_wakes_exactly_n_first_come_first() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(Vec::new());
    let (woken, wakes) = channel();
    thread::scope(|scope| {
        for index in 0..8 {
            let (condition, woken) = (&condition, woken.clone());
            scope.spawn(move || {
                let mut order = condition.lock();
                order.wait();
                order.push(index);
                let _ = woken.send(());
            });
            until_waiting(condition, index + 1);
        }
        let mut expected = 0;
        for n in [0, 1, 3, 2] {
            condition.lock().notify(n);
            expected += n;
            (0..n).for_each(|_| wakes.recv().unwrap());
            assert_eq!(wakes.recv_timeout(MOMENT), Err(RecvTimeoutError::Timeout), "one too many");
            let mut order = condition.lock().clone();
            order.sort_unstable();
            assert_eq!(order, (0..expected).collect::<Vec<_>>());
            assert_eq!(condition.lock().waiting(), 8 - expected);
        }
        condition.lock().notify(1_000); // more than wait
    });
    assert_eq!(look(&condition), (8, 0));
    condition.lock().notify_all(); // nobody waits: it is not kept for later
    assert!(!condition.lock().wait_timeout(Duration::ZERO));
}

#[test]
fn notify_all_wakes_a_thousand() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(0);
    thread::scope(|scope| {
        for _ in 0..1_000 {
            thread::Builder::new()
                .stack_size(64 << 10)
                .spawn_scoped(scope, || {
                    let mut value = condition.lock();
                    value.wait();
                    *value += 1;
                })
                .expect("a thread");
        }
        until_waiting(&condition, 1_000);
        condition.lock().notify_all();
    });
    assert_eq!(*condition.lock(), 1_000);
}

#[test]
fn a_limit_of_zero_a_moment_and_centuries() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(0);
    let mut value = condition.lock();
    assert!(!value.wait_timeout(Duration::ZERO) && !value.wait_timeout(MOMENT));
    assert_eq!(value.waiting(), 0, "who gives up leaves the queue");
    drop(value);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| condition.lock().wait_timeout(Duration::MAX));
        until_waiting(&condition, 1);
        condition.lock().notify(1);
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn a_limit_of_zero_lets_others_have_the_lock() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(false);
    thread::scope(|scope| {
        let mut done = condition.lock();
        scope.spawn(|| *condition.lock() = true);
        while !*done {
            done.wait_timeout(Duration::ZERO);
        }
    });
}

#[test]
fn wait_for_looks_first_and_again_after_each_wake_up() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(0);
    condition.lock().wait_for(|value| *value == 0);
    assert!(condition.lock().wait_for_timeout(|value| *value == 0, Duration::ZERO));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut value = condition.lock();
            value.wait_for(|value| *value == 4);
            *value
        });
        for value in 1..=4 {
            until_waiting(&condition, 1);
            let mut now = condition.lock();
            *now = value;
            now.notify(1);
        }
        assert_eq!(waiter.join().unwrap(), 4);
    });
}

#[test]
fn one_limit_in_all_however_often_it_is_woken() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(false);
    let (ended, end) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let came_true = condition.lock().wait_for_timeout(|_| false, Duration::from_millis(50));
            let _ = ended.send(came_true);
        });
        // Woken over and over, and still it comes to an end: did each wake-up start the limit anew, it would not.
        let came_true = loop {
            condition.lock().notify_all();
            if let Ok(came_true) = end.recv_timeout(Duration::from_millis(1)) {
                break came_true;
            }
        };
        assert!(!came_true);
    });
}

#[test]
fn what_comes_true_without_a_notification_is_seen_when_time_is_up() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(false);
    thread::scope(|scope| {
        let waiter =
            scope.spawn(|| condition.lock().wait_for_timeout(|value| *value, Duration::from_millis(100)));
        // Before or while it waits: both must end in `true`.
        *condition.lock() = true;
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn a_panic_lets_go_of_the_lock_and_poisons_nothing() {
    let _watchdog = testkit::watchdog(LIMIT);
    let condition = Condition::new(vec![1]);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| {
        condition.lock().push(2);
        condition.lock().wait_for(|_| panic!("in the predicate"));
    }));
    assert!(ended.is_err());
    assert_eq!(look(&condition), (2, 0));
    // A waiter outlives the panic of another one.
    thread::scope(|scope| {
        scope.spawn(|| condition.lock().wait_for(|value| value.len() == 3));
        until_waiting(&condition, 1);
        let ended = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut value = condition.lock();
            value.push(3);
            value.notify_all();
            panic!("with the lock held");
        }));
        assert!(ended.is_err());
    });
}
