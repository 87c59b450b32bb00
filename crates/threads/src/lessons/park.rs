//! How does a thread sleep until another one wakes it, with nothing but the two of them?
//!
//! `thread::park` puts the calling thread to sleep, `unpark` on its handle wakes it. Between them stands one
//! **token** per thread: `unpark` leaves it, `park` takes it, and sleeps only if there is none. So an
//! `unpark` that comes first is not lost, and two of them are one.
//!
//! `park` may also return without any reason (a *spurious* wake-up), and the token may be meant for something
//! else: it belongs to the thread, so any code that runs on it, a channel's too, can leave one or take it. A
//! `park` that returns therefore says nothing. It belongs in a loop around the condition that is waited for:
//!
//! ```
//! # use std::{sync::{Arc, atomic::{AtomicBool, Ordering}}, thread};
//! # let ready = Arc::new(AtomicBool::new(false));
//! # let theirs = Arc::clone(&ready);
//! # let sleeper = thread::current();
//! # thread::spawn(move || {
//! theirs.store(true, Ordering::Release); // first the condition, ...
//! sleeper.unpark(); //                      ... then the token
//! # });
//! while !ready.load(Ordering::Acquire) {
//!     thread::park();
//! }
//! ```
//!
//! In that order no wake-up gets lost: if the sleeper has looked before the store, the token still comes
//! after that look, and its `park` finds it.
//!
//! In Python an `Event` is the nearest: its flag is a condition that many can wait for, the token belongs to
//! one thread. For several waiters take `Condvar`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

pub(super) const LESSON: Lesson = Lesson {
    name: "park",
    question: "How does a thread sleep until another one wakes it, with nothing but the two of them?",
    python: &["threading.Event"],
    run,
    scenes: &[],
};

/// How long nothing must be heard of a thread to say that it sleeps.
const SILENCE: Duration = Duration::from_millis(50);
/// How long to wait for a thread that must wake; passed only on failure.
const LIMIT: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    token(story);
    condition(story);
    Ok(())
}

fn token(story: &mut Story) {
    story.say("A thread is unparked twice before it parks for the first time. Then it parks twice.");
    let go = Arc::new(AtomicBool::new(false));
    let start = Arc::clone(&go);
    let (woke, wakes) = channel();
    let sleeper = thread::spawn(move || {
        // Not with a channel: a receive that has to wait parks as well, and would take the token.
        while !start.load(Ordering::Acquire) {
            thread::yield_now();
        }
        for turn in ["first", "second"] {
            thread::park();
            let _ = woke.send(turn);
        }
    });
    sleeper.thread().unpark();
    sleeper.thread().unpark();
    go.store(true, Ordering::Release);
    story.equal(
        "an unpark before the park is kept: it returns at once",
        Ok("first"),
        wakes.recv_timeout(LIMIT),
    );
    story.equal(
        "two unparks are one token: the second park sleeps",
        Err(RecvTimeoutError::Timeout),
        wakes.recv_timeout(SILENCE),
    );
    sleeper.thread().unpark();
    story.equal("until the next unpark", Ok("second"), wakes.recv_timeout(LIMIT));
}

/// The condition that a sleeper waits for, and whom it tells what it saw.
struct Sleeper {
    ready: Arc<AtomicBool>,
    saw: Sender<bool>,
}

// ANCHOR: park_once
/// Broken: takes any return of `park` for the one it waits for.
fn park_once(sleeper: Sleeper) {
    // Acquire: pairs with the Release of the one who wakes.
    if !sleeper.ready.load(Ordering::Acquire) {
        thread::park();
    }
    let _ = sleeper.saw.send(sleeper.ready.load(Ordering::Acquire));
}
// ANCHOR_END: park_once

// ANCHOR: park_in_a_loop
/// Right: goes on only when the condition holds, whatever has woken it.
fn park_in_a_loop(sleeper: Sleeper) {
    while !sleeper.ready.load(Ordering::Acquire) {
        thread::park();
    }
    let _ = sleeper.saw.send(sleeper.ready.load(Ordering::Acquire));
}
// ANCHOR_END: park_in_a_loop

fn condition(story: &mut Story) {
    story.say(
        "Two threads wait for a flag; both also have a token that is not about the flag, as a \
        spurious wake-up would be. One takes any wake-up for the right one, the other one looks again.",
    );
    let saw = |body: fn(Sleeper), until_ready: bool| {
        let ready = Arc::new(AtomicBool::new(false));
        let (saw, seen) = channel();
        let theirs = Sleeper { ready: Arc::clone(&ready), saw };
        let thread = thread::spawn(move || {
            // A token that has nothing to do with the flag, as any code on this thread could leave it.
            thread::current().unpark();
            body(theirs);
        });
        let early = seen.recv_timeout(if until_ready { SILENCE } else { LIMIT });
        ready.store(true, Ordering::Release);
        thread.thread().unpark();
        let late = if early.is_err() { seen.recv_timeout(LIMIT) } else { early };
        let _ = thread.join();
        (early, late)
    };
    let (early, _) = saw(park_once, false);
    story.equal("with a single park a thread goes on though its condition does not hold", Ok(false), early);
    let (early, late) = saw(park_in_a_loop, true);
    story.equal(
        "in a loop it sleeps on, and goes on when the condition holds",
        (Err(RecvTimeoutError::Timeout), Ok(true)),
        (early, late),
    );
}
