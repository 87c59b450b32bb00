//! A frame is a length (u32, big-endian) and that many bytes: how messages keep their boundaries in a stream of bytes.
//!
//! A stream knows no messages: one `write` may come out of several `read`s, and the other way round. [`Frames`] collects
//! what has come, in whatever cuts, and gives out messages once they are whole. A length is a promise of the other side
//! and is trusted with nothing: one above the maximum is refused as soon as it is read, and memory grows with the bytes
//! that really came, never with what was announced.
//!
//! The same bytes as CPython's `Connection.send_bytes` up to 0x7fff_ffff bytes (Lib/multiprocessing/connection.py).

mod read;
mod write;

use std::io;

pub use read::{FrameReader, Frames};
pub use write::write_frame;

/// Bytes of the length in front.
pub const HEADER: usize = size_of::<u32>();

/// The longest message unless another maximum is stated: 64 MiB.
pub const MAXIMUM: usize = 64 << 20;

/// No maximum may be above this: a length with the highest bit set means something else to CPython.
pub const LONGEST: usize = 0x7fff_ffff;

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than the maximum. Nothing behind it can be read either: nobody knows where the next one begins.
    #[error("at byte {offset}: a message of {announced} bytes, where at most {maximum} are allowed")]
    TooLong {
        /// Where in the stream its length stands, in bytes from the beginning (0 for one that was to be sent).
        offset: u64,
        /// How long it was to be.
        announced: usize,
        /// What is allowed.
        maximum: usize,
    },
    /// The stream ends in the middle of a message.
    #[error("at byte {offset}: the stream ends after {have} bytes of a message of {of}")]
    Cut {
        /// Where in the stream the message begins.
        offset: u64,
        /// Bytes of it that came, length included.
        have: usize,
        /// Bytes that were promised, length included (those of the length alone if not even that came).
        of: usize,
    },
    /// The system's reason. `TimedOut` when a deadline has passed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FrameError {
    /// Whether it only came too late: the message may still come.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::TimedOut)
    }
}

/// The length in front of `payload`.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn header(payload: &[u8], maximum: usize) -> Result<[u8; HEADER], FrameError> {
    match u32::try_from(payload.len()) {
        Ok(length) if payload.len() <= maximum.min(LONGEST) => Ok(length.to_be_bytes()),
        _ => Err(FrameError::TooLong { offset: 0, announced: payload.len(), maximum }),
    }
}
