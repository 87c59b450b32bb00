//! Which reorderings does the language allow, and which does this machine do?
//!
//! Four small programs tell memory models apart. For each: the outcome in question, whether it can come from
//! interleaving alone, whether Rust allows it, and how often it was seen here just now. Two things are to be seen.
//! What Rust forbids never happens. And what Rust allows mostly does not happen either, on a strong machine: x86 does
//! store buffering only. So a program that works here proves nothing about its orderings.

use std::{
    collections::BTreeMap,
    hint,
    sync::{
        Barrier,
        atomic::{
            AtomicU32, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
            fence,
        },
    },
    thread,
};

use crossbeam_utils::CachePadded;
use lesson::{Lesson, Story, measure::cores};

use crate::litmus::{
    Outcome, Program, Step, allowed, interleaved, iriw, load_buffering, message_passing, store_buffering,
};

/// Which reorderings does the language allow, and which does this machine do?
pub(super) const LESSON: Lesson = Lesson {
    name: "litmus",
    question: "Which reorderings does the language allow, and which does this machine do?",
    python: &[],
    run,
    scenes: &[],
};

/// How often each program runs.
const INSTANCES: usize = 4_000;
const BATCHES: usize = 10;

fn run(story: &mut Story) -> lesson::Result {
    let programs = [
        store_buffering("store buffering, Relaxed", Relaxed, None),
        store_buffering("store buffering, SeqCst", SeqCst, None),
        message_passing("message passing, Relaxed", Relaxed, Relaxed, None),
        message_passing("message passing, Release and Acquire", Release, Acquire, None),
        load_buffering("load buffering, Relaxed", Relaxed, Relaxed),
        load_buffering("load buffering, Acquire and Release", Acquire, Release),
        iriw("independent reads, Release and Acquire", Release, Acquire, None),
        iriw("independent reads, SeqCst", SeqCst, SeqCst, None),
    ];
    let mut table =
        format!("{:<38} {:<12} {:>11} {:>9} {:>9}\n", "program", "loads", "interleaved", "Rust", "seen");
    for program in &programs {
        let (rules, interleavings, seen) = (allowed(program), interleaved(program), count(program));
        let yes = |yes| if yes { "yes" } else { "no" };
        table += &format!(
            "{:<38} {:<12} {:>11} {:>9} {:>9}\n",
            program.name,
            format!("{:?}", program.telling),
            yes(interleavings.contains(&program.telling)),
            yes(rules.contains(&program.telling)),
            seen.get(&program.telling).unwrap_or(&0),
        );
        let runs: usize = seen.values().sum();
        let forbidden: usize =
            seen.iter().filter(|(outcome, _)| !rules.contains(*outcome)).map(|(_, times)| times).sum();
        story.equal(
            format!("{}: runs, and outcomes seen that Rust forbids", program.name),
            (INSTANCES * BATCHES, 0),
            (runs, forbidden),
        );
    }
    story.say(format!("The outcome that tells, {} runs each:", INSTANCES * BATCHES));
    story.show(table);
    story.equal(
        "Rust allows whatever interleaving gives",
        programs.len(),
        programs.iter().filter(|program| interleaved(program).is_subset(&allowed(program))).count(),
    );
    Ok(())
}

type Words = [CachePadded<AtomicU32>; 2];

/// Runs the program many times on real threads and counts the outcomes.
///
/// A reordering shows only where the threads are within some nanoseconds of each other. So each walks through many
/// instances without a stop, and where every thread has a core they meet before each.
fn count(program: &Program) -> BTreeMap<Outcome, usize> {
    let threads = program.threads.len();
    let together = threads <= cores();
    let mut counts = BTreeMap::new();
    for _ in 0..BATCHES {
        let memory: Vec<Words> = (0..INSTANCES).map(|_| Words::default()).collect();
        let (awake, ready) = (Barrier::new(threads), AtomicUsize::new(0));
        let loaded: Vec<Vec<[u32; 2]>> = thread::scope(|scope| {
            let walkers: Vec<_> = program
                .threads
                .iter()
                .map(|steps| {
                    let (memory, awake, ready) = (&memory, &awake, &ready);
                    scope.spawn(move || {
                        awake.wait();
                        let each = memory.iter().enumerate().map(|(instance, words)| {
                            if together {
                                meet(ready, (instance + 1) * threads);
                            }
                            walk(steps, words)
                        });
                        each.collect()
                    })
                })
                .collect();
            walkers.into_iter().flat_map(|walker| walker.join()).collect()
        });
        for instance in 0..INSTANCES {
            let outcome = program.threads.iter().zip(&loaded).flat_map(|(steps, loaded)| {
                let loads = steps.iter().filter(|step| matches!(step, Step::Load(..))).count();
                loaded[instance][..loads].iter().copied()
            });
            *counts.entry(outcome.collect()).or_insert(0) += 1;
        }
    }
    counts
}

fn walk(steps: &[Step], words: &Words) -> [u32; 2] {
    let (mut loaded, mut loads) = ([0; 2], 0);
    for step in steps {
        match *step {
            Step::Store(location, order) => words[location].store(1, order),
            Step::Load(location, order) => {
                loaded[loads] = words[location].load(order);
                loads += 1;
            }
            Step::Fence(order) => fence(order),
        }
    }
    loaded
}

/// Spins until all have come, but not for long: one of them may have lost its core.
fn meet(ready: &AtomicUsize, all: usize) {
    const LOOKS: usize = 200;
    ready.fetch_add(1, AcqRel);
    for _ in 0..LOOKS {
        if ready.load(Acquire) >= all {
            return;
        }
        hint::spin_loop();
    }
}
