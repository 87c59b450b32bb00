//! What does an atomic operation promise, and what not?
//!
//! That *this one operation* happens as a whole: a `fetch_add` is never lost, whatever the others do. It promises nothing
//! about two operations in a row: load, add one, store is three steps, and between them the value may change. Where
//! no ready-made operation fits, the loop around `compare_exchange` makes one: compute from what was seen, and store
//! only if that is still what is there.
//!
//! `Relaxed` is enough for a number that is only counted or numbered with. It must not announce anything: that the
//! count is 3 says nothing about what else the counting threads have written (the lesson `ordering`).
//!
//! Python has no atomics: with the GIL `next(itertools.count())` is one step, `x += 1` is not.

use std::{
    collections::HashSet,
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
};

use lesson::{Lesson, Story};

/// What does an atomic operation promise, and what not?
pub(super) const LESSON: Lesson = Lesson {
    name: "atomics",
    question: "What does an atomic operation promise, and what not?",
    python: &["itertools.count", "x += 1"],
    run,
    scenes: &[],
};

const THREADS: usize = 4;
const EACH: u32 = 10_000;

fn run(story: &mut Story) -> lesson::Result {
    story.say("Four threads add 1 to a shared number, 10,000 times each, by `fetch_add`.");
    let total = AtomicU32::new(0);
    on_all(|| (0..EACH).for_each(|_| _ = total.fetch_add(1, Relaxed)));
    story.equal("no addition is lost, though Relaxed", THREADS as u32 * EACH, total.load(Relaxed));

    story.say("Two threads do it once, by a load and a store; a barrier between makes both load first.");
    let (total, loaded) = (AtomicU32::new(0), Barrier::new(2));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let seen = total.load(Relaxed);
                loaded.wait();
                total.store(seen + 1, Relaxed);
            });
        }
    });
    story.equal(
        "both operations are atomic, the pair is not: of 2 additions there is",
        1,
        total.load(Relaxed),
    );

    story.say("The same with `compare_exchange`: who comes second is told so, and what is there now.");
    let total = AtomicU32::new(0);
    let (ours, theirs) = (total.load(Relaxed), total.load(Relaxed));
    story.equal(
        "the first store finds what it expects",
        Ok(0),
        total.compare_exchange(theirs, theirs + 1, Relaxed, Relaxed),
    );
    let refused = total.compare_exchange(ours, ours + 1, Relaxed, Relaxed);
    story.equal("the second does not, and stores nothing", Err(1), refused);
    let again = refused.or_else(|seen| total.compare_exchange(seen, seen + 1, Relaxed, Relaxed));
    story.equal("so it computes again from what it found", (Ok(1), 2), (again, total.load(Relaxed)));

    tickets(story);

    let next = AtomicU32::new(0);
    let numbers = on_all(|| (0..EACH).map(|_| next.fetch_add(1, Relaxed)).collect::<Vec<_>>()).concat();
    let different = numbers.iter().collect::<HashSet<_>>().len();
    story.equal("numbers drawn by a Relaxed fetch_add are all different", THREADS * EACH as usize, different);
    Ok(())
}

// ANCHOR: tickets
/// An operation that the hardware does not have: take one, but only if there is one.
fn tickets(story: &mut Story) {
    const TICKETS: u32 = 1_000;
    story.say("1,000 tickets, four threads that want 10,000 each: one less, but never below zero.");
    let left = AtomicU32::new(TICKETS);
    let take = || {
        let mut seen = left.load(Relaxed);
        while seen > 0 {
            // `weak` may fail without a reason, which is cheaper on some machines; we go round in any case.
            match left.compare_exchange_weak(seen, seen - 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    };
    let taken: usize = on_all(|| (0..EACH).filter(|_| take()).count()).into_iter().sum();
    story.equal("taken, left", (TICKETS as usize, 0), (taken, left.load(Relaxed)));
    story.say("(`fetch_update` is this loop, ready-made.)");
}
// ANCHOR_END: tickets

fn on_all<R: Send>(work: impl Fn() -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(&work)).collect();
        workers.into_iter().flat_map(|worker| worker.join()).collect()
    })
}
