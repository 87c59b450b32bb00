//! Deadlock: made on demand, seen while it stands, prevented in each way there is, and lived with.
//!
//! A deadlock is a circle of threads of which each waits for the next one. It needs four things at once (Coffman,
//! Elphick and Shoshani, 1971), and whoever takes away one of them has none:
//!
//! | it needs | taken away by | here |
//! |---|---|---|
//! | mutual exclusion | an owner that gets messages | [`bank`] |
//! | hold and wait | all locks at once, or none | [`lock_all_backing_off`], [`philosophers::Waiter`] |
//! | no preemption | giving up after a time; a victim that is refused | [`TimedLock`], [`detector`] |
//! | a circle | an order: by address, by rank, by types | [`lock_all`], [`Ranked`], [`Leveled`] |
//! | (units instead of locks) | lending only what is safe | [`banker`] |
//!
//! # Example
//! Two accounts, and transfers in both directions. Each would lock "from" first, so two of them could wait for each
//! other; [`lock_all`] takes both in one order, whatever the caller says.
//!
//! ```
//! use std::thread;
//! use model::sync::Mutex;
//!
//! let accounts = [Mutex::new(100), Mutex::new(100)];
//! let transfer = |from: usize, to: usize| {
//!     let [mut from, mut to] = deadlock::lock_all([&accounts[from], &accounts[to]])?;
//!     *from -= 1;
//!     *to += 1;
//!     Ok::<(), deadlock::LockAllError>(())
//! };
//! thread::scope(|scope| {
//!     let there = scope.spawn(|| (0..100).try_for_each(|_| transfer(0, 1)));
//!     let back = scope.spawn(|| (0..100).try_for_each(|_| transfer(1, 0)));
//!     (there.join().unwrap(), back.join().unwrap())
//! });
//! assert_eq!(*accounts[0].lock().unwrap(), 100);
//! ```
//!
//! # Proof
//! What is called free of deadlock here is model-checked: every schedule of a few threads (`tests/*model.rs`, by loom),
//! or every state of a rule ([`states`]). Beside each model stands a broken twin that must be found.
//!
//! # Limits
//! An order prevents circles of *locks*. Threads also wait for messages, joins and conditions: for those there is the
//! [`detector`], and the lessons `channels`, `join` and `condvar`.

pub mod bank;
pub mod banker;
pub mod detector;
pub mod fifo;
pub mod lessons;
mod levels;
mod ordered;
pub mod philosophers;
mod ranked;
pub mod scheduler;
pub mod states;
mod timed_lock;

pub use levels::{Before, Key, LevelError, Leveled, Nothing, OfThread};
pub use ordered::{LockAllError, lock_all, lock_all_backing_off};
pub use ranked::{RankError, Ranked, RankedGuard};
pub use timed_lock::{TimedGuard, TimedLock, TimedOut};
