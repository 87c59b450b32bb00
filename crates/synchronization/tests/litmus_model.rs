//! Rust's rules and the checker agree on what each litmus test may do; where they differ, the difference is named.

use std::{
    collections::BTreeSet,
    sync::{Arc as StdArc, Mutex, atomic::Ordering},
};

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicUsize, fence},
    },
    thread,
};
use synchronization::litmus::{
    self, Outcome, Program, Step, iriw, load_buffering, message_passing, store_buffering,
};

use Ordering::{Acquire, Relaxed, Release, SeqCst};

fn run(steps: &[Step], words: &[AtomicUsize; 2]) -> Outcome {
    let mut loaded = Vec::new();
    for step in steps {
        match *step {
            Step::Store(location, order) => words[location].store(1, order),
            Step::Load(location, order) => loaded.push(words[location].load(order) as u32),
            Step::Fence(order) => fence(order),
        }
    }
    loaded
}

/// The outcomes of all schedules that the checker tries. No gate: no thread loads what it stores to later.
fn explored(program: &Program, floor: u64) -> BTreeSet<Outcome> {
    let seen = StdArc::new(Mutex::new(BTreeSet::new()));
    let (outcomes, threads) = (StdArc::clone(&seen), program.threads.clone());
    model::explore(
        &Explore::named(format!("litmus: {}", program.name)).preemptions(2).floor(floor),
        move || {
            let words = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
            let act = |steps: Vec<Step>| {
                let words = Arc::clone(&words);
                move || run(&steps, &words)
            };
            let others: Vec<_> = threads[1..].iter().map(|steps| thread::spawn(act(steps.clone()))).collect();
            let mut outcome = act(threads[0].clone())();
            others.into_iter().for_each(|other| outcome.extend(other.join().unwrap()));
            outcomes.lock().unwrap().insert(outcome);
        },
    );
    let seen = seen.lock().unwrap();
    seen.clone()
}

/// `telling_allowed`: whether Rust allows the telling outcome; `telling_in_loom`: whether loom shows it.
fn judge(program: &Program, telling_allowed: bool, telling_in_loom: bool) {
    let allowed = litmus::allowed(program);
    let interleaved = litmus::interleaved(program);
    assert!(interleaved.is_subset(&allowed), "{}: what interleaving gives is allowed", program.name);
    assert!(!interleaved.contains(&program.telling), "{}: it would not tell", program.name);
    assert_eq!(allowed.contains(&program.telling), telling_allowed, "{}", program.name);
    let explored = explored(program, 4);
    match model::CHECKER {
        "loom" => {
            let mut expected = allowed;
            if telling_in_loom {
                expected.insert(program.telling.clone());
            } else {
                expected.remove(&program.telling);
            }
            assert_eq!(explored, expected, "{}", program.name);
        }
        "shuttle" => assert_eq!(explored, interleaved, "{}: shuttle only interleaves", program.name),
        _ => assert!(explored.is_subset(&allowed), "{}", program.name),
    }
}

#[test]
fn store_buffering_is_stopped_by_seqcst_only() {
    judge(&store_buffering("store buffering, Relaxed", Relaxed, None), true, true);
    judge(&store_buffering("store buffering, SeqCst fences", Relaxed, Some(SeqCst)), false, false);
    // loom takes SeqCst accesses for Acquire and Release (its documentation says so), hence too many.
    judge(&store_buffering("store buffering, SeqCst", SeqCst, None), false, true);
}

#[test]
fn message_passing_is_stopped_by_release_and_acquire_together() {
    judge(&message_passing("message passing, Relaxed", Relaxed, Relaxed, None), true, true);
    judge(&message_passing("message passing, only Release", Release, Relaxed, None), true, true);
    judge(&message_passing("message passing, only Acquire", Relaxed, Acquire, None), true, true);
    judge(&message_passing("message passing, Release and Acquire", Release, Acquire, None), false, false);
    let fences = Some([Release, Acquire]);
    judge(&message_passing("message passing, fences", Relaxed, Relaxed, fences), false, false);
}

#[test]
fn load_buffering_is_stopped_by_either() {
    // loom runs each thread's steps in order, so no load sees a store that comes later: it shows too few.
    judge(&load_buffering("load buffering, Relaxed", Relaxed, Relaxed), true, false);
    judge(&load_buffering("load buffering, Acquire and Release", Acquire, Release), false, false);
}

#[test]
fn independent_reads_are_stopped_by_seqcst_only() {
    judge(&iriw("IRIW, Acquire and Release", Release, Acquire, None), true, true);
    judge(&iriw("IRIW, SeqCst fences", Relaxed, Relaxed, Some(SeqCst)), false, false);
    judge(&iriw("IRIW, SeqCst", SeqCst, SeqCst, None), false, true);
}

#[test]
fn with_seqcst_everywhere_rules_and_interleaving_agree() {
    for program in [
        store_buffering("sb", SeqCst, None),
        load_buffering("lb", SeqCst, SeqCst),
        iriw("iriw", SeqCst, SeqCst, None),
    ] {
        assert_eq!(litmus::allowed(&program), litmus::interleaved(&program), "{}", program.name);
    }
}
