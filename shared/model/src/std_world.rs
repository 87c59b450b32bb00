//! std: the types a release build runs on. [`explore`](crate::explore) runs the body once, which proves nothing.

use std::sync::Arc;

use crate::Explore;

/// The name of this world.
pub const CHECKER: &str = "std";

/// Locks, condition variables, atomics.
pub mod sync {
    pub use std::sync::{
        Arc, Condvar, LockResult, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        TryLockError, TryLockResult, WaitTimeoutResult, atomic,
    };
}

/// Threads.
pub mod thread {
    pub use std::thread::{
        Builder, JoinHandle, Thread, ThreadId, current, panicking, park, spawn, yield_now,
    };
}

/// Shared memory without a lock.
pub mod cell {
    pub use crate::plain_cell::UnsafeCell;
}

/// What to do in a busy wait.
pub mod hint {
    pub use std::hint::spin_loop;
}

pub use std::thread_local;

/// One run.
pub(crate) fn run(_plan: &Explore, body: Arc<dyn Fn() + Send + Sync>) -> String {
    body();
    "one plain run: no proof".into()
}

/// How many complete executions make the result worth believing.
pub(crate) fn floor(_plan: &Explore) -> u64 {
    1
}
