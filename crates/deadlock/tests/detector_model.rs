//! Under every schedule that shuttle tries: whoever closes a deadlock is told, nobody else is, and nobody hangs.
//!
//! The detector takes its types from `model` where shuttle checks it; under loom it keeps std's, so it is not modelled
//! there.
#![cfg(all(feature = "detector", not(feature = "loom")))]

use std::sync::Arc;

use deadlock::detector::{Detector, Mutex, Recovery, RecvError};
use model::Explore;

#[path = "detector_model/twin.rs"]
mod twin;

/// Takes `first`, then `second`; whether it was refused the second.
fn cross(first: &Mutex<u32>, second: &Mutex<u32>) -> bool {
    let mut one = first.lock().unwrap();
    *one += 1;
    let refused = match second.lock() {
        Ok(mut other) => {
            *other += 1;
            false
        }
        Err(error) => {
            assert!(error.report().unwrap().is_cycle());
            true
        }
    };
    drop(one);
    refused
}

/// `count` threads take `count` locks, each its own and then the next one's.
fn ring(count: usize) {
    let detector = Detector::new(Recovery::Break);
    let locks: Vec<_> = (0..count).map(|lock| Arc::new(detector.mutex(lock.to_string(), 0))).collect();
    let threads: Vec<_> = (0..count)
        .map(|at| {
            let (first, second) = (Arc::clone(&locks[at]), Arc::clone(&locks[(at + 1) % count]));
            detector.spawn(at.to_string(), move || cross(&first, &second))
        })
        .collect();
    let refused: usize = threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum();
    assert_eq!(detector.reports().len(), refused);
    assert!(refused <= 1, "when one gives way the others go on");
    let total: u32 = locks.iter().map(|lock| *lock.lock().unwrap()).sum();
    assert_eq!(total as usize, 2 * count - refused);
}

#[test]
fn two_close_a_ring_at_once() {
    model::explore(&Explore::named("detector: two locks, two orders"), || ring(2));
}

#[test]
fn three_close_a_ring_at_once() {
    model::explore(&Explore::named("detector: a ring of three"), || ring(3));
}

#[test]
fn contended_and_never_refused() {
    model::explore(&Explore::named("detector: one lock, three threads"), || {
        let detector = Detector::new(Recovery::Break);
        let total = Arc::new(detector.mutex("total", 0));
        let threads = [0, 1, 2].map(|number| {
            let total = Arc::clone(&total);
            detector.spawn(number.to_string(), move || {
                for _ in 0..2 {
                    let mut held = total.lock().unwrap();
                    let seen = *held;
                    model::thread::yield_now();
                    *held = seen + 1;
                }
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*total.lock().unwrap(), 6);
    });
}

#[test]
fn a_notification_is_never_taken_for_lost() {
    model::explore(&Explore::named("detector: sleep against notify and end"), || {
        let detector = Detector::new(Recovery::Break);
        let state = Arc::new((detector.mutex("ready", false), detector.condvar("is ready")));
        let theirs = Arc::clone(&state);
        let other = detector.spawn("other", move || {
            *theirs.0.lock().unwrap() = true;
            theirs.1.notify_one();
        });
        drop(state.1.wait_while(state.0.lock().unwrap(), |ready| !*ready).unwrap());
        other.join().unwrap();
        assert!(detector.reports().is_empty());
    });
}

#[test]
fn a_sleeper_is_told_when_the_last_who_could_notify_ends() {
    model::explore(&Explore::named("detector: sleep against the others' end"), || {
        let detector = Detector::new(Recovery::Break);
        let state = Arc::new((detector.mutex("ready", false), detector.condvar("is ready")));
        let theirs = Arc::clone(&state);
        // Notifies before or while the other sleeps, but does not say why: lost in either case.
        let other = detector.spawn("other", move || theirs.1.notify_one());
        let slept = state.1.wait_while(state.0.lock().unwrap(), |ready| !*ready);
        assert!(slept.is_err_and(|error| error.report().is_some()));
        other.join().unwrap();
    });
}

#[test]
fn a_channel_ends_its_waits() {
    for capacity in [0, 1] {
        let plan = Explore::named(format!("detector: a channel of {capacity}, two senders"));
        model::explore(&plan, move || {
            let detector = Detector::new(Recovery::Break);
            let (sender, receiver) = detector.channel("work", capacity);
            let other = sender.clone();
            let threads = [(1, sender), (10, other)].map(|(value, sender)| {
                detector.spawn(value.to_string(), move || {
                    let sender = sender.here();
                    (0..2).for_each(|_| sender.send(value).unwrap());
                })
            });
            let receiver = receiver.here();
            let mut sum = 0;
            loop {
                match receiver.recv() {
                    Ok(value) => sum += value,
                    Err(RecvError::Disconnected) => break,
                    Err(RecvError::WouldDeadlock(report)) => panic!("invented: {report}"),
                }
            }
            assert_eq!(sum, 22);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

#[test]
fn readers_and_a_writer() {
    model::explore(&Explore::named("detector: read twice, a writer between"), || {
        let detector = Detector::new(Recovery::Break);
        let table = Arc::new(detector.rwlock("table", 0));
        let theirs = Arc::clone(&table);
        let writer = detector.spawn("writer", move || theirs.write().map(|mut table| *table += 1).is_ok());
        let first = table.read().unwrap();
        let twice = table.read().is_ok();
        drop(first);
        // Whoever is refused, one of the two goes on.
        assert!(writer.join().unwrap() || twice);
        assert_eq!(detector.reports().len(), usize::from(!twice));
    });
}
