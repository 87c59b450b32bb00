//! The lock on real threads: what it does when asked, when not, and when something panics in it.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
    time::Duration,
};

use gil::{Event, Gil, SHORTEST_INTERVAL, Timeline};

#[test]
fn an_interval_of_nothing_is_the_shortest() {
    let gil = Gil::new(Duration::ZERO);
    assert_eq!(gil.interval(), SHORTEST_INTERVAL);
    gil.set_interval(Duration::from_millis(2));
    assert_eq!(gil.interval(), Duration::from_millis(2));
    gil.set_interval(Duration::ZERO);
    assert_eq!(gil.interval(), SHORTEST_INTERVAL);
}

#[test]
fn alone_one_never_gives_way() {
    let gil = Gil::default();
    let mut held = gil.attach();
    assert!(!held.checkpoint());
    assert!(!held.give_way());
    assert_eq!(held.blocking(|| 7), 7);
    drop(held);
    assert_eq!(gil.switch_number(), 1, "the same thread all the time");
    assert_eq!(gil.attach().thread(), 1);
    assert_eq!(gil.switch_number(), 2, "who attaches again is another thread to the lock");
}

#[test]
fn who_is_asked_gives_way_at_the_next_checkpoint() {
    for forced in [true, false] {
        let timeline = Arc::new(Timeline::default());
        let gil = Gil::new(Duration::from_micros(100)).forced_switching(forced).observed(timeline.clone());
        let mut held = gil.attach();
        thread::scope(|scope| {
            scope.spawn(|| drop(gil.attach()));
            while !held.checkpoint() {
                thread::yield_now();
            }
            drop(held);
        });
        let events: Vec<_> = timeline.seen().iter().map(|seen| (seen.thread, seen.event)).collect();
        let asks = events.iter().position(|event| *event == (1, Event::Asks)).unwrap();
        assert_eq!(events[..asks], [(0, Event::Takes), (1, Event::Waits)]);
        assert_eq!(events[asks + 1], (0, Event::GivesWay));
        if forced {
            assert_eq!(events[asks + 2], (1, Event::Takes));
        }
        assert_eq!(events.iter().filter(|(_, event)| *event == Event::Detaches).count(), 2);
    }
}

#[test]
fn a_panic_leaves_the_lock_as_it_should_be() {
    let gil = Gil::default();
    let mut held = gil.attach();
    let blocking = panic::catch_unwind(AssertUnwindSafe(|| held.blocking(|| panic!("on purpose"))));
    assert!(blocking.is_err());
    // It is held again: another one has to wait, and is let in by giving way.
    thread::scope(|scope| {
        let other = scope.spawn(|| gil.attach().thread());
        while !held.give_way() {
            thread::yield_now();
        }
        assert_eq!(other.join().unwrap(), 1);
    });
    let holding = panic::catch_unwind(AssertUnwindSafe(move || {
        let _held = held;
        panic!("on purpose");
    }));
    assert!(holding.is_err());
    assert_eq!(gil.attach().thread(), 2, "it was dropped");
}

#[test]
fn many_threads_share_it_with_the_shortest_interval() {
    let gil = Gil::new(SHORTEST_INTERVAL);
    let total = std::sync::atomic::AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut held = gil.attach();
                for _ in 0..5_000 {
                    // Load and store, not one step: only the lock keeps the sum right.
                    use std::sync::atomic::Ordering::Relaxed;
                    total.store(total.load(Relaxed) + 1, Relaxed);
                    held.checkpoint();
                }
                held.blocking(thread::yield_now);
            });
        }
    });
    assert_eq!(total.into_inner(), 40_000);
    assert!(gil.switch_number() >= 8);
}

#[test]
fn spans_tell_what_a_thread_was_doing() {
    let timeline = Arc::new(Timeline::default());
    let gil = Gil::default().observed(timeline.clone());
    let mut held = gil.attach();
    held.blocking(|| ());
    drop(held);
    let spans = timeline.spans();
    let marks: String = spans.iter().map(|span| span.mark).collect();
    assert_eq!(marks, "#~#");
    assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start && pair[0].lane == 0));
}
