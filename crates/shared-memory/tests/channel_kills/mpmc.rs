//! The queue's producers and consumers.

use std::{collections::BTreeSet, time::Duration};

use shared_memory::{
    Memfd,
    mpmc::{self, Queue, QueueError},
    ring::PATIENCE,
    shared,
};

use super::{LIMIT, Random, cast, must_die};

shared! {
    /// As the lesson's.
    #[derive(Debug)]
    plain struct Order { number: u64, words: [u64; 7] }
}

fn order(number: u64) -> Order {
    Order { number, words: [number.wrapping_mul(0x9e37_79b9_7f4a_7c15); 7] }
}

fn number(order: Order, told: &str) -> u64 {
    assert_eq!(order.words, self::order(order.number).words, "{told}: {} is torn", order.number);
    order.number
}

fn queue() -> (Memfd, Queue<Order>) {
    let memory = Memfd::create("queue", mpmc::size::<Order>(8)).unwrap();
    mpmc::create::<Order>(&memory).unwrap();
    let queue = Queue::attach(&memory).unwrap();
    (memory, queue)
}

/// Long enough to look twice for what the dead have left.
const EMPTY: Duration = PATIENCE.saturating_mul(3);

/// All that is left.
fn drain(queue: &Queue<Order>, told: &str) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        match queue.pop(EMPTY) {
            Ok(order) => all.push(number(order, told)),
            Err(QueueError::TimedOut) => return all,
            Err(why) => panic!("{told}: {why}"),
        }
    }
}

/// The queue still does what it should, around and around.
fn goes_on(queue: &Queue<Order>, told: &str) {
    for last in 0..20 {
        queue.push(order(last), LIMIT).unwrap();
        assert_eq!(number(queue.pop(LIMIT).unwrap(), told), last);
    }
}

pub(crate) fn producer_named(random: &mut Random, told: &str) {
    let (point, nth) = (random.of(&["reserved", "written", "published"]), 1 + random.below(200));
    let told = format!("{told}: {point} {nth}");
    let (memory, queue) = queue();
    let mut victim = cast("mpmc/producer", &memory).killed_at(point, nth).start().unwrap();
    let accepted = if point == "published" { nth } else { nth - 1 };
    for expected in 0..accepted {
        assert_eq!(number(queue.pop(LIMIT).unwrap(), &told), expected, "{told}");
    }
    must_die(&mut victim, &told);
    assert!(drain(&queue, &told).is_empty(), "{told}: more than was accepted");
    goes_on(&queue, &told);
}

/// Two produce, one is killed; of each, what comes is a row without a gap.
pub(crate) fn producer_random(random: &mut Random, told: &str) {
    const OTHER: u64 = 1 << 32;
    let (memory, queue) = queue();
    let mut victim = cast("mpmc/producer", &memory).with_word(0).start().unwrap();
    let mut other = cast("mpmc/producer", &memory).with_word(OTHER).start().unwrap();
    let mut next = [0, OTHER];
    let mut take = |which: usize, enough: u64| {
        let end = next[which] + enough;
        while next[which] < end {
            let number = number(queue.pop(LIMIT).unwrap(), told);
            let whose = usize::from(number >= OTHER);
            assert_eq!(number, next[whose], "{told}: lost, twice, or out of order");
            next[whose] += 1;
        }
    };
    take(0, 1 + random.below(300));
    random.dawdle();
    victim.kill().unwrap();
    take(1, 100);
    other.kill().unwrap();
    for number in drain(&queue, told) {
        let whose = usize::from(number >= OTHER);
        assert_eq!(number, next[whose], "{told}: lost, twice, or out of order");
        next[whose] += 1;
    }
    goes_on(&queue, told);
}

pub(crate) fn consumer_named(random: &mut Random, told: &str) {
    let (point, nth) = (random.of(&["taken", "read", "freed"]), 1 + random.below(30));
    let told = format!("{told}: {point} {nth}");
    let (memory, queue) = queue();
    let mut victim = cast("mpmc/consumer", &memory).killed_at(point, nth).start().unwrap();
    let mut got = BTreeSet::new();
    for number in 0..nth + 6 {
        queue.push(order(number), LIMIT).unwrap();
    }
    must_die(&mut victim, &told);
    for number in drain(&queue, &told) {
        assert!(got.insert(number), "{told}: {number} twice");
    }
    // What its pop has returned, or would have in the next instant, is gone with it; nothing else.
    let gone = if point == "freed" { nth } else { nth - 1 };
    assert!(got.into_iter().eq(gone..nth + 6), "{told}: lost, or came again");
    goes_on(&queue, &told);
}

pub(crate) fn consumer_random(random: &mut Random, told: &str) {
    let (memory, queue) = queue();
    let mut victim = cast("mpmc/consumer", &memory).with_word("tell").start().unwrap();
    let count = 1 + random.below(500);
    for number in 0..count {
        queue.push(order(number), LIMIT).unwrap();
    }
    random.dawdle();
    victim.kill().unwrap();
    let mut got = BTreeSet::new();
    while let Ok(line) = victim.line(LIMIT) {
        assert!(got.insert(line.parse().unwrap()), "{told}: {line} twice");
    }
    for number in drain(&queue, told) {
        assert!(got.insert(number), "{told}: {number} came again");
    }
    // Of what `pop` has returned, one may not have been told of.
    let missing = (0..count).filter(|number| !got.contains(number)).count();
    assert!(missing <= 1, "{told}: {missing} are lost");
    goes_on(&queue, told);
}
