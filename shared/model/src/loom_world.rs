//! loom: every schedule within the bound, and every value that the memory model lets a load return.

use std::sync::Arc;

use crate::Explore;

/// The name of this world.
pub const CHECKER: &str = "loom";

/// Locks, condition variables, atomics.
pub mod sync {
    pub use crate::checked_condvar::Condvar;
    pub use loom::sync::{
        Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult, atomic,
    };
    pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
}

/// Threads: at most 5 in one model, the first included.
pub mod thread {
    pub use loom::thread::{
        Builder, JoinHandle, Thread, ThreadId, current, panicking, park, spawn, yield_now,
    };
}

/// Shared memory without a lock: loom reports two accesses that race.
pub mod cell {
    pub use loom::cell::UnsafeCell;
}

/// What to do in a busy wait: let the others go on.
pub mod hint {
    pub use loom::hint::spin_loop;
}

pub use loom::thread_local;

/// A step of a thread that sleeps on a modelled futex, until somebody has taken it off the queue.
///
/// A yield and not a park: loom's `unpark`, as its locks, would hand all that the waker knows to the sleeper. loom
/// knows of no order between the sleeper's looks and the waker, so it also tries schedules in which the sleeper looks
/// in vain without end. They differ in nothing, so after a few such looks this schedule is followed to its end, and
/// none that branches off from it. There a yielding thread runs only when the others have gone as far as they can:
/// after 100 looks nobody is left to wake it.
#[cfg(target_os = "linux")]
pub(crate) fn sleep(looks: u32) {
    assert!(looks < 100, "deadlock: a thread sleeps on a futex and nobody wakes it");
    if looks == 3 {
        loom::skip_branch();
    }
    thread::yield_now();
}

/// See [`sleep`]: the sleeper looks by itself.
#[cfg(target_os = "linux")]
pub(crate) fn rouse(_: &thread::Thread) {}

/// All schedules up to the plan's number of preemptions.
pub(crate) fn run(plan: &Explore, body: Arc<dyn Fn() + Send + Sync>) -> String {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = plan.preemptions;
    builder.max_branches = plan.branches;
    // Both of these, which a user's LOOM_ variables can set, end the exploration early and *pass*.
    builder.max_duration = None;
    builder.max_permutations = None;
    builder.check(move || body());
    match plan.preemptions {
        Some(bound) => format!("all with up to {bound} preemptions"),
        None => "all".into(),
    }
}

/// How many complete executions make the result worth believing: one may mean that loom has given up.
pub(crate) fn floor(plan: &Explore) -> u64 {
    plan.floor.max(2)
}
