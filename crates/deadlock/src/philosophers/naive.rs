//! Left, then right. It deadlocks: when everybody holds the left one, everybody waits for the right one.

use super::{Lock, Strategy, World, forks, left_and_right};

/// Takes the left fork, then the right one.
pub struct Naive<W: World> {
    forks: Vec<W::Lock>,
}

impl<W: World> Strategy<W> for Naive<W> {
    fn new(seats: usize) -> Self {
        Self { forks: forks(seats) }
    }

    // ANCHOR: dine
    fn dine(&self, who: usize, eat: impl FnOnce()) {
        let (left, right) = left_and_right(who, self.forks.len());
        let _left = self.forks[left].lock();
        let _right = self.forks[right].lock();
        eat();
    }
    // ANCHOR_END: dine
}
