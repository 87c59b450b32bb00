//! The putting end: `put` hands its item to a feeder thread and returns.
//!
//! As in CPython, so that whoever produces does not wait for whoever consumes. And as there, what was put may be here for
//! some time: a process that ends must wait for its feeder ([`Producer::close`]). CPython waits without an end, which hangs
//! when a pipe is full and its reader waits for this process to end. Here all waits have one.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::net::{Shutdown, shutdown};

use super::{
    QueueError, SILENT, connect,
    feeder::{End, Job, Shared, What, feed},
    wire::LONGEST,
};
use crate::{Address, auth::Key, ready::deadline, server::lock};

/// How long dropping a producer waits for what the server has not accepted yet. To be certain, [`Producer::close`].
pub const LINGER: Duration = Duration::from_secs(1);

/// Puts items into a queue in another process.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<Shared>,
    /// To end the feeder, which may be waiting for the server.
    socket: OwnedFd,
    feeder: Option<JoinHandle<()>>,
    patience: Duration,
}

impl Producer {
    /// Connects to the queue at `address`.
    ///
    /// # Errors
    /// [`QueueError::Auth`], and [`QueueError::Io`] when nobody listens there.
    pub fn connect(address: &Address, key: &Key) -> Result<Self, QueueError> {
        let connection = connect(address, key)?;
        let socket = connection.as_fd().try_clone_to_owned()?;
        let shared = Arc::new(Shared::default());
        let feeds = Arc::clone(&shared);
        let feeder = thread::Builder::new().name("feeder".into()).spawn(move || feed(&feeds, connection))?;
        Ok(Self { shared, socket, feeder: Some(feeder), patience: SILENT })
    }

    /// Waits for a word of the server, once the time of a request is over, at most so long, instead of [`SILENT`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Puts `item`, and never waits: it is kept here until the server takes it, however many they become.
    ///
    /// # Errors
    /// [`QueueError::TooLong`]; what has ended the queue, if something has.
    pub fn put(&mut self, item: &[u8]) -> Result<(), QueueError> {
        check(item)?;
        let mut buffer = lock(&self.shared.buffer);
        buffer.open()?;
        buffer.jobs.push_back(Job { what: What::Item(item.into()), awaited: None });
        drop(buffer);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Puts `item`, after all that were put before, and waits until the server has accepted it, at most `limit`.
    ///
    /// # Errors
    /// [`QueueError::Full`]: then it is not in the queue. [`QueueError::Silent`]: it may be, and this producer is at its end.
    /// Otherwise as [`put`](Self::put).
    pub fn put_within(&mut self, item: &[u8], limit: Duration) -> Result<(), QueueError> {
        check(item)?;
        self.outcome(What::Item(item.into()), limit, QueueError::Full(limit))
    }

    /// Waits until all that was put into the queue, by anybody, is done ([`Consumer::task_done`](super::Consumer::task_done)).
    ///
    /// # Errors
    /// [`QueueError::Unfinished`]; [`QueueError::Silent`], with which this producer is at its end; what has ended the queue, if
    /// something has.
    pub fn join_within(&mut self, limit: Duration) -> Result<(), QueueError> {
        self.outcome(What::Join, limit, QueueError::Unfinished(limit))
    }

    /// Items that were put and not yet accepted, at this moment.
    pub fn unaccepted(&self) -> usize {
        lock(&self.shared.buffer).unaccepted()
    }

    /// Waits until everything that was put is accepted, at most `limit`, and ends. In Python: `close` and `join_thread`.
    ///
    /// # Errors
    /// [`QueueError::Unaccepted`], and what has ended the queue, if something was left then.
    pub fn close(self, limit: Duration) -> Result<(), QueueError> {
        self.end(limit)
    }

    /// Gives up what the server has not accepted, and ends. In Python: `cancel_join_thread`. Returns how many it were.
    pub fn abandon(self) -> usize {
        match self.end(Duration::ZERO) {
            Err(QueueError::Unaccepted(left) | QueueError::Gone { unaccepted: left }) => left,
            _ => 0,
        }
    }

    fn end(&self, limit: Duration) -> Result<(), QueueError> {
        let until = deadline(limit);
        let mut buffer = lock(&self.shared.buffer);
        while buffer.unaccepted() > 0 && buffer.end.is_none() {
            let (waited, is_over) = self.shared.wait(buffer, until);
            buffer = waited;
            if is_over {
                break;
            }
        }
        let left = buffer.unaccepted();
        buffer.is_ending = true;
        buffer.jobs.clear();
        let end = buffer.end;
        drop(buffer);
        self.shared.changed.notify_all();
        // It may wait for an answer: now it gets the end of the stream. An error: the stream has ended already.
        let _ = shutdown(&self.socket, Shutdown::Both);
        match (left, end) {
            (0, _) => Ok(()),
            (left, None) => Err(QueueError::Unaccepted(left)),
            (left, Some(End::Gone)) => Err(QueueError::Gone { unaccepted: left }),
            (_, Some(End::Closed)) => Err(QueueError::Closed),
        }
    }

    fn outcome(&mut self, what: What, limit: Duration, late: QueueError) -> Result<(), QueueError> {
        let until = deadline(limit);
        let mut buffer = lock(&self.shared.buffer);
        buffer.open()?;
        buffer.verdict = None;
        buffer.jobs.push_back(Job { what, awaited: Some(until) });
        self.shared.changed.notify_all();
        let mut patience = until;
        loop {
            if let Some(verdict) = buffer.verdict.take() {
                return match verdict {
                    // With the whole limit, not what was left of it when it was sent.
                    Err(QueueError::Full(_) | QueueError::Unfinished(_)) => Err(late),
                    verdict => verdict,
                };
            }
            let (waited, is_over) = self.shared.wait(buffer, patience);
            buffer = waited;
            if !is_over || buffer.verdict.is_some() {
                continue;
            }
            // Ours is the last one: nobody else puts while we have `self`. Still here, it was not sent.
            if buffer.jobs.back().is_some_and(|job| job.awaited.is_some()) {
                buffer.jobs.pop_back();
                return Err(late);
            }
            // It is under way, and the server says what becomes of it, when its time is over at the latest.
            if patience != until {
                // No more requests: what it says to this one after all would be taken for the answer to the next.
                buffer.end = Some(End::Gone);
                let _ = shutdown(&self.socket, Shutdown::Both);
                return Err(QueueError::Silent);
            }
            patience = deadline(self.patience);
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // `close` has waited before, and has said what is left; here nobody can be told.
        let _ = self.end(LINGER);
        let _ = self.feeder.take().map(JoinHandle::join);
    }
}

fn check(item: &[u8]) -> Result<(), QueueError> {
    if item.len() > LONGEST { Err(QueueError::TooLong(item.len())) } else { Ok(()) }
}
