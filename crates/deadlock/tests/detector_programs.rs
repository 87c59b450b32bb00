//! Random lock programs on real threads, one forced interleaving at a time: no deadlock is missed and none invented, as
//! a search over all interleavings knows. The same for the orders that could deadlock.
#![cfg(feature = "detector")]

use std::{cell::Cell, time::Duration};

use deadlock::detector::{Detector, Recovery};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

#[path = "detector_programs/program.rs"]
mod program;
#[path = "detector_programs/turnstile.rs"]
mod turnstile;
use program::{Program, Shape, programs};

/// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn for_all(cases: u32, shape: Shape, mut check: impl FnMut(Program, u64)) {
    let _hangs_never = testkit::watchdog(Duration::from_secs(300));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let inputs = (programs(shape), any::<u64>());
    let check = std::cell::RefCell::new(&mut check);
    let outcome = TestRunner::new(config).run(&inputs, |(program, seed)| {
        (check.borrow_mut())(program, seed);
        Ok(())
    });
    if let Err(why) = outcome {
        panic!("{why}");
    }
}

/// How many of `cases` random programs can deadlock. Each runs three times: along the schedule on which the search met
/// a deadlock, if it met one, and along random ones. `turnstile::run` judges each step.
fn deadlocks_among(cases: u32, shape: Shape) -> u32 {
    let deadlocks = Cell::new(0);
    for_all(cases, shape, |program, mut seed| {
        let reachable = program.deadlock();
        for schedule in reachable.iter().map(Vec::as_slice).chain([[].as_slice(); 2]) {
            let detector = Detector::new(Recovery::Break);
            let choose = |count: usize| random(&mut seed) as usize % count;
            let refused = turnstile::run(&program, &detector, schedule, choose);
            assert_eq!(detector.reports().len(), refused);
            assert!(refused > 0 || schedule.is_empty(), "missed along {schedule:?}");
            assert!(refused == 0 || reachable.is_some(), "the search missed one");
        }
        deadlocks.set(deadlocks.get() + u32::from(reachable.is_some()));
    });
    println!("{shape:?}: {} of {cases} programs can deadlock", deadlocks.get());
    deadlocks.get()
}

#[test]
fn every_deadlock_is_found_and_none_is_invented() {
    let deadlocks = deadlocks_among(2_000, Shape::AnyOrder);
    assert!((100..1_900).contains(&deadlocks), "both kinds are needed");
}

#[test]
fn also_where_a_thread_locks_what_it_holds() {
    assert!(deadlocks_among(500, Shape::Relocking) > 100);
}

/// Each thread runs alone, so nothing deadlocks, and all orders are seen.
fn potential_after_a_tame_run(program: &Program) -> bool {
    let detector = Detector::new(Recovery::Break);
    assert_eq!(turnstile::run(program, &detector, &[], |_| 0), 0, "one after the other nobody waits");
    !detector.potential().is_empty()
}

#[test]
fn every_order_that_could_deadlock_is_raised_and_no_other() {
    let (can, gated, tame) = (Cell::new(0), Cell::new(0), Cell::new(0));
    for_all(2_000, Shape::Nested, |program, _| {
        let reachable = program.deadlock().is_some();
        assert_eq!(
            potential_after_a_tame_run(&program),
            reachable,
            "raised (left) is not as the search says"
        );
        let count = match (reachable, program.order_has_ring()) {
            (true, _) => &can,
            (false, true) => &gated,
            (false, false) => &tame,
        };
        count.set(count.get() + 1);
    });
    println!("{} can deadlock; {} have a ring but cannot; {} have none", can.get(), gated.get(), tame.get());
    assert!(can.get() > 100 && gated.get() > 10 && tame.get() > 100, "all three kinds are needed");
}

#[test]
fn locks_given_back_in_any_order_miss_nothing() {
    for_all(1_000, Shape::AnyOrder, |program, _| {
        if program.deadlock().is_some() {
            assert!(potential_after_a_tame_run(&program), "missed");
        }
    });
}
