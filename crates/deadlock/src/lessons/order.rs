//! How does an order prevent deadlock, and who keeps it?
//!
//! A deadlock is a circle of waits. If all locks have an order and everybody takes them upwards only, there is none:
//! follow the circle, and the lock that is waited for would have to rise for ever. So any total order will do. Three
//! that are used: a **rank**, written beside each lock in the design; the **address**, where all locks are known at one
//! place (`lock_all` is C++'s `scoped_lock` and `std::lock`); a level that the compiler checks (the lesson `types`).
//!
//! What breaks an order is never the place where it is taught: it is a call made under a lock, into code that locks. A
//! rank that is checked at each lock finds that in the first run that comes along, deadlock or not.
//!
//! In Python nothing checks: `with sorted locks` by `id()` is what people write; `ExitStack` holds as many.

use std::{sync::Arc, thread};

use lesson::{Lesson, Story};
use model::{
    schedule::{self, Bounds, Program},
    sync::Mutex,
};

use crate::{LockAllError, RankError, Ranked, lock_all, lock_all_backing_off};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "order",
    question: "How does an order prevent deadlock, and who keeps it?",
    python: &["id()", "contextlib.ExitStack"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "Three threads, three locks; each thread takes two of them. First in the order 01, 12, 20: a circle.",
    );
    let circle = [[0, 1], [1, 2], [2, 0]];
    broken(story, "circle", "each is in order but for the last", 1, &Bounds::all(), two_each(circle))?;
    story.say("The last one turned round, so that all go upwards:");
    fixed(story, "lower rank first: no deadlock", &Bounds::all(), two_each([[0, 1], [1, 2], [0, 2]]));
    story.say(
        "Or without an order, but nobody waits while he holds: wait for one, try the other, else give back.",
    );
    fixed(story, "try and give back: no deadlock", &Bounds::preemptions(2), try_each(circle));

    together(story);
    ranks(story)
}

fn two_each(orders: [[usize; 2]; 3]) -> impl Fn(&mut Program) {
    move |program| {
        let locks = Arc::new(["0", "1", "2"].map(|name| schedule::Mutex::new(name, ())));
        for (name, [first, second]) in ["A", "B", "C"].into_iter().zip(orders) {
            let locks = Arc::clone(&locks);
            program.thread(name, move || {
                let _first = locks[first].lock();
                let _second = locks[second].lock();
            });
        }
    }
}

fn try_each(orders: [[usize; 2]; 3]) -> impl Fn(&mut Program) {
    move |program| {
        let locks = Arc::new(["0", "1", "2"].map(|name| schedule::Mutex::new(name, ())));
        for (name, [mut first, mut second]) in ["A", "B", "C"].into_iter().zip(orders) {
            let locks = Arc::clone(&locks);
            program.thread(name, move || {
                loop {
                    let held = locks[first].lock();
                    if locks[second].try_lock().is_some() {
                        break;
                    }
                    drop(held);
                    (first, second) = (second, first);
                }
            });
        }
    }
}

// ANCHOR: together
/// The same circle on real threads, by what an application would call.
fn together(story: &mut Story) {
    const TIMES: u32 = 2_000;
    let locks = [0, 0, 0].map(Mutex::new);
    thread::scope(|scope| {
        for [first, second] in [[0, 1], [1, 2], [2, 0]] {
            let locks = &locks;
            scope.spawn(move || {
                for round in 0..TIMES {
                    let both = [&locks[first], &locks[second]];
                    let lock_both = if round % 2 == 0 { lock_all } else { lock_all_backing_off };
                    let [mut one, mut other] = lock_both(both).expect("two locks, not poisoned");
                    *one += 1;
                    *other += 1;
                }
            });
        }
    });
    let sums = lock_all(locks.each_ref()).map(|guards| guards.map(|sum| *sum));
    story.equal(
        "lock_all (by address) and lock_all_backing_off, on three threads in a circle: all ended, nothing lost",
        Ok([2 * TIMES; 3]),
        sums,
    );
    let twice = lock_all([&locks[0], &locks[1], &locks[0]]).map(|_| ());
    story.equal(
        "one lock named twice would wait for itself: it is an error",
        Err(LockAllError::Twice { first: 0, second: 2 }),
        twice,
    );
}
// ANCHOR_END: together

/// A helper deep down takes a lock that comes earlier: no deadlock in this run, and found all the same.
fn ranks(story: &mut Story) -> lesson::Result {
    story.say("A rank at each lock. Somebody holds the log (2) and calls a helper that locks the ledger (1); one thread, so nothing could deadlock in this run:");
    let (ledger, log) = (Ranked::new("ledger", 1, 7), Ranked::new("log", 2, ()));
    let balance = || ledger.lock().map(|ledger| *ledger);
    let held = log.lock()?;
    let refused = balance();
    drop(held);
    let expected = RankError::OutOfOrder { wanted: "ledger", rank: 1, held: "log", held_rank: 2 };
    story.equal("it is refused at once, by name", Err(expected), refused);
    story.equal("with nothing held the helper may", Ok(7), balance());
    Ok(())
}
