//! How does one thread tell many that something has happened?
//!
//! An **event** is a flag to sleep on. It is **level-triggered**: who comes after `set` goes straight on, until `clear`.
//! What is hard is a `set` that is cleared at once: those who sleep wake up later, look at the flag, find it clear, and
//! would go back to sleep, though it *was* set while they waited. The cure is an **epoch**: each set counts one up, and
//! who waits goes on when the flag is set *or* the count is another one than when it came.
//!
//! The broken form (a flag alone) sleeps for ever: that is found by the model checker in
//! `crates/synchronization/tests/blocking_model/event.rs`, and forced here, by holding the sleepers up after the set.
//!
//! In Python: `threading.Event`, right in the same way.

use std::{
    sync::{Condvar, Mutex, PoisonError, mpsc::channel},
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::Event;

pub(super) const LESSON: Lesson = Lesson {
    name: "event",
    question: "How does one thread tell many that something has happened?",
    python: &["threading.Event", "Event.wait(timeout)", "Event.is_set"],
    run,
    scenes: &[],
};

const WAITERS: usize = 5;
/// How long nothing must be heard of a thread to say that it sleeps.
const SILENCE: Duration = Duration::from_millis(50);
/// Passed only on failure.
const LIMIT: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    level_triggered(story);
    story.say(format!(
        "{WAITERS} threads wait. The event is set and cleared before any of them can look at it."
    ));
    story.equal("a flag alone: nobody saw it, all still wait", WAITERS, flag_alone());
    let event = Event::new();
    let freed = thread::scope(|scope| {
        let waiters = [(); WAITERS].map(|()| scope.spawn(|| event.wait_timeout(LIMIT)));
        while event.waiting() < WAITERS {
            thread::yield_now();
        }
        event.set();
        event.clear();
        waiters.into_iter().filter_map(|waiter| waiter.join().ok()).filter(|was_set| *was_set).count()
    });
    story.equal("with an epoch all of them go on", (WAITERS, false), (freed, event.is_set()));
    Ok(())
}

fn level_triggered(story: &mut Story) {
    let event = Event::new();
    story.equal(
        "not set: a wait with a limit ends with it",
        false,
        event.wait_timeout(Duration::from_millis(1)),
    );
    thread::scope(|scope| {
        let (through, passed) = channel();
        let event = &event;
        scope.spawn(move || {
            event.wait();
            let _ = through.send(());
        });
        story.equal("without a limit it sleeps", true, passed.recv_timeout(SILENCE).is_err());
        event.set();
        story.equal("until it is set", Ok(()), passed.recv_timeout(LIMIT));
    });
    story.equal("it stays set: who comes later does not wait", true, event.wait_timeout(Duration::ZERO));
    event.clear();
    story.equal("until it is cleared", false, event.is_set());
}

// ANCHOR: flag_alone
/// Broken: the flag is what they wait for. How many still wait after it was set and cleared.
///
/// Set and clear happen under one lock, so none of those who are woken can look in between.
fn flag_alone() -> usize {
    // The flag, how many came, how many sleep on.
    let state = Mutex::new((false, 0, true));
    let changed = Condvar::new();
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let waiters = [(); WAITERS].map(|()| {
            scope.spawn(|| {
                let mut state = lock();
                state.1 += 1;
                let missed = |(set, _, waits): &mut (bool, usize, bool)| !*set && *waits;
                changed.wait_while(state, missed).unwrap_or_else(PoisonError::into_inner).0
            })
        });
        while lock().1 < WAITERS {
            thread::yield_now();
        }
        let mut flag = lock();
        flag.0 = true;
        changed.notify_all();
        flag.0 = false;
        drop(flag);
        // They would sleep for ever; so that the lesson ends, they are sent home, and say if they saw the flag.
        lock().2 = false;
        changed.notify_all();
        waiters.into_iter().filter_map(|waiter| waiter.join().ok()).filter(|saw| !saw).count()
    })
}
// ANCHOR_END: flag_alone
