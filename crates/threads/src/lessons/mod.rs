//! One question each, in the order in which they teach.

mod algorithm;
mod confine;
mod cost;
mod granularity;
mod hush;
mod local;
mod overlap;
mod oversubscription;
mod panic;
mod park;
mod pipeline;
mod pool;
mod python;
mod rayon;
mod scope;
mod spawn;
mod speedup;
mod spinning;
mod stealing;
mod stop;
mod timer;

use lesson::Lesson;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    spawn::LESSON,
    scope::LESSON,
    overlap::LESSON,
    speedup::LESSON,
    algorithm::LESSON,
    granularity::LESSON,
    pool::LESSON,
    stealing::LESSON,
    rayon::LESSON,
    pipeline::LESSON,
    local::LESSON,
    timer::LESSON,
    stop::LESSON,
    park::LESSON,
    panic::LESSON,
    oversubscription::LESSON,
    cost::LESSON,
];
