//! How does a thread sleep until something is so, and never miss that it is?
//!
//! A condition variable has no memory: a notice reaches those who sleep at that moment and is gone. So between
//! looking at the condition and falling asleep nobody may change it. The mutex sees to that: the sleeper looks
//! while it holds the lock, and `wait` gives the lock back and falls asleep **in one step**; whoever changes the
//! condition holds the same lock.
//!
//! A thread that wakes has been told nothing for sure: it may have woken for nothing (a *spurious* wake-up), or
//! another one came first and took what was there, or the notice was about something else. So it looks again:
//!
//! ```
//! # use std::{sync::{Condvar, Mutex}, thread};
//! let (items, came) = (Mutex::new(Vec::new()), Condvar::new());
//! thread::scope(|scope| {
//!     scope.spawn(|| {
//!         items.lock().unwrap().push("tea");
//!         came.notify_one();
//!     });
//!     let mut items = came.wait_while(items.lock().unwrap(), |items| items.is_empty()).unwrap();
//!     assert_eq!(items.pop(), Some("tea"));
//! });
//! ```
//!
//! `notify_one` is right when all who sleep wait for the same thing and one of them can use it; for n things
//! notify n times; else `notify_all`.
//!
//! In Python: `Condition` is mutex and condition variable in one, `wait_for(predicate)` is `wait_while` the other
//! way round, `notify(n)` is n times `notify_one`. Python refuses to notify without the lock; Rust lets you, as it
//! is sound once the *change* was made under the lock.

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Condvar, Failure, Mutex, Outcome, Program, explore, yield_now};

use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "condvar",
    question: "How does a thread sleep until something is so, and never miss that it is?",
    python: &["threading.Condition", "Condition.wait_for", "Condition.notify", "Condition.notify_all"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    lost(story)?;
    for_nothing(story)?;
    taken(story)?;
    how_many(story)
}

fn lost(story: &mut Story) -> lesson::Result {
    story.say("A guest waits for tea. First the broken form: the guest looks before it locks.");
    broken(
        story,
        "lost",
        "a wake-up is lost between the look and the sleep",
        1,
        &Bounds::all(),
        |program| {
            let (tea, table, served) =
                (Atomic::new("tea", false), Mutex::new("table", ()), Condvar::new("served"));
            let (their_tea, their_table, bell) = (tea.clone(), table.clone(), served.clone());
            program.thread("guest", move || {
                if !tea.load() {
                    drop(served.wait(table.lock()));
                }
            });
            program.thread("host", move || {
                let held = their_table.lock();
                their_tea.store(true);
                drop(held);
                bell.notify_one();
            });
        },
    )?;
    story.say("The guest now looks under the lock, but the host pours without it. It is no better:");
    broken(
        story,
        "unlocked",
        "a change made outside the lock is missed as well",
        1,
        &Bounds::all(),
        |program| {
            let (tea, table, served) =
                (Atomic::new("tea", false), Mutex::new("table", ()), Condvar::new("served"));
            let (their_tea, bell) = (tea.clone(), served.clone());
            program.thread("guest", move || drop(served.wait_while(table.lock(), |()| !tea.load())));
            program.thread("host", move || {
                their_tea.store(true);
                bell.notify_one();
            });
        },
    )?;
    story.say("Fixed: the tea is inside the mutex, so both must hold it. wait gives it back and sleeps in one step.");
    fixed(story, "look and change under one lock: no wake-up is lost", &Bounds::all(), |program| {
        let (tea, served) = (Mutex::new("tea", false), Condvar::new("served"));
        for guest in ["guest 1", "guest 2"] {
            let (tea, served) = (tea.clone(), served.clone());
            program.thread(guest, move || drop(served.wait_while(tea.lock(), |tea| !*tea)));
        }
        program.thread("host", move || {
            *tea.lock() = true;
            served.notify_all();
        });
    });
    Ok(())
}

