//! One question each, in the order in which they teach.

use lesson::Lesson;

mod convoy;
mod cpu;
mod freethreading;
mod interpreters;
mod io;
mod lock;
mod native;
mod python;
mod race;
mod workload;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    lock::LESSON,
    cpu::LESSON,
    io::LESSON,
    convoy::LESSON,
    race::LESSON,
    native::LESSON,
    interpreters::LESSON,
    freethreading::LESSON,
    python::LESSON,
    workload::LESSON,
];
