//! Odd philosophers begin on the right. A circle of waits needs all of them to hold the same side, and the odd ones
//! hold the other one.

use super::{Lock, Strategy, World, forks, left_and_right};

/// Even ones take left, then right; odd ones right, then left.
pub struct Asymmetric<W: World> {
    forks: Vec<W::Lock>,
}

impl<W: World> Strategy<W> for Asymmetric<W> {
    fn new(seats: usize) -> Self {
        Self { forks: forks(seats) }
    }

    fn dine(&self, who: usize, eat: impl FnOnce()) {
        let (left, right) = left_and_right(who, self.forks.len());
        let (first, second) = if who.is_multiple_of(2) { (left, right) } else { (right, left) };
        let _first = self.forks[first].lock();
        let _second = self.forks[second].lock();
        eat();
    }
}
