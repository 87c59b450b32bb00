//! The sending half: length and message with one system call.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    io::Errno,
    net::{SendAncillaryBuffer, SendFlags, send, sendmsg},
};

use crate::{
    frame::{FrameError, HEADER, header},
    ready::{deadline, ready},
};

/// Messages up to this length are put behind their header first: for the kernel one piece is less work than two, by more than
/// so short a copy.
const SHORT: usize = 256;

/// The sending half.
#[derive(Debug)]
pub struct Sender {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) maximum: usize,
    /// A message was begun and not finished: whatever came next would be taken for the rest of it.
    pub(super) broken: bool,
}

impl Sender {
    /// Sends a message. Waits while the other side does not read and the socket is full.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] before anything is sent. `BrokenPipe` when the other side has gone; after that and after
    /// `TimedOut` nothing more can be sent, and each try says `BrokenPipe`.
    pub fn send(&mut self, message: &[u8]) -> Result<(), FrameError> {
        self.send_until(message, None)
    }

    /// As [`send`](Self::send), at most `within`: then `TimedOut`.
    ///
    /// # Errors
    /// The same.
    pub fn send_within(&mut self, message: &[u8], within: Duration) -> Result<(), FrameError> {
        self.send_until(message, deadline(within))
    }

    /// Says that nothing more will come, though the other half is still there: the peer's `receive` returns `None`.
    ///
    /// # Errors
    /// Those of shutdown(2).
    pub fn finish(self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Write)?)
    }

    fn send_until(&mut self, message: &[u8], deadline: Option<Instant>) -> Result<(), FrameError> {
        let header = header(message, self.maximum)?;
        if self.broken {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let mut together = [0; HEADER + SHORT];
        let mut parts = [IoSlice::new(&header), IoSlice::new(message)];
        let mut left = &mut parts[..];
        if let Some(short) = together.get_mut(..HEADER + message.len()) {
            short[..HEADER].copy_from_slice(&header);
            short[HEADER..].copy_from_slice(message);
            left[0] = IoSlice::new(short);
            left = &mut left[..1];
        }
        // NOSIGNAL: a closed socket is an error, not a SIGPIPE, whatever the program has set.
        let wait = if deadline.is_some() { SendFlags::DONTWAIT } else { SendFlags::empty() };
        self.broken = true;
        while !left.is_empty() {
            let sent = match &*left {
                [piece] => send(&self.socket, piece, wait | SendFlags::NOSIGNAL),
                pieces => sendmsg(
                    &self.socket,
                    pieces,
                    &mut SendAncillaryBuffer::default(),
                    wait | SendFlags::NOSIGNAL,
                ),
            };
            match sent {
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !ready(&self.socket, PollFlags::OUT, deadline)? {
                        return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                    }
                }
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        self.broken = false;
        Ok(())
    }
}

/// Writable when there is room.
impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
