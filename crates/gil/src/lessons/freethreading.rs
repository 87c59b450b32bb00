//! What does a world without the lock cost?
//!
//! The GIL protected more than programs: each object's **reference count**, which a line of Python changes many times.
//! Without it a plain count loses updates, so it must be **atomic**, and that costs twice. On one thread a locked
//! instruction takes several times as long as an addition. On several, when they use the *same* object, its cache line
//! goes from core to core with each count, and two threads get less done than one: nothing is waited for, and
//! nothing runs at once.
//!
//! **Biased counting** cures the first: the object's owner counts in a field of its own, without any locked instruction,
//! and only other threads count atomically. It does not cure the second. What all threads use (functions, modules,
//! `None`) is better not counted at all while it is used: CPython calls those immortal or deferred. In Rust that is a
//! borrow: `&value` in a scope counts nothing, because the compiler knows that the owner outlives it.
//!
//! In Python: `python3.13t`, `sys._is_gil_enabled()`, PEP 703. Biased counting: Choi, Shull, Torrellas, PACT 2018; the
//! one here is checked over all schedules in `tests/count_model.rs`.

use std::{hint::black_box, thread};

use lesson::{Bound, Lesson, Story, measure};

use crate::{
    count::{Atomic, Biased, Plain, collect},
    interpreter::Program,
    regime::{self, Counting, Plan, Regime},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "freethreading",
    question: "What does a world without the lock cost?",
    python: &["sys._is_gil_enabled", "python3.13t", "PYTHON_GIL"],
    run,
    scenes: &[],
};

/// Calls a function n times and adds up what it returns: each call uses an object that all threads share.
const CALLS: &str = "
    def main n
        push 0
        store i
    next:
        load i
        load n
        less
        unless done
        load i
        call one
        add
        store i
        jump next
    done:
        load i
        return
    def one
        push 1
        return
";

fn run(story: &mut Story) -> lesson::Result {
    let ours = Biased::new(String::from("value"));
    let theirs = ours.clone();
    story.say("An object of this thread, with a biased count; a second share of it goes to another thread.");
    let length = thread::spawn(move || theirs.len()).join().unwrap_or_default();
    story.equal("the other thread uses it and drops its share, which its owner had counted", 5, length);
    story.equal("that share comes back to the owner, who counts it out", 1, collect());
    story.equal("and the object lives: the owner still has its own", "value", ours.as_str());

    let program = Program::assemble(CALLS, &[])?;
    let plan = Plan::threads(2).argument(1_000);
    for counting in [Counting::Atomic, Counting::Biased] {
        let regime = Regime::NoGil(counting);
        let outcome = regime::run(&regime, &program, &plan)?;
        story.equal(
            format!("{}: both threads have the right result", regime.name()),
            vec![1_000; 2],
            outcome.results,
        );
    }
    one_thread(story);
    shared_object(story);
    whole_programs(story, &program);
    Ok(())
}

/// Clones and drops as often as `TIMES`, and how long that takes is all that matters.
fn count<P: Clone>(share: &P, times: u64) {
    for _ in 0..times {
        black_box(share.clone());
    }
}

fn one_thread(story: &mut Story) {
    const TIMES: u64 = 500_000;
    let (plain, atomic, biased) = (Plain::new(1), Atomic::new(1), Biased::new(1));
    story.timed_all(
        [
            ("on one thread an atomic count costs more than a plain one".into(), Bound::AtLeast(2.0)),
            ("and more than a biased one, for its owner".into(), Bound::AtLeast(1.3)),
        ],
        1,
        || {
            let [a, p, b] = measure::in_turn(
                7,
                [&mut || count(&atomic, TIMES), &mut || count(&plain, TIMES), &mut || count(&biased, TIMES)],
            );
            [measure::ratio(&a, &p), measure::ratio(&a, &b)]
        },
    );
}

fn shared_object(story: &mut Story) {
    const TIMES: u64 = 500_000;
    let shared = Atomic::new(1);
    let on_two = |body: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            scope.spawn(body);
            body();
        });
    };
    story.timed_all(
        [
            (
                "two threads that count the same object take longer for it than one does for all".into(),
                Bound::AtLeast(1.2),
            ),
            ("two threads with an object each, biased: speed-up".into(), Bound::AtLeast(1.6)),
            (
                "two threads that borrow the same object, and count nothing: speed-up".into(),
                Bound::AtLeast(1.6),
            ),
        ],
        2,
        || {
            let biased = |times| {
                let mine = Biased::new(1);
                count(&mine, times);
            };
            // Each step waits for the one before: what two threads of one core share is not what limits it.
            let borrow = |times: u64| {
                let product =
                    (0..20 * times).fold(1_u64, |product, _| product.wrapping_mul(*black_box(&*shared)));
                black_box(product);
            };
            let [one, two, own_one, own_two, none_one, none_two] = measure::in_turn(
                5,
                [
                    &mut || count(&shared, TIMES),
                    &mut || on_two(&|| count(&shared, TIMES / 2)),
                    &mut || biased(16 * TIMES),
                    &mut || on_two(&|| biased(8 * TIMES)),
                    &mut || borrow(2 * TIMES),
                    &mut || on_two(&|| borrow(TIMES)),
                ],
            );
            [
                measure::ratio(&two, &one),
                measure::ratio(&own_one, &own_two),
                measure::ratio(&none_one, &none_two),
            ]
        },
    );
}

/// The interpreter itself: calls of a function that all threads share.
fn whole_programs(story: &mut Story, program: &Program) {
    const CALLS: i64 = 600_000;
    let seconds = |counting, threads: usize| {
        let plan = Plan::threads(threads).argument(CALLS / threads as i64);
        // A program that has run once cannot fail now; were it to, the claim would.
        regime::run(&Regime::NoGil(counting), program, &plan).map_or(f64::NAN, |outcome| outcome.seconds)
    };
    story.timed_all(
        [
            (
                "a function called by two threads, its count atomic: the speed-up is lost".into(),
                Bound::AtMost(1.3),
            ),
            ("not counted while it is called: it is there".into(), Bound::AtLeast(1.6)),
        ],
        2,
        || {
            let mut samples: [measure::Samples; 4] = Default::default();
            let runs =
                [(Counting::Atomic, 1), (Counting::Atomic, 2), (Counting::Biased, 1), (Counting::Biased, 2)];
            for _ in 0..5 {
                for ((counting, threads), samples) in runs.into_iter().zip(&mut samples) {
                    samples.push(seconds(counting, threads));
                }
            }
            let [atomic_one, atomic_two, biased_one, biased_two] = samples;
            [measure::ratio(&atomic_one, &atomic_two), measure::ratio(&biased_one, &biased_two)]
        },
    );
}
