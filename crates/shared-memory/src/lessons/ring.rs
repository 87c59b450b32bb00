//! How do messages go from one process to another without a copy and without a system call, and what if one is killed?
//!
//! One producer, one consumer, and messages one behind the other, each with its length in front. A message is written where
//! it will be read, and its length last: the consumer looks there, and nowhere else, so news and message come with one line
//! of the cache. The order is all: first the bytes, then the length (Release, Acquire); and before that a zero behind the
//! message, where old bytes lie, which the consumer must not take for a length. What was read goes back as a position,
//! which only grows.
//!
//! Who finds nothing to do looks a few times, then lets others on its core run, then sleeps on the very word that will
//! change. That it sleeps is one bit *in* that word: whoever changes it learns it in the same step, so no wake-up is lost,
//! and while both are awake nobody calls the kernel.
//!
//! A process that is killed announces nothing more. All that it announced is whole; and the other one, after waiting in
//! vain for a moment, asks the kernel whether it lives, and gets an error in place of a wait without end.
//!
//! In Python `multiprocessing.Queue`: pickled, copied into a pipe and out of it, two system calls or more a message.

mod one_core;
mod traffic;

use std::time::Duration;

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Program};

use crate::{
    Memfd,
    peer::Cast,
    ring::{self, Consumer, Producer, RingError, records::Ends},
};
use lesson::search::{broken, fixed};
use traffic::{number, receive_all, send, send_all};

pub(super) const LESSON: Lesson = Lesson {
    name: "ring",
    question: "How do messages go from process to process without a copy, and what if one is killed?",
    python: &["multiprocessing.Queue", "multiprocessing.Pipe"],
    run,
    scenes: &[("producer", traffic::producer), ("consumer", traffic::consumer), ("echo", one_core::echo)],
};

const LIMIT: Duration = Duration::from_secs(20);
const CAPACITY: usize = 4096;

fn run(story: &mut Story) -> lesson::Result {
    order(story)?;
    killed(story)?;
    rubbish(story)?;
    one_core::waiting(story)
}

/// Which comes first, the message or its length?
fn order(story: &mut Story) -> lesson::Result {
    story
        .say("Broken: the length is stored before the message. The consumer sees the one and not the other:");
    broken(story, "announced-first", "announced, then written", 1, &Bounds::all(), |program| {
        hand_over(program, false)
    })?;
    story.say("Fixed: the message, then the length.");
    fixed(story, "written, then announced", &Bounds::all(), |program| hand_over(program, true));
    story.say("(That needs Release and Acquire as well: tests/ring_model.rs has loom try all orders that memory allows.)");
    Ok(())
}

fn hand_over(program: &mut Program, right: bool) {
    let (length, message) = (Atomic::new("length", 0), Atomic::new("message", 0));
    let torn = Atomic::new("torn", 0);
    let (theirs, content) = (length.clone(), message.clone());
    program.thread("producer", move || {
        if right {
            content.store(42);
            theirs.store(1);
        } else {
            theirs.store(1);
            content.store(42);
        }
    });
    let seen = torn.clone();
    program.thread("consumer", move || {
        if length.load() == 1 && message.load() != 42 {
            seen.store(1);
        }
    });
    program.expect("torn", 0, move || torn.load());
}

/// A producer that is killed at each of its points, and a consumer.
fn killed(story: &mut Story) -> lesson::Result {
    story.say("The producer is killed by SIGKILL at the 100th passage of a point; how many messages come, and then what?");
    for (point, expected) in [("reserved", 99), ("staged", 99), ("published", 100)] {
        let memory = Memfd::create("ring", ring::size(CAPACITY))?;
        ring::create(&memory)?;
        let start = Cast::scene("ring", "producer").with_memory(&memory)?.with_word(1_000);
        let peer = start.killed_at(point, 100).start()?;
        let mut consumer = Consumer::attach(&memory)?;
        consumer.expect(peer.id());
        let (whole, end) = receive_all(&mut consumer);
        story.equal(
            format!("killed at `{point}`: messages, all whole and in order; then"),
            (expected, RingError::PeerDied { id: peer.id() }),
            (whole, end),
        );
    }
    story.say("The consumer is killed when it has read 100, and another takes its place.");
    let memory = Memfd::create("ring", ring::size(CAPACITY))?;
    ring::create(&memory)?;
    let peer = Cast::scene("ring", "consumer").with_memory(&memory)?.killed_at("released", 100).start()?;
    let mut producer = Producer::attach(&memory)?;
    producer.expect(peer.id());
    let (sent, end) = send_all(&mut producer);
    story.equal(
        "the producer gets, in place of a wait without end",
        RingError::PeerDied { id: peer.id() },
        end,
    );
    let mut next = Consumer::attach(&memory)?;
    let first = number(&next.peek_within(LIMIT)?);
    let (mut last, mut gaps) = (first - 1, 0);
    while let Some(message) = next.try_peek()? {
        gaps += usize::from(number(&message) != last + 1);
        last = number(&message);
        message.release();
    }
    story.claim(
        "the successor gets all that the dead one has not given back",
        "from 100 or before, to the last one, no gap",
        format!("{first} to {last} of {sent}, {gaps} gaps"),
        first <= 100 && last == sent - 1 && gaps == 0,
    );
    Ok(())
}

/// A length and a position that somebody makes up.
fn rubbish(story: &mut Story) -> lesson::Result {
    story.say("The other process may write anything at any time: here a length, and a position.");
    let records = ring::size(CAPACITY) - CAPACITY;
    let read = records - size_of::<Ends>();
    let memory = Memfd::create("ring", ring::size(CAPACITY))?;
    ring::create(&memory)?;
    let (mut producer, mut consumer) = (Producer::attach(&memory)?, Consumer::attach(&memory)?);
    send(&mut producer, 0)?;
    memory.map()?.write(records, &(1_u32 << 30).to_le_bytes())?;
    let refused = matches!(consumer.peek_within(LIMIT), Err(RingError::Corrupt(_)));
    story.equal("a length of 2^30 is refused", true, refused);
    memory.map()?.write(read, &0xffff_ff00_u32.to_le_bytes())?;
    let (_, end) = send_all(&mut producer);
    let refused = matches!(end, RingError::Corrupt(_));
    story.equal("room before all that was written is refused", true, refused);
    Ok(())
}
