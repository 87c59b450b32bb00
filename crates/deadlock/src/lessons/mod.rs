//! One question each, in the order in which they teach.

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod fork;
mod inversion;
mod miniature;
#[cfg(target_os = "linux")]
mod pipes;
mod search;
mod starvation;

use lesson::Lesson;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    starvation::LESSON,
    inversion::LESSON,
    #[cfg(target_os = "linux")]
    pipes::LESSON,
    #[cfg(target_os = "linux")]
    fork::LESSON,
    #[cfg(target_os = "linux")]
    files::LESSON,
];
