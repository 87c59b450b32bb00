//! Whoever sleeps is woken: by a message, by room, by an end that leaves.

use std::{thread, time::Duration};

use model::sync::atomic::{AtomicU32, Ordering::Relaxed};
use shared_memory::{
    Memfd,
    ring::{RingError, Wait, records::ASLEEP},
};

use super::{READ, RECORDS, message, receive, ring, send};

/// Waits until an end has said in the word at `at` that it sleeps.
fn until_asleep(memory: &Memfd, at: usize) {
    let mapping = memory.map().unwrap();
    while mapping.at::<AtomicU32>(at).unwrap().load(Relaxed) & ASLEEP == 0 {
        thread::yield_now();
    }
}

/// Nobody who is not woken sleeps for ever, but 50 ms: 1,000 times that is more than this test has.
fn a_thousand_times(what: impl FnMut(usize)) {
    let _hang = testkit::watchdog(Duration::from_secs(30));
    (0..1_000).for_each(what);
}

#[test]
fn a_message_wakes_who_sleeps() {
    let (memory, mut producer, mut consumer) = ring(64);
    consumer.set_wait(Wait::Sleep);
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..1_000 {
                assert_eq!(receive(&mut consumer), message(number, 8));
            }
        });
        a_thousand_times(|number| {
            until_asleep(&memory, RECORDS + number * 16 % 64);
            send(&mut producer, &message(number, 8));
        });
    });
}

#[test]
fn room_wakes_who_sleeps() {
    let (memory, mut producer, mut consumer) = ring(64);
    producer.set_wait(Wait::Sleep);
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..1_003 {
                send(&mut producer, &message(number, 8));
            }
        });
        a_thousand_times(|number| {
            until_asleep(&memory, READ);
            assert_eq!(receive(&mut consumer), message(number, 8));
            consumer.give_back();
        });
    });
}

#[test]
fn who_leaves_wakes_who_sleeps() {
    a_thousand_times(|_| {
        let (memory, producer, mut consumer) = ring(64);
        consumer.set_wait(Wait::Sleep);
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(consumer.peek().map(drop), Err(RingError::Closed)));
            until_asleep(&memory, RECORDS);
            drop(producer);
        });
    });
}

#[test]
fn a_consumer_that_leaves_wakes_who_sleeps() {
    a_thousand_times(|_| {
        let (memory, mut producer, consumer) = ring(64);
        producer.set_wait(Wait::Sleep);
        thread::scope(|scope| {
            scope.spawn(|| {
                while let Ok(room) = producer.reserve(24) {
                    room.commit();
                }
                assert_eq!(producer.reserve(24).map(drop), Err(RingError::Closed));
            });
            until_asleep(&memory, READ);
            drop(consumer);
        });
    });
}
