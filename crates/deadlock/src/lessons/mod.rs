//! One question each, in the order in which they teach.

mod abba;
mod asynchronous;
mod banker;
mod channels;
mod condvar;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod fork;
mod inversion;
mod itself;
mod join;
mod miniature;
mod order;
mod philosophers;
#[cfg(target_os = "linux")]
mod pipes;
mod stage;
mod starvation;
mod timeout;
mod transactions;
mod trylock;
mod types;

use lesson::Lesson;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    abba::LESSON,
    itself::LESSON,
    philosophers::LESSON,
    order::LESSON,
    types::LESSON,
    trylock::LESSON,
    timeout::LESSON,
    banker::LESSON,
    starvation::LESSON,
    inversion::LESSON,
    channels::LESSON,
    join::LESSON,
    condvar::LESSON,
    #[cfg(target_os = "linux")]
    pipes::LESSON,
    #[cfg(target_os = "linux")]
    fork::LESSON,
    #[cfg(target_os = "linux")]
    files::LESSON,
    transactions::LESSON,
    asynchronous::LESSON,
];
