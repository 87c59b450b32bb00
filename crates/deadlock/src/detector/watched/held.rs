//! The locks that a thread holds, in the order in which it took them.

use std::{
    cell::{Cell, RefCell},
    panic::Location,
};

use super::graph::Hold;
use crate::detector::Place;

/// Only its own thread uses it.
pub(super) struct Stack {
    /// The lock taken last, and how many are held with it: most often it is the only one, and that case shall cost
    /// a few plain stores.
    top: Top,
    depth: Cell<usize>,
    /// The others, the first taken first.
    below: RefCell<Vec<Held>>,
}

/// A [`Hold`] in parts. As one value it would be put together in memory and copied from there at once, and to read in
/// one piece what was just written in two stalls the processor: 5 of 24 ns.
struct Top {
    lock: Cell<u64>,
    shared: Cell<bool>,
    place: Cell<Place>,
}

impl Top {
    #[inline]
    fn set(&self, hold: Hold) {
        self.lock.set(hold.lock);
        self.shared.set(hold.shared);
        self.place.set(hold.place);
    }

    fn get(&self) -> Hold {
        Hold { lock: self.lock.get(), shared: self.shared.get(), place: self.place.get() }
    }
}

struct Held {
    hold: Hold,
    /// Stands for this lock and all those below it.
    path: u64,
}

impl Stack {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.depth.get() == 0
    }

    /// A number for taking `lock` while these are held.
    pub(super) fn path_to(&self, lock: u64, shared: bool) -> u64 {
        joined(self.path(&self.below.borrow()), lock, shared)
    }

    fn path(&self, below: &[Held]) -> u64 {
        let under = below.last().map_or(0, |held| held.path);
        joined(under, self.top.lock.get(), self.top.shared.get())
    }

    #[inline]
    pub(super) fn push(&self, hold: Hold) {
        if self.depth.get() > 0 {
            self.bury();
        }
        self.top.set(hold);
        self.depth.set(self.depth.get() + 1);
    }

    /// Makes room at the top.
    fn bury(&self) {
        let mut below = self.below.borrow_mut();
        let path = self.path(&below);
        below.push(Held { hold: self.top.get(), path });
    }

    /// Takes the hold of the lock `number` away if it is the only one.
    #[inline]
    pub(super) fn pop_only(&self, number: u64) -> bool {
        let only = self.depth.get() == 1 && self.top.lock.get() == number;
        if only {
            self.depth.set(0);
        }
        only
    }

    /// Takes the last hold of the lock `number` away.
    pub(super) fn pop(&self, number: u64) {
        let mut below = self.below.borrow_mut();
        if self.depth.get() > 0 && self.top.lock.get() == number {
            if let Some(held) = below.pop() {
                self.top.set(held.hold);
            }
        } else if let Some(at) = below.iter().rposition(|held| held.hold.lock == number) {
            remove(&mut below, at);
        } else {
            return; // a guard that was leaked, or of a thread that has ended
        }
        self.depth.set(self.depth.get() - 1);
    }

    /// All of them, the first taken first.
    pub(super) fn all(&self) -> Vec<Hold> {
        let below = self.below.borrow();
        let top = (self.depth.get() > 0).then(|| self.top.get());
        below.iter().map(|held| held.hold).chain(top).collect()
    }
}

impl Default for Stack {
    fn default() -> Self {
        let nowhere = Cell::new(Location::caller());
        let top = Top { lock: Cell::new(0), shared: Cell::new(false), place: nowhere };
        Self { top, depth: Cell::new(0), below: RefCell::default() }
    }
}

/// Not the one taken last: the ways to those above it change.
#[cold]
fn remove(below: &mut Vec<Held>, at: usize) {
    below.remove(at);
    for at in at..below.len() {
        let path = if at == 0 { 0 } else { below[at - 1].path };
        below[at].path = joined(path, below[at].hold.lock, below[at].hold.shared);
    }
}

/// One step of the hash FxHash uses. Two different ways to hold up to two locks meet in the same number only if they
/// agree in some 40 chosen bits; the price would be an order that is not told.
fn joined(path: u64, lock: u64, shared: bool) -> u64 {
    (path.rotate_left(5) ^ (lock << 1 | u64::from(shared))).wrapping_mul(0x517c_c1b7_2722_0a95)
}
