//! Whoever dies where: each accepted message comes out once and whole, and the queue goes on.

use std::sync::{Arc as Plain, atomic::AtomicU32 as Count};

use model::sync::atomic::Ordering::Relaxed;

use super::*;

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
