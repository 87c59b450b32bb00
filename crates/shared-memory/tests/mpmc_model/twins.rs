//! Queues with one thing wrong: each must be found.

use model::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
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
