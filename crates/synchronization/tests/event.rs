//! What `threading.Event` promises, of ours.

use std::{thread, time::Duration};

use synchronization::Event;

const LIMIT: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(10);

fn until_waiting(event: &Event, number: usize) {
    while event.waiting() < number {
        thread::yield_now();
    }
}

#[test]
fn it_stays_set_until_it_is_cleared() {
    let event = Event::default();
    assert!(!event.is_set());
    event.set();
    event.set();
    event.wait();
    event.wait();
    assert!(event.is_set() && event.wait_timeout(Duration::ZERO));
    event.clear();
    event.clear();
    assert!(!event.is_set() && !event.wait_timeout(Duration::ZERO) && !event.wait_timeout(MOMENT));
    assert_eq!(event.waiting(), 0);
}

#[test]
fn a_thousand_are_freed_by_a_set_that_is_cleared_at_once_again_and_again() {
    let _watchdog = testkit::watchdog(LIMIT);
    let event = Event::new();
    for number in [1_000, 10, 10] {
        thread::scope(|scope| {
            for index in 0..number {
                let event = &event;
                thread::Builder::new()
                    .stack_size(64 << 10)
                    .spawn_scoped(scope, move || match index % 2 {
                        0 => event.wait(),
                        _ => assert!(event.wait_timeout(Duration::MAX)),
                    })
                    .expect("a thread");
            }
            until_waiting(&event, number);
            event.set();
            event.clear();
        });
        assert!(!event.is_set());
        assert_eq!(event.waiting(), 0);
    }
}

#[test]
fn who_comes_after_the_clear_waits_for_the_next_set() {
    let _watchdog = testkit::watchdog(LIMIT);
    let event = Event::new();
    event.set();
    event.clear();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| event.wait_timeout(LIMIT));
        until_waiting(&event, 1);
        event.set();
        assert!(waiter.join().unwrap());
    });
}
