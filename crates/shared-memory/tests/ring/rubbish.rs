//! A peer that writes rubbish: errors and messages inside of the ring, for both ends.

use std::time::Duration;

use model::sync::atomic::{AtomicU32, Ordering::Relaxed};
use proptest::prelude::*;
use shared_memory::{
    Memfd,
    ring::{self, Consumer, Corrupt, Producer, RingError, records::SKIP},
};

use super::{READ, RECORDS};

fn store(memory: &Memfd, at: usize, value: u32) {
    memory.map().unwrap().at::<AtomicU32>(at).unwrap().store(value, Relaxed);
}

/// What a consumer finds that has given back all up to `position`, with these headers, each at its place.
fn found(position: u32, headers: &[(usize, u32)]) -> Result<usize, RingError> {
    let memory = Memfd::create("ring", ring::size(256)).unwrap();
    ring::create(&memory).unwrap();
    store(&memory, READ, position);
    headers.iter().for_each(|(place, header)| store(&memory, RECORDS + place, *header));
    let mut consumer = Consumer::attach(&memory)?;
    let found = consumer.peek_within(Duration::ZERO).map(|message| message.len());
    // A producer that would go on there finds the same.
    let corrupt = |error: &RingError| matches!(error, RingError::Corrupt(_));
    assert_eq!(
        Producer::attach(&memory).is_err_and(|error| corrupt(&error)),
        found.as_ref().is_err_and(corrupt)
    );
    found
}

#[test]
fn headers_and_positions_that_cannot_be_true_are_refused() {
    assert_eq!(found(0, &[(0, 16)]), Ok(8));
    assert_eq!(found(136, &[(136, 120)]), Ok(112), "up to the end");
    assert_eq!(found(0xffff_fff0, &[(240, SKIP), (0, 16)]), Ok(8), "a skip to the start");
    assert_eq!(found(0, &[]), Err(RingError::TimedOut));
    let refused = |position, headers: &[_]| matches!(found(position, headers), Err(RingError::Corrupt(_)));
    assert!(refused(0, &[(0, 8 + 121)]), "longer than allowed");
    assert!(refused(136, &[(136, 8 + 113)]), "longer than up to the end");
    assert!(refused(0, &[(0, u32::MAX)]), "a length beyond all memory");
    assert!(refused(0, &[(0, 7)]), "a header that says nothing");
    assert!(refused(0, &[(0, SKIP)]), "a skip of all there is");
    assert!(refused(8, &[(8, SKIP), (0, 8)]), "a skip, and a message where there can be none");
    assert!(refused(8, &[(8, SKIP), (0, SKIP)]), "skips without end");
    assert!(refused(4, &[]), "a position that is no multiple of 8");

    let (memory, mut producer, _consumer) = super::ring(256);
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
        bytes in prop_oneof![Just(vec![0; 256]), proptest::collection::vec(any::<u8>(), 256)],
        words in proptest::collection::vec((0usize..33, prop_oneof![0u32..300, any::<u32>()]), 0..24),
        lens in proptest::collection::vec(0usize..130, 1..20),
    ) {
        let memory = Memfd::create("ring", ring::size(256)).unwrap();
        ring::create(&memory).unwrap();
        let mapping = memory.map().unwrap();
        mapping.write(RECORDS, &bytes).unwrap();
        // Half of the time a number is possible, so that what is behind it is looked at.
        for (place, value) in words {
            if place == 32 { store(&memory, READ, value & !7) } else { store(&memory, RECORDS + place * 8, value) }
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
