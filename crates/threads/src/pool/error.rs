//! What a pool and a future may answer instead of a result.

/// Everything that can go wrong between `submit` and `result`.
///
/// One type for all of `CancelledError`, `TimeoutError`, `BrokenThreadPool`, the `RuntimeError` of a `submit`
/// after `shutdown`, and the task's own exception.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A pool of no threads, or of absurdly many.
    #[error("a pool of {asked} threads asked for; between 1 and {most} are possible")]
    Size {
        /// What was asked for.
        asked: usize,
        /// The most that are possible.
        most: usize,
    },
    /// A name that the system cannot take.
    #[error("a thread cannot be called {prefix:?}: a name holds no zero byte")]
    Name {
        /// The prefix asked for.
        prefix: String,
    },
    /// The system refused to start the thread that the task needed.
    #[error("cannot start a thread for the pool: {why}")]
    Start {
        /// The system's reason.
        why: String,
    },
    /// The pool takes no more tasks.
    #[error("the pool is shut down")]
    ShutDown,
    /// A thread's initializer failed, so nothing runs in this pool any more.
    #[error("the pool is broken: an initializer failed: {why}")]
    Broken {
        /// The initializer's error, or the message of its panic.
        why: String,
    },
    /// The task was cancelled before it started.
    #[error("the task was cancelled before it started")]
    Cancelled,
    /// The task panicked.
    #[error("the task panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The result did not come in time. The task goes on.
    #[error("no result in time")]
    TimedOut,
    /// The result has been taken from this future before.
    #[error("the result was taken before")]
    Taken,
}
