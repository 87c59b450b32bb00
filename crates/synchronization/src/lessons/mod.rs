//! One question each, in the order in which they teach.

mod barrier;
mod condvar;
mod event;
mod latch;
mod mutex;
mod race;
mod reentrant;
mod rwlock;
mod search;
mod semaphore;
mod queue;
mod channel;
mod words;
mod classics;

use lesson::Lesson;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    race::LESSON,
    mutex::LESSON,
    reentrant::LESSON,
    rwlock::LESSON,
    condvar::LESSON,
    semaphore::LESSON,
    event::LESSON,
    barrier::LESSON,
    latch::LESSON,
    queue::LESSON,
    channel::LESSON,
    words::LESSON,
    classics::LESSON,
];
