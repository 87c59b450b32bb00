//! How do processes wait for each other, and what if one is killed while it waits?
//!
//! A semaphore (permits), an event (a flag), a condition (a value behind a mutex) and a barrier (a meeting point), each of
//! one or two words on a futex that all map. Between threads one question is asked: can a wake-up be lost between the look and the
//! sleep? Between processes there is a second one: the one that was woken may be killed before it does anything, and the one that
//! was to wake as well. So nobody here sleeps for longer than 10 ms without a look of its own: a wake-up makes a wait shorter, and
//! is never the only way out.
//!
//! What no primitive can do is to know whose a permit was. A semaphore with one permit is no lock for processes: look at what
//! becomes of it when its holder is killed. (Python's `multiprocessing.Lock` is one.) And a barrier needs a limit: somebody may be
//! killed on its way.
//!
//! In Python: `multiprocessing.{Semaphore, BoundedSemaphore, Event, Condition, Barrier}`.

use std::{
    io,
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};
use model::{
    futex::wait_shared,
    schedule::{Atomic, Bounds, Condvar, Mutex as Modelled, Program},
};

use crate::{
    Memfd, Shared,
    lock::Mutex,
    peer::{self, Cast, Peer, at},
    shared,
    sync::{Barrier, Broken, Condition, Event, Semaphore},
};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "condition",
    question: "How do processes wait for each other, and what if one is killed while it waits?",
    python: &[
        "multiprocessing.Semaphore",
        "multiprocessing.BoundedSemaphore",
        "multiprocessing.Event",
        "multiprocessing.Condition",
        "multiprocessing.Barrier",
    ],
    run,
    scenes: &[("guest", guest), ("worker", worker), ("taker", taker), ("walker", walker)],
};

const LIMIT: Duration = Duration::from_secs(20);
/// What is waited for in vain.
const IN_VAIN: Duration = Duration::from_millis(50);
const TIMES: u64 = 500;

shared! {
    /// All that the processes of this lesson have together.
    struct Hall {
        tokens: Mutex<u64>,
        filled: Condition,
        permits: Semaphore,
        inside: AtomicU32,
        most_inside: AtomicU32,
        start: Event,
        door: Barrier,
        rounds: [AtomicU64; 3],
        step: AtomicU32,
    }
}

fn run(story: &mut Story) -> lesson::Result {
    lost(story)?;
    let memory = Memfd::create("rust-condition", Shared::<Hall>::size(0))?;
    let hall = Shared::<Hall>::create(&memory, |hall, _| {
        hall.permits = Semaphore::bounded(2);
        hall.door = Barrier::new(3);
    })?;
    permits(story, &memory, &hall)?;
    tokens(story, &memory, &hall)?;
    meeting(story, &memory, &hall)
}

fn lost(story: &mut Story) -> lesson::Result {
    story.say("A guest looks, finds nothing, and sleeps. If the bell rings between the two, it is lost:");
    broken(
        story,
        "lost",
        "a wake-up is lost between the look and the sleep",
        1,
        &Bounds::all(),
        |program| {
            served(program, false);
        },
    )?;
    story.say("Another process is held to that schedule, with the bell as a number that it reads too late, and in time:");
    let memory = Memfd::create("rust-condition", Shared::<Hall>::size(0))?;
    let hall = Shared::<Hall>::create(&memory, |_, _| ())?;
    for (when, expected) in [("late", "sleeps in vain"), ("in time", "goes on")] {
        hall.step.store(0, Relaxed);
        let mut guest = Cast::scene("condition", "guest").with_memory(&memory)?.with_word(when).start()?;
        guest.line(LIMIT)?; // it has looked
        hall.filled.sequence.fetch_add(1, Relaxed);
        crate::futex::wake_shared(&hall.filled.sequence, u32::MAX);
        hall.step.store(1, Release);
        story.equal(format!("a guest that reads the number {when}"), expected, guest.line(LIMIT)?.as_str());
    }
    fixed(story, "look and change under one lock: none is lost", &Bounds::all(), |program| {
        served(program, true);
    });
    Ok(())
}

/// A guest waits for tea; it looks under the lock, or before.
fn served(program: &mut Program, under_lock: bool) {
    let (tea, table, bell) = (Atomic::new("tea", false), Modelled::new("table", ()), Condvar::new("bell"));
    let (their_tea, their_table, their_bell) = (tea.clone(), table.clone(), bell.clone());
    program.thread("guest", move || {
        if under_lock {
            drop(bell.wait_while(table.lock(), |()| !tea.load()));
        } else if !tea.load() {
            drop(bell.wait(table.lock()));
        }
    });
    program.thread("host", move || {
        let held = their_table.lock();
        their_tea.store(true);
        drop(held);
        their_bell.notify_one();
    });
}

fn guest() {
    let hall = hall();
    let sequence = &hall.filled.sequence;
    let mut seen = sequence.load(Relaxed);
    peer::say("looked: nothing");
    while hall.step.load(Acquire) == 0 {
        thread::yield_now();
    }
    if peer::word(0).as_deref() == Some("late") {
        seen = sequence.load(Relaxed);
    }
    let woken = wait_shared(sequence, seen, Some(IN_VAIN));
    peer::say(if woken { "goes on" } else { "sleeps in vain" });
}

