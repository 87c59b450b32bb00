//! Why can two correct threads give a wrong sum?
//!
//! Two things are called a race. A **data race** is two accesses to the same memory at the same time, one of them
//! a write, with nothing that orders them. Safe Rust has none, because no such program compiles. A variable is
//! borrowed by a thread that may live longer than it:
//!
//! ```compile_fail,E0373
//! let mut count = 0;
//! let thread = std::thread::spawn(|| count += 1);
//! count += 1;
//! thread.join().unwrap();
//! ```
//!
//! ... or by two threads that would both write:
//!
//! ```compile_fail,E0499
//! let mut count = 0;
//! std::thread::scope(|scope| {
//!     scope.spawn(|| count += 1);
//!     scope.spawn(|| count += 1);
//! });
//! ```
//!
//! ... or it is shared by a type that counts or writes without synchronization:
//!
//! ```compile_fail,E0277
//! let count = std::rc::Rc::new(std::cell::Cell::new(0));
//! let theirs = std::rc::Rc::clone(&count);
//! std::thread::spawn(move || theirs.set(theirs.get() + 1)).join().unwrap();
//! ```
//!
//! A **race condition** is left: each access is sound, and the result still depends on who comes first. Load,
//! call, store: what was loaded is old by the time it is stored. No type sees that, so look at the window between
//! the load and the store, and close it: one step (`fetch_add`), or a lock around all three.
//!
//! In Python, since 3.10 and with the interpreter lock, `x += 1` loses nothing: the lock changes hands only at
//! calls and at the ends of loops, and there is none between load and store. `x = x + f()` has a call there.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Mutex, Program, pause};

use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "race",
    question: "Why can two correct threads give a wrong sum?",
    python: &["x += 1", "sys.setswitchinterval", "threading.Lock"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "Each of two threads adds one to a count: it loads it, calls a function, stores the sum. Each is \
         correct alone. Now every order of their steps is tried, those with the fewest preemptions first, and \
         the smallest that goes wrong is drawn (-> is what was read, <- what was written):",
    );
    let searched =
        broken(story, "lost-update", "load, call, store loses an update", 1, &Bounds::all(), add_in_steps)?;
    // Three steps each: 6! / (3! 3!) orders.
    story.equal("no order is left out and none is tried twice: 6! / (3! 3!)", 20, searched.schedules);
    if !story.explains() {
        story.say("(--explain goes through it step by step, --svg DIR writes it as a picture.)");
    }
    story.equal(
        "two real threads that are held to that schedule lose it as well",
        1,
        held_to_that_schedule(),
    );

    story
        .say("Cured: the three are one step, or nobody else gets in between. The same search finds nothing:");
    fixed(story, "fetch_add loses nothing, with 3 threads", &Bounds::all(), |program| {
        let count = Atomic::new("count", 0);
        for name in ["A", "B", "C"] {
            let count = count.clone();
            program.thread(name, move || {
                let amount = next(0);
                count.fetch_add(amount);
            });
        }
        program.expect("count", 3, move || count.load());
    });
    fixed(story, "nor does a mutex around all three, with 3 threads", &Bounds::all(), |program| {
        let count = Mutex::new("count", 0);
        for name in ["A", "B", "C"] {
            let count = count.clone();
            program.thread(name, move || {
                let mut held = count.lock();
                *held = next(*held);
            });
        }
        program.expect("count", 3, move || *count.lock());
    });
    story.equal("on real threads the sum is right, too", 40_000, sum_of_fetch_add(4, 10_000));
    python(story);
    Ok(())
}

/// What is added may be computed anywhere, and meanwhile the others go on.
fn next(seen: u64) -> u64 {
    pause("next()");
    seen + 1
}

// ANCHOR: add_in_steps
fn add_in_steps(program: &mut Program) {
    let count = Atomic::new("count", 0);
    for name in ["A", "B"] {
        let count = count.clone();
        program.thread(name, move || {
            let seen = count.load();
            count.store(next(seen));
        });
    }
    program.expect("count", 2, move || count.load());
}
// ANCHOR_END: add_in_steps

/// The same on real threads, with a barrier in the place of luck: nobody stores before both have loaded.
fn held_to_that_schedule() -> u64 {
    let count = AtomicU64::new(0);
    let both_have_loaded = Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // Relaxed: no ordering could help, the steps are the trouble. The barrier and the join order them.
                let seen = count.load(Ordering::Relaxed);
                both_have_loaded.wait();
                count.store(seen + 1, Ordering::Relaxed);
            });
        }
    });
    count.into_inner()
}

fn sum_of_fetch_add(threads: usize, times: u64) -> u64 {
    let count = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..times {
                    // Relaxed: a sum needs no ordering, and the join orders the last look.
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    count.into_inner()
}

/// Prints the version, whether the interpreter lock is there, and how many updates each form lost of how many. The
/// form with the call gets up to 40 rounds to lose one.
const SCRIPT: &str = r#"
import sys, threading
sys.setswitchinterval(1e-6)
x, n = 0, 20_000
def f(): return 1
def plain():
    global x
    for _ in range(n): x += 1
def call():
    global x
    for _ in range(n): x = x + f()
def lost(body, threads=3):
    global x
    x = 0
    all = [threading.Thread(target=body) for _ in range(threads)]
    for t in all: t.start()
    for t in all: t.join()
    return threads * n - x
gil = getattr(sys, "_is_gil_enabled", lambda: True)() and sys.implementation.name == "cpython"
plain_lost, rounds, call_lost = lost(plain), 0, 0
while not call_lost and rounds < 40: rounds, call_lost = rounds + 1, lost(call)
print(sys.version_info[0] * 100 + sys.version_info[1], int(gil), plain_lost, call_lost, 3 * n)
"#;

fn python(story: &mut Story) {
    const PLAIN: &str = "Python's `x += 1` loses nothing, as no call stands between its load and its store";
    const CALL: &str = "`x = x + f()` loses updates";
    let skip = |story: &mut Story, why: &str| {
        story.skip(PLAIN, "0 lost", why);
        story.skip(CALL, "more than 0 lost", why);
    };
    story.say("Python beside it, three threads with a switch interval of a microsecond:");
    let played = match lesson::python(SCRIPT, Duration::from_secs(20)) {
        Ok(played) => played,
        Err(why) => return skip(story, &why),
    };
    let numbers: Vec<i64> = played.stdout.split_whitespace().flat_map(str::parse).collect();
    match numbers[..] {
        [version, 1, plain, call, of] if version >= 310 => {
            let lost = |number: i64| format!("{number} lost of {of}");
            story.claim(PLAIN, "0 lost", lost(plain), plain == 0);
            let share = 100.0 * call as f64 / of as f64;
            story.claim(CALL, "more than 0 lost", format!("{} ({share:.0} %)", lost(call)), call > 0);
        }
        [_, 1, ..] => skip(story, "python3 is older than 3.10, where `x += 1` could lose"),
        [_, 0, ..] => skip(story, "python3 runs without the interpreter lock"),
        _ => skip(story, &format!("python3 printed {:?}", played.stdout)),
    }
}
