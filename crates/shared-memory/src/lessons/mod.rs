//! One question each, in the order in which they teach.

use lesson::Lesson;

mod arena;
mod condition;
mod image;
mod layout;
mod leaks;
mod limits;
mod list;
mod memfd;
mod mpmc;
mod mutex;
mod on_threads;
mod python;
mod ring;
mod segment;
mod seqlock;
mod value;
mod words;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    segment::LESSON,
    memfd::LESSON,
    layout::LESSON,
    value::LESSON,
    mutex::LESSON,
    condition::LESSON,
    ring::LESSON,
    mpmc::LESSON,
    seqlock::LESSON,
    list::LESSON,
    arena::LESSON,
    image::LESSON,
    words::LESSON,
    leaks::LESSON,
    limits::LESSON,
    python::LESSON,
];
