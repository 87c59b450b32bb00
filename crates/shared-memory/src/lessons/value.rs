//! How do several processes change one number, and lose nothing?
//!
//! `v += 1` is a load, an addition and a store, in any language and between any two processes: another's store may fall in
//! between. The broken form is explored schedule by schedule, and then held to the schedule that loses, with two real
//! processes. The fixed form is one step, an atomic. The processor does not know of processes: an atomic on shared memory
//! is the same instruction as between threads, and costs the same.
//!
//! In Python `multiprocessing.Value("q")` has a lock beside the number; `v.value += 1` does not take it (`with v.get_lock():`
//! does) and loses updates. An `Array` has one lock for all its elements; here each element is an atomic of its own.

use std::{
    io,
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
    time::Duration,
};

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds};

use crate::{
    Memfd, Shared,
    peer::{self, Cast, Peer},
    shared,
    value::{Array, AtomicF64, Value},
};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "value",
    question: "How do several processes change one number, and lose nothing?",
    python: &["multiprocessing.Value", "multiprocessing.Array", "multiprocessing.RawValue", "sharedctypes"],
    run,
    scenes: &[("stepper", stepper), ("adder", adder), ("summer", summer)],
};

const LIMIT: Duration = Duration::from_secs(20);
const TIMES: u64 = 20_000;

shared! {
    /// A number, and how many have read it.
    struct Steps { number: AtomicU64, have_read: AtomicU32 }
}

fn run(story: &mut Story) -> lesson::Result {
    story.say("Two processes add one to a number in shared memory: load, add, store. Every order of their steps is tried:");
    broken(story, "lost-update", "`v += 1` loses an update", 1, &Bounds::all(), |program| {
        let number = Atomic::new("v", 0);
        for name in ["process A", "process B"] {
            let number = number.clone();
            program.thread(name, move || {
                let seen = number.load();
                number.store(seen + 1);
            });
        }
        program.expect("v", 2, move || number.load());
    })?;
    story.say("Two real processes are held to that schedule: each stores only when both have loaded.");
    let memory = Memfd::create("steps", Shared::<Steps>::size(0))?;
    let steps = Shared::<Steps>::create(&memory, |_, _| ())?;
    all("stepper", 2, &memory)?;
    story.equal("two additions, and the number is", 1, steps.number.load(Relaxed));

    story.say("Fixed: fetch_add is one step. The same search finds nothing:");
    fixed(story, "fetch_add loses nothing, with 3 processes", &Bounds::all(), |program| {
        let number = Atomic::new("v", 0);
        for name in ["A", "B", "C"] {
            let number = number.clone();
            program.thread(name, move || {
                number.fetch_add(1);
            });
        }
        program.expect("v", 3, move || number.load());
    });
    let memory = Memfd::create("value", Value::<AtomicU64>::size(0))?;
    let value = Value::<AtomicU64>::create(&memory, |_, _| ())?;
    all("adder", 3, &memory)?;
    story.equal("and three real processes lose nothing", 3 * TIMES, value.load(Relaxed));
    array(story)
}

fn array(story: &mut Story) -> lesson::Result {
    story.say("An array of doubles: the length is that of the memory. Three processes add 0.5 to each, round and round.");
    let memory = Memfd::create("array", Array::<AtomicF64>::size(100))?;
    let array = Array::<AtomicF64>::create(&memory, |(), doubles| {
        doubles.iter_mut().for_each(|double| *double = AtomicF64::new(0.25));
    })?;
    all("summer", 3, &memory)?;
    let sum: f64 = array.tail().iter().map(|double| double.load(Relaxed)).sum();
    // All of them are multiples of 1/4 far below 2^53: no rounding.
    story.equal("all sums are exact", 100.0 * 0.25 + 3.0 * TIMES as f64 * 0.5, sum);
    let wrong = Array::<AtomicU64>::attach(&memory).map(drop);
    story.equal("who takes it for an array of integers is refused", true, wrong.is_err());
    Ok(())
}

/// Starts so many, all on this memory, and waits for them.
fn all(scene: &str, number: usize, memory: &Memfd) -> lesson::Result {
    let start = |_| Cast::scene("value", scene).with_memory(memory)?.start();
    let mut peers = (0..number).map(start).collect::<io::Result<Vec<Peer>>>()?;
    for peer in &mut peers {
        let status = peer.end(LIMIT)?;
        if !status.success() {
            return Err(format!("{scene}: {status}").into());
        }
    }
    Ok(())
}

// ANCHOR: stepper
/// Adds one in steps, and waits in the middle until the other has read the number as well.
fn stepper() {
    let steps = Shared::<Steps>::attach(peer::memory().expect("given")).expect("built");
    let seen = steps.number.load(Relaxed);
    // AcqRel and Acquire: what is stored below comes after both loads above.
    steps.have_read.fetch_add(1, AcqRel);
    while steps.have_read.load(Acquire) < 2 {
        std::thread::yield_now();
    }
    steps.number.store(seen + 1, Relaxed);
}
// ANCHOR_END: stepper

fn adder() {
    let value = Value::<AtomicU64>::attach(peer::memory().expect("given")).expect("built");
    for _ in 0..TIMES {
        // Relaxed: a sum needs no order, and the process's end is seen by who waits for it.
        value.fetch_add(1, Relaxed);
    }
}

fn summer() {
    let array = Array::<AtomicF64>::attach(peer::memory().expect("given")).expect("built");
    for double in array.tail().iter().cycle().take(TIMES as usize) {
        double.fetch_add(0.5, Relaxed);
    }
}
