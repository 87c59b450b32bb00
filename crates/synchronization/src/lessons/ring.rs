//! How fast can one thread hand values to one other?
//!
//! With two threads fixed, one that puts and one that takes, a queue needs no lock and not even a read-modify-write: each
//! side has its own position, which only it stores, and reads the other's. The ring of this crate does that, with
//! two improvements that the hardware asks for: the positions lie on cache lines of their own, and each side
//! remembers the other's position and looks again only when by that the ring is full, or empty.
//!
//! What it does not do is wait: a full ring gives the value back. That is the caller's business, and here the callers
//! give their core away. Python's nearest is `collections.deque` with `maxlen`, under the GIL.

use std::{sync::mpsc, thread};

use lesson::{
    Bound, Lesson, Story,
    measure::{in_turn, ratio},
};

use crate::ring::{self, Full};

/// How fast can one thread hand values to one other?
pub(super) const LESSON: Lesson = Lesson {
    name: "ring",
    question: "How fast can one thread hand values to one other?",
    python: &["collections.deque", "queue.SimpleQueue"],
    run,
    scenes: &[],
};

const CAPACITY: usize = 1024;

fn run(story: &mut Story) -> lesson::Result {
    let (mut producer, mut consumer) = ring::channel(2);
    let pushed = [producer.push('a'), producer.push('b'), producer.push('c')];
    story.equal(
        "a ring of two takes two, and gives the third back",
        [Ok(()), Ok(()), Err(Full('c'))],
        pushed,
    );
    let popped = [consumer.pop(), consumer.pop(), consumer.pop()];
    story.equal("they come out in order", [Some('a'), Some('b'), None], popped);
    drop(producer);
    story.equal("the consumer can tell that no more will come", true, consumer.is_abandoned());
    story.equal("no slots: an error", Some(ring::ZeroCapacity), ring::try_channel::<char>(0).err());

    const VALUES: u64 = 100_000;
    story.equal("100,000 values through a ring: sum", (0..VALUES).sum(), through_ring(VALUES));
    story.equal("and through std's channel: sum", (0..VALUES).sum(), through_mpsc(VALUES));
    story.timed("std::sync::mpsc against the ring, each with room for 1,024", Bound::AtLeast(1.5), 2, || {
        const VALUES: u64 = 400_000;
        let [mpsc, ring] = in_turn(5, [&mut || _ = through_mpsc(VALUES), &mut || _ = through_ring(VALUES)]);
        ratio(&mpsc, &ring)
    });
    Ok(())
}

fn through_ring(values: u64) -> u64 {
    let (mut producer, mut consumer) = ring::channel(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || {
            for value in 0..values {
                while producer.push(value).is_err() {
                    thread::yield_now();
                }
            }
        });
        let mut sum = 0;
        loop {
            // First this, then pop: what was pushed before the producer went is then popped.
            let last = consumer.is_abandoned();
            match consumer.pop() {
                Some(value) => sum += value,
                None if last => return sum,
                None => thread::yield_now(),
            }
        }
    })
}

fn through_mpsc(values: u64) -> u64 {
    let (sender, receiver) = mpsc::sync_channel(CAPACITY);
    thread::scope(|scope| {
        // The receiver outlives the scope's thread, so no send fails.
        scope.spawn(move || (0..values).all(|value| sender.send(value).is_ok()));
        receiver.iter().sum()
    })
}
