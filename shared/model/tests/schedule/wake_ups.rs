//! Condition variables: a wake-up comes to one, to all, to nobody, or for nothing.

use std::{collections::BTreeSet, sync::Arc};

use model::schedule::{Atomic, Bounds, Condvar, Failure, Mutex, Outcome, Program, Reach, explore, yield_now};

use crate::{found, none};

/// A waiter and one who makes its condition true; the waiter looks either before it locks, or while it holds.
fn waiter(looks_first: bool, program: &mut Program) {
    let (flag, lock, ready) = (Atomic::new("flag", false), Mutex::new("m", ()), Condvar::new("ready"));
    let (theirs, their_lock, their_ready) = (flag.clone(), lock.clone(), ready.clone());
    program.thread("waiter", move || {
        if looks_first {
            if !flag.load() {
                drop(ready.wait(lock.lock()));
            }
        } else {
            drop(ready.wait_while(lock.lock(), |_| !flag.load()));
        }
    });
    program.thread("setter", move || {
        let held = their_lock.lock();
        theirs.store(true);
        drop(held);
        their_ready.notify_one();
    });
}

#[test]
fn a_lost_wake_up_is_found_and_its_cure_has_none() {
    let (schedule, ..) = found(explore(&Bounds::all(), 1, |program| waiter(true, program)));
    assert_eq!(schedule.preemptions, 1);
    assert_eq!(
        schedule.failure,
        Failure::Deadlock { waiting: vec![(0, "wake ready".into(), "never notified".into())] }
    );
    assert!(schedule.draw(100).contains("wakes nobody"));
    assert_eq!(none(explore(&Bounds::all(), 1, |program| waiter(false, program))).reach, Reach::All);
}

#[test]
fn wake_ups_for_nothing_come_only_where_they_are_allowed() {
    let build = |program: &mut Program| {
        let (flag, ready) = (Mutex::new("flag", false), Condvar::new("ready"));
        let (theirs, their_ready) = (flag.clone(), ready.clone());
        program.thread("waiter", move || {
            let mut seen = flag.lock();
            if !*seen {
                seen = ready.wait(seen);
            }
            assert!(*seen, "goes on too early");
        });
        program.thread("setter", move || {
            *theirs.lock() = true;
            their_ready.notify_one();
        });
    };
    none(explore(&Bounds::all(), 1, build));
    let (schedule, ..) = found(explore(&Bounds::all().spurious(1), 1, build));
    assert!(schedule.steps.iter().any(|step| step.is_spurious()), "{schedule}");
    assert_eq!(schedule.preemptions, 1);
}

#[test]
fn each_schedule_has_as_many_wake_ups_for_nothing_as_are_allowed() {
    let outcome = |allowed| {
        explore(&Bounds::all().spurious(allowed), 1, |program| {
            let (flag, ready) = (Mutex::new("flag", false), Condvar::new("ready"));
            let (theirs, their_ready) = (flag.clone(), ready.clone());
            program.thread("waiter", move || {
                let mut looks = 0;
                let look = |flag: &mut bool| {
                    looks += 1;
                    !*flag
                };
                drop(ready.wait_while(flag.lock(), look));
                // Before it sleeps, after one wake-up for nothing, and after the notice.
                assert!(looks <= 3, "woken twice for nothing");
            });
            program.thread("setter", move || {
                *theirs.lock() = true;
                their_ready.notify_one();
            });
        })
    };
    none(outcome(0));
    none(outcome(1));
    assert!(found(outcome(2)).0.steps.iter().filter(|step| step.is_spurious()).count() == 2);
}

/// Two who sleep on a gate, the first one first, and one who then opens it. Who passes first goes to `seen`.
fn gate(all: bool, pass_on: bool, seen: &Arc<std::sync::Mutex<BTreeSet<usize>>>) -> Outcome {
    explore(&Bounds::preemptions(0).until_found(), 1, |program| {
        let (gate, open) = (Mutex::new("gate", ()), Condvar::new("open"));
        let (asleep, first) = (Atomic::new("asleep", 0), Atomic::new("first", 0));
        for waiter in 1..=2 {
            let (gate, open) = (gate.clone(), open.clone());
            let (asleep, first) = (asleep.clone(), first.clone());
            program.thread(waiter.to_string(), move || {
                while asleep.load() != waiter - 1 {
                    yield_now();
                }
                let held = gate.lock();
                asleep.store(waiter);
                drop(open.wait(held));
                let _ = first.compare_exchange(0, waiter);
                if pass_on {
                    open.notify_one();
                }
            });
        }
        program.thread("opener", move || {
            while asleep.load() != 2 {
                yield_now();
            }
            // Who has stored has the lock until it sleeps.
            drop(gate.lock());
            if all { open.notify_all() } else { open.notify_one() }
        });
        let seen = Arc::clone(seen);
        program.check(move || {
            seen.lock().unwrap().insert(first.load());
            Ok(())
        });
    })
}

#[test]
fn notify_one_wakes_any_one_and_notify_all_wakes_all() {
    for (all, pass_on) in [(false, true), (true, false)] {
        let seen = Arc::default();
        none(gate(all, pass_on, &seen));
        assert_eq!(*seen.lock().unwrap(), BTreeSet::from([1, 2]), "all: {all}");
    }
    let (schedule, ..) = found(gate(false, false, &Arc::default()));
    assert!(matches!(schedule.failure, Failure::Deadlock { waiting } if waiting.len() == 1));
}
