//! Small programs that tell memory models apart, and which outcomes each of them may have.
//!
//! A litmus test is a few loads and stores on two or so threads; an outcome is what the loads returned. Which
//! outcomes are possible is computed here in two ways: by interleaving the steps, as if memory were one thing that all
//! see at once ([`interleaved`]), and by Rust's rules ([`allowed`]), which are those of C++20. What the hardware does,
//! one finds by running them (the lesson `litmus`). Locations are numbered and hold 0 at first.

mod relation;
mod rules;

use std::{collections::BTreeSet, sync::atomic::Ordering};

pub use rules::allowed;

/// What the loads returned: thread by thread, and in each thread in order.
pub type Outcome = Vec<u32>;

/// One step of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Stores 1 to a location. No location is stored to twice in one program.
    Store(usize, Ordering),
    /// Loads a location.
    Load(usize, Ordering),
    /// A fence.
    Fence(Ordering),
}

/// A litmus test.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its usual name, and the orderings.
    pub name: &'static str,
    /// The steps of each thread.
    pub threads: Vec<Vec<Step>>,
    /// The outcome that tells models apart.
    pub telling: Outcome,
}

/// Every outcome of running the threads' steps one at a time, in any order: *sequential consistency* (Lamport, 1979).
pub fn interleaved(program: &Program) -> BTreeSet<Outcome> {
    fn go(
        program: &Program,
        next: &[usize],
        stored: u32,
        loaded: &[Vec<u32>],
        outcomes: &mut BTreeSet<Outcome>,
    ) {
        let mut ended = true;
        for (thread, steps) in program.threads.iter().enumerate() {
            let Some(step) = steps.get(next[thread]) else { continue };
            ended = false;
            let (mut stored, mut loaded, mut next) = (stored, loaded.to_vec(), next.to_vec());
            next[thread] += 1;
            match *step {
                Step::Store(location, _) => stored |= 1 << location,
                Step::Load(location, _) => loaded[thread].push(stored >> location & 1),
                Step::Fence(_) => {}
            }
            go(program, &next, stored, &loaded, outcomes);
        }
        if ended {
            outcomes.insert(loaded.concat());
        }
    }

    let threads = program.threads.len();
    let mut outcomes = BTreeSet::new();
    go(program, &vec![0; threads], 0, &vec![Vec::new(); threads], &mut outcomes);
    outcomes
}

const X: usize = 0;
const Y: usize = 1;

/// Each thread stores to one location and loads the other. May both loads miss the other's store? On hardware yes:
/// a store waits in the core's store buffer while the load after it goes ahead. `order`: Relaxed or SeqCst.
pub fn store_buffering(name: &'static str, order: Ordering, fence: Option<Ordering>) -> Program {
    let thread = |mine, other| with_fence([Step::Store(mine, order), Step::Load(other, order)], fence);
    Program { name, threads: vec![thread(X, Y), thread(Y, X)], telling: vec![0, 0] }
}

/// One thread writes data (x) and then a flag (y), the other reads flag and then data. May it see the flag and not the
/// data?
pub fn message_passing(
    name: &'static str,
    publish: Ordering,
    receive: Ordering,
    fences: Option<[Ordering; 2]>,
) -> Program {
    let (write, read) = (Ordering::Relaxed, Ordering::Relaxed);
    let sender = with_fence([Step::Store(X, write), Step::Store(Y, publish)], fences.map(|both| both[0]));
    let receiver = with_fence([Step::Load(Y, receive), Step::Load(X, read)], fences.map(|both| both[1]));
    Program { name, threads: vec![sender, receiver], telling: vec![1, 0] }
}

/// Each thread loads one location and then stores to the other. May each see the store that the other makes *later*?
pub fn load_buffering(name: &'static str, load: Ordering, store: Ordering) -> Program {
    let thread = |from, to| vec![Step::Load(from, load), Step::Store(to, store)];
    Program { name, threads: vec![thread(X, Y), thread(Y, X)], telling: vec![1, 1] }
}

/// Independent reads of independent writes: two threads store, two read both locations, in opposite orders. May the
/// readers disagree on which store came first?
pub fn iriw(name: &'static str, store: Ordering, load: Ordering, fence: Option<Ordering>) -> Program {
    let reader = |first, second| with_fence([Step::Load(first, load), Step::Load(second, load)], fence);
    let writer = |location| vec![Step::Store(location, store)];
    Program {
        name,
        threads: vec![writer(X), writer(Y), reader(X, Y), reader(Y, X)],
        telling: vec![1, 0, 1, 0],
    }
}

fn with_fence([first, second]: [Step; 2], fence: Option<Ordering>) -> Vec<Step> {
    [Some(first), fence.map(Step::Fence), Some(second)].into_iter().flatten().collect()
}
