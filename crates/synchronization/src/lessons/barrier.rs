//! How do threads that work in steps wait for each other?
//!
//! At a **barrier** each waits until all **parties** have come; then all go on, and the barrier is ready for the next
//! **cycle**. Each party gets an index, so that one of them can be chosen (std: `is_leader`); an **action** runs once in
//! each cycle, when all are there and before any goes on: the moment at which nobody touches what they share.
//!
//! What std's `Barrier` lacks is an end when something goes wrong: one party that dies leaves the others waiting for ever.
//! Ours **breaks**, on a time limit, an `abort`, or a panic in the action: all get an error, also those who come later,
//! until a `reset`. See `crates/synchronization/src/barrier.rs`.
//!
//! In Python: `threading.Barrier`, `BrokenBarrierError`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::{Barrier, BrokenBarrier};

pub(super) const LESSON: Lesson = Lesson {
    name: "barrier",
    question: "How do threads that work in steps wait for each other?",
    python: &[
        "threading.Barrier",
        "Barrier.abort",
        "Barrier.reset",
        "Barrier.broken",
        "threading.BrokenBarrierError",
    ],
    run,
    scenes: &[],
};

const PARTIES: usize = 4;
const STEPS: u32 = 10;
/// How long nothing must be heard of a thread to say that it sleeps.
const SILENCE: Duration = Duration::from_millis(50);

fn run(story: &mut Story) -> lesson::Result {
    steps(story);
    a_party_dies(story);
    give_up(story);
    Ok(())
}

/// One who is a step ahead, or behind, would show in the sum.
fn steps(story: &mut Story) {
    story.say(format!("{PARTIES} threads, {STEPS} steps: in each, every thread adds 1 to a sum; the action notes the sum between two steps."));
    let sum = Arc::new(AtomicU64::new(0));
    let notes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (seen, note) = (Arc::clone(&sum), Arc::clone(&notes));
    let barrier = Barrier::with_action(PARTIES, move || {
        if let Ok(mut note) = note.lock() {
            note.push(seen.load(Relaxed));
        }
    });
    let mut indices: Vec<u32> = thread::scope(|scope| {
        let threads = [(); PARTIES].map(|()| {
            scope.spawn(|| {
                let mut last = 0;
                for _ in 0..STEPS {
                    sum.fetch_add(1, Relaxed); // Relaxed: the barrier orders
                    last = barrier.wait().unwrap_or(usize::MAX) as u32;
                }
                last
            })
        });
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    indices.sort_unstable();
    let expected: Vec<u64> = (1..=u64::from(STEPS)).map(|step| step * PARTIES as u64).collect();
    let noted = notes.lock().map(|notes| notes.clone()).unwrap_or_default();
    story.equal("between two steps all have done the same number of steps", expected, noted);
    story.equal("in a cycle each party has an index of its own", vec![0, 1, 2, 3], indices);
}

// ANCHOR: a_party_dies
fn a_party_dies(story: &mut Story) {
    story.say("Two parties, one of which ends before it comes. First with std's barrier.");
    let std = Arc::new(std::sync::Barrier::new(2));
    let (through, passed) = channel();
    let theirs = Arc::clone(&std);
    let left_behind = thread::spawn(move || {
        theirs.wait();
        let _ = through.send(());
    });
    story.equal(
        "std: the other one waits, for ever if nobody else comes",
        Err(RecvTimeoutError::Timeout),
        passed.recv_timeout(SILENCE),
    );
    // So that the lesson leaves nobody behind, it comes in place of the dead one.
    std.wait();
    let _ = left_behind.join();

    let barrier = Barrier::with_timeout(2, Duration::from_millis(10));
    story.equal("ours, with a time limit, breaks", Err(BrokenBarrier), barrier.wait());
    story.equal(
        "who comes later learns it at once",
        (true, Err(BrokenBarrier)),
        (barrier.is_broken(), barrier.wait()),
    );
    barrier.reset();
    let both = thread::scope(|scope| {
        let other = scope.spawn(|| barrier.wait_timeout(Duration::from_secs(20)).is_ok());
        (barrier.wait_timeout(Duration::from_secs(20)).is_ok(), other.join().ok())
    });
    story.equal("after a reset it is as new", (true, Some(true)), both);
}
// ANCHOR_END: a_party_dies

fn give_up(story: &mut Story) {
    let barrier = Barrier::new(2);
    let outcome = thread::scope(|scope| {
        let waits = scope.spawn(|| barrier.wait());
        while barrier.waiting() == 0 {
            thread::yield_now();
        }
        barrier.abort();
        waits.join().ok()
    });
    story.equal("abort frees who waits, with an error", Some(Err(BrokenBarrier)), outcome);
}
