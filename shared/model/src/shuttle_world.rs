//! shuttle: many schedules, chosen by several strategies, because each of them misses bugs that others find at once.

use std::{
    env,
    sync::{Arc, atomic::AtomicU64},
};

use ::shuttle::scheduler::{
    DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Scheduler, UrwRandomScheduler,
};
use ::shuttle::{Config, Runner};

use crate::Explore;

/// The name of this world.
pub const CHECKER: &str = "shuttle";

/// Locks, condition variables, atomics.
pub mod sync {
    pub use crate::checked_condvar::Condvar;
    pub use shuttle::sync::{
        Arc, LockResult, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        TryLockError, TryLockResult, WaitTimeoutResult, atomic,
    };
}

/// Threads.
pub mod thread {
    pub use shuttle::thread::{
        Builder, JoinHandle, Thread, ThreadId, current, panicking, park, spawn, yield_now,
    };
}

/// Shared memory without a lock: shuttle does not watch it.
pub mod cell {
    pub use crate::plain_cell::UnsafeCell;
}

/// What to do in a busy wait: let the others go on.
pub mod hint {
    pub use shuttle::hint::spin_loop;
}

pub use shuttle::thread_local;

/// A step of a thread that sleeps on a modelled futex, until somebody has taken it off the queue.
#[cfg(target_os = "linux")]
pub(crate) fn sleep(_looks: u32) {
    thread::park();
}

/// Ends the step of a sleeper that was taken off the queue.
#[cfg(target_os = "linux")]
pub(crate) fn rouse(sleeper: &thread::Thread) {
    sleeper.unpark();
}

/// Depth 2 of PCT (one forced change of priorities). Deeper ones missed a lost wake-up in 21 x 20,000 schedules
/// that depth 2 and the random walks find within 15.
const PCT_DEPTH: usize = 2;

/// The plan's number of schedules by each strategy.
pub(crate) fn run(plan: &Explore, body: Arc<dyn Fn() + Send + Sync>) -> String {
    if let Ok(schedule) = env::var("MODEL_REPLAY") {
        by(ReplayScheduler::new_from_encoded(&schedule), &body);
        return "the one in MODEL_REPLAY".into();
    }
    let (seed, each) = (plan.seed, plan.iterations);
    let mut told = format!("random {}", by(RandomScheduler::new_from_seed(seed, each), &body));
    told += &format!(", PCT {}", by(PctScheduler::new_from_seed(seed, PCT_DEPTH, each), &body));
    told += &format!(", URW {}", by(UrwRandomScheduler::new_from_seed(seed, each), &body));
    if plan.small {
        let done = by(DfsScheduler::new(Some(each), false), &body);
        told += &format!(", DFS {done}{}", if done < each { " (all)" } else { "" });
    }
    told
}

fn by(scheduler: impl Scheduler + 'static, body: &Arc<dyn Fn() + Send + Sync>) -> usize {
    let mut config = Config::new();
    config.silence_warnings = true; // that orderings are all taken as SeqCst: the crate's documentation says it
    let body = Arc::clone(body);
    Runner::new(scheduler, config).run(move || body())
}

/// How many complete executions make the result worth believing: as many as were asked for.
pub(crate) fn floor(plan: &Explore) -> u64 {
    if env::var_os("MODEL_REPLAY").is_some() { 1 } else { 3 * plan.iterations as u64 }
}

/// Runs `body` once more under a schedule that failed, as printed with the failure. Panics as it did then.
pub fn replay(schedule: &str, body: impl Fn() + Send + Sync + 'static) {
    let body: Arc<dyn Fn() + Send + Sync> = Arc::new(body);
    let _watch = crate::watch::Watch::begin("replay", Arc::new(AtomicU64::new(1)));
    by(ReplayScheduler::new_from_encoded(schedule), &body);
}

/// The schedule in what a failing exploration printed.
pub fn schedule_in(output: &str) -> Option<&str> {
    let (_, after) = output.split_once("failing schedule:\n\"\n")?;
    after.split_once("\n\"").map(|(schedule, _)| schedule)
}
