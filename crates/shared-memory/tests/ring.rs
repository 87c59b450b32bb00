//! The ring between two ends: lengths, wrapping around, leaving, and who comes after.

use std::{thread, time::Duration};

use shared_memory::{
    Memfd,
    layout::Header,
    ring::{self, Consumer, Producer, RingError, Wait},
};

#[path = "ring/rubbish.rs"]
mod rubbish;
#[path = "ring/sleepers.rs"]
mod sleepers;

const LIMIT: Duration = Duration::from_secs(60);

/// Where the consumer's position and the first header are, for whoever looks on, or breaks the protocol.
const READ: usize = size_of::<Header>().next_multiple_of(128);
const RECORDS: usize = READ + 128;

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
    // Each has a header, and one is behind the last.
    assert_eq!(sent, 15);
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
    assert!(consumer.try_peek().unwrap().is_none(), "closed no more");
    send(&mut producer, b"of the next one");
    assert_eq!(receive(&mut consumer), b"of the next one");
    drop(consumer);
    for _ in 0..2 {
        while let Ok(room) = producer.reserve_within(120, LIMIT) {
            room.commit();
        }
    }
    assert_eq!(producer.reserve(120).map(drop), Err(RingError::Closed));
    let _consumer = Consumer::attach(&memory).unwrap();
    let full = producer.reserve_within(120, Duration::ZERO).map(drop);
    assert_eq!(full, Err(RingError::TimedOut), "closed no more");
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

/// Bytes of a message may look like a header. What is behind the last message is none, whatever was there a lap ago.
#[test]
fn old_bytes_are_no_message() {
    let (_memory, mut producer, mut consumer) = ring(256);
    for number in 0..500 {
        let bytes = 16_u64.to_ne_bytes().repeat(number * 7 % 15);
        send(&mut producer, &bytes);
        assert_eq!(receive(&mut consumer), bytes);
        assert!(consumer.try_peek().unwrap().is_none(), "after message {number}");
    }
}

/// What a producer has staged and not published goes with it; all that it has published, its successor finds and leaves.
#[test]
fn a_successor_goes_on_behind_what_nobody_has_read() {
    let (memory, mut producer, mut consumer) = ring(512);
    let (mut sent, mut got) = (0, 0);
    for turn in 0..300 {
        drop(producer);
        producer = Producer::attach(&memory).unwrap();
        for _ in 0..1 + turn % 3 {
            send(&mut producer, &message(sent, sent * 7 % 50));
            sent += 1;
        }
        drop(producer.reserve_within(turn % 100, Duration::ZERO));
        // Two or more are left, as a rule.
        while got + 2 < sent {
            assert_eq!(receive(&mut consumer), message(got, got * 7 % 50), "message {got}");
            got += 1;
        }
    }
}
