//! The ring between two ends: lengths, wrapping around, waiting, leaving; and a peer that writes rubbish.

use std::{thread, time::Duration};

use model::sync::atomic::{AtomicU32, Ordering::Relaxed};
use proptest::prelude::*;
use shared_memory::{
    Memfd,
    layout::Header,
    ring::{self, Consumer, Corrupt, Producer, RingError, Wait},
};

const LIMIT: Duration = Duration::from_secs(60);

fn ring(capacity: usize) -> (Memfd, Producer, Consumer) {
    let memory = Memfd::create("ring", ring::size(capacity)).unwrap();
    ring::create(&memory).unwrap();
    let (producer, consumer) = (Producer::attach(&memory).unwrap(), Consumer::attach(&memory).unwrap());
    (memory, producer, consumer)
}

fn send(producer: &mut Producer, bytes: &[u8]) {
    let mut message = producer.reserve_within(bytes.len(), LIMIT).unwrap();
    message.copy_from_slice(bytes);
    message.commit();
}

fn receive(consumer: &mut Consumer) -> Vec<u8> {
    let message = consumer.peek_within(LIMIT).unwrap();
    let bytes = message.to_vec();
    assert_eq!(message.copied(), bytes);
    message.release();
    bytes
}

/// A message whose bytes tell number and place.
fn message(number: usize, len: usize) -> Vec<u8> {
    (0..len).map(|place| (number * 31 + place) as u8).collect()
}

#[test]
fn messages_of_all_lengths_wrap_around() {
    let (_memory, mut producer, mut consumer) = ring(256);
    assert_eq!(producer.longest(), 120);
    for number in 0..2_000 {
        let bytes = message(number, number * 7 % 121);
        send(&mut producer, &bytes);
        assert_eq!(receive(&mut consumer), bytes);
    }
}

#[test]
fn what_is_not_released_is_next_again_and_what_is_not_committed_never_was() {
    let (_memory, mut producer, mut consumer) = ring(256);
    drop(producer.reserve(100).unwrap());
    send(&mut producer, b"first");
    assert_eq!(&consumer.peek().unwrap()[..], b"first");
    assert_eq!(receive(&mut consumer), b"first");
    assert!(consumer.try_peek().unwrap().is_none());
    for letter in [b"a", b"b"] {
        let mut staged = producer.reserve(1).unwrap();
        staged.copy_from_slice(letter);
        staged.stage();
        assert!(consumer.try_peek().unwrap().is_none());
    }
    producer.publish();
    assert_eq!((receive(&mut consumer), receive(&mut consumer)), (b"a".to_vec(), b"b".to_vec()));
}

#[test]
fn a_full_ring_is_an_error_in_time_and_no_message_is_lost() {
    let (_memory, mut producer, mut consumer) = ring(256);
    let mut sent = 0;
    while let Ok(mut room) = producer.reserve_within(8, Duration::from_millis(1)) {
        room.fill(sent);
        room.stage();
        sent += 1;
    }
    assert_eq!(sent, 16);
    assert_eq!(producer.reserve_within(8, Duration::ZERO).unwrap_err(), RingError::TimedOut);
    for number in 0..sent {
        assert_eq!(receive(&mut consumer), [number; 8]);
    }
    assert_eq!(consumer.peek_within(Duration::ZERO).unwrap_err(), RingError::TimedOut);
    send(&mut producer, b"there is room again");
}

#[test]
fn a_message_that_never_fits_is_refused() {
    let (_memory, mut producer, _consumer) = ring(256);
    let refused = producer.reserve(121).map(drop);
    assert_eq!(refused, Err(RingError::TooLong { len: 121, longest: 120 }));
    let refused = producer.reserve(usize::MAX).map(drop);
    assert!(matches!(refused, Err(RingError::TooLong { .. })));
}

#[test]
fn an_end_has_one_owner_and_may_be_taken_when_it_is_left() {
    let (memory, mut producer, mut consumer) = ring(256);
    let id = std::process::id();
    assert_eq!(Producer::attach(&memory).unwrap_err(), RingError::Taken { id });
    assert_eq!(Consumer::attach(&memory).unwrap_err(), RingError::Taken { id });
    send(&mut producer, b"last");
    drop(producer);
    assert_eq!(receive(&mut consumer), b"last");
    assert_eq!(consumer.peek().map(drop), Err(RingError::Closed));
    assert_eq!(consumer.try_peek().map(drop), Err(RingError::Closed));
    let mut producer = Producer::attach(&memory).unwrap();
    send(&mut producer, b"of the next one");
    assert_eq!(receive(&mut consumer), b"of the next one");
    drop(consumer);
    for _ in 0..2 {
        while let Ok(room) = producer.reserve_within(120, LIMIT) {
            room.commit();
        }
    }
    assert_eq!(producer.reserve(120).map(drop), Err(RingError::Closed));
}

