//! The locks that are watched.

mod block;
mod channel;
mod condvar;
mod describe;
mod domain;
mod ends;
mod graph;
mod held;
mod identity;
mod local;
mod mutex;
mod object;
mod order;
mod potential;
mod raw;
mod receiver;
mod rwlock;
mod rwlock_guard;
mod sender;
mod spawn;
mod stuck;
mod topology;
mod word;
mod world;

pub use channel::channel;
pub use condvar::{Condvar, WaitTimeoutResult};
pub use domain::{Detector, on_deadlock, potential, reports};
pub use ends::Here;
pub use mutex::{Mutex, MutexGuard};
pub use receiver::Receiver;
pub use rwlock::RwLock;
pub use rwlock_guard::{RwLockReadGuard, RwLockWriteGuard};
pub use sender::Sender;
pub use spawn::{JoinHandle, spawn};
