//! Five philosophers sit around a table, a fork between each two; to eat, one needs both of his (Dijkstra, "Hierarchical
//! ordering of sequential processes", 1971; the forks are Hoare's). One strategy a file:
//!
//! | strategy | takes away | price |
//! |---|---|---|
//! | [`Naive`] | nothing: it deadlocks | - |
//! | [`Ordered`] | the circle: lower fork first | an order that all must know |
//! | [`Asymmetric`] | the circle: odd ones begin on the right | works for this circle only |
//! | [`Waiter`] | hold and wait: both forks or none | one place that everybody asks; two neighbours can starve a third |
//! | [`Seats`] | the circle: one chair fewer | one place that everybody asks, but only to sit down |
//! | [`BackOff`] | hold and wait: who cannot have both gives back | work done for nothing; two can give way for ever |
//! | [`ChandyMisra`] | the circle, and hunger: who has eaten must give | messages, here a monitor |
//!
//! A strategy is generic over the [`World`] of its locks, so that the very same source runs on threads, in loom and
//! shuttle, and in the explorer that draws schedules.

mod asymmetric;
mod back_off;
mod chandy_misra;
mod dinner;
pub mod endless;
mod explored;
mod naive;
mod ordered;
mod real;
mod seats;
mod waiter;
mod world;

pub use asymmetric::Asymmetric;
pub use back_off::BackOff;
pub use chandy_misra::{ChandyMisra, Table};
pub use dinner::{Dinner, dinner, program};
pub use explored::Explored;
pub use naive::Naive;
pub use ordered::Ordered;
pub use real::Real;
pub use seats::Seats;
pub use waiter::{Waiter, both_free};
pub use world::{Lock, Monitor, World};

/// How to come by two forks.
pub trait Strategy<W: World>: Send + Sync + 'static {
    /// For so many seats, 2 or more.
    fn new(seats: usize) -> Self;

    /// One meal of philosopher `who` (from 0): takes both forks, waiting as long as it takes, calls `eat`, and puts
    /// them back.
    fn dine(&self, who: usize, eat: impl FnOnce());
}

/// A fork for each seat. Philosopher i finds fork i on the left and fork i + 1 on the right, around the table.
fn forks<L: Lock>(seats: usize) -> Vec<L> {
    assert!(seats >= 2, "a philosopher alone has one fork twice");
    (0..seats).map(|fork| L::new(&format!("fork {fork}"))).collect()
}

/// The two forks of philosopher `who`.
fn left_and_right(who: usize, seats: usize) -> (usize, usize) {
    (who, (who + 1) % seats)
}
