//! loom: every schedule within the bound, and every value that the memory model lets a load return.

use std::sync::Arc;

use crate::Explore;

/// The name of this world.
pub const CHECKER: &str = "loom";

/// Locks, condition variables, atomics.
pub mod sync {
    use std::time::Duration;

    pub use loom::sync::{
        Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult, atomic,
    };
    pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

    /// loom's condition variable with the `wait_while` it lacks.
    #[derive(Debug, Default)]
    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        /// A condition variable nobody waits on.
        pub fn new() -> Self {
            Self(loom::sync::Condvar::new())
        }

        /// Sleeps until woken.
        ///
        /// # Errors
        /// Never in loom: see `std::sync::Condvar::wait` for the poisoned lock of the real one.
        #[track_caller]
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
            self.0.wait(guard)
        }

        /// Sleeps as long as `condition` holds.
        ///
        /// # Errors
        /// As [`wait`](Self::wait).
        #[track_caller]
        pub fn wait_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            mut condition: impl FnMut(&mut T) -> bool,
        ) -> LockResult<MutexGuard<'a, T>> {
            while condition(&mut guard) {
                guard = self.0.wait(guard)?;
            }
            Ok(guard)
        }

        /// Sleeps until woken; **never** times out, because a model has no clock.
        ///
        /// # Errors
        /// As [`wait`](Self::wait).
        #[track_caller]
        pub fn wait_timeout<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            limit: Duration,
        ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
            self.0.wait_timeout(guard, limit)
        }

        /// Wakes one sleeper.
        #[track_caller]
        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        /// Wakes all sleepers.
        #[track_caller]
        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
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
