//! How do many processes share one queue, if any of them may be killed at any moment?
//!
//! In Vyukov's bounded queue a producer takes the next position, writes the message into its slot, and publishes it. A
//! process that is killed in between has taken a position for ever: consumers come to its slot, see that it is not
//! published, and wait. Nobody knows whose it was, so nobody can tell a dead one from a slow one.
//!
//! Here the slot is taken by one exchange of one word, which says position, state *and process*. So whoever has waited in
//! vain can ask the kernel whether that process lives. A slot that a dead one was writing is given up: its message was
//! never accepted. A message that a dead one was reading goes to another: nobody had it.
//!
//! In Python a consumer of a `multiprocessing.Queue` that is killed while it reads keeps the queue's lock, and all others
//! wait for ever.

use std::time::Duration;

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Program};

use crate::{
    Memfd,
    mpmc::{self, Queue, QueueError},
    peer::{self, Cast},
    shared,
};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "mpmc",
    question: "How do many processes share one queue, if any of them may be killed at any moment?",
    python: &["multiprocessing.Queue", "multiprocessing.JoinableQueue"],
    run,
    scenes: &[("producer", producer), ("consumer", consumer)],
};

const LIMIT: Duration = Duration::from_secs(20);
/// Long enough to find what the dead have left, short when there is nothing.
const PATIENT: Duration = Duration::from_millis(200);

shared! {
    /// A message that shows when it is torn: all its words follow from the first.
    #[derive(Debug)]
    pub(crate) plain struct Order { number: u64, words: [u64; 7] }
}

impl Order {
    pub(crate) fn new(number: u64) -> Self {
        Self { number, words: [number.wrapping_mul(0x9e37_79b9_7f4a_7c15); 7] }
    }

    /// Its number, if it is whole.
    pub(crate) fn whole(&self) -> Option<u64> {
        (self.words == Self::new(self.number).words).then_some(self.number)
    }
}

fn run(story: &mut Story) -> lesson::Result {
    story.say("Broken: the position is taken first. One is killed before it writes; the other's message can never come out:");
    broken(
        story,
        "position-first",
        "a message behind a dead producer comes out",
        0,
        &Bounds::all(),
        |program| {
            two_producers(program, false);
        },
    )?;
    story.say("Fixed: the slot says whose it is, so who comes to it can ask, and go on.");
    fixed(story, "the slot bears a name", &Bounds::all(), |program| two_producers(program, true));
    producers(story)?;
    consumers(story)
}

/// A takes a position and is killed; B puts a message in. At the end, can it come out?
fn two_producers(program: &mut Program, named: bool) {
    let tail = Atomic::new("tail", 0);
    let slots = ["slot 0", "slot 1"].map(|name| Atomic::new(name, 0));
    const DEAD: u64 = 1;
    const MESSAGE: u64 = 2;
    let (theirs, marked) = (tail.clone(), slots.clone());
    program.thread("A, killed", move || {
        let position = theirs.fetch_add(1) as usize;
        if named {
            // In truth one step with the one before: the slot is taken and not a position.
            marked[position].store(DEAD);
        }
    });
    let filled = slots.clone();
    program.thread("B", move || {
        let position = tail.fetch_add(1) as usize;
        filled[position].store(MESSAGE);
    });
    program.expect("messages that come out", 1, move || {
        let readable = slots.iter().map(Atomic::load).skip_while(|slot| *slot == DEAD);
        readable.take_while(|slot| *slot == MESSAGE).count() as u64
    });
}

fn queue() -> Result<(Memfd, Queue<Order>), Box<dyn std::error::Error>> {
    let memory = Memfd::create("queue", mpmc::size::<Order>(16))?;
    mpmc::create::<Order>(&memory)?;
    let queue = Queue::attach(&memory)?;
    Ok((memory, queue))
}

fn producers(story: &mut Story) -> lesson::Result {
    story.say(
        "A producer is killed at the 50th passage of a point. What comes out, and does the queue go on?",
    );
    for (point, accepted) in [("reserved", 49), ("written", 49), ("published", 50)] {
        let (memory, queue) = queue()?;
        let mut peer = Cast::scene("mpmc", "producer").with_memory(&memory)?.killed_at(point, 50).start()?;
        let mut numbers = Vec::new();
        while (numbers.len() as u64) < accepted {
            numbers.push(queue.pop(LIMIT)?.whole());
        }
        peer.end(LIMIT)?;
        queue.push(Order::new(1_000), LIMIT)?;
        numbers.push(queue.pop(LIMIT)?.whole());
        let expected: Vec<_> = (0..accepted).chain([1_000]).map(Some).collect();
        let as_expected = numbers == expected && queue.try_pop()?.is_none();
        story.claim(
            format!("killed at `{point}`: what was accepted, once, whole, in order, and then one of ours"),
            format!("{accepted} and 1"),
            format!("{} and {}", numbers.len() - 1, u8::from(as_expected)),
            as_expected,
        );
    }
    Ok(())
}

fn consumers(story: &mut Story) -> lesson::Result {
    story.say("A consumer is killed at the 5th passage of a point. Of 10 messages, which do the others get?");
    for (point, others) in
        [("taken", vec![4, 5, 6, 7, 8, 9]), ("read", vec![4, 5, 6, 7, 8, 9]), ("freed", vec![5, 6, 7, 8, 9])]
    {
        let (memory, queue) = queue()?;
        for number in 0..10 {
            queue.push(Order::new(number), LIMIT)?;
        }
        let mut peer = Cast::scene("mpmc", "consumer").with_memory(&memory)?.killed_at(point, 5).start()?;
        peer.end(LIMIT)?;
        let mut got = Vec::new();
        loop {
            match queue.pop(PATIENT) {
                Ok(order) => got.extend(order.whole()),
                Err(QueueError::TimedOut) => break,
                Err(why) => return Err(why.into()),
            }
        }
        got.sort_unstable();
        story.equal(format!("killed at `{point}`: the others get"), others, got);
    }
    Ok(())
}

const POINTS: fn(&'static str) = peer::at;

// ANCHOR: producer
/// Pushes orders, without end or as many as its first word says.
fn producer() {
    peer::leave_no_core();
    let queue = Queue::attach_with(peer::memory().expect("given"), POINTS).expect("a queue");
    let [first, count] = [0, 1].map(|word| peer::word(word).and_then(|word| word.parse().ok()));
    let first = first.unwrap_or(0);
    for number in first..count.map_or(u64::MAX, |count: u64| first + count) {
        if queue.push(Order::new(number), LIMIT).is_err() {
            return;
        }
    }
}
// ANCHOR_END: producer

/// Pops without end, and says each number if a word asks for it.
fn consumer() {
    peer::leave_no_core();
    let queue = Queue::<Order, _>::attach_with(peer::memory().expect("given"), POINTS).expect("a queue");
    let tells = peer::word(0).is_some_and(|word| word == "tell");
    while let Ok(order) = queue.pop(LIMIT) {
        match order.whole() {
            Some(number) if tells => peer::say(number),
            Some(_) => {}
            None => peer::say("torn"),
        }
    }
}
