//! How does each thread get a state of its own, and what becomes of it?
//!
//! What is not shared needs no lock. Either each thread builds its part in a plain local variable and *returns*
//! it, and the parts are merged after the join: the form to prefer. Or, where a value must outlive one call,
//! `thread_local!` gives each thread its own: made at the thread's first use, dropped when the thread ends.
//! It needs `Cell` or `RefCell` to be changed, never a `Mutex`. Beware in a pool: the thread lives on, and so
//! does what one task has left for the next.
//!
//! In Python: `threading.local`. Same lifetimes, same trap in a pool.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    panic::resume_unwind,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use lesson::{Bound, Lesson, Story, measure};
use rayon::prelude::*;

use crate::pool::ThreadPool;

/// The lesson.
pub(super) const LESSON: Lesson = Lesson {
    name: "local",
    question: "How does each thread get a state of its own, and what becomes of it?",
    python: &["threading.local"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    own_values(story)?;
    left_for_the_next(story)?;
    merged(story);
    Ok(())
}

static MADE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Notes of one thread; counts how many were ever made and dropped.
struct Notes(Vec<u32>);

impl Notes {
    fn new() -> Self {
        MADE.fetch_add(1, SeqCst);
        Self(Vec::new())
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, SeqCst);
    }
}

thread_local! {
    static NOTES: RefCell<Notes> = RefCell::new(Notes::new());
}

/// Each thread's own, so no `&mut` and no lock is needed.
fn note(line: u32) -> usize {
    NOTES.with_borrow_mut(|notes| {
        notes.0.push(line);
        notes.0.len()
    })
}

fn own_values(story: &mut Story) -> lesson::Result {
    story.say("Three threads write two notes each into the same `thread_local!`; a fourth never touches it.");
    let before = (MADE.load(SeqCst), DROPPED.load(SeqCst));
    let writers: Vec<_> = (0..3).map(|_| thread::spawn(|| [note(1), note(2)])).collect();
    let abstainer = thread::spawn(|| ());
    // Joined by hand: the end of a `thread::scope` does not wait for the destructors of thread locals.
    let lengths: Vec<_> =
        writers.into_iter().map(|writer| writer.join().map_err(|_| "a writer panicked")).collect();
    abstainer.join().map_err(|_| "doing nothing panicked")?;
    story.equal("each thread sees its own notes only", vec![Ok([1, 2]); 3], lengths);
    let since = (MADE.load(SeqCst) - before.0, DROPPED.load(SeqCst) - before.1);
    story.equal("the first use makes a thread's value, its end drops it: made, dropped", (3, 3), since);
    Ok(())
}

fn left_for_the_next(story: &mut Story) -> lesson::Result {
    thread_local!(static USER: Cell<Option<&str>> = const { Cell::new(None) });
    story.say("A pool of one thread: a task sets a thread local, and the next one looks.");
    let pool = ThreadPool::new(1)?;
    pool.submit(|| USER.set(Some("alice")))?.result()?;
    let seen = pool.submit(|| USER.get())?.result()?;
    story.equal("in a pool the next task finds what the last one has left", Some("alice"), seen);
    // `take` on the way out leaves the thread as it was found.
    pool.submit(|| USER.take())?.result()?;
    story.equal("so a task clears what it has set", None, pool.submit(|| USER.get())?.result()?);
    Ok(())
}

type Counts = HashMap<u64, u64>;

fn count(numbers: &[u64]) -> Counts {
    let mut counts = Counts::new();
    for number in numbers {
        *counts.entry(*number).or_default() += 1;
    }
    counts
}

fn merge(mut left: Counts, right: Counts) -> Counts {
    for (number, count) in right {
        *left.entry(number).or_default() += count;
    }
    left
}

// ANCHOR: own_maps
/// A map for each thread, merged at the end: a lock is never needed.
fn own_maps(numbers: &[u64]) -> Counts {
    thread::scope(|scope| {
        let halves = numbers.chunks(numbers.len().div_ceil(2));
        let threads: Vec<_> = halves.map(|half| scope.spawn(move || count(half))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Counts>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        threads.into_iter().map(join).fold(Counts::new(), merge)
    })
}
// ANCHOR_END: own_maps

/// One map, locked for each number.
fn shared_map(numbers: &[u64]) -> Counts {
    let shared = Mutex::new(Counts::new());
    let count = |half: &[u64]| {
        for number in half {
            // Poisoned by a panic of the other thread, which ends the scope with a panic anyway.
            let mut counts = shared.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(*number).or_default() += 1;
        }
    };
    thread::scope(|scope| {
        for half in numbers.chunks(numbers.len().div_ceil(2)) {
            let count = &count;
            scope.spawn(move || count(half));
        }
    });
    shared.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// rayon's form of the same: each piece folds into a map of its own, and maps are merged two by two.
fn folded(numbers: &[u64]) -> Counts {
    let add = |mut counts: Counts, number: &u64| {
        *counts.entry(*number).or_default() += 1;
        counts
    };
    numbers.par_iter().fold(Counts::new, add).reduce(Counts::new, merge)
}

fn merged(story: &mut Story) {
    let size = if story.is_timed() { 1_000_000 } else { 10_000 };
    story.say(format!(
        "{size} numbers are counted by two threads: in maps of their own, and in one under a lock."
    ));
    let numbers: Vec<u64> = (0..size).map(|n: u64| n.wrapping_mul(n) % 1_009).collect();
    let expected = count(&numbers);
    let same = [own_maps, shared_map, folded].map(|way| way(&numbers) == expected);
    story.equal("own maps merged, one map locked, rayon's fold and reduce: the same counts", [true; 3], same);
    let claim = "one map locked for each number takes longer than a map for each thread";
    story.timed(claim, Bound::AtLeast(2.0), 2, || {
        let [own, shared] =
            measure::in_turn(5, [&mut || drop(own_maps(&numbers)), &mut || drop(shared_map(&numbers))]);
        measure::ratio(&shared, &own)
    });
}