fn permits(story: &mut Story, memory: &Memfd, hall: &Hall) -> lesson::Result {
    story.say("Four processes wait for an event, then go in and out through a semaphore with two permits.");
    let mut workers = started("worker", 4, memory)?;
    for worker in &mut workers {
        worker.line(LIMIT)?;
    }
    hall.start.set();
    ended(&mut workers)?;
    let most = hall.most_inside.load(Relaxed);
    story.claim("never more than two are inside", "1 or 2", most.to_string(), (1..=2).contains(&most));
    story.equal("all permits are back", 2, hall.permits.available());
    let refused = hall.permits.release().is_err();
    story.equal("one release more is refused (BoundedSemaphore: ValueError)", true, refused);

    story.say("Two are killed inside. A permit has no owner:");
    for _ in 0..2 {
        let worker = Cast::scene("condition", "worker").with_memory(memory)?;
        worker.killed_at("inside", 1).start()?.end(LIMIT)?;
    }
    let got = hall.permits.acquire_within(IN_VAIN);
    story.equal("both permits are gone for ever: a semaphore is no lock for processes", false, got);
    Ok(())
}

fn worker() {
    let hall = hall();
    peer::say("begun");
    hall.start.wait();
    for _ in 0..TIMES {
        hall.permits.acquire();
        let inside = hall.inside.fetch_add(1, Relaxed) + 1;
        hall.most_inside.fetch_max(inside, Relaxed);
        at("inside");
        hall.inside.fetch_sub(1, Relaxed);
        hall.permits.release().expect("acquired before");
    }
}

fn tokens(story: &mut Story, memory: &Memfd, hall: &Hall) -> lesson::Result {
    story.say("Two processes wait for a token. One is killed in its wait, and there is one notification for one token.");
    let started = |point: &str| -> io::Result<Peer> {
        let taker = Cast::scene("condition", "taker").with_memory(memory)?;
        let mut taker = taker.killed_at(point, 1).start()?;
        taker.line(LIMIT)?;
        Ok(taker)
    };
    let mut lives = started("never")?;
    started("woken")?.end(LIMIT)?;
    *hall.tokens.lock().map_err(|error| error.to_string())? += 1;
    hall.filled.notify_one();
    story.equal("the one that lives gets the token", "got one", lives.line(LIMIT)?.as_str());
    let left = *hall.tokens.lock().map_err(|error| error.to_string())?;
    story.equal("tokens left", 0, left);
    Ok(())
}

// ANCHOR: taker
fn taker() {
    let hall = hall();
    peer::say("begun");
    let mut tokens = hall.tokens.lock().expect("nobody is killed with the lock held");
    while *tokens == 0 {
        // `wait` with a point at which to die.
        hall.filled.sleep_at(|| drop(tokens), None, at);
        tokens = hall.tokens.lock().expect("as above");
    }
    *tokens -= 1;
    drop(tokens);
    peer::say("got one");
}
// ANCHOR_END: taker

fn meeting(story: &mut Story, memory: &Memfd, hall: &Hall) -> lesson::Result {
    story.say(format!(
        "Three processes meet {TIMES} times, and count before each; who has met sees all counts."
    ));
    let mut walkers = (0..3)
        .map(|index| Cast::scene("condition", "walker").with_memory(memory)?.with_word(index).start())
        .collect::<io::Result<Vec<_>>>()?;
    ended(&mut walkers)?;
    let rounds = hall.rounds.each_ref().map(|count| count.load(Relaxed));
    story.equal("rounds of each", [TIMES; 3], rounds);
    story.say("One is killed on its way to the next meeting; we two wait, with a limit:");
    let walker = Cast::scene("condition", "walker").with_memory(memory)?.with_word(0);
    walker.killed_at("on its way", 1).start()?.end(LIMIT)?;
    let meet = |limit, number: usize| {
        thread::scope(|scope| {
            let others: Vec<_> = (1..number).map(|_| scope.spawn(move || hall.door.wait(limit))).collect();
            let mine = hall.door.wait(limit);
            others
                .into_iter()
                .map(|other| other.join())
                .fold(mine.is_ok(), |all, one| all && matches!(one, Ok(Ok(_))))
        })
    };
    story.equal("the meeting takes place", false, meet(IN_VAIN, 2));
    story.equal("and the barrier is broken for all", Err(Broken), hall.door.wait(LIMIT));
    hall.door.reset();
    story.equal("after a reset, with another in its place, it does", true, meet(LIMIT, 3));
    Ok(())
}

fn walker() {
    let hall = hall();
    let me: usize = peer::word(0).and_then(|word| word.parse().ok()).expect("its number");
    for round in 1..=TIMES {
        hall.rounds[me].fetch_add(1, Relaxed);
        at("on its way");
        hall.door.wait(LIMIT).expect("all come");
        // Others may be one round further already.
        assert!(hall.rounds.iter().all(|count| count.load(Relaxed) >= round), "unseen");
    }
}

fn hall() -> Shared<Hall> {
    Shared::attach(peer::memory().expect("given")).expect("built")
}

fn started(scene: &str, number: usize, memory: &Memfd) -> io::Result<Vec<Peer>> {
    (0..number).map(|_| Cast::scene("condition", scene).with_memory(memory)?.start()).collect()
}

fn ended(peers: &mut [Peer]) -> lesson::Result {
    for peer in peers {
        let status = peer.end(LIMIT)?;
        if !status.success() {
            return Err(format!("a process of this lesson: {status}").into());
        }
    }
    Ok(())
}
