//! Messages of which each byte is known, and the two processes that send and receive them until they are killed.

use super::LIMIT;
use crate::{
    peer,
    ring::{Consumer, Points, Producer, RingError},
};

/// The ends' points, each where a kill would hurt.
const POINTS: fn(&'static str) = peer::at;

// ANCHOR: message
/// Message `number`: its number, and then as many bytes as it likes, of which each is known.
pub(super) fn send<P: Points>(producer: &mut Producer<P>, number: u64) -> Result<(), RingError> {
    let mut message = producer.reserve(8 + number as usize * 7 % 300)?;
    message[..8].copy_from_slice(&number.to_le_bytes());
    message[8..].fill(number as u8);
    message.commit();
    Ok(())
}
// ANCHOR_END: message

pub(super) fn number(message: &[u8]) -> u64 {
    message.first_chunk().map_or(u64::MAX, |number| u64::from_le_bytes(*number))
}

fn is_whole(message: &[u8], number: u64) -> bool {
    self::number(message) == number
        && message.len() == 8 + number as usize * 7 % 300
        && message[8..].iter().all(|byte| *byte == number as u8)
}

/// How many messages came, up to one that is not as it should be; and the error after the last.
pub(super) fn receive_all<P: Points>(consumer: &mut Consumer<P>) -> (u64, RingError) {
    let mut count = 0;
    loop {
        match consumer.peek_within(LIMIT) {
            Ok(message) => {
                if is_whole(&message, count) {
                    count += 1;
                }
                message.release();
            }
            Err(end) => return (count, end),
        }
    }
}

/// How many messages could be sent, and the error after the last.
pub(super) fn send_all(producer: &mut Producer) -> (u64, RingError) {
    let mut sent = 0;
    loop {
        match send(producer, sent) {
            Ok(()) => sent += 1,
            Err(end) => return (sent, end),
        }
    }
}

/// Sends as many messages as its first word says; says how far it is at every power of two.
pub(super) fn producer() {
    peer::leave_no_core();
    let memory = peer::memory().expect("given");
    let mut producer = Producer::attach_with(&memory, POINTS).expect("a ring");
    let count = peer::word(0).and_then(|word| word.parse().ok()).unwrap_or(u64::MAX);
    for number in 0..count {
        if send(&mut producer, number).is_err() {
            return;
        }
        if (number + 1).is_power_of_two() {
            peer::say(number + 1);
        }
    }
}

/// Reads, and says how far it is at every power of two, until there is no more.
pub(super) fn consumer() {
    peer::leave_no_core();
    let memory = peer::memory().expect("given");
    let mut consumer = Consumer::attach_with(&memory, POINTS).expect("a ring");
    let mut next = None;
    while let Ok(message) = consumer.peek_within(LIMIT) {
        let expected = next.unwrap_or_else(|| number(&message));
        if !is_whole(&message, expected) {
            peer::say(format!("torn: {expected}"));
            return;
        }
        message.release();
        next = Some(expected + 1);
        if (expected + 1).is_power_of_two() {
            consumer.give_back();
            peer::say(expected + 1);
        }
    }
}
