//! A stream socket, read and written until a point in time, and no longer.

use std::{
    io::IoSlice,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, sendmsg},
    time::Timespec,
};

use super::ConnectionError;

/// When patience ends: for a whole message or a whole challenge, however many pieces it comes in. A limit for each
/// read would let a peer that sends a byte from time to time hold us for ever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    limit: Duration,
    at: Option<Instant>,
}

impl Deadline {
    /// `None`, and what is too far away to be a time, is never.
    pub(super) fn after(limit: Option<Duration>) -> Self {
        let limit = limit.unwrap_or(Duration::MAX);
        Self { limit, at: Instant::now().checked_add(limit) }
    }

    /// Waits until `socket` is ready; `done` is only for the error.
    fn wait(&self, socket: &OwnedFd, events: PollFlags, done: usize) -> Result<(), ConnectionError> {
        loop {
            let left = self.at.map(|at| at.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut [PollFd::new(socket, events)], left.as_ref()) {
                Ok(0) => return Err(ConnectionError::Late { limit: self.limit, done }),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether time is left, which only matters to a peer that is always just ready enough.
    fn check(&self, done: usize) -> Result<(), ConnectionError> {
        match self.at {
            Some(at) if at <= Instant::now() => Err(ConnectionError::Late { limit: self.limit, done }),
            _ => Ok(()),
        }
    }
}

/// Fills `buffer`, of which `done` bytes are there, from `socket`. Less than all of it: the peer has closed.
pub(super) fn fill(
    socket: &OwnedFd,
    buffer: &mut [u8],
    mut done: usize,
    deadline: Deadline,
) -> Result<usize, ConnectionError> {
    // Without a limit the socket itself waits, which is one system call less.
    let flags = if deadline.at.is_some() { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
    while done < buffer.len() {
        match recv(socket, &mut buffer[done..], flags) {
            Ok((_, 0)) => break,
            Ok((_, count)) => {
                done += count;
                if done < buffer.len() {
                    deadline.check(done)?;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => deadline.wait(socket, PollFlags::IN, done)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(done)
}

/// Sends all of `header` and `message`, in one system call if the socket takes that much.
pub(super) fn send(
    socket: &OwnedFd,
    header: &[u8],
    message: &[u8],
    deadline: Deadline,
) -> Result<(), ConnectionError> {
    // A peer that is gone is an error here and no SIGPIPE, whatever this program does with the signal.
    let wait = if deadline.at.is_some() { SendFlags::DONTWAIT } else { SendFlags::empty() };
    let mut pieces = [IoSlice::new(header), IoSlice::new(message)];
    let mut left = &mut pieces[..];
    let mut done = 0;
    let all = header.len() + message.len();
    while done < all {
        match sendmsg(socket, left, &mut SendAncillaryBuffer::default(), wait | SendFlags::NOSIGNAL) {
            Ok(count) => {
                done += count;
                IoSlice::advance_slices(&mut left, count);
                if done < all {
                    deadline.check(done)?;
                }
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => deadline.wait(socket, PollFlags::OUT, done)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether `socket` is ready to be read within `limit`; the peer's end counts as ready.
pub(super) fn ready(socket: &OwnedFd, limit: Duration) -> Result<bool, ConnectionError> {
    match Deadline::after(Some(limit)).wait(socket, PollFlags::IN, 0) {
        Ok(()) => Ok(true),
        Err(ConnectionError::Late { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
