//! Why a queue refuses; an item that was to be put comes back.

use std::fmt;

use thiserror::Error;

/// Why an item was not put, and the item.
#[derive(Clone, Copy, Error, PartialEq, Eq)]
pub enum PutError<T> {
    /// There is no room, or was none until the time was over: `queue.Full`.
    #[error("the queue is full")]
    Full(T),
    /// Nothing can be put any more: `queue.ShutDown`.
    #[error("the queue is shut down")]
    ShutDown(T),
}

impl<T> PutError<T> {
    /// The item that was refused.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::ShutDown(item) => item,
        }
    }

    /// Whether it was for want of room, which may come.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether nothing can be put any more.
    pub fn is_shut_down(&self) -> bool {
        matches!(self, Self::ShutDown(_))
    }
}

/// Without the item, so that `?` and `unwrap` work whatever is queued.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_full() { "Full(..)" } else { "ShutDown(..)" })
    }
}

/// Why nothing was got.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum GetError {
    /// There is no item, or was none until the time was over: `queue.Empty`.
    #[error("the queue is empty")]
    Empty,
    /// There is no item, and none can come any more: `queue.ShutDown`.
    #[error("the queue is shut down and empty")]
    ShutDown,
}

/// More tasks were reported done than were put: Python's `ValueError`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("task_done was called more often than items were put")]
pub struct TaskDoneError;
