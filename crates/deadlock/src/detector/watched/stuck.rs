//! Who can never go on: the threads whose waits nobody is left to end.
//!
//! A thread that runs may do anything, so all whom it could free count as free, and all whom those could free. Who
//! is not reached that way is stuck, whatever happens. Where each wait needs one certain thread that is the same as
//! a cycle; where any of several threads could end a wait it is the "knot" of Holt ("Some deadlock properties of
//! computer systems", ACM Computing Surveys 4(3), 1972).

use std::collections::BTreeMap;

use super::graph::{Graph, On, State, Wait};

/// What must happen for a thread to go on.
enum Needs {
    /// Nothing: it can.
    Nothing,
    /// All of these have to go on first.
    All(Vec<u64>),
    /// One of these is enough.
    Any(Vec<u64>),
}

impl Graph {
    /// Those of `from`, and of all they wait for, that can never go on, those of `from` first.
    pub(super) fn stuck(&self, from: &[u64]) -> Vec<u64> {
        let mut at: BTreeMap<u64, usize> = BTreeMap::new();
        let mut found: Vec<u64> = Vec::new();
        for thread in from {
            at.entry(*thread).or_insert_with(|| {
                found.push(*thread);
                found.len() - 1
            });
        }
        // How many more must be free until this one is; and whom it frees by that.
        let (mut missing, mut frees): (Vec<usize>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        let mut free: Vec<usize> = Vec::new();
        let mut next = 0;
        while next < found.len() {
            let (needed, count) = match self.needs(found[next]) {
                Needs::Nothing => {
                    free.push(next);
                    (Vec::new(), 0)
                }
                Needs::All(needed) => {
                    let count = needed.len();
                    (needed, count)
                }
                Needs::Any(needed) => (needed, 1),
            };
            missing.push(count);
            for thread in needed {
                let index = *at.entry(thread).or_insert_with(|| {
                    found.push(thread);
                    found.len() - 1
                });
                frees.resize(frees.len().max(index + 1), Vec::new());
                frees[index].push(next);
            }
            next += 1;
        }
        frees.resize(found.len(), Vec::new());
        let mut is_free = vec![false; found.len()];
        while let Some(thread) = free.pop() {
            if std::mem::replace(&mut is_free[thread], true) {
                continue;
            }
            for &waiter in &frees[thread] {
                missing[waiter] = missing[waiter].saturating_sub(1);
                if missing[waiter] == 0 {
                    free.push(waiter);
                }
            }
        }
        found.into_iter().zip(is_free).filter(|(_, is_free)| !is_free).map(|(thread, _)| thread).collect()
    }

    /// Those for whom `thread` waits: of any kind, known to be stuck or not.
    pub(super) fn waits_for(&self, thread: u64) -> Vec<u64> {
        match self.needs(thread) {
            Needs::Nothing => Vec::new(),
            Needs::All(threads) | Needs::Any(threads) => threads,
        }
    }

    fn needs(&self, thread: u64) -> Needs {
        match self.threads.get(&thread).map(|thread| &thread.state) {
            // An owner nobody knows has never blocked.
            None | Some(State::Running | State::Blocked(Wait { timed: true, .. })) => Needs::Nothing,
            Some(State::Ended) => Needs::Any(Vec::new()),
            Some(State::Blocked(wait)) => self.needs_for(thread, wait.on),
        }
    }

    fn needs_for(&self, thread: u64, on: On) -> Needs {
        match on {
            On::Lock(lock) | On::Read(lock) | On::Write(lock) => self.needs_of_lock(thread, on, lock),
            On::Join(other) => Needs::All(vec![other]),
            On::Notify(_) => self.needs_anyone(thread),
            On::Send(channel) | On::Receive(channel) => {
                let Some(object) = self.objects.get(&channel) else { return Needs::Nothing };
                let ends = if matches!(on, On::Send(_)) { &object.receivers } else { &object.senders };
                if ends.anywhere > 0 {
                    return self.needs_anyone(thread);
                }
                // One that has ended will not use a handle that it has left behind.
                let bound = ends.bound.iter().filter(|thread| self.threads.contains_key(thread));
                Needs::Any(bound.copied().collect())
            }
        }
    }

    /// All who hold the lock in a way that excludes this one, and all before it in the queue who will.
    fn needs_of_lock(&self, thread: u64, on: On, lock: u64) -> Needs {
        let Some(object) = self.objects.get(&lock) else { return Needs::Nothing };
        let reads = matches!(on, On::Read(_));
        let holders = object.holders.iter().filter(|holder| !(reads && holder.shared));
        let mut needed: Vec<u64> = holders.map(|holder| holder.thread).collect();
        if !matches!(on, On::Lock(_)) {
            // Of a mutex they all wait for its owner only, and then give it back.
            let before = object.queue.iter().take_while(|(waiter, _)| *waiter != thread);
            let before = before.filter(|(_, theirs)| !(reads && matches!(theirs, On::Read(_))));
            needed.extend(before.map(|(waiter, _)| *waiter));
        }
        if needed.is_empty() { Needs::Nothing } else { Needs::All(needed) }
    }

    /// Whoever runs may have a reference and notify, or send.
    fn needs_anyone(&self, thread: u64) -> Needs {
        let others = || self.threads.iter().filter(|(number, _)| **number != thread);
        if !self.closed || others().any(|(_, other)| other.is_running()) {
            return Needs::Nothing;
        }
        Needs::Any(others().map(|(number, _)| *number).collect())
    }
}
