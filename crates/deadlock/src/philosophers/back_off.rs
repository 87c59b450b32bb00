//! Wait for one, try the other; whoever does not get it gives back what he has, and next time waits for that one. No
//! deadlock, as nobody waits while he holds; but two can give way to each other without end.

use super::{Lock, Strategy, World, forks, left_and_right};

/// Takes one fork and tries the other, in turn, until it has both.
pub struct BackOff<W: World> {
    forks: Vec<W::Lock>,
}

impl<W: World> Strategy<W> for BackOff<W> {
    fn new(seats: usize) -> Self {
        Self { forks: forks(seats) }
    }

    // ANCHOR: dine
    fn dine(&self, who: usize, eat: impl FnOnce()) {
        let (mut first, mut second) = left_and_right(who, self.forks.len());
        loop {
            let held = self.forks[first].lock();
            if let Some(_other) = self.forks[second].try_lock() {
                return eat();
            }
            drop(held);
            W::step_aside();
            (first, second) = (second, first);
        }
    }
    // ANCHOR_END: dine
}
