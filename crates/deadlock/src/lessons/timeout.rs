//! Is it enough to give up waiting after a time?
//!
//! With a limit to every wait nobody hangs for ever, and that is worth much: what cannot be proven free of deadlock
//! (a database, a network) is run like this. But a time limit does not know what it interrupts.
//!
//! - **Both give up.** Equal limits that began together end together; all give back, begin again, and meet again. That
//!   is a livelock. Different limits, best random ones, let one of them through.
//! - **False alarms.** Who waits long for a slow holder gives up, too, though nobody is stuck; under load all do, and
//!   the work done until then is done again, which makes more load.
//! - Something must be done with what is half done: undo it, or do nothing before all locks are held.
//!
//! So a limit is a way to live with a deadlock, and no cure: an order takes it away, a detector *knows*.
//!
//! In Python: `lock.acquire(timeout=0.1)`. In Rust std has none; `parking_lot::Mutex::try_lock_for`, or `TimedLock` here.

use std::{fmt, sync::Barrier, thread, time::Duration};

use lesson::{Lesson, Story};
use model::schedule::{Bounds, Condvar, Mutex, Program};

use crate::TimedLock;
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "timeout",
    question: "Is it enough to give up waiting after a time?",
    python: &["Lock.acquire(timeout=...)"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("A takes a and then b, B takes b and then a, and both wait for as long as the clock lets them. The clock is a thread of the schedule: time may run out at any moment. (`A-`: A holds a, nobody b; `!`: time is up.)");
    fixed(story, "in no schedule somebody waits for ever", &Bounds::preemptions(3), cross(false));
    broken(
        story,
        "both",
        "but there is one in which both give up, and all is as it was before",
        2,
        &Bounds::preemptions(2),
        cross(true),
    )?;
    story.equal(
        "on real threads whose limits end together: five rounds, and nobody had both locks once",
        0,
        rounds_in_step(5),
    );
    story.equal(
        "with different limits (1 ms, a minute) the one gives up and lets the other one through",
        [false, true],
        different_limits(),
    );
    story.equal(
        "a false alarm: the holder is slow, nobody is stuck, and who waits gives up all the same",
        (true, true),
        slow_holder(),
    );
    Ok(())
}

/// Who holds a and b, and whether the clock has run out.
#[derive(Clone)]
struct Locks {
    owners: [&'static str; 2],
    time_is_up: bool,
}

/// For the drawing: the owner of a, the owner of b, `!` if time is up.
impl fmt::Debug for Locks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.owners;
        write!(out, "{a}{b}{}", if self.time_is_up { "!" } else { "" })
    }
}

const NOBODY: &str = "-";

// ANCHOR: cross
/// With `somebody_must`, it is a failure if neither had both.
fn cross(somebody_must: bool) -> impl Fn(&mut Program) {
    move |program| {
        let locks = Mutex::new("ab", Locks { owners: [NOBODY; 2], time_is_up: false });
        let changed = Condvar::new("free");
        let served = model::schedule::Atomic::new("served", false);
        for (name, first) in [("A", 0), ("B", 1)] {
            let (locks, changed, served) = (locks.clone(), changed.clone(), served.clone());
            program.thread(name, move || {
                if lock_in_time(&locks, &changed, first, name) {
                    if lock_in_time(&locks, &changed, 1 - first, name) {
                        served.store(true);
                        locks.lock().owners[1 - first] = NOBODY;
                    }
                    locks.lock().owners[first] = NOBODY;
                    changed.notify_all();
                }
            });
        }
        let clock = locks.clone();
        program.thread("clock", move || {
            clock.lock().time_is_up = true;
            changed.notify_all();
        });
        program.check(move || match somebody_must && !served.load() {
            true => Err(format!("nobody had both locks; {:?}", *locks.lock())),
            false => Ok(()),
        });
    }
}

/// Takes a lock as soon as it is free, unless time is up before.
fn lock_in_time(locks: &Mutex<Locks>, changed: &Condvar, which: usize, me: &'static str) -> bool {
    let mut locks =
        changed.wait_while(locks.lock(), |locks| locks.owners[which] != NOBODY && !locks.time_is_up);
    let is_free = locks.owners[which] == NOBODY;
    if is_free {
        locks.owners[which] = me;
    }
    is_free
}
// ANCHOR_END: cross

// ANCHOR: rounds_in_step
/// How many of the rounds one thread had both locks in. The barriers stand for clocks that go alike: both hold one
/// before either wants the other, and both have given up before either gives back.
fn rounds_in_step(rounds: usize) -> usize {
    let locks = [TimedLock::new(), TimedLock::new()];
    let step = Barrier::new(2);
    let play = |me: usize| {
        let mut served = 0;
        for _ in 0..rounds {
            let mine = locks[me].lock_within(Duration::from_secs(60));
            step.wait();
            let other = locks[1 - me].lock_within(Duration::from_millis(1));
            served += usize::from(mine.is_ok() && other.is_ok());
            step.wait();
            drop((mine, other));
            step.wait();
        }
        served
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| play(1));
        play(0) + other.join().expect("it does not panic")
    })
}
// ANCHOR_END: rounds_in_step

/// Whether each of the two had both locks.
fn different_limits() -> [bool; 2] {
    let locks = [TimedLock::new(), TimedLock::new()];
    let both_hold_one = Barrier::new(2);
    let play = |me: usize, limit| {
        let _mine = locks[me].lock_within(Duration::from_secs(60));
        both_hold_one.wait();
        locks[1 - me].lock_within(limit).is_ok()
    };
    thread::scope(|scope| {
        let patient = scope.spawn(|| play(1, Duration::from_secs(60)));
        let hasty = play(0, Duration::from_millis(1));
        [hasty, patient.join().expect("it does not panic")]
    })
}

/// Whether the one who waited gave up, and whether the lock was free as soon as the holder was done.
fn slow_holder() -> (bool, bool) {
    let lock = TimedLock::new();
    let (held, gave_up) = (Barrier::new(2), Barrier::new(2));
    let waited = thread::scope(|scope| {
        scope.spawn(|| {
            let _lock = lock.lock_within(Duration::from_secs(60));
            held.wait();
            // Slow: it is not done before the other one has given up.
            gave_up.wait();
        });
        held.wait();
        let waited = lock.lock_within(Duration::from_millis(1)).is_err();
        gave_up.wait();
        waited
    });
    (waited, lock.lock_within(Duration::ZERO).is_ok())
}
