//! A mutex, a condition variable, a semaphore and a read-write lock, each in one page over the futex call of Linux.
//!
//! A lock needs the kernel for one thing only: to put a thread to sleep and to wake it. Everything else is an atomic
//! word in the program's own memory. The call [`futex(2)`](https://man7.org/linux/man-pages/man2/futex.2.html)
//! joins the two: "sleep, if this word still has this value", and "wake so many of those who sleep on this word". Who
//! finds the lock free never calls the kernel: [`calls`] counts, and the lesson `futex` looks at the count.
//!
//! ```
//! use synchronization::futex::{Condvar, Mutex};
//! use std::{sync::Arc, thread};
//!
//! let shared = Arc::new((Mutex::new(None), Condvar::new()));
//! let theirs = Arc::clone(&shared);
//! let giver = thread::spawn(move || {
//!     *theirs.0.lock() = Some("word");
//!     theirs.1.notify_one();
//! });
//! let (slot, filled) = &*shared;
//! let slot = filled.wait_while(slot.lock(), |slot| slot.is_none());
//! assert_eq!(*slot, Some("word"));
//! # giver.join().unwrap();
//! ```
//!
//! | type | words | sleeps on |
//! |---|---|---|
//! | [`Mutex`] | one with three states | the state itself |
//! | [`Condvar`] | a sequence number, and how many wait | the sequence number |
//! | [`Semaphore`] | permits and waiters in one, and a sequence number | the sequence number |
//! | [`RwLock`] | who is in and who waits in one, and two sequence numbers | one of them, by kind |
//!
//! # No poisoning
//! A panic while a guard is held releases the lock, and the next one finds the value as the panicking thread has left
//! it, as in `parking_lot` and in Python's `with lock:`. std *poisons* its locks instead: the next `lock` gets an
//! error. So `lock` here returns the guard and not a `Result`; who breaks an invariant half-way must restore it.
//!
//! # Limits
//! No order among those who wait: who comes at the right moment goes first (see the lesson `fairness`). Nothing is
//! `const`, since a checker's atomics are not.
//!
//! # Sources
//! Ulrich Drepper, *Futexes Are Tricky* (2011); std's `sys/sync` for the spinning; and Mara Bos, *Rust Atomics and
//! Locks* (2023), chapter 9.

mod call;
mod condvar;
mod mutex;
mod rwlock;
mod semaphore;

pub use call::calls;
pub use condvar::{Condvar, WaitTimeoutResult};
pub use mutex::{Mutex, MutexGuard};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{Permit, Semaphore};

/// Pauses between one look and the next before a thread goes to sleep. Each look takes the cache line away from whoever
/// works with it, so they get rarer: four looks in 112 pauses, where std looks 100 times in as many. All in all that is
/// as long as a short critical section; sleeping and being woken takes ten times as long or more.
/// A checker has no time to save, and tries all that can happen.
const BURSTS: &[u32] = if cfg!(any(feature = "loom", feature = "shuttle")) { &[] } else { &[16, 32, 64] };

/// Tries, and tries again for a while: true as soon as it succeeds. False says to look once more, then to sleep.
fn spin(mut attempt: impl FnMut() -> bool) -> bool {
    for pauses in BURSTS {
        if attempt() {
            return true;
        }
        for _ in 0..*pauses {
            model::hint::spin_loop();
        }
    }
    false
}
