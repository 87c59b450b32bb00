//! One question each, in the order in which they teach.

use lesson::Lesson;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[];
