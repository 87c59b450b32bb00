//! Exclusion between processes, which outlives the death of whoever holds the lock.
//!
//! A process that is killed unlocks nothing: with a plain lock everybody waits for ever, and what the lock guards is half
//! written. A **robust** lock knows its holder. The next to lock gets [`OwnerDied`](LockError::OwnerDied) together with
//! the guard: it repairs the value, says [`make_consistent`](Guard::make_consistent), and all goes on. If it cannot, it
//! drops the guard, and everybody gets [`NotRecoverable`](LockError::NotRecoverable), which is better than a wrong value.
//!
//! ```
//! use shared_memory::{Memfd, Shared, lock::{LockError, Mutex}};
//!
//! let memory = Memfd::create("doc", Shared::<Mutex<[u64; 2]>>::size(0))?;
//! let pair = Shared::<Mutex<[u64; 2]>>::create(&memory, |_, _| ())?; // zeros: unlocked
//! match pair.lock() {
//!     Ok(mut pair) => *pair = [1, 1],
//!     Err(LockError::OwnerDied(mut pair)) => {
//!         pair[1] = pair[0]; // whatever repairs it
//!         pair.make_consistent();
//!     }
//!     Err(other) => return Err(other.to_string().into()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | | [`Mutex`] | [`pthread::Robust`] |
//! |---|---|---|
//! | who notices the death | a waiter, which looks every [`LOOK`] | the kernel, at once (set_robust_list(2)) |
//! | recovered after the death within | [`LOOK`] and what the scheduler takes | a wake-up |
//! | uncontended | one compare-and-exchange, one swap | a call of libc, a list of locks held |
//! | where it may live | anywhere in a [`Shared`](crate::Shared): any bytes are one | where nobody writes who is not trusted |
//! | who may share it | processes of one pid and time namespace, with /proc | any |
//!
//! # What is half written, and in which order
//! A process is killed between two instructions, as if a signal handler that never returns had come. All that it wrote
//! before is there, in the order of its *instructions*, and the compiler may choose that order where nobody looks.
//! Whoever writes a journal for the one who repairs puts a [`compiler_fence`](std::sync::atomic::compiler_fence) between its
//! entries, as for a signal handler.
//!
//! In Python: `multiprocessing.Lock` is a semaphore without an owner. A killed holder leaves it locked for ever.

mod error;
mod holder;
pub(crate) mod limit;
mod mutex;
pub mod pthread;
mod raw;

pub use error::LockError;
pub use holder::{Holder, Processes};
pub use mutex::{Guard, LockResult, Mutex};
pub use raw::{LOOK, Life, RawLock, Refusal, Taken};
