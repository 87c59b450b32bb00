//! Questions about processes, one file each.

mod again;
mod backpressure;
mod cost;
mod daemon;
mod death;
mod deeds;
mod errands;
mod isolation;
mod limits;
mod memory;
mod methods;
mod pipeline;
mod pool;
mod signals;
mod spawn;
mod speedup;
mod zombies;

use lesson::Lesson;

pub use deeds::Deeds;
pub use errands::{COUNTER, ERRANDS, Ending, Errand};

/// All lessons, in the order in which they are told.
pub const LESSONS: &[Lesson] = &[
    spawn::LESSON,
    isolation::LESSON,
    methods::LESSON,
    speedup::LESSON,
    memory::LESSON,
    pool::LESSON,
    death::LESSON,
    signals::LESSON,
    zombies::LESSON,
    daemon::LESSON,
    limits::LESSON,
    pipeline::LESSON,
    backpressure::LESSON,
    cost::LESSON,
];
