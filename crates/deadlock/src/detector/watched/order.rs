//! The lock-order graph: which lock was taken while which was held, by whom, where, and what else was held.
//!
//! As the kernel's lockdep (Documentation/locking/lockdep-design.rst), but for each lock of its own instead of for
//! each line that makes locks. It remembers each order once, however often it is used, and forgets a lock's orders
//! with the lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    graph::{Graph, Hold},
    potential::Step,
    topology::Topology,
};
use crate::detector::{OrderReport, OrderStep, Place};

/// How many threads are remembered for each order. A cycle of up to so many locks is judged exactly.
const THREADS: usize = 16;
/// How many different sets of other locks are remembered for each pair of locks.
const CONTEXTS: usize = 64;
/// How many potential deadlocks are kept.
const KEPT: usize = 1_000;

/// Orders of locking.
#[derive(Default)]
pub(super) struct Order {
    /// For each pair (held, wanted) the circumstances in which it was seen.
    seen: BTreeMap<(u64, u64), Vec<Context>>,
    /// The same pairs as (wanted, held).
    reversed: BTreeSet<(u64, u64)>,
    topology: Topology,
    found: Vec<OrderReport>,
    /// The sets of locks that were reported, so that each is reported once.
    reported: BTreeSet<Vec<u64>>,
}

/// In what circumstances one lock was taken under another.
pub(super) struct Context {
    /// All locks that were held, sorted, and whether as a reader.
    pub(super) held: Vec<(u64, bool)>,
    /// Whether the wanted lock was taken as a reader.
    pub(super) shared: bool,
    pub(super) threads: Vec<(u64, Arc<str>)>,
    pub(super) held_since: Place,
    pub(super) wanted_at: Place,
}

impl Graph {
    /// `thread` takes `wanted` while it holds `holds`.
    pub(super) fn note_order(&mut self, thread: u64, holds: &[Hold], wanted: Hold) {
        let name = self.threads.get(&thread).map_or("".into(), |thread| Arc::clone(&thread.name));
        // Locks of other detectors, and those that are gone though their guard was leaked, are none of ours.
        let holds: Vec<Hold> =
            holds.iter().filter(|hold| self.objects.contains_key(&hold.lock)).copied().collect();
        for hold in holds.iter().filter(|hold| hold.lock != wanted.lock) {
            if !self.order.note(*hold, wanted, &holds, (thread, &name)) {
                continue;
            }
            let Some(cycle) = self.order.cycle_through(hold.lock, wanted.lock) else { continue };
            let mut locks: Vec<u64> = cycle.iter().map(|step| step.held).collect();
            locks.sort_unstable();
            if self.order.found.len() == KEPT || !self.order.reported.insert(locks) {
                continue;
            }
            let steps = cycle.iter().filter_map(|step| self.describe_step(step)).collect();
            self.order.found.push(OrderReport::new(steps));
        }
    }

    fn describe_step(&self, step: &Step) -> Option<OrderStep> {
        Some(OrderStep {
            thread: step.thread.to_string(),
            held: self.describe_object(step.held)?,
            held_since: step.held_since,
            wanted: self.describe_object(step.wanted)?,
            wanted_at: step.wanted_at,
        })
    }
}

impl Order {
    /// Whether this is new.
    fn note(&mut self, hold: Hold, wanted: Hold, holds: &[Hold], (thread, name): (u64, &Arc<str>)) -> bool {
        let mut held: Vec<(u64, bool)> = holds.iter().map(|hold| (hold.lock, hold.shared)).collect();
        held.sort_unstable();
        held.dedup();
        let contexts = self.seen.entry((hold.lock, wanted.lock)).or_default();
        let full = contexts.len() == CONTEXTS;
        let known = contexts.iter_mut().find(|known| known.held == held && known.shared == wanted.shared);
        match known {
            Some(known) => {
                if known.threads.len() == THREADS || known.threads.iter().any(|(known, _)| *known == thread) {
                    return false;
                }
                known.threads.push((thread, Arc::clone(name)));
            }
            None if full => return false,
            None => contexts.push(Context {
                held,
                shared: wanted.shared,
                threads: vec![(thread, Arc::clone(name))],
                held_since: hold.place,
                wanted_at: wanted.place,
            }),
        }
        if self.reversed.insert((wanted.lock, hold.lock)) {
            self.topology.add(hold.lock, wanted.lock);
        }
        self.topology.has_cycle()
    }

    /// What was taken while `lock` was held.
    pub(super) fn after(&self, lock: u64) -> impl Iterator<Item = (u64, &Context)> {
        let pairs = self.seen.range((lock, 0)..=(lock, u64::MAX));
        pairs.flat_map(|((_, wanted), contexts)| contexts.iter().map(move |context| (*wanted, context)))
    }

    /// What was held while `lock` was taken.
    pub(super) fn before(&self, lock: u64) -> impl Iterator<Item = u64> {
        self.reversed.range((lock, 0)..=(lock, u64::MAX)).map(|(_, held)| *held)
    }

    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    pub(super) fn found(&self) -> Vec<OrderReport> {
        self.found.clone()
    }

    /// The lock is gone, and all its orders.
    pub(super) fn forget(&mut self, lock: u64) {
        let after: Vec<u64> = self.seen.range((lock, 0)..=(lock, u64::MAX)).map(|((_, to), _)| *to).collect();
        let before: Vec<u64> = self.before(lock).collect();
        for wanted in after {
            self.seen.remove(&(lock, wanted));
            self.reversed.remove(&(wanted, lock));
        }
        for held in before {
            self.seen.remove(&(held, lock));
            self.reversed.remove(&(lock, held));
        }
        self.topology.forget(lock);
    }
}
