//! A run ends well whatever the program does, leaves nothing behind, and can be repeated.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use model::schedule::{Atomic, Bounds, Failure, Mutex, Reach, explore, yield_now};

use crate::{found, independent, none};

#[test]
fn a_seed_repeats_a_search_exactly_and_another_one_differs() {
    let told = |seed| {
        let outcome = explore(&Bounds::all(), seed, |program| {
            let count = Atomic::new("count", 0);
            for name in ["A", "B", "C"] {
                let count = count.clone();
                program.thread(name, move || {
                    let seen = count.load();
                    count.store(seen + 1);
                });
            }
            program.expect("count", 3, move || count.load());
        });
        let (schedule, after, failing, searched) = found(outcome);
        (schedule.draw(100), schedule.svg("three"), schedule.explain(), after, failing, searched)
    };
    for seed in [1, 7, u64::MAX] {
        assert_eq!(told(seed), told(seed));
    }
    let ways: BTreeSet<String> =
        (0..20).map(|seed| told(seed).0.rsplit_once("found").unwrap().0.trim_end().to_owned()).collect();
    assert!(ways.len() > 1, "the seed chooses among equals");
}

#[test]
fn a_panic_of_a_modelled_thread_is_a_failure_of_the_schedule() {
    let (schedule, ..) = found(explore(&Bounds::all(), 1, |program| {
        let flag = Atomic::new("flag", false);
        let lock = Mutex::new("m", 0);
        let (theirs, their_lock) = (flag.clone(), lock.clone());
        program.thread("A", move || {
            let _held = lock.lock();
            flag.store(true);
            flag.store(false);
        });
        program.thread("B", move || {
            assert!(!theirs.load(), "seen in between");
            let _held = their_lock.lock();
        });
    }));
    assert_eq!(schedule.failure, Failure::Panic { thread: 1, message: "seen in between".into() });
    assert_eq!(schedule.preemptions, 1);
    assert!(schedule.verdict().contains("B panics: seen in between"));
}

#[test]
fn a_loop_that_spins_must_yield_or_is_endless() {
    let spin = |yields: bool| {
        explore(&Bounds::all().steps(50).until_found(), 1, move |program| {
            let flag = Atomic::new("flag", false);
            let theirs = flag.clone();
            program.thread("A", move || {
                while !flag.load() {
                    if yields {
                        yield_now();
                    }
                }
            });
            program.thread("B", move || theirs.store(true));
        })
    };
    let (schedule, _, _, searched) = found(spin(false));
    assert_eq!((&schedule.failure, schedule.steps.len()), (&Failure::Endless { steps: 50 }, 50));
    assert_eq!(searched.reach, Reach::Some);
    assert_eq!(none(spin(true)).reach, Reach::All);
}

#[test]
fn no_thread_is_left_behind_whatever_the_end() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    /// Counts the closures of modelled threads that have not been dropped.
    struct Alive;
    impl Drop for Alive {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let outcome = explore(&Bounds::all(), 1, |program| {
        let (a, b) = (Mutex::new("a", 0), Mutex::new("b", 0));
        for (first, second) in [(a.clone(), b.clone()), (b, a)] {
            ALIVE.fetch_add(1, Ordering::SeqCst);
            let alive = Alive;
            program.thread("x", move || {
                let _alive = alive;
                let mut held = first.lock();
                *held += *second.lock();
                assert!(*held > 0, "always");
            });
        }
    });
    assert!(outcome.schedule().is_some());
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
}

#[test]
#[should_panic(expected = "the program did something else under the same schedule")]
fn a_program_that_differs_from_run_to_run_is_refused() {
    let runs = AtomicUsize::new(0);
    explore(&Bounds::all(), 1, |program| {
        let steps = if runs.fetch_add(1, Ordering::SeqCst) == 0 { 3 } else { 0 };
        independent(2, steps)(program);
    });
}

#[test]
fn what_is_built_and_checked_is_no_part_of_the_schedule() {
    let searched = none(explore(&Bounds::all(), 1, |program| {
        let value = Atomic::new("value", 1);
        value.store(2);
        let guarded = Mutex::new("m", 0);
        *guarded.lock() += 1;
        let theirs = value.clone();
        program.thread("A", move || theirs.store(3));
        program.expect("value", 3, move || value.load() * *guarded.lock());
    }));
    assert_eq!(searched.schedules, 1);
}
