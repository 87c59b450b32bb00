//! The types that block: std's, or shuttle's where the protocol is checked under many schedules.

#[cfg(not(all(feature = "shuttle", not(feature = "loom"))))]
pub(super) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread, thread_local,
};

#[cfg(all(feature = "shuttle", not(feature = "loom")))]
pub(super) use model::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread, thread_local,
};
