//! A pool of threads: `submit` a closure, get a [`Future`], wait for one or for many. What Python has as
//! `concurrent.futures.ThreadPoolExecutor`, written on a mutex, a condition variable and a queue.
//!
//! ```
//! use threads::pool::{ThreadPool, as_completed};
//!
//! let pool = ThreadPool::new(4)?;
//!
//! // One task, one result.
//! let answer = pool.submit(|| 6 * 7)?;
//! assert_eq!(answer.result(), Ok(42));
//!
//! // The same on many inputs, results in order, at most 8 tasks ahead of who takes them.
//! let squares: Result<Vec<u64>, _> = pool.map(8, 1..=3, |x: u64| x * x).collect();
//! assert_eq!(squares, Ok(vec![1, 4, 9]));
//!
//! // Whoever is ready first; a panic is that future's error, and the thread does the next task.
//! let futures = [pool.submit(|| 1)?, pool.submit(|| panic!("not today"))?];
//! for (index, result) in as_completed(futures) {
//!     assert_eq!(result.is_ok(), index == 0);
//! }
//! // Dropping the pool waits for what was submitted, as the end of a `with` block does.
//! # Ok::<(), threads::pool::PoolError>(())
//! ```
//!
//! # How it works
//! The queue (`queue.rs`) holds the tasks under one lock. A worker sleeps on a condition variable until there is one: idle
//! workers cost no CPU. `submit` starts a thread only if no sleeping one is left for the task. A task writes its
//! result to a slot (`slot.rs`), from which its future reads; all changes of its state (pending, running, done)
//! happen under the slot's lock. Both are checked over all schedules by loom in `tests/pool_model.rs`.
//!
//! # Limits
//! - **A task that waits for another task of the same pool** can wait for ever: in a pool of N threads, N tasks
//!   that wait hold all threads, and what they wait for never starts. Python's pool has the same trap. Give the
//!   inner tasks a pool of their own, return and let the caller submit the next step, or use rayon, whose
//!   waiting threads do other tasks meanwhile.
//! - A task that runs is not stopped, by nobody: `cancel` works before the start only. See the lesson `stop`.
//! - One queue and one allocation a task: about a microsecond. For pieces smaller than that see the lesson
//!   `granularity`.
//!
//! # Differences from Python
//! A value is moved out of its future, so it can be had once. Dropping a pool waits; at the end of `main` nothing
//! waits for a pool that is leaked. `Executor`, the common parent of thread and process pools, has no
//! counterpart here: a closure cannot go to another process, so what both kinds share is not "submit any
//! function" but [`workload::Mechanism`]: any workload, with one type parameter.

mod as_completed;
mod builder;
mod error;
mod future;
mod inbox;
mod map;
mod queue;
mod slot;
mod task;
mod thread_pool;
mod wait;

pub use as_completed::{AsCompleted, as_completed};
pub use builder::Builder;
pub use error::PoolError;
pub use future::Future;
pub use map::Map;
pub use slot::Ending;
pub use thread_pool::ThreadPool;
pub use wait::{Until, Waited, wait};
