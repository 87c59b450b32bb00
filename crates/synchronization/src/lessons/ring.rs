//! How fast can one thread hand values to one other?
//!
//! With two threads fixed, one that puts and one that takes, a queue needs no lock and not even a read-modify-write. What
//! is left to pay for is the cache lines that travel between the two cores, some 100 ns each, so a ring is made fast by
//! sending fewer:
//!
//! - Lamport's ring has two positions. **Padded**, they lie in lines of their own, so that a store of one side takes only
//!   what it is about; with **remembered positions** each side looks at the other's only when by what it knows the ring is
//!   full, or empty. [Four forms](forms) without and with them are measured below.
//! - The [ring](crate::ring) of this crate has no shared position on the way of a value: a stamp in the same line says that
//!   it is there, and the places go back a batch at a time.
//!
//! Which form is how fast depends on how far the cores are from each other and on who waits for whom: run it. If the faster
//! side sleeps or yields for a while, it makes batches too, and the difference is gone.
//!
//! What a ring does not do is wait: a full one gives the value back. That is the caller's business, and here the callers
//! look again, and now and then give their core away. Python's nearest is `collections.deque` with `maxlen`, under the GIL.

mod forms;

use std::{hint::spin_loop, sync::mpsc, thread};

use lesson::{
    Bound, Lesson, Story,
    measure::{Samples, in_turn, ratio},
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

    const FEW: u64 = 10_000;
    let sums = ways().map(|(_, pass_on)| pass_on(FEW));
    story.equal("10,000 numbers in each of six ways: sums", [(0..FEW).sum(); 6], sums);
    one_way(story);
    Ok(())
}

/// The four forms, this crate's ring, and std's channel.
fn ways() -> [forms::Form; 6] {
    let [one, two, three, four] = forms::FORMS;
    let ours = ("this crate's: a stamp beside each value", through_ring as fn(u64) -> u64);
    [one, two, three, four, ours, ("std's sync_channel", through_mpsc)]
}

fn one_way(story: &mut Story) {
    const VALUES: u64 = 400_000;
    story.say("One thread passes 400,000 numbers on to another, through room for 1,024.");
    let mut samples: [Samples; 6] = Default::default();
    let judged =
        story.timed("std::sync::mpsc::sync_channel against the ring", Bound::AtLeast(1.5), 2, || {
            let [mut a, mut b, mut c, mut d, mut e, mut f] = ways().map(|(_, pass_on)| {
                move || {
                    pass_on(VALUES);
                }
            });
            samples = in_turn(5, [&mut a, &mut b, &mut c, &mut d, &mut e, &mut f]);
            ratio(&samples[5], &samples[4])
        });
    if judged.is_some() {
        let line = |((name, _), samples): (&forms::Form, &Samples)| {
            format!("{name:<45} {:6.1} ns a number\n", samples.median() / VALUES as f64 * 1e9)
        };
        story.show(ways().iter().zip(&samples).map(line).collect::<String>());
    }
}

/// Looks again at once, and now and then lets others run: the other side may be waiting for this core.
fn again(tries: &mut u32) {
    *tries += 1;
    if tries.is_multiple_of(64) { thread::yield_now() } else { spin_loop() }
}

fn through_ring(values: u64) -> u64 {
    let (mut producer, mut consumer) = ring::channel(CAPACITY);
    thread::scope(|scope| {
        scope.spawn(move || {
            for value in 0..values {
                let mut tries = 0;
                while producer.push(value).is_err() {
                    again(&mut tries);
                }
            }
        });
        let mut next = || {
            let mut tries = 0;
            loop {
                match consumer.pop() {
                    Some(value) => return value,
                    None => again(&mut tries),
                }
            }
        };
        (0..values).map(|_| next()).sum()
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
