//! One question each, in the order in which they teach.

mod arc;
mod atomics;
mod barrier;
mod channel;
mod classics;
mod combining;
mod condvar;
mod confine;
mod contention;
mod crowd;
mod event;
mod fairness;
#[cfg_attr(not(target_os = "linux"), path = "futex_elsewhere.rs")]
mod futex;
mod latch;
mod litmus;
mod mutex;
mod ordering;
mod queue;
mod race;
mod reentrant;
mod ring;
mod rwlock;
mod semaphore;
mod seqlock;
mod snapshot;
mod spinlock;
mod stack;
mod words;

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
    spinlock::LESSON,
    futex::LESSON,
    seqlock::LESSON,
    ring::LESSON,
    stack::LESSON,
    arc::LESSON,
    snapshot::LESSON,
    fairness::LESSON,
    contention::LESSON,
    words::LESSON,
    classics::LESSON,
];
