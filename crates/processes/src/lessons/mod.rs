//! Questions about processes, one file each.

mod again;
mod cost;
mod daemon;
mod deeds;
mod failure;
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

/// All lessons, in the order in which they are told.
pub const LESSONS: &[Lesson] = &[
    spawn::LESSON,
    isolation::LESSON,
    methods::LESSON,
    speedup::LESSON,
    memory::LESSON,
    pool::LESSON,
    failure::LESSON,
    signals::LESSON,
    zombies::LESSON,
    daemon::LESSON,
    limits::LESSON,
    pipeline::LESSON,
    cost::LESSON,
];
