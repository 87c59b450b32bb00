//! A queue between threads blocks whoever finds it full or empty, counts what is not done yet, and can be shut down.
//!
//! [`Queue`] gives the oldest item first, [`LifoQueue`] the youngest, [`PriorityQueue`] the smallest. All three are
//! Python's, of the module `queue` as of 3.13, [shutdown](BlockingQueue::shutdown) included; what differs is said
//! below. Methods take `&self`: put the queue in an `Arc`, or lend it to scoped threads.
//!
//! ```
//! use std::{sync::Arc, thread};
//! use synchronization::{Queue, Shutdown};
//!
//! let jobs = Arc::new(Queue::bounded(2));
//! let theirs = Arc::clone(&jobs);
//! let worker = thread::spawn(move || {
//!     let mut sum = 0;
//!     while let Ok(job) = theirs.get() {
//!         sum += job;
//!         theirs.task_done().expect("once for each job");
//!     }
//!     sum
//! });
//! for job in 1..=10 {
//!     jobs.put(job)?; // waits while two are queued
//! }
//! jobs.join(); // all ten are done, not only taken
//! jobs.shutdown(Shutdown::Graceful);
//! assert_eq!(worker.join().unwrap(), 55);
//! assert_eq!(jobs.put(11).unwrap_err().into_item(), 11);
//! # Ok::<(), synchronization::PutError<i32>>(())
//! ```
//!
//! # What differs from Python
//! - An item that is refused comes back in the error: there is no other reference to it.
//! - `bounded(0)` panics. Python takes 0 as "no limit", crossbeam's channel as "hand to hand": a number that means
//!   opposite things in two places is not guessed at. No limit is called [`unbounded`](BlockingQueue::unbounded).
//! - A negative time limit is no `Duration` (Python: `ValueError`).
//! - [`PriorityQueue`] asks for `T: Ord` when it is compiled. Python's raises `TypeError` in the middle of a `put`,
//!   usually at a tie: `(2, task)` compares the tasks.
//!
//! # Which one to take
//! The channels of `std` and of crossbeam have no lock and are faster; they end when all senders are dropped. This
//! queue has what they lack: any thread may shut it down, `join` waits for the work and not only for the taking, and
//! the order may be another than that of arrival.

mod blocking;
mod error;
mod items;

pub use blocking::{BlockingQueue, Shutdown};
pub use error::{GetError, PutError, TaskDoneError};
pub use items::{Fifo, Items, Lifo, Priority};

/// First in, first out: `queue.Queue`.
pub type Queue<T> = BlockingQueue<Fifo<T>>;

/// Last in, first out: `queue.LifoQueue`.
pub type LifoQueue<T> = BlockingQueue<Lifo<T>>;

/// The smallest first, equal ones in any order: `queue.PriorityQueue`. For the largest first wrap items in
/// [`std::cmp::Reverse`].
///
/// If a comparison panics, the call in which it does panics: a `put` has put by then, a `get` has dropped its item
/// and left its task undone. The queue goes on, in an order as good as its comparisons.
pub type PriorityQueue<T> = BlockingQueue<Priority<T>>;
