//! Two locks, two orders: what is a deadlock?
//!
//! A takes a and then b, B takes b and then a. Most of the time nothing happens. If each takes its first lock before
//! the other one has taken its second, each waits for what the other one holds, and will do so for ever: no error, no
//! CPU, no end. It needs all of four conditions (Coffman, Elphick and Shoshani, "System deadlocks", 1971), so to break
//! one of them is enough:
//!
//! | condition | broken by | see |
//! |---|---|---|
//! | mutual exclusion: one holder at a time | not locking: one atomic step, a message to an owner | |
//! | hold and wait: to hold one and wait for another | all at once, or none | `philosophers` (waiter), `order` (`lock_all`) |
//! | no preemption: nobody takes away what is held | try and give back; a detector that chooses a victim | `trylock`, `timeout` |
//! | circular wait: a circle of who waits for whom | one order for all | `order`, `types` |
//!
//! In Python: two `with lock:` inside each other, in two orders, and the same silence.

use std::{
    fmt,
    sync::{Arc, Barrier},
};

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Condvar, Mutex, Program};

use crate::detector::{Detector, Recovery, Report};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "abba",
    question: "Two locks, two orders: what is a deadlock?",
    python: &["threading.Lock"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("Each of two threads takes two locks, in different orders. All schedules are tried; the smallest that ends in a deadlock:");
    broken(story, "schedule", "two locks in two orders deadlock", 1, &Bounds::all(), two_orders)?;

    story.say("The same on real threads, held to that schedule by a barrier. The locks are watched by a detector, which lets one of the waiting calls fail instead of hanging:");
    let detector = Detector::new(Recovery::Break);
    let ended = held_to_that_schedule(&detector);
    let reports = detector.reports();
    let Some(report) = reports.first() else {
        return Err("the detector has seen nothing".into());
    };
    story.show(report.to_string());
    story.picture("cycle", || report.svg())?;
    story.say(format!("It was found {:?} after the circle had closed.", report.latency()));
    story.equal("one of the two calls was refused, and with that both threads ended", 1, ended);

    conditions(story, report);
    cures(story);
    Ok(())
}

// ANCHOR: two_orders
fn two_orders(program: &mut Program) {
    let (a, b) = (Mutex::new("a", ()), Mutex::new("b", ()));
    for (name, first, second) in [("A", a.clone(), b.clone()), ("B", b, a)] {
        program.thread(name, move || {
            let _first = first.lock();
            let _second = second.lock();
        });
    }
}
// ANCHOR_END: two_orders

// ANCHOR: real
/// How many of the two were told that to wait would be for ever.
fn held_to_that_schedule(detector: &Detector) -> usize {
    let locks = Arc::new([detector.mutex("a", 0), detector.mutex("b", 0)]);
    let both_hold_one = Arc::new(Barrier::new(2));
    let threads = [("A", 0), ("B", 1)].map(|(name, first)| {
        let (locks, both_hold_one) = (Arc::clone(&locks), Arc::clone(&both_hold_one));
        detector.spawn(name, move || {
            let _first = locks[first].lock();
            both_hold_one.wait();
            let second = locks[1 - first].lock();
            second.is_err_and(|error| error.report().is_some())
        })
    });
    threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|refused| *refused).count()
}
// ANCHOR_END: real

/// Reads the four conditions off the report.
fn conditions(story: &mut Story, report: &Report) {
    story.say("The four conditions, read off the report:");
    let threads = report.threads();
    let held: Vec<&str> =
        threads.iter().flat_map(|thread| &thread.holds).map(|held| &*held.object.name).collect();
    let mut distinct = held.clone();
    distinct.sort_unstable();
    distinct.dedup();
    story.equal("mutual exclusion: each lock has one holder", held.len(), distinct.len());
    let hold_and_wait = |thread: &&crate::detector::Stuck| !thread.holds.is_empty() && thread.waits.is_some();
    story.equal(
        "hold and wait: so many hold one lock and wait for another",
        2,
        threads.iter().filter(hold_and_wait).count(),
    );
    let waits_for: Vec<&str> =
        threads.iter().filter_map(|thread| Some(&*thread.waits.as_ref()?.object.as_ref()?.name)).collect();
    story.equal(
        "no preemption: what is waited for is still held by the other one",
        true,
        waits_for.len() == 2 && waits_for.iter().all(|name| held.contains(name)),
    );
    story.equal(
        "circular wait: each waits for the next one, the last for the first",
        true,
        report.is_cycle(),
    );
}

