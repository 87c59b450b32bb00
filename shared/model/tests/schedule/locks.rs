//! Atomics and locks do as those of std, and a deadlock says who waits for whom.

use model::schedule::{Atomic, Bounds, Failure, Mutex, Reach, Searched, explore};

use crate::{found, none};

#[test]
fn atomics_do_as_those_of_std() {
    none(explore(&Bounds::all(), 1, |program| {
        let value = Atomic::new("value", 1);
        program.thread("A", move || {
            assert_eq!(value.compare_exchange(2, 5), Err(1));
            assert_eq!(value.compare_exchange(1, 2), Ok(1));
            assert_eq!(value.swap(4), 2);
            assert_eq!(value.fetch_add(3), 4);
            assert_eq!(value.fetch_sub(1), 7);
            assert_eq!(value.load(), 6);
        });
    }));
}

#[test]
fn read_modify_write_and_mutex_lose_nothing() {
    let searched = none(explore(&Bounds::all(), 1, |program| {
        let count = Atomic::new("count", 0);
        for name in ["A", "B", "C"] {
            let count = count.clone();
            program.thread(name, move || {
                count.fetch_add(1);
            });
        }
        program.expect("count", 3, move || count.load());
    }));
    assert_eq!(searched.schedules, 6);
    let searched = none(explore(&Bounds::all(), 1, |program| {
        let count = Mutex::new("count", 0);
        for name in ["A", "B"] {
            let count = count.clone();
            program.thread(name, move || *count.lock() += 1);
        }
        program.expect("count", 2, move || *count.lock());
    }));
    // Whoever locks first, the other can only lock after the unlock.
    assert_eq!(searched, Searched { schedules: 2, reach: Reach::All });
}

#[test]
fn two_locks_in_opposite_order_deadlock_and_are_drawn() {
    let locks = |orders: [bool; 2]| {
        explore(&Bounds::all(), 1, move |program| {
            let (a, b) = (Mutex::new("a", ()), Mutex::new("b", ()));
            for (name, swapped) in [("A", orders[0]), ("B", orders[1])] {
                let (first, second) = if swapped { (b.clone(), a.clone()) } else { (a.clone(), b.clone()) };
                program.thread(name, move || {
                    let _first = first.lock();
                    let _second = second.lock();
                });
            }
        })
    };
    none(locks([false, false]));
    let (schedule, ..) = found(locks([false, true]));
    assert_eq!(schedule.preemptions, 1);
    let waiting = vec![
        (0, "lock b".to_owned(), "held by B".to_owned()),
        (1, "lock a".to_owned(), "held by A".to_owned()),
    ];
    assert_eq!(schedule.failure, Failure::Deadlock { waiting });
    let drawn = schedule.draw(100);
    for seen in ["lock b ... held by B", "lock a ... held by A", "deadlock: nobody can go on"] {
        assert!(drawn.contains(seen), "{seen} in\n{drawn}");
    }
}

#[test]
fn a_thread_that_locks_twice_waits_for_itself() {
    let (schedule, ..) = found(explore(&Bounds::all(), 1, |program| {
        let lock = Mutex::new("m", ());
        program.thread("A", move || {
            let _first = lock.lock();
            let _second = lock.lock();
        });
    }));
    assert_eq!(
        schedule.failure,
        Failure::Deadlock { waiting: vec![(0, "lock m".into(), "held by itself".into())] }
    );
}

#[test]
fn a_try_fails_exactly_when_somebody_holds_the_lock() {
    let outcome = |expected: i32| {
        explore(&Bounds::all(), 1, move |program| {
            let lock = Mutex::new("m", ());
            let held = Atomic::new("held", 0);
            for name in ["A", "B"] {
                let (lock, held) = (lock.clone(), held.clone());
                program.thread(name, move || match lock.try_lock() {
                    Some(guard) => drop(guard),
                    None => held.store(1),
                });
            }
            program.expect("held", expected, move || held.load());
        })
    };
    // Both happen: it never fails in one schedule, and does in another.
    assert!(outcome(0).schedule().is_some_and(|schedule| schedule.preemptions == 1));
    assert!(outcome(1).schedule().is_some_and(|schedule| schedule.preemptions == 0));
}

#[test]
fn what_changed_under_a_lock_is_told_when_it_is_given_back() {
    let (schedule, ..) = found(explore(&Bounds::all(), 1, |program| {
        let list = Mutex::new("list", vec![1]);
        program.thread("A", move || {
            list.lock().push(2);
            drop(list.lock());
            panic!("to have it drawn");
        });
    }));
    let told: Vec<&str> = schedule.steps.iter().map(|step| step.value.as_str()).collect();
    assert_eq!(told, ["-> [1]", "<- [1, 2]", "-> [1, 2]", ""]);
}
