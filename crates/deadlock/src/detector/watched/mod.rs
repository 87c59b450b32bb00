//! The locks that are watched.

mod block;
mod channel;
mod condvar;
mod describe;
mod domain;
mod ends;
mod graph;
mod identity;
mod local;
mod mutex;
mod order;
mod potential;
mod rwlock;
mod spawn;
mod stuck;
mod topology;
mod word;
mod world;

pub use channel::{Receiver, Sender, channel};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use domain::{Detector, on_deadlock, potential, reports};
pub use ends::Here;
pub use mutex::{Mutex, MutexGuard};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use spawn::{JoinHandle, spawn};
