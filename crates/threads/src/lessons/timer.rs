//! How is something called later, and how is that called off?
//!
//! Python's `threading.Timer` is a thread that waits, then calls a function; `cancel` ends the waiting. The
//! standard library of Rust has none; the one of this lesson is `crates/threads/src/timer.rs`, a page to be
//! copied. Its heart is a condition variable with a time limit, as only that can be woken early; a thread in
//! `sleep` can not.
//!
//! Two questions decide whether a timer is right. What if `cancel` comes at the very moment of the deadline?
//! Exactly one must win, and the caller must learn who: both look and act under one lock. And does a periodic
//! timer drift? One that sleeps for a period *after* its work adds the work's time to every period; the right
//! one adds the period to the previous deadline.
//!
//! The clock is a parameter here. On a clock that is moved by hand all this is seen without waiting, and a
//! model checker runs the same code under all schedules (`tests/timer_model.rs`).

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use lesson::{Lesson, Story};

use crate::timer::{Clock, ManualClock, Tick, Timer};

pub(super) const LESSON: Lesson = Lesson {
    name: "timer",
    question: "How is something called later, and how is that called off?",
    python: &["threading.Timer", "Timer.cancel"],
    run,
    scenes: &[],
};

const PERIOD: Duration = Duration::from_secs(10);
const WORK: Duration = Duration::from_secs(3);
const TURNS: usize = 4;

fn run(story: &mut Story) -> lesson::Result {
    one_shot(story)?;
    drift(story)?;
    missed(story)
}

fn one_shot(story: &mut Story) -> lesson::Result {
    story.say("A timer of 5 ms fires. One of a year is cancelled, and its thread ends at once.");
    let delay = Duration::from_millis(5);
    let (sender, fired) = channel();
    let start = Instant::now();
    let timer = Timer::after(delay, move || {
        let _ = sender.send(Instant::now());
    })?;
    let took = fired.recv()?.duration_since(start);
    story.claim(
        "a timer fires after its delay, never before",
        format!("{delay:?} or more"),
        format!("{took:.1?}"),
        took >= delay,
    );
    story.equal("a timer that has fired cannot be cancelled, and says so", false, timer.cancel());

    let (sender, fired) = channel();
    let year = Timer::after(Duration::from_secs(365 * 24 * 3600), move || {
        let _ = sender.send(());
    })?;
    story.equal("a cancel in time says that it was in time", true, year.cancel());
    let ended = year.join().is_ok();
    // Its sender is gone with its task, so nothing can arrive any more.
    let nothing = fired.recv_timeout(Duration::ZERO) == Err(RecvTimeoutError::Disconnected);
    story.equal("it ends without having fired", (true, true), (ended, nothing));
    Ok(())
}

// ANCHOR: drift
fn drift(story: &mut Story) -> lesson::Result {
    story.say(
        "On a clock moved by hand: every 10 s something is to be done that takes 3 s. First as a loop \
        of 'sleep, then work', then as a periodic timer.",
    );
    let clock = ManualClock::new();
    let mut naive = Vec::new();
    for _ in 0..TURNS {
        let (sender, turn) = channel();
        let theirs = clock.clone();
        let timer = Timer::after_on(&clock, PERIOD, move || {
            let _ = sender.send(theirs.now());
            theirs.advance(WORK);
        })?;
        clock.advance(PERIOD);
        naive.push(turn.recv()?.as_secs());
        timer.join().map_err(|payload| workload::panic_message(&*payload))?;
    }

    let clock = ManualClock::new();
    let (sender, turn) = channel();
    let theirs = clock.clone();
    let timer = Timer::every_on(&clock, PERIOD, move |_| {
        let begun = theirs.now();
        theirs.advance(WORK);
        let _ = sender.send(begun);
    })?;
    let mut periodic = Vec::new();
    clock.advance(PERIOD);
    for _ in 0..TURNS {
        periodic.push(turn.recv()?.as_secs());
        clock.advance(PERIOD - WORK);
    }
    story.equal("sleeping after the work drifts by the work's time each turn", vec![10, 23, 36, 49], naive);
    story.equal(
        "a deadline that is the previous one plus the period does not",
        vec![10, 20, 30, 40],
        periodic,
    );
    story.equal("a periodic timer ends when it is cancelled", true, timer.cancel() && timer.join().is_ok());
    Ok(())
}
// ANCHOR_END: drift

fn missed(story: &mut Story) -> lesson::Result {
    story.say(
        "If a turn takes longer than a period, the turns missed meanwhile are not made up for one by \
        one: the latest runs, the others are counted.",
    );
    let clock = ManualClock::new();
    let (sender, turn) = channel();
    let theirs = clock.clone();
    let mut works = [PERIOD * 3 + WORK, Duration::ZERO].into_iter();
    let timer = Timer::every_on(&clock, PERIOD, move |tick| {
        theirs.advance(works.next().unwrap_or_default());
        let _ = sender.send(tick);
    })?;
    clock.advance(PERIOD);
    let ticks = vec![turn.recv()?, turn.recv()?];
    drop(timer);
    story.equal(
        "after a turn from 10 s to 43 s, the one of 40 s runs, and 2 were missed",
        vec![Tick { due: PERIOD, missed: 0 }, Tick { due: PERIOD * 4, missed: 2 }],
        ticks,
    );
    Ok(())
}
