//! A frame is a length (u32, little-endian) and that many bytes of [postcard](https://postcard.jamesmunns.com/wire-format);
//! whatever bytes come in, in whatever cuts, reading them gives values or a [`FrameError`], never a panic.
//!
//! A pipe knows no messages: one `write` may come out of several `read`s and the other way round. So [`Inbox`]
//! collects what has come and gives out frames once they are whole. Its memory grows with bytes that were
//! really received, never with what a length merely promises.

use std::{io, os::fd::AsFd};

use rustix::{buffer::spare_capacity, io::Errno};
use serde::{Serialize, de::DeserializeOwned};

/// The longest payload, in bytes: 256 MiB. A longer one is refused on both sides. (It also catches text that
/// is printed where frames should be: four ASCII letters, read as a length, promise more than 500 MiB.)
pub const LIMIT: usize = 256 << 20;

/// Bytes of the length in front.
const HEADER: usize = size_of::<u32>();

/// How much one `read` asks for: what a pipe of Linux holds by default (pipe(7)).
const READ: usize = 64 << 10;

/// Why there is no frame, or no value in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than [`LIMIT`].
    #[error("a frame of {bytes} bytes, where at most {LIMIT} are allowed")]
    TooLong {
        /// What was announced, or was to be sent.
        bytes: usize,
    },
    /// The other side ended in the middle of a frame.
    #[error("the frame ends after {have} bytes of {of}")]
    Cut {
        /// Bytes that came, length included.
        have: usize,
        /// Bytes that were promised (the length's own, as long as not even that is there).
        of: usize,
    },
    /// A value that postcard cannot write.
    #[error("cannot be encoded: {0}")]
    Encode(postcard::Error),
    /// Bytes that are not the value that was expected.
    #[error("is not the message expected here: {0}")]
    Decode(postcard::Error),
    /// A value, and then more.
    #[error("has {0} bytes behind its message")]
    Trailing(usize),
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// `value` as a frame.
///
/// # Errors
/// [`FrameError::Encode`] and [`FrameError::TooLong`].
pub fn encode(value: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = postcard::to_extend(value, vec![0; HEADER]).map_err(FrameError::Encode)?;
    let bytes = frame.len() - HEADER;
    if bytes > LIMIT {
        return Err(FrameError::TooLong { bytes });
    }
    frame[..HEADER].copy_from_slice(&(bytes as u32).to_le_bytes());
    Ok(frame)
}

/// A payload that is encoded already, as a frame.
///
/// # Errors
/// [`FrameError::TooLong`].
pub(crate) fn of_payload(payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    if payload.len() > LIMIT {
        return Err(FrameError::TooLong { bytes: payload.len() });
    }
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    frame.extend_from_slice(payload);
    Ok(frame)
}

/// The value of a frame's payload: of all of it.
///
/// # Errors
/// [`FrameError::Decode`] and [`FrameError::Trailing`].
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FrameError> {
    let (value, behind) = postcard::take_from_bytes(payload).map_err(FrameError::Decode)?;
    if behind.is_empty() { Ok(value) } else { Err(FrameError::Trailing(behind.len())) }
}

/// What has been received and not yet been taken out.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Where the next frame begins.
    next: usize,
}

/// What one read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Some bytes.
    Some,
    /// None yet: the descriptor does not block and is empty.
    NotYet,
    /// None ever more: the other side has closed.
    End,
}

impl Inbox {
    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.make_room();
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds what one `read` brings.
    ///
    /// # Errors
    /// The system's, but for EINTR (read again) and EAGAIN ([`Fill::NotYet`]).
    pub fn fill(&mut self, from: impl AsFd) -> io::Result<Fill> {
        self.make_room();
        self.bytes.reserve(READ);
        loop {
            match rustix::io::read(&from, spare_capacity(&mut self.bytes)) {
                Ok(0) => return Ok(Fill::End),
                Ok(_) => return Ok(Fill::Some),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Fill::NotYet),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The payload of the next frame, if all of it is there.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], as soon as the length is there; then nothing behind it can be read either.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let ahead = &self.bytes[self.next..];
        let Some(header) = ahead.first_chunk::<HEADER>() else { return Ok(None) };
        let bytes = u32::from_le_bytes(*header) as usize;
        if bytes > LIMIT {
            return Err(FrameError::TooLong { bytes });
        }
        if ahead.len() < HEADER + bytes {
            return Ok(None);
        }
        let from = self.next + HEADER;
        self.next = from + bytes;
        Ok(Some(&self.bytes[from..from + bytes]))
    }

    /// Waits for the next frame on a descriptor that blocks; `None` when the other side closed between frames.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], [`FrameError::Cut`] and [`FrameError::Io`].
    pub fn receive(&mut self, from: impl AsFd) -> Result<Option<&[u8]>, FrameError> {
        while !self.has_frame()? {
            match self.fill(&from)? {
                Fill::Some => {}
                Fill::NotYet => return Err(io::Error::from(io::ErrorKind::WouldBlock).into()),
                Fill::End => return self.end().map(|()| None),
            }
        }
        self.next_frame()
    }

    /// To be asked when the other side has closed: is nothing cut off?
    ///
    /// # Errors
    /// [`FrameError::Cut`] when it closed in the middle of a frame.
    pub fn end(&self) -> Result<(), FrameError> {
        let ahead = &self.bytes[self.next..];
        let of = ahead.first_chunk::<HEADER>().map_or(0, |header| u32::from_le_bytes(*header) as usize);
        if ahead.is_empty() { Ok(()) } else { Err(FrameError::Cut { have: ahead.len(), of: HEADER + of }) }
    }

    fn has_frame(&mut self) -> Result<bool, FrameError> {
        let before = self.next;
        let found = self.next_frame()?.is_some();
        self.next = before;
        Ok(found)
    }

    /// Forgets the frames that were taken out. Only when nothing or little is left to move, so that each byte
    /// is moved once at most on average.
    fn make_room(&mut self) {
        let left = self.bytes.len() - self.next;
        if left <= self.next {
            self.bytes.copy_within(self.next.., 0);
            self.bytes.truncate(left);
            self.next = 0;
        }
    }
}
