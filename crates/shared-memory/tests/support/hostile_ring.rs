//! A ring among whatever bytes: see `hostile.rs`.

use std::time::Duration;

use shared_memory::{
    Mapping, Memfd,
    ring::{self, Consumer, Producer, RingError, Wait},
};

use super::Script;

/// Behind what a ring uses, which is a power of two: nobody writes there.
pub(super) const BEHIND: usize = 128;

/// Both ends take steps in any order, and somebody else writes in between.
pub(super) fn use_ring(memory: &Memfd, script: &mut Script<'_>) -> bool {
    let (mut producer, mut consumer) = (producer_of(memory), consumer_of(memory));
    if producer.is_none() && consumer.is_none() {
        return false;
    }
    let mapping = memory.map().unwrap();
    for _ in 0..40 {
        match (script.small() % 8, &mut producer, &mut consumer) {
            (step @ 0..=2, Some(producer), _) => write(producer, &mapping, script.small(), step),
            (3..=4, _, Some(consumer)) => _ = read(consumer, &mapping),
            (5, _, Some(consumer)) => consumer.give_back(),
            // Another comes in its place.
            (6, ..) if script.small().is_multiple_of(2) => {
                drop(producer.take());
                producer = producer_of(memory);
            }
            (6, ..) => {
                drop(consumer.take());
                consumer = consumer_of(memory);
            }
            _ => {
                let (at, number) = (script.small(), script.number());
                mapping.write((at % (mapping.len() - 7)) & !3, &number.to_ne_bytes()).unwrap();
            }
        }
    }
    if let Some(mut producer) = producer {
        (0..8).for_each(|step| write(&mut producer, &mapping, script.small(), step));
    }
    if let Some(mut consumer) = consumer {
        let _ = (0..40).try_for_each(|_| read(&mut consumer, &mapping));
    }
    true
}

fn producer_of(memory: &Memfd) -> Option<Producer> {
    let mut producer = Producer::attach(memory).ok()?;
    // Nobody waits here at all, so nobody need look again and again.
    producer.set_wait(Wait::Sleep);
    Some(producer)
}

fn consumer_of(memory: &Memfd) -> Option<Consumer> {
    let mut consumer = Consumer::attach(memory).ok()?;
    consumer.set_wait(Wait::Sleep);
    Some(consumer)
}

/// A message of some length is written, and nothing around the messages with it.
fn write(producer: &mut Producer, mapping: &Mapping, number: usize, step: usize) {
    let longest = mapping.len();
    let len = number % (2 * longest);
    let Ok(mut room) = producer.reserve_within(len, Duration::ZERO) else { return };
    assert!(room.len() == len && len < longest, "room for {len} bytes");
    let before = around(mapping);
    room.fill(0xff);
    assert!(around(mapping) == before, "{len} bytes, not all of them in the ring");
    match step % 3 {
        0 => room.commit(),
        1 => _ = room.stage(),
        _ => drop(room),
    }
}

fn read(consumer: &mut Consumer, mapping: &Mapping) -> Result<(), RingError> {
    let message = consumer.peek_within(Duration::ZERO)?;
    assert!(message.len() < mapping.len(), "a message of {} bytes", message.len());
    assert_eq!(message.copied(), message.to_vec());
    message.release();
    Ok(())
}

/// The bytes before and behind the messages; of a ring as it is built here.
fn around(mapping: &Mapping) -> Option<Vec<u8>> {
    let (mut bytes, ring) = (vec![0; mapping.len()], ring::size(256));
    (bytes.len() == ring + BEHIND).then(|| {
        mapping.read(0, &mut bytes).unwrap();
        bytes.drain(ring - 256..ring);
        bytes
    })
}
