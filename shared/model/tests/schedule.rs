//! The explorer of schedules, against numbers that can be counted otherwise.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::schedule::{
    Atomic, Bounds, Condvar, Failure, Mutex, Outcome, Program, Reach, Schedule, Searched, explore, yield_now,
};

/// Two threads that each add one to a count, and lose one if the other comes between.
fn two_increments(program: &mut Program) {
    let count = Atomic::new("count", 0);
    for name in ["A", "B"] {
        let count = count.clone();
        program.thread(name, move || {
            let seen = count.load();
            count.store(seen + 1);
        });
    }
    program.expect("count", 2, move || count.load());
}

fn found(outcome: Outcome) -> (Schedule, u64, u64, Searched) {
    match outcome {
        Outcome::Found { schedule, after, failing, searched } => (*schedule, after, failing, searched),
        Outcome::None(searched) => panic!("nothing found in {searched}"),
    }
}

fn none(outcome: Outcome) -> Searched {
    match outcome {
        Outcome::None(searched) => searched,
        Outcome::Found { schedule, .. } => panic!("\n{schedule}"),
    }
}

/// Threads that take `steps` steps each and never fail.
fn independent(threads: usize, steps: usize) -> impl Fn(&mut Program) {
    move |program| {
        for thread in 0..threads {
            let mine = Atomic::new("mine", 0);
            program.thread(thread.to_string(), move || (0..steps).for_each(|step| mine.store(step)));
        }
    }
}

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
fn it_is_drawn_lane_by_lane() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let [first, second] = [schedule.steps[0].thread, schedule.steps[1].thread];
    assert_ne!(first, second);
    let lane = |thread: usize, text: &str| format!(" {}{text}\n", " ".repeat(thread * 20));
    let expected = [
        " thread A            thread B\n".to_owned(),
        lane(first, "load  count -> 0"),
        lane(second, "load  count -> 0"),
        lane(second, "store count <- 1"),
        lane(first, "store count <- 1"),
        " both joined: count = 1, expected 2          found after 3 of 6 schedules; seed 7 repeats it\n"
            .into(),
    ];
    assert_eq!(schedule.draw(92), expected.concat());
}

#[test]
fn a_narrow_drawing_is_cut_and_not_broken() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let drawn = schedule.draw(30);
    assert!(drawn.lines().take(5).all(|line| line.chars().count() <= 30), "{drawn}");
    assert!(drawn.contains('…'), "{drawn}");
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
fn a_search_that_was_cut_says_so() {
    let searched = none(explore(&Bounds::all().schedules(10), 1, independent(2, 3)));
    assert_eq!(searched, Searched { schedules: 10, reach: Reach::Some });
    assert_eq!(searched.to_string(), "10 schedules of more");
    let found = explore(&Bounds::all().until_found(), 1, two_increments);
    assert!(found.searched().schedules < 6 && found.searched().reach == Reach::Some);
    assert!(found.schedule().unwrap().found.starts_with("found after 3 schedules;"));
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

#[test]
fn the_explanation_names_the_window_and_what_grows_old_in_it() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let explained = schedule.explain();
    let first = schedule.threads[schedule.steps[0].thread].clone();
    for seen in [
        format!("a window opens: until step 4 {first} holds a count that may grow old"),
        format!("-- {first} is taken off before `store count`"),
        format!("from here on what {first} read in step 1 is old"),
        "in step 3".to_owned(),
        "1 preemption, 2 context switches".to_owned(),
    ] {
        assert!(explained.contains(&seen), "{seen} in\n{explained}");
    }
}

#[test]
fn a_value_that_is_read_again_before_it_is_used_opens_no_window() {
    let (schedule, ..) = found(explore(&Bounds::all(), 1, |program| {
        let value = Atomic::new("value", 1);
        program.thread("A", move || {
            value.load();
            value.store(value.load());
            panic!("to have it explained");
        });
    }));
    assert_eq!(schedule.explain().matches("a window opens").count(), 1);
}

#[test]
fn the_picture_has_a_box_for_each_step_and_says_all_in_words() {
    let (schedule, ..) = found(explore(&Bounds::all(), 7, two_increments));
    let svg = schedule.svg("a < b");
    assert_eq!(svg.matches("<rect").count(), schedule.steps.len());
    for seen in ["<title>a &lt; b</title>", "count = 1, expected 2", "seed 7 repeats it", "</svg>"] {
        assert!(svg.contains(seen), "{seen} in\n{svg}");
    }
}
