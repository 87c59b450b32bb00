//! As many schedules as there are, each once, those with few preemptions first; and of those that fail the simplest.

use std::{collections::BTreeMap, sync::Arc};

use model::schedule::{Atomic, Bounds, Failure, Program, Reach, Searched, explore, yield_now};

use crate::{found, independent, none, two_increments};

#[test]
fn the_lost_update_takes_one_preemption() {
    for seed in 0..50 {
        let (schedule, after, failing, searched) = found(explore(&Bounds::all(), seed, two_increments));
        assert_eq!((schedule.preemptions, schedule.switches(), schedule.steps.len()), (1, 2, 4));
        assert_eq!(schedule.failure, Failure::Wrong("count = 1, expected 2".into()));
        // Of the 6 only the two without a preemption are right, and they come first.
        assert_eq!((failing, after), (4, 3));
        assert_eq!(searched, Searched { schedules: 6, reach: Reach::All });
    }
}

#[test]
fn two_threads_have_binomially_many_schedules() {
    for (steps, schedules) in [(1, 2), (2, 6), (3, 20), (4, 70), (5, 252), (6, 924)] {
        let searched = none(explore(&Bounds::all(), 1, independent(2, steps)));
        assert_eq!(searched, Searched { schedules, reach: Reach::All }, "{steps} steps");
    }
    // Multinomially: 6! / (2! 2! 2!) and 8! / (2! 2! 2! 2!).
    for (threads, schedules) in [(1, 1), (3, 90), (4, 2_520)] {
        assert_eq!(none(explore(&Bounds::all(), 1, independent(threads, 2))).schedules, schedules);
    }
}

/// How many words there are of `steps` letters A and as many B, by the number of preemptions: places where the
/// letter changes though the one before is not used up.
fn by_preemptions(steps: usize) -> BTreeMap<usize, u64> {
    let mut counted = BTreeMap::new();
    for word in 0..1_u32 << (2 * steps) {
        if word.count_ones() as usize == steps {
            let letter = |at: usize| word >> at & 1;
            let used = |at: usize| (0..=at).filter(|&before| letter(before) == letter(at)).count();
            let preemptions =
                (0..2 * steps - 1).filter(|&at| letter(at) != letter(at + 1) && used(at) < steps).count();
            *counted.entry(preemptions).or_default() += 1;
        }
    }
    counted
}

#[test]
fn a_bound_on_preemptions_leaves_out_exactly_those_with_more() {
    for steps in 1..=5 {
        let counted = by_preemptions(steps);
        let most = counted.keys().max().copied().unwrap();
        for bound in 0..=most {
            let expected: u64 = counted.range(..=bound).map(|(_, number)| number).sum();
            let searched = none(explore(&Bounds::preemptions(bound), 1, independent(2, steps)));
            let reach = if bound < most { Reach::Preemptions(bound) } else { Reach::All };
            assert_eq!(
                searched,
                Searched { schedules: expected, reach },
                "{steps} steps, {bound} preemptions"
            );
        }
    }
}

#[test]
fn no_schedule_runs_twice() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let build = |program: &mut Program| {
        let trace = Atomic::new("trace", 1_u32);
        for thread in 0..3 {
            let trace = trace.clone();
            program.thread(thread.to_string(), move || {
                for _ in 0..2 {
                    // One step: what is read beforehand would be another one.
                    trace.update("write", |word| word * 4 + thread);
                }
            });
        }
        let seen = Arc::clone(&seen);
        program.check(move || {
            seen.lock().unwrap().push(trace.load());
            Ok(())
        });
    };
    none(explore(&Bounds::all(), 3, build));
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 90);
}

#[test]
fn of_equally_many_preemptions_the_fewest_switches_are_kept() {
    for seed in 0..20 {
        let (schedule, ..) = found(explore(&Bounds::all(), seed, |program| {
            let (flag, waits) = (Atomic::new("flag", false), Atomic::new("waits", false));
            let (their_flag, their_waits) = (flag.clone(), waits.clone());
            // With A first it is shorter, and has one switch more.
            program.thread("A", move || {
                their_waits.store(true);
                while !their_flag.load() {
                    yield_now();
                }
            });
            program.thread("B", move || {
                if !waits.load() {
                    (0..5).for_each(|_| waits.store(false));
                }
                flag.store(true);
            });
            program.check(|| Err("always".into()));
        }));
        assert_eq!(
            (schedule.preemptions, schedule.switches(), schedule.steps.len()),
            (0, 1, 9),
            "\n{schedule}"
        );
    }
}

#[test]
fn a_search_that_was_cut_says_so() {
    let searched = none(explore(&Bounds::all().schedules(10), 1, independent(2, 3)));
    assert_eq!(searched, Searched { schedules: 10, reach: Reach::Some });
    assert_eq!(searched.to_string(), "10 schedules of more");
    let found = explore(&Bounds::all().until_found(), 1, two_increments);
    assert!(found.searched().schedules < 6 && found.searched().reach == Reach::Some);
    assert!(found.schedule().unwrap().found.starts_with("found after 3 schedules;"));
}