fn for_nothing(story: &mut Story) -> lesson::Result {
    story.say("A condition variable may wake a thread for nothing. With `if` in the place of `while`:");
    let serve = |look_again: bool| {
        move |program: &mut Program| {
            let (tea, served) = (Mutex::new("tea", false), Condvar::new("served"));
            let (pot, bell) = (tea.clone(), served.clone());
            program.thread("guest", move || {
                let mut cup = tea.lock();
                if look_again {
                    cup = served.wait_while(cup, |tea| !*tea);
                } else if !*cup {
                    cup = served.wait(cup);
                }
                assert!(*cup, "the cup is empty");
            });
            program.thread("host", move || {
                *pot.lock() = true;
                bell.notify_one();
            });
        }
    };
    let bounds = Bounds::all().spurious(2);
    broken(story, "spurious", "who does not look again drinks from an empty cup", 1, &bounds, serve(false))?;
    fixed(story, "wait_while looks again: two spurious wake-ups do no harm", &bounds, serve(true));
    Ok(())
}

// ANCHOR: taken
fn taken(story: &mut Story) -> lesson::Result {
    story.say("And where nothing is spurious, another one may come first and take what was there:");
    let buffet = |look_again: bool| {
        move |program: &mut Program| {
            let (cakes, baked) = (Mutex::new("cakes", 0), Condvar::new("baked"));
            for guest in ["A", "B"] {
                let (cakes, baked) = (cakes.clone(), baked.clone());
                program.thread(guest, move || {
                    let mut plate = cakes.lock();
                    if look_again {
                        plate = baked.wait_while(plate, |cakes| *cakes == 0);
                    } else if *plate == 0 {
                        plate = baked.wait(plate);
                    }
                    assert!(*plate > 0, "no cake is left");
                    *plate -= 1;
                });
            }
            program.thread("baker", move || {
                for _ in 0..2 {
                    *cakes.lock() += 1;
                    baked.notify_one();
                }
            });
        }
    };
    broken(story, "taken", "a guest that was woken finds the cake gone", 1, &Bounds::all(), buffet(false))?;
    fixed(story, "in a loop it sleeps on until the next cake", &Bounds::all(), buffet(true));
    Ok(())
}
// ANCHOR_END: taken

fn how_many(story: &mut Story) -> lesson::Result {
    story.say("How many to wake? Three sleep; then somebody notifies once, twice, three times, or all.");
    let left = [1, 2, 3].map(|times| asleep_after(story.seed(), 3, Some(times)));
    story.equal("n notices wake n; so many sleep on", [2, 1, 0], left);
    story.equal("notify_all wakes all", 0, asleep_after(story.seed(), 3, None));

    story.say("If those who sleep wait for different things, the one notice can reach the wrong one:");
    let bar = |all: bool| {
        move |program: &mut Program| {
            let (drinks, poured) = (Mutex::new("bar", Vec::new()), Condvar::new("bell"));
            for wanted in ["tea", "ale"] {
                let (drinks, poured) = (drinks.clone(), poured.clone());
                program.thread(wanted, move || {
                    drop(poured.wait_while(drinks.lock(), |drinks| !drinks.contains(&wanted)));
                });
            }
            program.thread("host", move || {
                for drink in ["tea", "ale"] {
                    drinks.lock().push(drink);
                    if all { poured.notify_all() } else { poured.notify_one() }
                }
            });
        }
    };
    broken(
        story,
        "wrong-one",
        "a notice reaches one who cannot use it, and another sleeps for ever",
        1,
        &Bounds::all(),
        bar(false),
    )?;
    fixed(story, "notify_all reaches everybody, and each looks for himself", &Bounds::all(), bar(true));
    Ok(())
}

/// How many of `threads` sleep on after `times` notices (`None`: one notice to all), given when all slept.
fn asleep_after(seed: u64, threads: usize, times: Option<usize>) -> usize {
    let outcome = explore(&Bounds::preemptions(0).until_found(), seed, |program| {
        let (asleep, open) = (Mutex::new("asleep", 0), Condvar::new("open"));
        for thread in 0..threads {
            let (asleep, open) = (asleep.clone(), open.clone());
            program.thread(thread.to_string(), move || {
                let mut count = asleep.lock();
                *count += 1;
                drop(open.wait(count));
            });
        }
        program.thread("opener", move || {
            while *asleep.lock() < threads {
                yield_now();
            }
            match times {
                Some(times) => (0..times).for_each(|_| open.notify_one()),
                None => open.notify_all(),
            }
        });
    });
    match outcome {
        Outcome::Found { schedule, .. } => match &schedule.failure {
            Failure::Deadlock { waiting } => waiting.len(),
            other => unreachable!("only sleepers can be left: {other:?}"),
        },
        Outcome::None(_) => 0,
    }
}
