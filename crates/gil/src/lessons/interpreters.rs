//! What does an interpreter with a lock of its own give, and what does it cost?
//!
//! Since 3.12 CPython can have several interpreters in one process, each with its own GIL; since 3.14 they can be used
//! from Python (`concurrent.interpreters`, `InterpreterPoolExecutor`). They run at once, because they **share nothing**:
//! each has its own modules and its own globals, and what goes from one to the other is copied into a message.
//!
//! It is the price that counts. To start one takes some 10 ms in CPython (it imports its modules again), and a message
//! costs a copy and waking the other up, where a shared variable costs a load. So: large pieces of work, few messages.
//!
//! Rust has the same promise as a type. What is `Send` may move to another thread, and what is not `Sync` cannot be used
//! by two. A count that is not atomic may not even move:
//!
//! ```compile_fail,E0277
//! let counted = std::rc::Rc::new(1);
//! std::thread::spawn(move || println!("{counted}"));
//! ```

use std::{sync::mpsc, thread, time::Instant};

use lesson::{Bound, Lesson, Story, measure};

use crate::{
    Gil,
    interpreter::Program,
    regime::{self, Globals, Plan, Regime},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "interpreters",
    question: "What does an interpreter with a lock of its own give, and what does it cost?",
    python: &["concurrent.interpreters", "InterpreterPoolExecutor"],
    run,
    scenes: &[],
};

/// Adds 1 to a global variable n times.
pub(super) const COUNT: &str = "
    global total
    def main n
        push 0
        store i
    next:
        load i
        load n
        less
        unless done
        get total
        push 1
        add
        set total
        load i
        push 1
        add
        store i
        jump next
    done:
        get total
        return
";

fn run(story: &mut Story) -> lesson::Result {
    let program = Program::assemble(COUNT, &[])?;
    let plan = Plan::threads(2).argument(1_000);
    let shared = regime::run(&Regime::OneGil, &program, &plan)?;
    let own = regime::run(&Regime::GilEach, &program, &plan)?;
    story.say(
        "Two threads add 1 to a global variable, a thousand times each: in one interpreter, then in two.",
    );
    story.equal("in one interpreter there is one variable", vec![vec![2_000]], shared.globals);
    story.equal("two interpreters have one each", vec![vec![1_000], vec![1_000]], own.globals);

    let (sum, _) = messages(100);
    story.equal("what they have to tell each other goes by message: 100 there and back", 4_950, sum);
    timed(story, &program);
    Ok(())
}

fn timed(story: &mut Story, program: &Program) {
    const TURNS: i64 = 1_000_000;
    let seconds = |regime: Regime, threads: usize| {
        let plan = Plan::threads(threads).argument(TURNS / threads as i64);
        move || {
            // A program that has run once cannot fail now; were it to, the claim would.
            regime::run(&regime, program, &plan).map_or(f64::NAN, |outcome| outcome.seconds)
        }
    };
    story.timed_all(
        [
            ("two interpreters with a lock each: speed-up over one".into(), Bound::AtLeast(1.6)),
            ("two threads of one interpreter: none".into(), Bound::AtMost(1.15)),
        ],
        2,
        || {
            let runs = [seconds(Regime::OneGil, 1), seconds(Regime::GilEach, 2), seconds(Regime::OneGil, 2)];
            let mut samples: [measure::Samples; 3] = Default::default();
            for _ in 0..5 {
                for (run, samples) in runs.iter().zip(&mut samples) {
                    samples.push(run());
                }
            }
            let [one, each, shared] = samples;
            [measure::ratio(&one, &each), measure::ratio(&one, &shared)]
        },
    );
    let price = story.timed(
        "a message there and back costs many times what a shared variable does",
        Bound::AtLeast(20.0),
        1,
        || {
            let (_, message) = messages(2_000);
            message / variable(100_000)
        },
    );
    if price.is_some() {
        let (_, message) = messages(2_000);
        let start = measure::seconds(|| {
            for _ in 0..100 {
                let (gil, globals) = (Gil::default(), Globals::of(program));
                thread::scope(|scope| drop(scope.spawn(|| drop((gil.attach(), globals.values())))));
            }
        }) / 100.0;
        story.say(format!(
            "A message there and back: {:.1} us. To start the model's interpreter: {:.0} us, as it has nothing to \
             import; CPython's takes about 10 ms (see the lesson `python`).",
            1e6 * message,
            1e6 * start
        ));
    }
}

/// Numbers sent to another interpreter and back: their sum, and seconds a round trip.
fn messages(many: u64) -> (u64, f64) {
    let (send, theirs) = mpsc::channel::<u64>();
    let (back, answers) = mpsc::channel::<u64>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let gil = Gil::default();
            let mut held = gil.attach();
            // Waiting for a message is a call that blocks.
            while let Ok(number) = held.blocking(|| theirs.recv()) {
                // The other one is gone only when it has all its answers.
                let _ = back.send(number);
            }
        });
        let gil = Gil::default();
        let mut held = gil.attach();
        let begun = Instant::now();
        let mut sum = 0;
        for number in 0..many {
            // The other one ends only after this channel.
            let _ = send.send(number);
            sum += held.blocking(|| answers.recv()).unwrap_or_default();
        }
        let seconds = begun.elapsed().as_secs_f64() / many as f64;
        // Lets the other one end.
        drop(send);
        (sum, seconds)
    })
}

/// Seconds to write and read a variable that another thread could use, under the lock.
fn variable(many: u64) -> f64 {
    let gil = Gil::default();
    let shared = std::sync::atomic::AtomicU64::new(0);
    let mut held = gil.attach();
    let begun = Instant::now();
    for number in 0..many {
        // Relaxed: the lock orders them.
        shared.store(number, std::sync::atomic::Ordering::Relaxed);
        std::hint::black_box(shared.load(std::sync::atomic::Ordering::Relaxed));
        held.checkpoint();
    }
    begun.elapsed().as_secs_f64() / many as f64
}
