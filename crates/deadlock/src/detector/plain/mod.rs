//! The same names without the detector: shells around std's types that inline away. A deadlock hangs here.

mod channel;
mod domain;
mod locks;
mod spawn;

pub use std::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult};

pub use channel::{Here, Receiver, Sender, channel};
pub use domain::{Detector, on_deadlock, potential, reports};
pub use locks::{Condvar, Mutex, RwLock};
pub use spawn::{JoinHandle, spawn};
