//! The queue's slots under every schedule: each accepted message comes out once and whole.

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{Arc, atomic::AtomicU64},
    thread,
};
use shared_memory::{
    mpmc::slots::{Counters, Head, Slots, free},
    who::Who,
};

#[path = "mpmc_model/bell.rs"]
mod bell;
#[path = "mpmc_model/deaths.rs"]
mod deaths;
#[path = "support/start.rs"]
mod start;
#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "mpmc_model/twins.rs"]
mod twins;

use start::Start;

/// A queue of two on the heap: each message is watched by the checker.
struct Queue {
    counters: Counters,
    words: [AtomicU64; 2],
    values: [UnsafeCell<u32>; 2],
}

// SAFETY: the words say whose each value is; the checker watches that they do.
unsafe impl Sync for Queue {}

impl Default for Queue {
    fn default() -> Self {
        Self {
            counters: Counters::default(),
            words: [0, 1].map(|position| AtomicU64::new(free(position))),
            values: Default::default(),
        }
    }
}

impl Slots for Queue {
    fn counters(&self) -> &Counters {
        &self.counters
    }

    fn lap(&self) -> u32 {
        2
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words[index]
    }
}

const A: Who = Who::from_bits(1 << 16);
const B: Who = Who::from_bits(2 << 16);
const C: Who = Who::from_bits(3 << 16);

impl Queue {
    fn write(&self, position: u32, value: u32) {
        // SAFETY: the slot is ours, by its word.
        self.values[self.index(position)].with_mut(|cell| unsafe { *cell = value });
    }

    fn read(&self, position: u32) -> u32 {
        // SAFETY: as above.
        self.values[self.index(position)].with(|cell| unsafe { *cell })
    }

    fn push(&self, me: Who, value: u32) -> bool {
        let Some(position) = self.reserve(me, &()).unwrap() else { return false };
        self.write(position, value);
        self.publish(position, me).unwrap();
        true
    }

    fn pop(&self, me: Who) -> Option<u32> {
        match self.take(me, &()).unwrap() {
            Head::Taken(position) => {
                let value = self.read(position);
                self.done(position, me).unwrap();
                Some(value)
            }
            Head::Empty | Head::Writing(_) => None,
        }
    }

    /// What is left when all others are done, those that are dead apart.
    fn drain(&self, me: Who, is_alive: impl Fn(Who) -> bool + Copy) -> Vec<u32> {
        let mut left = Vec::new();
        loop {
            left.extend(std::iter::from_fn(|| self.pop(me)));
            match self.recover(me, is_alive).unwrap() {
                Some(position) => {
                    left.push(self.read(position));
                    self.done(position, me).unwrap();
                }
                None => match self.pop(me) {
                    Some(value) => left.push(value),
                    None => return left,
                },
            }
        }
    }
}

fn sorted(mut all: Vec<u32>) -> Vec<u32> {
    all.sort_unstable();
    all
}

#[test]
fn two_producers_and_a_consumer() {
    model::explore(&Explore::named("mpmc: two producers, one consumer").preemptions(2).floor(100), || {
        let queue = Arc::new(Queue::default());
        let producers = [(A, 1), (B, 2)].map(|(who, value)| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || assert!(queue.push(who, value), "two slots are room for two"))
        });
        let mut got: Vec<u32> = queue.pop(C).into_iter().collect();
        for producer in producers {
            producer.join().unwrap();
        }
        got.extend(queue.drain(C, |_| true));
        assert_eq!(sorted(got), [1, 2]);
    });
}

#[test]
fn two_consumers_and_a_lap() {
    model::explore(&Explore::named("mpmc: two consumers, a lap").preemptions(2).floor(60), || {
        let queue = Arc::new(Queue::default());
        assert!(queue.push(A, 1) && queue.push(A, 2) && !queue.push(A, 3));
        let theirs = Arc::clone(&queue);
        let other = thread::spawn(move || theirs.pop(B));
        let mut got: Vec<u32> = queue.pop(C).into_iter().collect();
        let third = queue.push(C, 3);
        got.extend(other.join().unwrap());
        got.extend(queue.drain(C, |_| true));
        let all: &[u32] = if third { &[1, 2, 3] } else { &[1, 2] };
        assert_eq!(sorted(got), all);
    });
}

/// One looks at a counter; before it looks at the slot, the other has gone around more than once.
///
/// `slow` says what it has pushed and what it has popped.
fn while_another_goes_around(name: &str, slow: fn(&Queue) -> [Option<u32>; 2]) {
    model::explore(&Explore::named(name).preemptions(2).floor(700), move || {
        let shared = Arc::new((Start::default(), Queue::default()));
        let theirs = Arc::clone(&shared);
        let fast = thread::spawn(move || {
            let (start, queue) = &*theirs;
            start.go();
            let (mut accepted, mut got) = (Vec::new(), Vec::new());
            for value in 1..=4 {
                // It is full when the other one writes at the head, so that nothing was popped.
                accepted.extend(queue.push(A, value).then_some(value));
                got.extend(queue.pop(A));
            }
            (accepted, got)
        });
        let (start, queue) = &*shared;
        start.go();
        let [added, got] = slow(queue);
        let mut got: Vec<_> = got.into_iter().collect();
        let (mut accepted, theirs) = fast.join().unwrap();
        accepted.extend(added);
        got.extend(theirs);
        got.extend(queue.drain(B, |_| true));
        assert_eq!(sorted(got), accepted, "lost or twice");
    });
}

#[test]
fn a_slow_consumer_finds_a_later_lap() {
    while_another_goes_around("mpmc: a slow consumer", |queue| [None, queue.pop(B)]);
}

#[test]
fn a_slow_producer_finds_a_later_lap() {
    while_another_goes_around("mpmc: a slow producer", |queue| [queue.push(B, 9).then_some(9), None]);
}
