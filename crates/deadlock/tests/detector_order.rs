//! Orders of locking that could deadlock are raised although nothing deadlocks, with both places; what cannot is not.
#![cfg(feature = "detector")]

use std::thread;

use deadlock::detector::{Detector, Mutex, OrderReport, Recovery};

/// Runs `body` in a thread of its own to its end, so that nothing ever waits.
fn alone(name: &str, body: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(name.into()).spawn_scoped(scope, body).unwrap();
        thread.join().unwrap();
    });
}

/// Locks all of `locks`, each while it holds those before it.
fn nest(locks: &[&Mutex<()>]) {
    let held: Vec<_> = locks.iter().map(|lock| lock.lock().unwrap()).collect();
    drop(held);
}

fn detector() -> Detector {
    Detector::new(Recovery::Break)
}

#[test]
fn two_orders_with_both_places() {
    let detector = detector();
    let (a, b) = (detector.mutex("a", ()), detector.mutex("b", ()));
    let mut lines = (0, 0);
    alone("left", || {
        let _a = a.lock().unwrap();
        lines.0 = line!() + 1;
        drop(b.lock().unwrap());
    });
    assert!(detector.potential().is_empty(), "one order alone is none");
    alone("right", || {
        let _b = b.lock().unwrap();
        lines.1 = line!() + 1;
        drop(a.lock().unwrap());
    });
    let found: Vec<OrderReport> = detector.potential();
    let [report] = found.as_slice() else { panic!("one pair of locks: {found:?}") };
    assert_eq!(report.steps().len(), 2);
    for step in report.steps() {
        let (held, wanted, line) = match step.thread.as_str() {
            "left" => ("a", "b", lines.0),
            "right" => ("b", "a", lines.1),
            other => panic!("{other} has no part in it"),
        };
        assert_eq!((step.held.name.as_str(), step.wanted.name.as_str()), (held, wanted));
        assert_eq!(step.wanted_at.line(), line);
        assert_eq!(step.held_since.line(), line - 2);
    }
    assert!(report.to_string().contains("tests/detector_order.rs"), "{report}");
    assert!(detector.reports().is_empty(), "nothing deadlocked");
}

#[test]
fn the_same_again_is_raised_once() {
    let detector = detector();
    let (a, b) = (detector.mutex("a", ()), detector.mutex("b", ()));
    for round in 0..3 {
        alone(&format!("left {round}"), || nest(&[&a, &b]));
        alone(&format!("right {round}"), || nest(&[&b, &a]));
    }
    assert_eq!(detector.potential().len(), 1);
}

#[test]
fn a_gate_around_both_keeps_them_apart() {
    let detector = detector();
    let locks = ["gate", "a", "b"].map(|name| detector.mutex(name, ()));
    let [gate, a, b] = &locks;
    alone("left", || nest(&[gate, a, b]));
    alone("right", || nest(&[gate, b, a]));
    assert!(detector.potential().is_empty());
    // Once without the gate, and it is none.
    alone("careless", || nest(&[b, a]));
    let found = detector.potential();
    assert_eq!(found.len(), 1);
    let threads: Vec<&str> = found[0].steps().iter().map(|step| step.thread.as_str()).collect();
    assert!(threads.contains(&"careless") && threads.contains(&"left"), "{threads:?}");
}

#[test]
fn a_gate_that_only_some_pass_is_none() {
    let detector = detector();
    let locks = ["gate", "a", "b", "c"].map(|name| detector.mutex(name, ()));
    let [gate, a, b, c] = &locks;
    alone("one", || nest(&[gate, a, b]));
    alone("two", || nest(&[gate, b, c]));
    alone("three", || nest(&[c, a]));
    assert!(detector.potential().is_empty(), "two of the three pass the gate");
    alone("four", || nest(&[b, c]));
    assert_eq!(detector.potential().len(), 1);
}

#[test]
fn one_thread_cannot_wait_for_itself_that_way() {
    let detector = detector();
    let (a, b) = (detector.mutex("a", ()), detector.mutex("b", ()));
    alone("one", || {
        nest(&[&a, &b]);
        nest(&[&b, &a]);
    });
    assert!(detector.potential().is_empty());
    alone("another", || nest(&[&a, &b]));
    assert_eq!(detector.potential().len(), 1, "two threads can");
}

#[test]
fn a_ring_of_three_needs_three_threads() {
    let detector = detector();
    let locks = ["a", "b", "c"].map(|name| detector.mutex(name, ()));
    let [a, b, c] = &locks;
    alone("one", || {
        nest(&[a, b]);
        nest(&[b, c]);
    });
    alone("two", || nest(&[c, a]));
    assert!(detector.potential().is_empty(), "two threads stand at two of the three steps at most");
    alone("three", || nest(&[b, c]));
    assert_eq!(detector.potential()[0].steps().len(), 3);
}

#[test]
fn readers_do_not_exclude_each_other() {
    let detector = detector();
    let (a, b) = (detector.rwlock("a", ()), detector.rwlock("b", ()));
    alone("left", || {
        let _a = a.read().unwrap();
        drop(b.read().unwrap());
    });
    alone("right", || {
        let _b = b.read().unwrap();
        drop(a.read().unwrap());
    });
    assert!(detector.potential().is_empty());
    alone("writer", || {
        let _b = b.write().unwrap();
        drop(a.write().unwrap());
    });
    assert_eq!(detector.potential().len(), 1);
}

#[test]
fn trying_makes_no_order() {
    let detector = detector();
    let (a, b) = (detector.mutex("a", ()), detector.mutex("b", ()));
    alone("left", || nest(&[&a, &b]));
    alone("right", || {
        let _b = b.lock().unwrap();
        drop(a.try_lock().unwrap());
    });
    assert!(detector.potential().is_empty());
}

#[test]
fn orders_go_with_their_locks() {
    let detector = detector();
    let a = detector.mutex("a", ());
    for _ in 0..2 {
        let b = detector.mutex("b", ());
        alone("left", || nest(&[&a, &b]));
        drop(b);
        let b = detector.mutex("another b", ());
        alone("right", || nest(&[&b, &a]));
    }
    assert!(detector.potential().is_empty(), "never two orders of the same two locks");
}

#[test]
fn given_back_in_another_order() {
    let detector = detector();
    let locks = ["a", "b", "c"].map(|name| detector.mutex(name, ()));
    let [a, b, c] = &locks;
    alone("hand over hand", || {
        let first = a.lock().unwrap();
        let second = b.lock().unwrap();
        drop(first);
        drop(c.lock().unwrap());
        drop(second);
    });
    alone("other", || nest(&[c, a]));
    assert!(detector.potential().is_empty(), "a was no longer held when c was taken");
    alone("other", || nest(&[c, b]));
    assert_eq!(detector.potential().len(), 1);
}
