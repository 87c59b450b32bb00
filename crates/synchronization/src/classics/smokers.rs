//! Cigarette smokers (Patil 1971): an agent puts two of three things on the table, and only who owns the third may smoke.
//!
//! If each smoker waits for the two things it lacks, one after the other, two smokers can take one thing each, and both
//! wait for ever: [`naive`]. The agent may not be changed (it stands for a library or an operating system). So for
//! each thing there is a *pusher* that does nothing but note what lies there, and wakes the smoker for whom the pair is
//! complete (Parnas 1975): [`run`].
//!
//! Invariant: in each round the right one smokes, alone, and the table is empty after it. Elsewhere: to wait for *two*
//! resources, wait for the pair, never for one while holding the other.

use std::time::Duration;

use model::{
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use super::{signal, wait_for};
use crate::{Permit, Semaphore};

/// Tobacco, paper and matches: 0, 1 and 2.
pub const THINGS: [usize; 3] = [0, 1, 2];

/// What the agent knows: three things, and that the last cigarette is smoked.
pub struct Table {
    things: [Semaphore; 3],
    is_free: Semaphore,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self { things: THINGS.map(|_| Semaphore::new(0)), is_free: Semaphore::new(1) }
    }

    /// The agent: puts all but `missing` on the table, once it is free.
    pub fn put_all_but(&self, missing: usize) {
        wait_for(&self.is_free);
        for thing in THINGS.into_iter().filter(|thing| *thing != missing) {
            signal(&self.things[thing]);
        }
    }

    /// Waits for one thing and takes it.
    pub fn take(&self, thing: usize) {
        wait_for(&self.things[thing]);
    }

    /// The same, but not longer than `limit`. Returns whether there was one.
    pub fn take_within(&self, thing: usize, limit: Duration) -> bool {
        self.things[thing].acquire_timeout(limit).map(Permit::forget).is_some()
    }

    fn smoke(&self) {
        signal(&self.is_free);
    }
}

struct Pushers {
    table: Table,
    lies_there: Mutex<[bool; 3]>,
    may_smoke: [Semaphore; 3],
    /// What is smoked, in order: who had the third thing.
    smoked: Mutex<Vec<usize>>,
}

impl Pushers {
    fn push(&self, thing: usize) {
        self.table.take(thing);
        let mut lies_there = self.lies_there.lock().expect("nothing panics under it");
        assert!(!lies_there[thing], "two of the same on the table");
        lies_there[thing] = true;
        if let Some(owner) =
            THINGS.into_iter().find(|owner| THINGS.iter().all(|t| lies_there[*t] != (t == owner)))
        {
            *lies_there = [false; 3];
            signal(&self.may_smoke[owner]);
        }
    }

    fn smoke(&self, owner: usize) {
        wait_for(&self.may_smoke[owner]);
        self.smoked.lock().expect("nothing panics under it").push(owner);
        self.table.smoke();
    }
}

/// In each round the agent puts all but the thing given. Returns who smoked, in order.
pub fn run(rounds: &[usize]) -> Vec<usize> {
    let pushers = Arc::new(Pushers {
        table: Table::new(),
        lies_there: Mutex::new([false; 3]),
        may_smoke: THINGS.map(|_| Semaphore::new(0)),
        smoked: Mutex::new(Vec::new()),
    });
    let mut threads = Vec::new();
    for thing in THINGS {
        let cigarettes = rounds.iter().filter(|missing| **missing == thing).count();
        let times = rounds.len() - cigarettes;
        let ours = Arc::clone(&pushers);
        threads.push(thread::spawn(move || (0..times).for_each(|_| ours.push(thing))));
        let ours = Arc::clone(&pushers);
        threads.push(thread::spawn(move || (0..cigarettes).for_each(|_| ours.smoke(thing))));
    }
    rounds.iter().for_each(|missing| pushers.table.put_all_but(*missing));
    threads.into_iter().for_each(|thread: JoinHandle<()>| thread.join().expect("it does not panic"));
    pushers.smoked.lock().expect("nothing panics under it").clone()
}

/// Wrong: all three smokers wait for what they lack, one thing after the other. It may hang.
pub fn naive(missing: usize) {
    let table = Arc::new(Table::new());
    for owner in THINGS {
        let table = Arc::clone(&table);
        thread::spawn(move || {
            table.take((owner + 1) % 3);
            table.take((owner + 2) % 3);
            table.smoke();
        });
    }
    table.put_all_but(missing);
    wait_for(&table.is_free);
}
