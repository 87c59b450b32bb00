//! Try, and give back all if it fails: why can that go on for ever, and what ends it?
//!
//! Whoever never waits while he holds something is never part of a deadlock. But two who are as polite as each other
//! can meet in the doorway, step back, and meet again: a **livelock**. Everybody runs, nothing gets done. A deadlock is
//! a state from which no step leads; a livelock is a circle of states. It needs the same timing round after round, so
//! it is seldom, until something keeps the pace: equal time limits, a barrier, two cores that do the same work.
//!
//! The circle is found by looking for one round that ends where it began: nobody has both locks, all are given back,
//! and a thread remembers nothing of it. What is possible once is then possible for ever.
//!
//! The cure is to break the symmetry, by chance: each waits for a time of its own, drawn anew and from a longer range
//! with each failure (as Ethernet has done since 1976). Then a round succeeds with a probability, and to fail n times is
//! as likely as that to the nth.
//!
//! In Python: `lock.acquire(blocking=False)`, and `time.sleep(random.uniform(0, limit))`.

use std::{
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use lesson::{Lesson, Story};
use model::schedule::{self, Bounds, Program};

use crate::states::{Move, States};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "trylock",
    question: "Try, and give back all if it fails: why can that go on for ever, and what ends it?",
    python: &["Lock.acquire(blocking=False)", "random.uniform"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("A locks a and tries b; B locks b and tries a. Whoever fails gives back and begins again. One round of both:");
    broken(
        story,
        "livelock",
        "a round after which nobody had both locks, and all is as it was before",
        2,
        &Bounds::preemptions(2),
        rounds(1),
    )?;
    for more in [2, 3] {
        let found = schedule::explore(&Bounds::preemptions(2).until_found(), story.seed(), rounds(more));
        story.equal(format!("so one more is possible: {more} for nothing"), true, found.schedule().is_some());
    }
    for_ever(story);
    story.say("And yet nobody waits while he holds, so nobody is stuck:");
    fixed(story, "try and give back, three rounds each: no deadlock", &Bounds::preemptions(3), |program| {
        try_rounds(program, 3);
    });

    story.equal(
        "on two real threads that go in step: 200 rounds, and nobody had both locks once",
        None,
        first_success(200, story.seed(), &|_| 1),
    );
    cured(story);
    Ok(())
}

// ANCHOR: rounds
/// Each of two threads tries so many rounds, until it has had both locks. Returns how many had them.
fn try_rounds(program: &mut Program, most: usize) -> Arc<AtomicUsize> {
    let (a, b) = (schedule::Mutex::new("a", ()), schedule::Mutex::new("b", ()));
    let served = Arc::new(AtomicUsize::new(0));
    for (name, first, second) in [("A", a.clone(), b.clone()), ("B", b, a)] {
        let served = Arc::clone(&served);
        program.thread(name, move || {
            for _ in 0..most {
                let _held = first.lock();
                if second.try_lock().is_some() {
                    // For the check at the end only: no step of the schedule.
                    served.fetch_add(1, SeqCst);
                    break;
                }
            }
        });
    }
    served
}
// ANCHOR_END: rounds

/// It is a failure if neither ever had both.
fn rounds(most: usize) -> impl Fn(&mut Program) {
    move |program| {
        let served = try_rounds(program, most);
        program.check(move || match served.load(SeqCst) {
            0 => Err("nobody had both locks, and nobody holds one".to_owned()),
            _ => Ok(()),
        });
    }
}

// ANCHOR: for_ever
/// How far a thread is in its round.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Nothing,
    HasOne,
    HasFailed,
    HasBoth,
}

/// The same two as a graph of all their states, from which nothing is left out however long they go on.
fn for_ever(story: &mut Story) {
    let states = States::explore([At::Nothing; 2], |at: &[At; 2]| {
        let steps = (0..2).filter_map(|who| {
            let (what, next) = match (at[who], at[1 - who]) {
                (At::Nothing, At::HasBoth) | (At::HasBoth, _) => return None,
                (At::Nothing, _) => ("locks", At::HasOne),
                (At::HasOne, At::Nothing) => ("has both", At::HasBoth),
                (At::HasOne, _) => ("fails", At::HasFailed),
                (At::HasFailed, _) => ("gives back", At::Nothing),
            };
            let mut to = *at;
            to[who] = next;
            Some(Move { who, what, to })
        });
        steps.collect()
    });
    let circle = states.circle(&[0, 1], |at| !at.contains(&At::HasBoth));
    let around = circle.map(|circle| {
        let name = |who| if who == 0 { "A" } else { "B" };
        let steps = circle.around.iter().map(|(who, what)| format!("{} {what}", name(*who)));
        steps.collect::<Vec<_>>().join(", ")
    });
    story.claim(
        format!(
            "the graph of their {} states has a circle in which both go on and nobody is served",
            states.all().len()
        ),
        "a circle",
        around.clone().unwrap_or_else(|| "none".to_owned()),
        around.is_some(),
    );
}
// ANCHOR_END: for_ever

// ANCHOR: first_success
/// Two threads in step, as a barrier after each move keeps them. In each round a thread lets a number of moves pass,
/// drawn below `range(round)`, then takes its own lock, tries the other, gives back. Returns the first round in which
/// one had both.
fn first_success(rounds: u32, seed: u64, range: &(dyn Fn(u32) -> u64 + Sync)) -> Option<u32> {
    let locks = [Mutex::new(()), Mutex::new(())];
    let (step, served) = (Barrier::new(2), AtomicBool::new(false));
    let play = |me: usize| {
        for round in 0..rounds {
            let delay = random(seed, me as u64, round) % range(round);
            let (mut mine, mut other) = (None, None);
            // Room for the longest delay: the round ends for both together.
            for at in 0..range(round) + 2 {
                match at.checked_sub(delay) {
                    Some(0) => mine = locks[me].try_lock().ok(),
                    Some(1) if mine.is_some() => other = locks[1 - me].try_lock().ok(),
                    Some(2) => (mine, other) = (None, None),
                    _ => {}
                }
                // SeqCst, the default: the barrier orders it anyway.
                served.fetch_or(other.is_some(), SeqCst);
                step.wait();
            }
            drop((mine, other));
            if served.load(SeqCst) {
                return Some(round);
            }
            step.wait();
        }
        None
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| play(1));
        play(0).or(other.join().expect("it does not panic"))
    })
}
// ANCHOR_END: first_success

/// Random back-off: in round n a wait of up to 2^n moves.
fn cured(story: &mut Story) {
    let draws = if story.is_timed() { 200 } else { 50 };
    // Any seed is a seed, the largest too.
    let seed = |draw| story.seed().wrapping_mul(1_000).wrapping_add(draw);
    let mut failures: Vec<u32> =
        (0..draws).filter_map(|draw| first_success(30, seed(draw), &|round| 1 << round.min(6))).collect();
    failures.sort_unstable();
    story.say("The same two in step, but each waits for a random time, from a range that doubles with every failure:");
    let median = failures.get(failures.len() / 2).copied().unwrap_or(0);
    let most = failures.last().copied().unwrap_or(0);
    story.claim(
        format!("in each of {draws} runs one gets both locks"),
        format!("{draws} times"),
        format!("{} times, after {median} rounds for nothing in the median, {most} at most", failures.len()),
        failures.len() as u64 == draws,
    );
}

/// splitmix64's mixing of what is drawn for whom and when.
fn random(seed: u64, thread: u64, round: u32) -> u64 {
    let mixed = (seed ^ (thread << 32) ^ (u64::from(round) << 48)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
