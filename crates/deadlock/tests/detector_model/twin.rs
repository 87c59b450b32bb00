//! The same protocol in thirty lines, and twins of it that are broken: the checker must see them hang.

use std::{collections::BTreeMap, sync::Arc};

use model::{
    Explore,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

/// What is done wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bug {
    None,
    /// Judges and then enters its wait, each under the graph's lock, but not both under one.
    JudgesFirst,
    /// Does not mark the word before it sleeps, so the owner does not know that somebody waits.
    MarksNothing,
}

/// Who waits for which lock, and what each of two locks' words says (owner and a bit for waiters).
struct Toy {
    waits: Mutex<BTreeMap<u64, usize>>,
    words: [AtomicU64; 2],
    woken: Condvar,
    bug: Bug,
}

impl Toy {
    fn new(bug: Bug) -> Self {
        let words = [AtomicU64::new(0), AtomicU64::new(0)];
        Self { waits: Mutex::new(BTreeMap::new()), words, woken: Condvar::new(), bug }
    }

    /// Whether it was taken; `false` is a deadlock.
    fn lock(&self, me: u64, lock: usize) -> bool {
        if self.words[lock].compare_exchange(0, me << 1, SeqCst, SeqCst).is_ok() {
            return true;
        }
        let mut waits = self.waits.lock().unwrap();
        if self.bug == Bug::JudgesFirst {
            if self.closes(&waits, me, lock) {
                return false;
            }
            drop(waits);
            waits = self.waits.lock().unwrap();
        }
        loop {
            let seen = self.words[lock].load(SeqCst);
            let next = if seen == 0 { me << 1 } else { seen | u64::from(self.bug != Bug::MarksNothing) };
            if self.words[lock].compare_exchange(seen, next, SeqCst, SeqCst).is_err() {
                continue;
            }
            if seen == 0 {
                waits.remove(&me);
                return true;
            }
            waits.insert(me, lock);
            if self.bug != Bug::JudgesFirst && self.closes(&waits, me, lock) {
                waits.remove(&me);
                return false;
            }
            waits = self.woken.wait(waits).unwrap();
        }
    }

    fn closes(&self, waits: &BTreeMap<u64, usize>, me: u64, lock: usize) -> bool {
        let owner = self.words[lock].load(SeqCst) >> 1;
        waits.get(&owner).is_some_and(|&other| self.words[other].load(SeqCst) >> 1 == me)
    }

    fn unlock(&self, me: u64, lock: usize) {
        if self.words[lock].compare_exchange(me << 1, 0, SeqCst, SeqCst).is_err() {
            let _waits = self.waits.lock().unwrap();
            self.words[lock].store(0, SeqCst);
            self.woken.notify_all();
        }
    }

    fn cross(&self, me: u64, first: usize, second: usize) -> bool {
        assert!(self.lock(me, first), "it holds nothing yet");
        let taken = self.lock(me, second);
        if taken {
            self.unlock(me, second);
        }
        self.unlock(me, first);
        taken
    }
}

fn explore(bug: Bug) {
    model::explore(&Explore::named("detector's protocol, in miniature"), move || {
        let toy = Arc::new(Toy::new(bug));
        let theirs = Arc::clone(&toy);
        let other = thread::spawn(move || theirs.cross(2, 1, 0));
        let mine = toy.cross(1, 0, 1);
        assert!(other.join().unwrap() || mine, "one of the two goes on");
    });
}

#[test]
fn the_protocol() {
    explore(Bug::None);
}

#[cfg(feature = "shuttle")]
#[test]
fn judging_before_entering_misses_a_ring() {
    testkit::must_find("detector that judges first", "deadlock", || explore(Bug::JudgesFirst));
}

#[cfg(feature = "shuttle")]
#[test]
fn sleeping_without_a_mark_is_never_woken() {
    testkit::must_find("detector that marks nothing", "deadlock", || explore(Bug::MarksNothing));
}
