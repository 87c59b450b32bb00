//! Which cycles in the lock-order graph could deadlock.
//!
//! Each step of such a cycle is one thread that holds a lock and takes the next. All of them can stand there at once
//! only if they are different threads, and if no two hold the same lock: a lock that both hold is a gate through which
//! only one comes. (Havelund, "Using runtime analysis to guide model checking of Java programs", SPIN 2000; Bensalem
//! and Havelund, "Dynamic deadlock analysis of multi-threaded programs", HVC 2005.)

use std::{collections::BTreeSet, sync::Arc};

use super::order::{Context, Order};
use crate::detector::Place;

/// How long a cycle may be.
const LONGEST: usize = 16;
/// How many ways are tried for one new order.
const TRIED: usize = 20_000;

/// One thread's part in a cycle.
pub(super) struct Step {
    pub(super) thread: Arc<str>,
    pub(super) held: u64,
    pub(super) held_since: Place,
    pub(super) wanted: u64,
    pub(super) wanted_at: Place,
}

/// A way from one lock to the next.
#[derive(Clone, Copy)]
struct Way<'a> {
    held: u64,
    wanted: u64,
    context: &'a Context,
}

struct Search<'a> {
    order: &'a Order,
    /// Where the cycle has to close, and all from where one comes there.
    start: u64,
    leads_back: BTreeSet<u64>,
    left: usize,
    path: Vec<Way<'a>>,
}

impl Order {
    /// A cycle that could deadlock and has a step from `held` to `wanted`.
    pub(super) fn cycle_through(&self, held: u64, wanted: u64) -> Option<Vec<Step>> {
        let leads_back = self.all_before(held);
        if !leads_back.contains(&wanted) {
            return None;
        }
        let mut search = Search { order: self, start: held, leads_back, left: TRIED, path: Vec::new() };
        let firsts = self.after(held).filter(|(to, _)| *to == wanted);
        for (_, context) in firsts {
            search.path = vec![Way { held, wanted, context }];
            if let Some(threads) = search.close(wanted) {
                return Some(search.steps(&threads));
            }
        }
        None
    }

    fn all_before(&self, lock: u64) -> BTreeSet<u64> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![lock]);
        while let Some(lock) = open.pop() {
            open.extend(self.before(lock).filter(|before| reached.insert(*before)));
        }
        reached
    }
}

impl<'a> Search<'a> {
    /// Goes on from `at` until the cycle closes; then who takes each step.
    fn close(&mut self, at: u64) -> Option<Vec<Arc<str>>> {
        if self.path.len() == LONGEST {
            return None;
        }
        let order = self.order;
        for (wanted, context) in order.after(at) {
            self.left = self.left.checked_sub(1)?;
            let way = Way { held: at, wanted, context };
            let closes = wanted == self.start;
            let turns_back = self.path.iter().any(|before| before.held == wanted);
            if (!closes && (turns_back || !self.leads_back.contains(&wanted))) || !self.fits(&way) {
                continue;
            }
            if closes && !excludes(&way, self.path[0].context) {
                continue;
            }
            self.path.push(way);
            let found = if closes { different_threads(&self.path) } else { self.close(wanted) };
            if found.is_some() {
                return found;
            }
            self.path.pop();
        }
        None
    }

    /// Whether a thread can stand at `way` while others stand at all before it.
    fn fits(&self, way: &Way) -> bool {
        let stopped = self.path.last().is_none_or(|before| excludes(before, way.context));
        stopped && self.path.iter().all(|before| !have_gate(before.context, way.context))
    }

    fn steps(&self, threads: &[Arc<str>]) -> Vec<Step> {
        let step = |(way, thread): (&Way, &Arc<str>)| Step {
            thread: Arc::clone(thread),
            held: way.held,
            held_since: way.context.held_since,
            wanted: way.wanted,
            wanted_at: way.context.wanted_at,
        };
        self.path.iter().zip(threads).map(step).collect()
    }
}

/// Whether `way` has to wait for a thread in `next`: two readers do not exclude each other.
fn excludes(way: &Way, next: &Context) -> bool {
    let holds_shared = next.held.iter().any(|(lock, shared)| *lock == way.wanted && *shared);
    !(way.context.shared && holds_shared)
}

/// Whether both hold a lock that only one of them can hold.
fn have_gate(one: &Context, other: &Context) -> bool {
    one.held.iter().any(|(lock, shared)| {
        other.held.iter().any(|(theirs, theirs_shared)| lock == theirs && !(*shared && *theirs_shared))
    })
}

/// A thread for each step, no thread twice.
fn different_threads(path: &[Way]) -> Option<Vec<Arc<str>>> {
    // For each step the index of its thread; a later step may push an earlier one to another thread.
    let mut chosen: Vec<Option<usize>> = vec![None; path.len()];
    for step in 0..path.len() {
        if !choose(path, &mut chosen, step, &mut BTreeSet::new()) {
            return None;
        }
    }
    let names = path.iter().zip(&chosen);
    names.map(|(way, at)| at.map(|at| Arc::clone(&way.context.threads[at].1))).collect()
}

fn choose(path: &[Way], chosen: &mut [Option<usize>], step: usize, tried: &mut BTreeSet<u64>) -> bool {
    for (at, (thread, _)) in path[step].context.threads.iter().enumerate() {
        if !tried.insert(*thread) {
            continue;
        }
        let taken_by = (0..path.len())
            .find(|&other| chosen[other].is_some_and(|at| path[other].context.threads[at].0 == *thread));
        if taken_by.is_none_or(|other| choose(path, chosen, other, tried)) {
            chosen[step] = Some(at);
            return true;
        }
    }
    false
}
