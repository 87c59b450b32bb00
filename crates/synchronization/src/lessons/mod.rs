//! One question each, in the order in which they teach.

mod barrier;
mod event;
mod latch;
mod reentrant;
mod rwlock;
mod semaphore;
mod queue;
mod channel;
mod words;
mod classics;

use lesson::Lesson;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    reentrant::LESSON,
    rwlock::LESSON,
    semaphore::LESSON,
    event::LESSON,
    barrier::LESSON,
    latch::LESSON,
    queue::LESSON,
    channel::LESSON,
    words::LESSON,
    classics::LESSON,
];
