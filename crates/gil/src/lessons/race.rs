//! Why does `x += 1` lose nothing, and `x = x + f()` does?
//!
//! Both load x, add, and store x. Under a GIL another thread can come in only where the lock changes hands, which is
//! at a checkpoint: the end of a loop, the beginning of a function, after a call.
//!
//! | `x += 1` | `x = x + f()` |
//! |---|---|
//! | load x | load x |
//! | push 1 | call f: **checkpoint** as f begins, **checkpoint** when it is back |
//! | add | add |
//! | store x | store x |
//! | jump back: **checkpoint** | jump back: **checkpoint** |
//!
//! In the left column load and store lie between the same two checkpoints, so nobody comes in between. That is no
//! promise of the language. It holds in CPython from 3.10 on (3.9 looked at every bytecode, and lost half of them); it
//! ends as soon as x is a property or the 1 an object with an `__add__`, and it is gone without the GIL.
//!
//! The proof: a lock that may be given away at *every* checkpoint, and all schedules of that. Look at their number,
//! and at the one that is drawn.

use std::{sync::Arc, sync::Barrier, time::Duration};

use lesson::{
    Lesson, Story,
    search::{broken, fixed},
};
use model::schedule::{Atomic, Bounds, Mutex, MutexGuard, Program as Threads};

use crate::{
    interpreter::{self, Native, Object, Program, Stopped, World},
    regime::{self, Counting, Plan, Regime},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "race",
    question: "Why does `x += 1` lose nothing, and `x = x + f()` does?",
    python: &["x += 1", "threading.Lock", "sys.setswitchinterval", "sys._is_gil_enabled"],
    run,
    scenes: &[],
};

/// `x += 1`
pub(super) const PLAIN: &str = "get x | push 1 | add | set x";
/// `x = x + f()`
pub(super) const CALL: &str = "get x | call f | add | set x";
/// `y = f()`, then `x += y`
const CALL_FIRST: &str = "call f | store y | get x | load y | add | set x";
/// `x = x + meet()`, where `meet` blocks
const MEET: &str = "get x | push 0 | native meet | add | set x";

fn run(story: &mut Story) -> lesson::Result {
    let [plain, call, call_first] = [PLAIN, CALL, CALL_FIRST].map(|body| looped(body, &[]));
    let (plain, call, call_first) = (plain?, call?, call_first?);
    let all = Bounds::all();
    story.say("The lock may be given away at every checkpoint; every schedule of that is run.");
    fixed(
        story,
        "x += 1, three times in each of two threads, loses nothing",
        &all,
        threads(&plain, 2, 3, true),
    );
    fixed(story, "nor with three threads", &all, threads(&plain, 3, 1, true));
    story.say("Now x = x + f(). The smallest schedule that loses (lock and unlock are the interpreter's):");
    broken(story, "call", "x = x + f() loses an update", 1, &all, threads(&call, 2, 1, true))?;
    story.equal("two threads that are held to that schedule lose it, too", 1, held_to_that_schedule()?);
    story.say("Without a GIL each load and store is a step of its own, and x += 1 is no better:");
    broken(story, "free", "without a GIL x += 1 loses an update", 1, &all, threads(&plain, 2, 1, false))?;

    story.say(
        "Cured under a GIL: call first, `y = f()`, then `x += y`. Cured everywhere: a lock of one's own around all \
         of it, as the GIL protects the interpreter and not your data.",
    );
    fixed(story, "y = f(); x += y loses nothing under a GIL", &all, threads(&call_first, 2, 1, true));
    fixed(
        story,
        "with threading.Lock around it x = x + f() loses nothing without a GIL",
        &all,
        locked(&call),
    );
    measured(story, &plain, &call)
}

/// The statement `body` in a loop, with `x` global and `f` returning 1.
pub(super) fn looped(body: &str, natives: &[(&str, Native)]) -> Result<Program, interpreter::Malformed> {
    let body = body.replace('|', "\n");
    let text = format!(
        "global x
        def main times
            push 0
            store i
        again:
            load i
            load times
            less
            unless done
            {body}
            load i
            push 1
            add
            store i
            jump again
        done:
            push 0
            return
        def f
            push 1
            return"
    );
    Program::assemble(&text, natives)
}

/// A world in which each checkpoint gives the lock away, if there is one, to whom the schedule says.
struct AnyCheckpoint<'a> {
    gil: Option<&'a Mutex<()>>,
    held: Option<MutexGuard<'a, ()>>,
    x: &'a Atomic<i64>,
}

