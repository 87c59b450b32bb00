//! The unisex bathroom (Downey 6.2): one sex at a time, three at most, and nobody waits for ever.
//!
//! A [`Switch`] for each sex holds the room for all who are inside, a semaphore of three permits limits them. Without
//! more, an endless stream of one sex would keep the other one out: so everybody passes a *turnstile*, and whoever has
//! to wait for the room blocks it for those who come later.
//!
//! Invariant: never both sexes, never more than three. Elsewhere: a server that does either reads or maintenance.

use model::{
    sync::{Arc, Mutex},
    thread,
};

use super::{Switch, signal, wait_for};
use crate::Semaphore;

/// How many there is room for.
pub const ROOM: usize = 3;

/// A room for one of two groups at a time.
pub struct Bathroom {
    turnstile: Semaphore,
    empty: Semaphore,
    switches: [Switch; 2],
    places: [Semaphore; 2],
    /// How many of each are inside: for the invariant only.
    inside: Mutex<[usize; 2]>,
}

impl Default for Bathroom {
    fn default() -> Self {
        Self::new()
    }
}

impl Bathroom {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            turnstile: Semaphore::new(1),
            empty: Semaphore::new(1),
            switches: [Switch::new(), Switch::new()],
            places: [Semaphore::new(ROOM), Semaphore::new(ROOM)],
            inside: Mutex::new([0; 2]),
        }
    }

    /// Goes in, waiting for the turn, and out again. `sex` is 0 or 1.
    pub fn visit(&self, sex: usize) {
        wait_for(&self.turnstile);
        self.switches[sex].enter(&self.empty);
        signal(&self.turnstile);
        wait_for(&self.places[sex]);
        self.count(|inside| inside[sex] += 1);
        thread::yield_now();
        self.count(|inside| inside[sex] -= 1);
        signal(&self.places[sex]);
        self.switches[sex].leave(&self.empty);
    }

    fn count(&self, change: impl FnOnce(&mut [usize; 2])) {
        let mut inside = self.inside.lock().expect("nothing panics under it");
        change(&mut inside);
        let seen = *inside;
        drop(inside);
        check(seen);
    }
}

/// Panics unless at most three of one sex are inside.
pub fn check([some, others]: [usize; 2]) {
    assert!(some == 0 || others == 0, "both sexes are inside");
    assert!(some + others <= ROOM, "too many are inside");
}

/// So many of each sex come `times` times. Returns how many visits there were.
pub fn run(of_each: usize, times: usize) -> usize {
    let bathroom = Arc::new(Bathroom::new());
    let visitors: Vec<_> = (0..2 * of_each)
        .map(|visitor| {
            let bathroom = Arc::clone(&bathroom);
            thread::spawn(move || (0..times).map(|_| bathroom.visit(visitor % 2)).count())
        })
        .collect();
    visitors.into_iter().map(|visitor| visitor.join().expect("it does not panic")).sum()
}