#[test]
fn what_is_no_ring_is_refused() {
    let memory = Memfd::create("ring", 4096).unwrap();
    assert!(matches!(Producer::attach(&memory), Err(RingError::Layout(_))));
    ring::create(&memory).unwrap();
    assert!(matches!(ring::create(&memory), Err(RingError::Layout(_))));
    let tiny = Memfd::create("ring", ring::size(64) - 1).unwrap();
    assert!(matches!(ring::create(&tiny), Err(RingError::Capacity { bytes: 0 })));
}

/// Two threads, each way of waiting, lengths that do not fit each other, one by one and in batches.
#[test]
fn a_stream_comes_whole_and_in_order() {
    for (wait, batch) in [(Wait::Adaptive, 1), (Wait::Adaptive, 7), (Wait::Sleep, 1), (Wait::Spin, 3)] {
        let (_memory, mut producer, mut consumer) = ring(1024);
        producer.set_wait(wait);
        consumer.set_wait(wait);
        let count = if wait == Wait::Adaptive { 50_000 } else { 3_000 };
        let len = |number: usize| number * number % 500;
        thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..count {
                    let mut room = producer.reserve_within(len(number), LIMIT).unwrap();
                    room.copy_from_slice(&message(number, len(number)));
                    let producer = room.stage();
                    if number % batch == 0 {
                        producer.publish();
                    }
                }
            });
            for number in 0..count {
                assert_eq!(receive(&mut consumer), message(number, len(number)), "message {number}");
            }
            assert_eq!(consumer.peek_within(LIMIT).map(drop), Err(RingError::Closed));
        });
    }
}

/// Where the positions and the first header are, for whoever breaks the protocol.
const WRITTEN: usize = size_of::<Header>().next_multiple_of(128);
const READ: usize = WRITTEN + 128;
const RECORDS: usize = READ + 128;

fn store(memory: &Memfd, at: usize, value: u32) {
    memory.map().unwrap().at::<AtomicU32>(at).unwrap().store(value, Relaxed);
}

#[test]
fn positions_and_lengths_that_cannot_be_true_are_refused() {
    let refused = |position: u32, header: [u32; 2]| {
        let (memory, producer, mut consumer) = ring(256);
        std::mem::forget(producer);
        store(&memory, RECORDS, header[0]);
        store(&memory, RECORDS + 4, header[1]);
        store(&memory, WRITTEN, position);
        let refused = matches!(consumer.peek_within(Duration::ZERO), Err(RingError::Corrupt(_)));
        refused
    };
    assert!(!refused(16, [8, 0]), "a message of 8 bytes, as it should be");
    assert!(refused(16, [9, 0]), "longer than what was written");
    assert!(refused(256, [121, 0]), "longer than allowed");
    assert!(refused(256, [u32::MAX, u32::MAX]), "a length beyond all memory");
    assert!(refused(264, [8, 0]), "more than fits");
    assert!(refused(0xffff_fff8, [8, 0]), "before what was read");
    assert!(refused(20, [8, 0]), "no multiple of 8");
    assert!(refused(16, [0, 1 << 31]), "a skip beyond what was written");
    assert!(!refused(256, [0, 1 << 31]), "a skip to the end: no message");

    let (memory, mut producer, _consumer) = ring(256);
    store(&memory, READ, 8);
    let corrupt = Corrupt("the consumer has read what was not written");
    while let Ok(room) = producer.reserve_within(8, Duration::ZERO) {
        room.commit();
        store(&memory, READ, 0xffff_ff00);
    }
    assert_eq!(producer.reserve(8).map(drop), Err(corrupt.into()));
}

proptest! {
    /// A ring of any bytes behind a true header: errors and messages inside of the ring, for both ends; no end without one.
    #[test]
    fn no_bytes_make_an_end_leave_the_ring(
        bytes in proptest::collection::vec(any::<u8>(), 512),
        words in proptest::collection::vec((0usize..48, prop_oneof![0u32..300, any::<u32>()]), 0..24),
        lens in proptest::collection::vec(0usize..130, 1..20),
    ) {
        let memory = Memfd::create("ring", ring::size(256)).unwrap();
        ring::create(&memory).unwrap();
        let mapping = memory.map().unwrap();
        mapping.write(RECORDS, &bytes[..256]).unwrap();
        // Half of the time a position is possible, so that what is behind it is looked at.
        for (place, value) in words {
            let at = [WRITTEN, READ, RECORDS + place % 32 * 8, RECORDS + place % 32 * 8 + 4][place % 4];
            store(&memory, at, if place % 4 < 3 { value & !7 } else { 0 });
        }
        if let Ok(mut producer) = Producer::attach(&memory) {
            for len in &lens {
                if let Ok(mut room) = producer.reserve_within(*len, Duration::ZERO) {
                    room.fill(0xff);
                    room.commit();
                }
            }
            std::mem::forget(producer);
        }
        if let Ok(mut consumer) = Consumer::attach(&memory) {
            for _ in 0..100 {
                match consumer.peek_within(Duration::ZERO) {
                    Ok(message) => {
                        prop_assert!(message.len() <= 120);
                        prop_assert_eq!(message.copied().len(), message.len());
                        message.release();
                    }
                    Err(_) => break,
                }
            }
        }
    }
}
