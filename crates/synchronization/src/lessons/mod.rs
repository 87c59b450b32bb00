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

mod atomics;
mod ordering;
mod litmus;
mod seqlock;
mod ring;
mod stack;
mod arc;
mod snapshot;

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
    atomics::LESSON,
    ordering::LESSON,
    litmus::LESSON,
    seqlock::LESSON,
    ring::LESSON,
    stack::LESSON,
    arc::LESSON,
    snapshot::LESSON,
    words::LESSON,
    classics::LESSON,
];
