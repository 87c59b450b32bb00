//! A random program of locks as data, and what a search over all of its interleavings knows about it.

use std::collections::HashSet;

use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Lock(usize),
    Unlock(usize),
}

/// For each thread what it does, one after the other. It unlocks all that it has locked.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) locks: usize,
    pub(crate) threads: Vec<Vec<Op>>,
}

/// What the choices of a random program may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Locks are given back in the reverse order.
    Nested,
    /// In any order.
    AnyOrder,
    /// In any order, and a thread may lock what it holds.
    Relocking,
}

pub(crate) fn programs(shape: Shape) -> impl Strategy<Value = Program> {
    (2..=5_usize, 2..=5_usize).prop_flat_map(move |(threads, locks)| {
        // With many threads short ones, so that the search ends.
        let longest = if threads > 3 { 7 } else { 12 };
        let thread = prop::collection::vec(any::<u8>(), 2..=longest);
        prop::collection::vec(thread, threads).prop_map(move |threads| Program {
            locks,
            threads: threads.iter().map(|dice| thread_from(dice, locks, shape)).collect(),
        })
    })
}

fn thread_from(dice: &[u8], locks: usize, shape: Shape) -> Vec<Op> {
    let (mut ops, mut held) = (Vec::new(), Vec::new());
    for die in dice {
        let lock = usize::from(die / 4) % locks;
        if die % 4 != 0 && (!held.contains(&lock) || shape == Shape::Relocking) && held.len() < 3 {
            ops.push(Op::Lock(lock));
            if held.contains(&lock) {
                return ops; // it never gets further
            }
            held.push(lock);
        } else if !held.is_empty() {
            let at = if shape == Shape::Nested { held.len() - 1 } else { lock % held.len() };
            ops.push(Op::Unlock(held.remove(at)));
        }
    }
    ops.extend(held.iter().rev().map(|lock| Op::Unlock(*lock)));
    ops
}

/// Where each thread stands.
pub(crate) type State = Vec<usize>;

impl Program {
    pub(crate) fn next(&self, state: &State, thread: usize) -> Option<Op> {
        self.threads[thread].get(state[thread]).copied()
    }

    /// Who holds `lock`.
    pub(crate) fn owner(&self, state: &State, lock: usize) -> Option<usize> {
        (0..self.threads.len()).find(|&thread| {
            let done = self.threads[thread][..state[thread]].iter();
            let last = done.rev().find(|op| **op == Op::Lock(lock) || **op == Op::Unlock(lock));
            last == Some(&Op::Lock(lock))
        })
    }

    /// Those who wait for each other in a ring that `thread` is part of, if it would lock now.
    pub(crate) fn ring(&self, state: &State, thread: usize) -> Option<Vec<usize>> {
        let mut ring = vec![thread];
        loop {
            let Some(Op::Lock(lock)) = self.next(state, *ring.last().unwrap()) else { return None };
            let owner = self.owner(state, lock)?;
            if owner == thread {
                return Some(ring);
            }
            if ring.contains(&owner) {
                return None;
            }
            ring.push(owner);
        }
    }

    /// A schedule to a deadlock, if any of all interleavings leads to one.
    pub(crate) fn deadlock(&self) -> Option<Vec<usize>> {
        let start = vec![0; self.threads.len()];
        let (mut seen, mut open) = (HashSet::from([start.clone()]), vec![(start, Vec::new())]);
        while let Some((state, way)) = open.pop() {
            if let Some(ring) = (0..self.threads.len()).find_map(|thread| self.ring(&state, thread)) {
                // Their locking is still to come.
                return Some(way.into_iter().chain(ring).collect());
            }
            for thread in 0..self.threads.len() {
                let can = match self.next(&state, thread) {
                    Some(Op::Lock(lock)) => self.owner(&state, lock).is_none(),
                    Some(Op::Unlock(_)) => true,
                    None => false,
                };
                let mut after = state.clone();
                after[thread] += 1;
                if can && seen.insert(after.clone()) {
                    open.push((after, way.iter().copied().chain([thread]).collect()));
                }
            }
        }
        None
    }

    /// Whether the order of locks has a ring, whoever took them and whatever else was held.
    pub(crate) fn order_has_ring(&self) -> bool {
        let mut after = vec![HashSet::new(); self.locks];
        for thread in &self.threads {
            let mut held: Vec<usize> = Vec::new();
            for op in thread {
                match *op {
                    Op::Lock(lock) => {
                        held.iter().for_each(|&held| {
                            after[held].insert(lock);
                        });
                        held.push(lock);
                    }
                    Op::Unlock(lock) => held.retain(|&held| held != lock),
                }
            }
        }
        (0..self.locks).any(|start| {
            let (mut seen, mut open) = (HashSet::new(), vec![start]);
            while let Some(lock) = open.pop() {
                open.extend(after[lock].iter().copied().filter(|&next| seen.insert(next)));
            }
            seen.contains(&start)
        })
    }
}
