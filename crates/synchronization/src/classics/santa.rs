//! Santa Claus (Trono 1994): he sleeps until all reindeer are back, or three elves are in trouble; reindeer come first.
//!
//! Each group gathers under a lock and the one who completes it wakes him. The elves' difficulty: a fourth must not
//! slip in while three are being helped, so the third one shuts the door behind it and the last one out opens it.
//! (In Trono's own solution, and in Downey's, elves may go before they are helped: here they wait for it.)
//!
//! Invariants: the sleigh goes with all reindeer, elves are helped in threes, and not while all reindeer stand there.
//! Elsewhere: batches that are worked on when full, with a priority between two kinds of them.

use model::{
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use super::{signal, wait_for};
use crate::Semaphore;

/// How many reindeer draw the sleigh, and how many elves come in together. (The story says 9 and 3.)
#[derive(Clone, Copy, Debug)]
pub struct Groups {
    /// All of them.
    pub reindeer: usize,
    /// At a time.
    pub elves: usize,
}

#[derive(Default)]
struct State {
    reindeer: usize,
    elves: usize,
}

/// His house at the pole.
pub struct House {
    groups: Groups,
    state: Mutex<State>,
    wake_santa: Semaphore,
    hitched: Semaphore,
    helped: Semaphore,
    elves_door: Semaphore,
}

/// What he did when he was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Hitched the reindeer.
    Sleigh,
    /// Helped elves.
    Help,
}

impl House {
    /// Nobody is there.
    pub fn new(groups: Groups) -> Self {
        Self {
            groups,
            state: Mutex::new(State::default()),
            wake_santa: Semaphore::new(0),
            hitched: Semaphore::new(0),
            helped: Semaphore::new(0),
            elves_door: Semaphore::new(1),
        }
    }

    /// Santa sleeps until he is woken, and does what is due.
    pub fn santa(&self) -> Deed {
        wait_for(&self.wake_santa);
        let mut state = self.state();
        if state.reindeer == self.groups.reindeer {
            state.reindeer = 0;
            self.hitched.release(self.groups.reindeer);
            return Deed::Sleigh;
        }
        assert_eq!(state.elves, self.groups.elves, "elves are helped in threes");
        self.helped.release(self.groups.elves);
        Deed::Help
    }

    /// A reindeer comes home, and waits to be hitched.
    pub fn reindeer(&self) {
        let mut state = self.state();
        state.reindeer += 1;
        if state.reindeer == self.groups.reindeer {
            signal(&self.wake_santa);
        }
        drop(state);
        wait_for(&self.hitched);
    }

    /// An elf in trouble waits for company, and for help.
    pub fn elf(&self) {
        wait_for(&self.elves_door);
        let mut state = self.state();
        state.elves += 1;
        assert!(state.elves <= self.groups.elves, "one elf too many");
        // The last one in does not open the door to the next.
        signal(if state.elves == self.groups.elves { &self.wake_santa } else { &self.elves_door });
        drop(state);
        wait_for(&self.helped);
        let mut state = self.state();
        state.elves -= 1;
        if state.elves == 0 {
            signal(&self.elves_door);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under it")
    }
}

/// All reindeer come once, and enough elves for `helps` groups. Returns what he did, in order.
pub fn run(groups: Groups, helps: usize) -> Vec<Deed> {
    let house = Arc::new(House::new(groups));
    let mut threads = Vec::new();
    for number in 0..groups.reindeer + helps * groups.elves {
        let house = Arc::clone(&house);
        let is_elf = number >= groups.reindeer;
        threads.push(thread::spawn(move || if is_elf { house.elf() } else { house.reindeer() }));
    }
    let deeds = (0..=helps).map(|_| house.santa()).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    deeds
}