impl World for AnyCheckpoint<'_> {
    fn checkpoint(&mut self) -> Result<(), Stopped> {
        self.held = None;
        self.held = self.gil.map(Mutex::lock);
        Ok(())
    }

    fn load(&mut self, _: usize) -> i64 {
        self.x.load()
    }

    fn store(&mut self, _: usize, value: i64) {
        self.x.store(value);
    }

    fn without_lock<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.held = None;
        let result = work();
        self.held = self.gil.map(Mutex::lock);
        result
    }

    fn count(&mut self, _: Object) {}
}

/// So many threads that run `program` so many times, with a GIL or without.
fn threads(program: &Program, threads: usize, times: i64, gil: bool) -> impl Fn(&mut Threads) {
    move |all| {
        let (x, lock) = (Atomic::new("x", 0), Mutex::new("gil", ()));
        for name in ["A", "B", "C"].iter().take(threads) {
            let (program, x, lock) = (program.clone(), x.clone(), lock.clone());
            all.thread(*name, move || {
                let gil = gil.then_some(&lock);
                let mut world = AnyCheckpoint { gil, held: gil.map(Mutex::lock), x: &x };
                let ended = interpreter::run(&program, &[times], &mut world);
                assert!(ended.is_ok(), "{ended:?}");
            });
        }
        all.expect("x", threads as i64 * times, move || x.load());
    }
}

/// Two threads without a GIL, each with one and the same lock around all that it does.
fn locked(program: &Program) -> impl Fn(&mut Threads) {
    move |all| {
        let (x, lock) = (Atomic::new("x", 0), Mutex::new("lock", ()));
        for name in ["A", "B"] {
            let (program, x, lock) = (program.clone(), x.clone(), lock.clone());
            all.thread(name, move || {
                let _held = lock.lock();
                let mut world = AnyCheckpoint { gil: None, held: None, x: &x };
                let ended = interpreter::run(&program, &[2], &mut world);
                assert!(ended.is_ok(), "{ended:?}");
            });
        }
        all.expect("x", 4, move || x.load());
    }
}

/// Real threads under the real lock. What is called blocks until both are in it, so both have loaded x by then.
fn held_to_that_schedule() -> Result<i64, Box<dyn std::error::Error>> {
    let both_have_loaded = Barrier::new(2);
    let meet: Native = Arc::new(move |_| {
        both_have_loaded.wait();
        1
    });
    let program = looped(MEET, &[("meet", meet)])?;
    let outcome = regime::run(&Regime::OneGil, &program, &Plan::threads(2).argument(1))?;
    Ok(outcome.globals[0][0])
}

const THREADS: usize = 4;

/// The share lost of the updates that four threads make, `times` each, when nobody chooses the schedule; the switch
/// interval is 50 us.
pub(super) fn lost(regime: &Regime, program: &Program, times: i64) -> Result<f64, regime::Error> {
    let plan = Plan::threads(THREADS).argument(times).interval(Duration::from_micros(50));
    let outcome = regime::run(regime, program, &plan)?;
    Ok(1.0 - outcome.globals[0][0] as f64 / (THREADS as i64 * times) as f64)
}

fn measured(story: &mut Story, plain: &Program, call: &Program) -> lesson::Result {
    /// Rounds until a loss must have been seen: threads that are started one after the other may also run so.
    const TRIES: usize = 40;
    const TIMES: i64 = 20_000;
    let plain_lost = lost(&Regime::OneGil, plain, TIMES)?;
    let mut call_lost = 0.0;
    for _ in 0..TRIES {
        call_lost = lost(&Regime::OneGil, call, TIMES)?;
        if call_lost > 0.0 {
            break;
        }
    }
    let free = Regime::NoGil(Counting::Biased);
    let rows =
        [(PLAIN, plain_lost, lost(&free, plain, TIMES)?), (CALL, call_lost, lost(&free, call, TIMES)?)];
    let share = |lost: f64| format!("{:.0} %", 100.0 * lost);
    story.say("Four threads, 20,000 times each, switch interval 50 us, whatever schedule comes. Lost:");
    let mut table = format!("{:36}{:>10}{:>10}\n", "", "one GIL", "no GIL");
    for (body, gil, free) in rows {
        table.push_str(&format!("{:36}{:>10}{:>10}\n", body.replace(" |", ","), share(gil), share(free)));
    }
    story.show(table);
    story.equal("x += 1 lost none of them under a GIL", 0.0, plain_lost);
    story.claim("x = x + f() lost some", "more than 0 %", share(call_lost), call_lost > 0.0);
    Ok(())
}