fn cures(story: &mut Story) {
    story.say("Each condition broken in turn, the same search over all schedules:");
    fixed(story, "mutual exclusion: an atomic step instead of locks", &Bounds::all(), no_lock);
    fixed(story, "hold and wait: both at once, or none", &Bounds::all(), both_or_none);
    fixed(story, "no preemption: try, and give back what you have", &Bounds::preemptions(3), give_back);
    fixed(story, "circular wait: one order for all", &Bounds::all(), one_order);

    let detector = Detector::new(Recovery::Break);
    let tries = until_done(&detector);
    story.claim(
        "or the detector breaks it: the refused one gives back, begins again, and both get through",
        "1 deadlock, 3 tries of two threads",
        format!("{} deadlock, {tries} tries of two threads", detector.reports().len()),
        (detector.reports().len(), tries) == (1, 3),
    );
}

/// The two values that the locks would guard, as two halves of one word: 10 from the one to the other.
fn no_lock(program: &mut Program) {
    let both = Atomic::new("both", Balances([50, 50]));
    for (name, from) in [("A", 0), ("B", 1)] {
        let both = both.clone();
        program.thread(name, move || {
            both.update("move", |Balances(mut both)| {
                both[from] -= 10;
                both[1 - from] += 10;
                Balances(both)
            });
        });
    }
    program.expect("both", Balances([50, 50]), move || both.load());
}

#[derive(Clone, Copy, PartialEq)]
struct Balances([i32; 2]);

impl fmt::Display for Balances {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}|{}", self.0[0], self.0[1])
    }
}

fn both_or_none(program: &mut Program) {
    let (taken, changed) = (Mutex::new("taken", [false; 2]), Condvar::new("changed"));
    for name in ["A", "B"] {
        let (taken, changed) = (taken.clone(), changed.clone());
        program.thread(name, move || {
            *changed.wait_while(taken.lock(), |taken| taken.contains(&true)) = [true; 2];
            *taken.lock() = [false; 2];
            changed.notify_one();
        });
    }
}

/// Who fails waits next time for the one that was missing, so nobody spins.
fn give_back(program: &mut Program) {
    let (a, b) = (Mutex::new("a", ()), Mutex::new("b", ()));
    for (name, mut first, mut second) in [("A", a.clone(), b.clone()), ("B", b, a)] {
        program.thread(name, move || {
            loop {
                let held = first.lock();
                if second.try_lock().is_some() {
                    break;
                }
                drop(held);
                (first, second) = (second, first);
            }
        });
    }
}

fn one_order(program: &mut Program) {
    let (a, b) = (Mutex::new("a", ()), Mutex::new("b", ()));
    for name in ["A", "B"] {
        let (a, b) = (a.clone(), b.clone());
        program.thread(name, move || {
            let _a = a.lock();
            let _b = b.lock();
        });
    }
}

// ANCHOR: until_done
/// How many tries the two needed, forced to meet in their first.
fn until_done(detector: &Detector) -> usize {
    let locks = Arc::new([detector.mutex("a", 0), detector.mutex("b", 0)]);
    let both_hold_one = Arc::new(Barrier::new(2));
    let threads = [("A", 0), ("B", 1)].map(|(name, first)| {
        let (locks, both_hold_one) = (Arc::clone(&locks), Arc::clone(&both_hold_one));
        detector.spawn(name, move || {
            let mut tries = 0;
            loop {
                // Refused here it holds nothing, and refused below it gives back: in both cases once more.
                let Ok(_first) = locks[first].lock() else { continue };
                tries += 1;
                if tries == 1 {
                    both_hold_one.wait();
                }
                if locks[1 - first].lock().is_ok() {
                    return tries;
                }
            }
        })
    });
    threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
}
// ANCHOR_END: until_done
