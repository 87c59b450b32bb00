//! Why a conversation with Python ended.

use std::{io, time::Duration};

use super::{challenge::AuthenticationError, header::HeaderError, pickle::PickleError};

/// What went wrong with a connection. After any of these but [`Late`](Self::Late) with nothing begun, a pickle's error
/// and a message that was refused before it was sent, the connection is of no more use, and says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer closed, or was killed, in the middle of a message.
    #[error("the message ends after {have} bytes of {of}")]
    Cut {
        /// Bytes that came, the header's if that is what was cut.
        have: usize,
        /// Bytes that were promised.
        of: usize,
    },
    /// A length that cannot be, or is more than this side takes or can send.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The time limit passed.
    #[error("the peer let {limit:?} pass ({done} bytes were done)")]
    Late {
        /// The limit.
        limit: Duration,
        /// Bytes that had gone through: if there are any, the stream is cut in the middle of a message.
        done: usize,
    },
    /// An earlier message was left in the middle: nobody can say where the next one begins.
    #[error("the connection was left in the middle of a message")]
    Broken,
    /// The peer closed during the challenge.
    #[error("the peer closed before it had said who it is")]
    Gone,
    /// The challenge failed, on this side or on the other.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// The message was whole, but is not data, or the value cannot be a pickle. The connection is still in step.
    #[error(transparent)]
    Pickle(#[from] PickleError),
}

impl From<rustix::io::Errno> for ConnectionError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}
