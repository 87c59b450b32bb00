//! The fork with the lower number first: a resource hierarchy (Dijkstra's own solution). It cannot deadlock: whoever
//! holds the highest fork that is held waits for nothing.

use super::{Lock, Strategy, World, forks, left_and_right};

/// Takes the lower fork, then the higher one.
pub struct Ordered<W: World> {
    forks: Vec<W::Lock>,
}

impl<W: World> Strategy<W> for Ordered<W> {
    fn new(seats: usize) -> Self {
        Self { forks: forks(seats) }
    }

    // ANCHOR: dine
    fn dine(&self, who: usize, eat: impl FnOnce()) {
        let (left, right) = left_and_right(who, self.forks.len());
        let _lower = self.forks[left.min(right)].lock();
        let _higher = self.forks[left.max(right)].lock();
        eat();
    }
    // ANCHOR_END: dine
}
