//! The queue's slots under every schedule: each accepted message comes out once and whole, whoever dies where; and its bell:
//! nobody sleeps on what is there.

use std::sync::{Arc as Plain, atomic::AtomicU32 as Count};

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    thread,
};
use shared_memory::{
    mpmc::{
        bell::Bell,
        slots::{Counters, Head, Slots, free},
    },
    who::Who,
};

#[path = "support/start.rs"]
mod start;
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

/// A pushes and B takes it and dies. C, who knows of neither but what the slot says, gets the message whole.
#[test]
fn what_a_dead_consumer_had_is_seen_whole() {
    model::explore(&Explore::named("mpmc: a dead one's message").preemptions(2).floor(150), || {
        let shared = Arc::new((Start::default(), Queue::default()));
        let theirs = Arc::clone(&shared);
        let producer = thread::spawn(move || {
            theirs.0.go();
            theirs.1.push(A, 7)
        });
        let theirs = Arc::clone(&shared);
        let dies = thread::spawn(move || {
            theirs.0.go();
            let _ = theirs.1.take(B, &()).unwrap();
        });
        let (start, queue) = &*shared;
        start.go();
        if let Some(position) = queue.recover(C, |who| who != B).unwrap() {
            assert_eq!(queue.read(position), 7);
            queue.done(position, C).unwrap();
        }
        assert!(producer.join().unwrap());
        dies.join().unwrap();
    });
}

/// Two do something and ring, a third sleeps until both have.
fn two_ring(sleep: fn(&Bell, &dyn Fn() -> bool)) {
    let shared = Arc::new((Bell::default(), [(); 2].map(|()| AtomicU64::new(0)), Start::default()));
    let others = [0, 1].map(|me| {
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            let (bell, done, start) = &*theirs;
            start.go();
            done[me].store(1, Release);
            bell.ring();
        })
    });
    let (bell, done, start) = &*shared;
    start.go();
    let all_done = || done.iter().all(|it| it.load(Acquire) == 1);
    while !all_done() {
        sleep(bell, &all_done);
    }
    for other in others {
        other.join().unwrap();
    }
}

#[test]
fn nobody_sleeps_on_what_is_there() {
    model::explore(&Explore::named("mpmc: the bell").preemptions(2).floor(700), || {
        two_ring(|bell, all_done| {
            let seen = bell.announce();
            if !all_done() {
                bell.sleep(seen, None);
            }
        });
    });
}

/// A reserves and is dead; B pushes; C finds both: B's message comes, nothing of A's, and the queue goes on.
#[test]
fn a_producer_dies_between_reserve_and_publish() {
    model::explore(&Explore::named("mpmc: a producer dies").preemptions(2).floor(750), || {
        let queue = Arc::new(Queue::default());
        let theirs = Arc::clone(&queue);
        let dead = thread::spawn(move || {
            let position = theirs.reserve(A, &()).unwrap().unwrap();
            theirs.write(position, 99);
        });
        let theirs = Arc::clone(&queue);
        let other = thread::spawn(move || assert!(theirs.push(B, 2)));
        let mut got: Vec<u32> = queue.pop(C).into_iter().collect();
        dead.join().unwrap();
        // B may still be at work: it is alive, and is not disturbed.
        got.extend(queue.drain(C, |who| who != A));
        other.join().unwrap();
        got.extend(queue.drain(C, |who| who != A));
        assert_eq!(got, [2]);
        assert!(queue.push(C, 3) && queue.push(C, 4) && !queue.push(C, 5));
        assert_eq!(queue.drain(C, |_| true), [3, 4]);
    });
}

/// A takes a message and is dead; B and C both look for what it has left: one of them gets it.
#[test]
fn a_consumer_dies_with_a_message() {
    model::explore(&Explore::named("mpmc: a consumer dies").preemptions(2).floor(1_400), || {
        let queue = Arc::new(Queue::default());
        assert!(queue.push(A, 1) && queue.push(A, 2));
        assert!(matches!(queue.take(A, &()), Ok(Head::Taken(0))));
        let theirs = Arc::clone(&queue);
        let other = thread::spawn(move || theirs.drain(B, |who| who != A));
        let mut got = queue.drain(C, |who| who != A);
        got.extend(other.join().unwrap());
        assert_eq!(sorted(got), [1, 2]);
    });
}

