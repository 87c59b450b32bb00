//! The receiving half: as many messages with one system call as have come.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    net::{RecvFlags, recv},
};

use crate::{
    frame::{FrameError, Frames},
    ready::{deadline, ready},
};

/// The receiving half.
#[derive(Debug)]
pub struct Receiver {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) frames: Frames,
    /// What [`collect`](Self::collect) met, for the next `receive`: the kernel tells an error once.
    pub(super) failed: Option<io::Error>,
    /// How often `receive` looks and lets others run before it sleeps.
    pub(super) looks: u32,
}

impl Receiver {
    /// The next message; `None` when the other side has closed, after all that it sent.
    ///
    /// # Errors
    /// [`FrameError`]; `ConnectionReset` when the other side went with messages of ours unread.
    pub fn receive(&mut self) -> Result<Option<&[u8]>, FrameError> {
        self.receive_until(None)
    }

    /// As [`receive`](Self::receive), at most `within` for the whole message: then `TimedOut`. What has come of it is
    /// kept: it may be asked for again.
    ///
    /// # Errors
    /// The same.
    pub fn receive_within(&mut self, within: Duration) -> Result<Option<&[u8]>, FrameError> {
        self.receive_until(deadline(within))
    }

    /// Whether [`receive`](Self::receive) would return without reading from the socket. Whoever polls the descriptor
    /// asks this first: several messages may have come with one read.
    pub fn is_ready(&self) -> bool {
        self.frames.is_ready()
    }

    /// Takes in what has come, without waiting. Whether [`receive`](Self::receive) would return at once now: with a
    /// message, the end or an error.
    pub(crate) fn collect(&mut self) -> bool {
        while !self.frames.is_ready() && self.failed.is_none() {
            let got = self.frames.fill(|room| Ok(recv(&self.socket, room, RecvFlags::DONTWAIT)?.0));
            match got {
                // The end: it stays, and `receive` reads it again.
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) => self.failed = Some(error),
            }
        }
        true
    }

    fn receive_until(&mut self, deadline: Option<Instant>) -> Result<Option<&[u8]>, FrameError> {
        let looks = if self.frames.is_ready() { 0 } else { self.looks };
        for _ in 0..looks {
            // First the others: on one core nobody can have answered yet.
            thread::yield_now();
            if self.collect() {
                break;
            }
        }
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        while !self.frames.is_ready() {
            if deadline.is_some() && !ready(&self.socket, PollFlags::IN, deadline)? {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            let got = self.frames.fill(|room| {
                let (count, _) = recv(&self.socket, room, RecvFlags::empty())?;
                Ok(count)
            })?;
            if got == 0 {
                return self.frames.end().map(|()| None);
            }
        }
        self.frames.next_frame()
    }
}

/// Readable when a message may have come; see [`Receiver::is_ready`].
impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
