//! One chair fewer than philosophers: of those who sit, one has a neighbour's place empty and gets both forks. So
//! somebody always eats.

use super::{Lock, Monitor, Strategy, World, forks, left_and_right};

/// Sits down if a chair is free, then takes left and right.
pub struct Seats<W: World> {
    chairs: W::Monitor<usize>,
    forks: Vec<W::Lock>,
}

impl<W: World> Strategy<W> for Seats<W> {
    fn new(seats: usize) -> Self {
        Self { chairs: W::Monitor::new("chairs", seats - 1), forks: forks(seats) }
    }

    // ANCHOR: dine
    fn dine(&self, who: usize, eat: impl FnOnce()) {
        let (left, right) = left_and_right(who, self.forks.len());
        self.chairs.when(|free| *free > 0, |free| *free -= 1);
        {
            let _left = self.forks[left].lock();
            let _right = self.forks[right].lock();
            eat();
        }
        self.chairs.change(|free| *free += 1);
    }
    // ANCHOR_END: dine
}