/// Killed at once after the slot was taken, the counter not moved: others move it.
#[test]
fn nobody_depends_on_a_counter() {
    model::explore(&Explore::named("mpmc: counters left behind").preemptions(2).floor(5), || {
        let queue = Arc::new(Queue::default());
        // Another has pushed and popped at position 0, and moved neither counter.
        queue.words[0].store(free(2), Relaxed);
        let theirs = Arc::clone(&queue);
        let other = thread::spawn(move || theirs.push(A, 1));
        let mut got = Vec::new();
        for _ in 0..2 {
            got.extend(queue.pop(C));
            thread::yield_now();
        }
        assert!(other.join().unwrap());
        got.extend(queue.drain(C, |_| true));
        assert_eq!(got, [1]);
    });
}

/// Two processes take one dead process's message by an exchange each, of which one fails.
#[test]
fn who_was_taken_for_dead_is_told() {
    let failed = Plain::new(Count::new(0));
    let counted = Plain::clone(&failed);
    model::explore(&Explore::named("mpmc: taken for dead").preemptions(2).floor(4), move || {
        let queue = Arc::new(Queue::default());
        let position = queue.reserve(A, &()).unwrap().unwrap();
        let theirs = Arc::clone(&queue);
        let other = thread::spawn(move || theirs.recover(B, |who| who != A).unwrap());
        if queue.publish(position, A).is_err() {
            counted.fetch_add(1, Relaxed);
        }
        other.join().unwrap();
    });
    if cfg!(any(feature = "loom", feature = "shuttle")) {
        assert!(failed.load(Relaxed) > 0, "no schedule in which the publication came too late");
    }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::sync::atomic::Ordering::{AcqRel, Acquire, Release};
    use testkit::must_find;

    use super::*;

    /// Vyukov's: the position first, then the slot.
    fn position_first(queue: &Queue, value: u32, dies: bool) {
        let position = queue.counters.tail.position.fetch_add(1, AcqRel);
        if !dies {
            let slot = queue.word(queue.index(position));
            slot.store(free(position) | 1 << Who::BITS | A.bits(), Relaxed);
            queue.write(position, value);
            queue.publish(position, A).unwrap();
        }
    }

    /// Nobody knows that it is gone, or whose the slot was: all that came after it stays where it is.
    #[test]
    fn a_dead_producer_blocks_the_queue() {
        let name = "mpmc: position first, and killed";
        must_find(name, "lost behind a dead one", || {
            model::explore(&Explore::named(name).preemptions(2), || {
                let queue = Arc::new(Queue::default());
                let theirs = Arc::clone(&queue);
                let dead = thread::spawn(move || position_first(&theirs, 1, true));
                position_first(&queue, 2, false);
                dead.join().unwrap();
                assert_eq!(queue.drain(C, |who| who != A), [2], "lost behind a dead one");
            });
        });
    }

    /// A slot taken by a look and a store: two have it.
    /// It says that it sleeps, and sleeps: what was done before the bell could know stays unseen.
    #[test]
    fn asleep_without_another_look() {
        must_find("mpmc: asleep without another look", "deadlock", || {
            model::explore(&Explore::named("mpmc: asleep without another look").preemptions(2), || {
                two_ring(|bell, _| bell.sleep(bell.announce(), None));
            });
        });
    }

    #[test]
    fn two_take_one_message() {
        let name = "mpmc: taken in two steps";
        must_find(name, "came out twice", || {
            model::explore(&Explore::named(name).preemptions(2), || {
                let queue = Arc::new(Queue::default());
                assert!(queue.push(A, 1));
                let take = |queue: &Queue| {
                    let full = queue.words[0].load(Acquire) != free(2);
                    full.then(|| {
                        let value = queue.read(0);
                        queue.words[0].store(free(2), Release);
                        value
                    })
                };
                let theirs = Arc::clone(&queue);
                let other = thread::spawn(move || take(&theirs));
                let mine = take(&queue);
                let all = [mine, other.join().unwrap()].iter().flatten().count();
                assert_eq!(all, 1, "came out twice");
            });
        });
    }

    /// Loom only: published by an exchange that orders nothing.
    #[cfg(feature = "loom")]
    #[test]
    fn published_relaxed() {
        let name = "mpmc: published Relaxed";
        must_find(name, "Causality violation", || {
            model::explore(&Explore::named(name).preemptions(2), || {
                let queue = Arc::new(Queue::default());
                let theirs = Arc::clone(&queue);
                let producer = thread::spawn(move || {
                    let position = theirs.reserve(A, &()).unwrap().unwrap();
                    theirs.write(position, 1);
                    let full = free(position) | 2 << Who::BITS;
                    theirs.word(theirs.index(position)).store(full, Relaxed);
                });
                for _ in 0..3 {
                    queue.pop(C);
                    thread::yield_now();
                }
                producer.join().unwrap();
            });
        });
    }
}
