//! Why a call has no result, and the question that matters then: may it have been done?

use std::sync::Arc;

use crate::{fields::FieldError, frame::FrameError};

/// Why a call has no result.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The connection was lost before the whole request had gone.
    #[error("not sent: {0}")]
    NotSent(Arc<Lost>),
    /// The deadline passed before there was room for a byte of the request: the server does not read.
    #[error("not sent: the deadline has passed before there was room")]
    NoRoom,
    /// The request is longer than the connection's maximum, or the method's name than 255 bytes.
    #[error("not sent: the request is too long")]
    TooLong,
    /// There is no such method.
    #[error("the server has no such method")]
    Unknown,
    /// Too many calls wait at the server.
    #[error("the server has too many calls waiting")]
    Busy,
    /// The deadline has passed. The server may have done it, may do it this moment, or may never do it.
    #[error("maybe done: no reply within the deadline")]
    Late,
    /// The connection was lost while the server had the call.
    #[error("maybe done: {0}")]
    Gone(Arc<Lost>),
    /// The method's own error.
    #[error("the method failed: {0}")]
    Failed(String),
    /// The method has panicked, maybe in the middle.
    #[error("the method panicked: {0}")]
    Panicked(String),
}

impl CallError {
    /// Whether some or all of it may have been done. If not, the call may be repeated without a thought; if so, only when
    /// doing it twice does no harm.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Late | Self::Gone(_) | Self::Failed(_) | Self::Panicked(_))
    }
}

/// How a connection was lost, for all of its calls.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The server has closed it, or its process has ended.
    #[error("the server has gone")]
    Closed,
    /// The stream failed, or broke off inside a message.
    #[error(transparent)]
    Stream(#[from] FrameError),
    /// What came is no reply.
    #[error("not a reply: {0}")]
    Reply(#[from] FieldError),
    /// A reply to a call that was never made.
    #[error("a reply to call {id}, which was never made")]
    Stranger {
        /// The number that it names.
        id: u64,
    },
}
