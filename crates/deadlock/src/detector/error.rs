//! How a wait can fail.

use std::{
    any::Any,
    fmt,
    sync::{Arc, PoisonError},
};

use super::Report;

/// A lock was not taken, or was taken but its value may be half changed.
#[derive(thiserror::Error)]
pub enum LockError<G> {
    /// Another thread panicked while it held the lock. `into_inner` gives the guard all the same.
    #[error("another thread panicked while it held the lock")]
    Poisoned(PoisonError<G>),
    /// To wait would be for ever.
    #[error("{0}")]
    WouldDeadlock(Arc<Report>),
}

impl<G> LockError<G> {
    /// The deadlock, if it was one.
    pub fn report(&self) -> Option<&Arc<Report>> {
        match self {
            LockError::Poisoned(_) => None,
            LockError::WouldDeadlock(report) => Some(report),
        }
    }
}

impl<G> From<PoisonError<G>> for LockError<G> {
    fn from(poisoned: PoisonError<G>) -> Self {
        LockError::Poisoned(poisoned)
    }
}

// Not derived: a guard need not be `Debug`.
impl<G> fmt::Debug for LockError<G> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Poisoned(_) => out.write_str("Poisoned(..)"),
            LockError::WouldDeadlock(report) => write!(out, "WouldDeadlock({report})"),
        }
    }
}

/// What was to be sent comes back.
#[derive(thiserror::Error)]
pub enum SendError<T> {
    /// The receiver is gone.
    #[error("the receiver is gone")]
    Disconnected(T),
    /// Nobody will ever receive: see the report.
    #[error("{1}")]
    WouldDeadlock(T, Arc<Report>),
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Disconnected(_) => out.write_str("Disconnected(..)"),
            SendError::WouldDeadlock(_, report) => write!(out, "WouldDeadlock(.., {report})"),
        }
    }
}

/// There is nothing to receive, and never will be.
#[derive(Debug, thiserror::Error)]
pub enum RecvError {
    /// The channel is empty, and all senders are gone.
    #[error("the channel is empty and all senders are gone")]
    Disconnected,
    /// Senders are left, but none of them can ever send: see the report.
    #[error("{0}")]
    WouldDeadlock(Arc<Report>),
}

/// A thread gave no result.
#[derive(thiserror::Error)]
pub enum JoinError {
    /// It panicked, with this.
    #[error("the thread panicked")]
    Panicked(Box<dyn Any + Send + 'static>),
    /// It can never end: see the report. It is left to itself.
    #[error("{0}")]
    WouldDeadlock(Arc<Report>),
}

impl fmt::Debug for JoinError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Panicked(_) => out.write_str("Panicked(..)"),
            JoinError::WouldDeadlock(report) => write!(out, "WouldDeadlock({report})"),
        }
    }
}
