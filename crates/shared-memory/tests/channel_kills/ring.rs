//! The ring's ends.

use shared_memory::{
    Memfd,
    ring::{self, Consumer, Producer, RingError},
};

use super::{LIMIT, Random, cast, must_die};

fn ring() -> Memfd {
    let memory = Memfd::create("ring", ring::size(1024)).unwrap();
    ring::create(&memory).unwrap();
    memory
}

/// What the lesson's producer sends.
fn length(number: u64) -> usize {
    8 + number as usize * 7 % 300
}

fn check(message: &[u8], number: u64, told: &str) {
    assert_eq!(message[..8], number.to_le_bytes(), "{told}: another message than {number}");
    assert_eq!(message.len(), length(number), "{told}: message {number} is cut");
    assert!(message[8..].iter().all(|byte| *byte == number as u8), "{told}: message {number} is torn");
}

/// Takes message after message, from `next` on; the error at the end, and how many there were.
fn drain(consumer: &mut Consumer, mut next: u64, told: &str) -> (u64, RingError) {
    loop {
        match consumer.peek_within(LIMIT) {
            Ok(message) => {
                check(&message, next, told);
                message.release();
                next += 1;
            }
            Err(end) => return (next, end),
        }
    }
}

fn send(producer: &mut Producer, number: u64) -> Result<(), RingError> {
    let mut message = producer.reserve_within(length(number), LIMIT)?;
    message[..8].copy_from_slice(&number.to_le_bytes());
    message[8..].fill(number as u8);
    message.commit();
    Ok(())
}

pub(crate) fn producer_named(random: &mut Random, told: &str) {
    let (point, nth) = (random.of(&["reserved", "staged", "published"]), 1 + random.below(500));
    let told = format!("{told}: {point} {nth}");
    let memory = ring();
    let mut victim = cast("ring/producer", &memory).killed_at(point, nth).start().unwrap();
    let mut consumer = Consumer::attach(&memory).unwrap();
    consumer.expect(victim.id());
    let (count, end) = drain(&mut consumer, 0, &told);
    assert_eq!(end, RingError::PeerDied { id: victim.id() }, "{told}");
    assert_eq!(count, if point == "published" { nth } else { nth - 1 }, "{told}: lost, or too many");
    must_die(&mut victim, &told);
    // Another takes its place, and goes on behind it.
    let mut next = Producer::attach(&memory).unwrap();
    send(&mut next, count).unwrap();
    check(&consumer.peek().unwrap(), count, &told);
}

pub(crate) fn producer_random(random: &mut Random, told: &str) {
    let memory = ring();
    let mut victim = cast("ring/producer", &memory).start().unwrap();
    let mut consumer = Consumer::attach(&memory).unwrap();
    consumer.expect(victim.id());
    let before = random.below(2_000);
    for number in 0..before {
        let message = consumer.peek_within(LIMIT).unwrap();
        check(&message, number, told);
        message.release();
    }
    random.dawdle();
    victim.kill().unwrap();
    let (count, end) = drain(&mut consumer, before, told);
    assert_eq!(end, RingError::PeerDied { id: victim.id() }, "{told}");
    // What it said that it had sent has come.
    while let Ok(line) = victim.line(LIMIT) {
        assert!(line.parse::<u64>().unwrap() <= count, "{told}: {line} were accepted, {count} came");
    }
}

pub(crate) fn consumer_named(random: &mut Random, told: &str) {
    let (point, nth) = (random.of(&["peeked", "released", "given back"]), 1 + random.below(100));
    let told = format!("{told}: {point} {nth}");
    let memory = ring();
    let mut victim = cast("ring/consumer", &memory).killed_at(point, nth).start().unwrap();
    let mut producer = Producer::attach(&memory).unwrap();
    producer.expect(victim.id());
    let sent = flood(&mut producer, victim.id(), 0, &told);
    must_die(&mut victim, &told);
    let first = successor(&memory, sent, &told);
    if point != "given back" {
        assert!(first < nth, "{told}: {first} is the first of what nobody has read");
    }
}

pub(crate) fn consumer_random(random: &mut Random, told: &str) {
    let memory = ring();
    let mut victim = cast("ring/consumer", &memory).start().unwrap();
    let mut producer = Producer::attach(&memory).unwrap();
    producer.expect(victim.id());
    let before = random.below(2_000);
    for number in 0..before {
        send(&mut producer, number).unwrap();
    }
    random.dawdle();
    victim.kill().unwrap();
    let sent = flood(&mut producer, victim.id(), before, told);
    let first = successor(&memory, sent, told);
    while let Ok(line) = victim.line(LIMIT) {
        // What it said it had given back: not again.
        assert!(
            line.parse::<u64>().unwrap() <= first,
            "{told}: {line} were given back, and {first} comes again"
        );
    }
}

/// Sends until the consumer is found dead.
fn flood(producer: &mut Producer, victim: u32, mut number: u64, told: &str) -> u64 {
    loop {
        match send(producer, number) {
            Ok(()) => number += 1,
            Err(end) => {
                assert_eq!(end, RingError::PeerDied { id: victim }, "{told}");
                return number;
            }
        }
    }
}

/// Takes the dead consumer's place: what is left has no gap, and ends with what was sent last. Its first number.
fn successor(memory: &Memfd, sent: u64, told: &str) -> u64 {
    let mut next = Consumer::attach(memory).unwrap();
    let first = u64::from_le_bytes(next.peek().unwrap()[..8].try_into().unwrap());
    let mut number = first;
    while let Some(message) = next.try_peek().unwrap() {
        check(&message, number, told);
        message.release();
        number += 1;
    }
    assert_eq!(number, sent, "{told}: the last are lost");
    first
}
