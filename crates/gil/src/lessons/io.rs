//! Do threads make work that waits faster, GIL or not?
//!
//! Yes. Whoever is about to block drops the lock first, so any number of threads can wait at the same time: for the
//! network, for a disk, for a child process. What cannot overlap is the bytecode between two waits. With a share c of
//! computing, n threads under one GIL are at most min(n, 1/c) times as fast.
//!
//! It holds only for calls that do drop the lock. One that blocks with the lock held stops everybody, also those who
//! do not wait for anything. Whether a C extension drops it is up to its author (`Py_BEGIN_ALLOW_THREADS`).
//!
//! Look at how many threads are in their wait at once: all, or one.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use lesson::{Bound, Lesson, Story, lanes, measure};

use crate::{
    Timeline,
    interpreter::{Native, Program},
    regime::{self, Plan, Regime},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "io",
    question: "Do threads make work that waits faster, GIL or not?",
    python: &["ThreadPoolExecutor", "time.sleep", "Py_BEGIN_ALLOW_THREADS"],
    run,
    scenes: &[],
};

/// Calls `nap` so many `times`, and counts to 500 in between; KEEPS is where it is said to keep the lock.
const PROGRAM: &str = "
    def main times
        push 0
        store i
    again:
        load i
        load times
        less
        unless done
        push 0
        native nap KEEPS
        store unused
        push 0
        store count
    counting:
        load count
        push 1
        add
        store count
        load count
        push 500
        less
        unless counted
        jump counting
    counted:
        load i
        push 1
        add
        store i
        jump again
    done:
        load i
        return
";

const NAP: Duration = Duration::from_millis(2);
const THREADS: usize = 4;

fn run(story: &mut Story) -> lesson::Result {
    all_at_once(story)?;
    one_at_a_time(story)?;
    let nap: Native = Arc::new(|_| {
        thread::sleep(NAP);
        0
    });
    let (drops, keeps) = (program("", &nap)?, program("keeps", &nap)?);
    side_by_side(story)?;

    story.say("Now 24 naps of 2 ms, one after the other on one thread, and six each on four:");
    story.timed(
        "under one GIL four threads get through their waits faster than one",
        Bound::AtLeast(2.5),
        1,
        || gain(&drops),
    );
    story.timed("if the nap keeps the lock, they do not", Bound::AtMost(1.15), 1, || gain(&keeps));
    Ok(())
}

/// Three threads that begin each wait together, drawn.
fn side_by_side(story: &mut Story) -> lesson::Result {
    let together = Barrier::new(3);
    let nap: Native = Arc::new(move |_| {
        together.wait();
        thread::sleep(NAP);
        0
    });
    let timeline = Arc::new(Timeline::default());
    let plan = Plan::threads(3).argument(3).observed(timeline.clone());
    let outcome = regime::run(&Regime::OneGil, &program("", &nap)?, &plan)?;
    story.equal("three threads have waited three times each", vec![3; 3], outcome.results);
    let names: Vec<String> = (0..3).map(|thread| format!("thread {thread}")).collect();
    story.say("(# holds the lock, - waits for it, ~ has dropped it and sleeps:)");
    story.show(lanes::text(&names, &timeline.spans(), 82));
    story.picture("lanes", || {
        let about =
            "Three lanes; the sleeps of all threads lie side by side, as nobody holds the lock in them.";
        lanes::svg("Waiting under one GIL", about, &names, &timeline.spans())
    })?;
    Ok(())
}

fn program(keeps: &str, nap: &Native) -> Result<Program, crate::interpreter::Malformed> {
    Program::assemble(&PROGRAM.replace("KEEPS", keeps), &[("nap", Arc::clone(nap))])
}

/// The wait ends only when all threads are in it.
fn all_at_once(story: &mut Story) -> lesson::Result {
    let all = Barrier::new(THREADS);
    let meet: Native = Arc::new(move |_| {
        all.wait();
        0
    });
    let program = program("", &meet)?;
    let outcome = regime::run(&Regime::OneGil, &program, &Plan::threads(THREADS).argument(1))?;
    story.say(
        "Four threads meet in a call that ends only when all four are in it. Under one GIL they do meet:",
    );
    story.equal("all four are in the call that drops the lock, at once", vec![1; THREADS], outcome.results);
    Ok(())
}

/// How many are in a call at once that keeps the lock.
fn one_at_a_time(story: &mut Story) -> lesson::Result {
    let (inside, most) = (AtomicI64::new(0), Arc::new(AtomicI64::new(0)));
    let highest = Arc::clone(&most);
    let look: Native = Arc::new(move |_| {
        let now = inside.fetch_add(1, SeqCst) + 1;
        highest.fetch_max(now, SeqCst);
        // Time for the others to come in, if they can.
        thread::sleep(Duration::from_millis(1));
        inside.fetch_sub(1, SeqCst);
        0
    });
    let program = program("keeps", &look)?;
    regime::run(&Regime::OneGil, &program, &Plan::threads(THREADS).argument(3))?;
    story.equal("in a call that keeps the lock there is never more than one", 1, most.load(SeqCst));
    Ok(())
}

/// How many times as fast four threads are as one, with the same number of naps in all. A program that fails to run
/// is no gain.
fn gain(program: &Program) -> f64 {
    const NAPS: i64 = 24;
    let seconds = |threads: usize| {
        let plan = Plan::threads(threads).argument(NAPS / threads as i64);
        regime::run(&Regime::OneGil, program, &plan).map_or(f64::NAN, |outcome| outcome.seconds)
    };
    let rounds: Vec<(f64, f64)> = (0..5).map(|_| (seconds(1), seconds(THREADS))).collect();
    let (one, four): (measure::Samples, measure::Samples) =
        (rounds.iter().map(|round| round.0).collect(), rounds.iter().map(|round| round.1).collect());
    measure::ratio(&one, &four)
}
