//! Building water (Downey 5.6): threads are atoms; two hydrogens and one oxygen bond before any atom of the next molecule.
//!
//! Who completes a molecule lets its three atoms go on, and keeps the door shut behind them; the three meet at a
//! barrier after they have bonded, and the oxygen, of which there is one in each molecule, opens the door again. So the
//! door is locked by one thread and unlocked by another: a semaphore, never a mutex.
//!
//! Invariant: in the order of bonding, every three atoms in a row are one molecule. Elsewhere: workers that must work
//! in teams of a fixed make-up.

use model::{
    sync::{Arc, Mutex},
    thread,
};

use super::{signal, wait_for};
use crate::{Barrier, Semaphore};

/// What a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// Two of them in each molecule.
    Hydrogen,
    /// One of them in each molecule.
    Oxygen,
}

/// Where atoms wait, and bond.
pub struct Vessel {
    door: Semaphore,
    /// Hydrogens and oxygens that wait; guarded by the door.
    waiting: Mutex<[usize; 2]>,
    may_bond: [Semaphore; 2],
    bonded: Barrier,
    /// In the order of bonding.
    product: Mutex<Vec<Atom>>,
}

impl Default for Vessel {
    fn default() -> Self {
        Self::new()
    }
}

impl Vessel {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            door: Semaphore::new(1),
            waiting: Mutex::new([0; 2]),
            may_bond: [Semaphore::new(0), Semaphore::new(0)],
            bonded: Barrier::new(3),
            product: Mutex::new(Vec::new()),
        }
    }

    /// An atom comes, waits for two others that make water with it, and bonds.
    pub fn add(&self, atom: Atom) {
        wait_for(&self.door);
        let mut waiting = self.waiting.lock().expect("nothing panics under it");
        waiting[atom as usize] += 1;
        let complete = waiting[0] >= 2 && waiting[1] >= 1;
        if complete {
            *waiting = [waiting[0] - 2, waiting[1] - 1];
            self.may_bond[0].release(2);
            self.may_bond[1].release(1);
        }
        drop(waiting);
        if !complete {
            signal(&self.door);
        }
        wait_for(&self.may_bond[atom as usize]);
        self.product.lock().expect("nothing panics under it").push(atom);
        self.bonded.wait().expect("nobody breaks it");
        if atom == Atom::Oxygen {
            signal(&self.door);
        }
    }
}

/// Panics unless every three in a row are two hydrogens and one oxygen.
pub fn check(product: &[Atom]) {
    for molecule in product.chunks(3) {
        let oxygens = molecule.iter().filter(|atom| **atom == Atom::Oxygen).count();
        assert!(molecule.len() == 3 && oxygens == 1, "not water: {molecule:?}");
    }
}

/// Atoms for so many molecules come, each in a thread of its own. Returns how many molecules there are.
pub fn run(molecules: usize) -> usize {
    let vessel = Arc::new(Vessel::new());
    let atoms: Vec<_> = (0..3 * molecules)
        .map(|number| {
            let vessel = Arc::clone(&vessel);
            let atom = if number < molecules { Atom::Oxygen } else { Atom::Hydrogen };
            thread::spawn(move || vessel.add(atom))
        })
        .collect();
    atoms.into_iter().for_each(|atom| atom.join().expect("it does not panic"));
    let product = vessel.product.lock().expect("nothing panics under it");
    check(&product);
    product.len() / 3
}
