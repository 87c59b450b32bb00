//! Questions about processes, one file each.

mod deeds;
mod failure;
mod pool;
mod rerun;

use lesson::Lesson;

pub use deeds::Deeds;

/// All lessons, in the order in which they are told.
pub const LESSONS: &[Lesson] = &[rerun::LESSON, pool::LESSON, failure::LESSON];
