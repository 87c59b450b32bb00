//! Locks that know who waits for whom: std's interfaces, and an answer instead of silence.
//!
//! Each lock belongs to a [`Detector`]. A call that is about to wait is entered into its wait-for graph first, and
//! judged at once: if nobody is left who could end the wait, that is a deadlock, found microseconds after it closed.
//!
//! ```
//! # #[cfg(feature = "detector")] {
//! use std::sync::{Arc, Barrier};
//! use deadlock::detector::{Detector, LockError, Recovery};
//!
//! let detector = Detector::new(Recovery::Break);
//! let a = Arc::new(detector.mutex("a", 0));
//! let b = Arc::new(detector.mutex("b", 0));
//! let both_hold_one = Arc::new(Barrier::new(2));
//! let threads = [(a.clone(), b.clone()), (b, a)].map(|(first, second)| {
//!     let both_hold_one = both_hold_one.clone();
//!     detector.spawn("crossing", move || {
//!         let _first = first.lock().unwrap();
//!         both_hold_one.wait();
//!         // Of the two one gets here last. Its wait would close the cycle, so it gets the report instead, gives
//!         // back what it holds as it returns, and the other goes on.
//!         match second.lock() {
//!             Ok(_) => None,
//!             Err(LockError::WouldDeadlock(report)) => Some(report),
//!             Err(LockError::Poisoned(_)) => None,
//!         }
//!     })
//! });
//! let reports: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
//! assert_eq!(reports.len(), 1);
//! println!("{}", reports[0]);
//! # }
//! ```
//!
//! # What is decided, and what not
//! | wait | ended by | found |
//! |---|---|---|
//! | [`Mutex::lock`], [`RwLock::read`], [`RwLock::write`] | those who hold the lock, and who stand before in its queue | always, the moment it closes |
//! | [`JoinHandle::join`] | that thread | always |
//! | [`Condvar::wait`] | any thread | in a closed world ([`Detector::new`]), when all its threads are stuck |
//! | [`Sender::send`], [`Receiver::recv`] | any thread that has the other end | if all handles of that end are bound to their threads with `here()` ([`Here`]): always. Else as a condvar |
//! | with a time limit | the clock | never: it ends by itself |
//!
//! "Stuck" is meant strictly: a thread that runs may still do anything, so whoever it could help is not stuck, even
//! if it never will. So there is no false alarm, and a wake-up that is lost while another thread is busy is found
//! only when that one waits or ends, too. Two conditions are on the program:
//! - **Closed world.** `Detector::new` relies on knowing all threads that use its objects (see there). The global
//!   detector and [`Detector::open`] do not, and are silent on waits that anybody could end.
//! - **What it sees.** It sees its own objects only. A thread that sleeps in a `std::sync::Barrier`, in a `read` or in
//!   `thread::scope` counts as one that runs.
//!
//! # Orders that could deadlock
//! [`Detector::potential`] tells which orders of locking could deadlock, even if this run did not: threads that each
//! hold a lock and take the next in a ring. Not raised are rings through which only one thread can go at a time
//! because all its parts hold another lock in common (a gate), rings of a single thread, and rings of readers. Raised are, as by
//! the kernel's lockdep, also rings of threads that can never run at the same time because one is joined before the
//! other starts. `try_lock` and `lock_timeout` do not wait for ever and make no order. Channels, joins and condition
//! variables have none. Rings of more than 16 locks are not searched for.
//!
//! # Without the feature `detector`
//! The same names are thin shells around std's types, which inline away: nothing is watched, a deadlock hangs.

#[cfg(not(feature = "detector"))]
mod plain;
#[cfg(feature = "detector")]
mod watched;

mod draw;
mod error;
mod order_report;
#[cfg_attr(not(feature = "detector"), allow(dead_code, reason = "without the detector nothing is found"))]
mod place;
mod recovery;
#[cfg_attr(not(feature = "detector"), allow(dead_code, reason = "without the detector nothing is found"))]
mod report;
mod svg;

pub use error::{JoinError, LockError, RecvError, SendError};
pub use order_report::{OrderReport, OrderStep};
pub use place::{Kind, Object, Place};
#[cfg(not(feature = "detector"))]
use plain as chosen;
pub use recovery::Recovery;
pub use report::{Action, Held, Report, Stuck, Waiting};
#[cfg(feature = "detector")]
use watched as chosen;

pub use chosen::{
    Condvar, Detector, Here, JoinHandle, Mutex, MutexGuard, Receiver, RwLock, RwLockReadGuard,
    RwLockWriteGuard, Sender, WaitTimeoutResult, channel, on_deadlock, potential, reports, spawn,
};
