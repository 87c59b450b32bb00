//! Three locks that wait by looking again and again, and never call the kernel: for short sections, and where every
//! thread has a core of its own.
//!
//! | lock | who is next | what the waiters load |
//! |---|---|---|
//! | [`SpinLock`] | whoever comes at the right moment | one word, ever more seldom |
//! | [`TicketLock`] | first come, first served | one word |
//! | [`McsLock`] | first come, first served | each a word of its own |
//!
//! ```
//! use synchronization::spin::TicketLock;
//!
//! let count = TicketLock::new(0);
//! std::thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| *count.lock() += 1);
//!     }
//! });
//! assert_eq!(count.into_inner(), 2);
//! ```
//!
//! **Take a mutex instead** unless you have measured: with more threads than cores who spins keeps the very thread from
//! running that it waits for, and a lock that is handed over in turn waits for a thread that does not run (lesson
//! `spinlock`). As [`futex`](crate::futex)'s, these locks are released and not poisoned by a panic.

mod mcs_lock;
mod spin_lock;
mod ticket_lock;

pub use mcs_lock::McsLock;
pub use spin_lock::{SpinLock, SpinLockGuard};
pub use ticket_lock::{TicketLock, TicketLockGuard};
