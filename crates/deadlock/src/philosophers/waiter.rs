//! A waiter hands out both forks or none, so nobody holds one while he waits for the other. It cannot deadlock, but
//! one can starve: his two neighbours eat in turn, and at every moment one of his forks is in use.

use super::{Monitor, Strategy, World, left_and_right};

/// Asks the waiter, who knows which forks lie on the table.
pub struct Waiter<W: World> {
    on_table: W::Monitor<Vec<bool>>,
}

impl<W: World> Strategy<W> for Waiter<W> {
    fn new(seats: usize) -> Self {
        Self { on_table: W::Monitor::new("waiter", vec![true; seats]) }
    }

    // ANCHOR: dine
    fn dine(&self, who: usize, eat: impl FnOnce()) {
        self.on_table.when(|forks| both_free(forks, who), |forks| put(forks, who, false));
        eat();
        self.on_table.change(|forks| put(forks, who, true));
    }
    // ANCHOR_END: dine
}

/// Whether the waiter would serve philosopher `who`: both of his forks lie on the table.
pub fn both_free(forks: &[bool], who: usize) -> bool {
    let (left, right) = left_and_right(who, forks.len());
    assert!(left != right, "a philosopher alone has one fork twice");
    forks[left] && forks[right]
}

fn put(forks: &mut [bool], who: usize, on_table: bool) {
    let (left, right) = left_and_right(who, forks.len());
    forks[left] = on_table;
    forks[right] = on_table;
}
