//! One question each, in the order in which they teach.

mod atomics;
mod ordering;
mod litmus;
mod seqlock;
mod ring;
mod stack;
mod arc;
mod snapshot;
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
mod mutex;
mod queue;
mod race;
mod reentrant;
mod rwlock;
mod search;
mod semaphore;
mod spinlock;
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
