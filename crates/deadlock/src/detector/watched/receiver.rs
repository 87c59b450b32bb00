//! The receiving end of a channel.

use std::{
    fmt,
    panic::Location,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, TryRecvError},
    },
    time::Duration,
};

use super::{
    block::{Blocking, Woken},
    channel::Shared,
    ends::{End, Here, Side, left},
    graph::On,
    identity::Identity,
    local,
};
use crate::detector::RecvError;

/// The end that receives. As the `get` of `queue.Queue`.
pub struct Receiver<T>(Arc<Shared<T>>);

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self(shared)
    }

    /// Receives the oldest value; waits while there is none.
    ///
    /// # Errors
    /// When all senders are gone, or none of those that are left can ever send.
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        match self.receive(Blocking::new(Location::caller(), None)) {
            Ok(value) => Ok(value),
            Err(Some(error)) => Err(error),
            Err(None) => unreachable!("a wait without a limit does not run out of time"),
        }
    }

    /// As [`recv`](Self::recv), but waits no longer than `timeout`: such a wait is never part of a deadlock.
    ///
    /// # Errors
    /// As std's.
    #[track_caller]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let received = self.receive(Blocking::new(Location::caller(), Some(timeout)));
        received.map_err(|error| match error {
            None => RecvTimeoutError::Timeout,
            Some(_) => RecvTimeoutError::Disconnected,
        })
    }

    /// Receives if there is a value.
    ///
    /// # Errors
    /// As std's.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let shared = &*self.0;
        local::with(|local| local.meet(&shared.identity));
        let number = shared.identity.number();
        let mut graph = shared.identity.detector().graph();
        match shared.take(&mut graph) {
            Some(value) => Ok(value),
            None if graph.object(number).senders.count() == 0 => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Receives until all senders are gone or a deadlock is found.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv().ok())
    }

    /// The error is `None` when the time ran out.
    fn receive(&self, blocking: Blocking) -> Result<T, Option<RecvError>> {
        let shared = &*self.0;
        local::with(|local| {
            local.meet(&shared.identity);
            let (me, number) = (local.number(), shared.identity.number());
            let detector = shared.identity.detector();
            let mut graph = detector.graph();
            loop {
                if let Some(value) = shared.take(&mut graph) {
                    return Ok(value);
                }
                if graph.object(number).senders.count() == 0 {
                    return Err(Some(RecvError::Disconnected));
                }
                graph.object(number).queue.push_back((me, On::Receive(number)));
                let (awake, woken) = detector.block(graph, local, On::Receive(number), blocking);
                graph = awake;
                // Who is no longer in the queue was sent a value, whatever else happened.
                if graph.object(number).leave(me) {
                    match woken {
                        Woken::Deadlock(report) => return Err(Some(RecvError::WouldDeadlock(report))),
                        Woken::TimedOut => return Err(None),
                        Woken::Go => {}
                    }
                }
            }
        })
    }

    /// Binds this handle to the calling thread: see [`Here`].
    pub fn here(self) -> Here<Self> {
        Here::new(self)
    }
}

impl<T> End for Receiver<T> {
    const SIDE: Side = Side::Receive;

    fn identity(&self) -> &Identity {
        &self.0.identity
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        left(&self.0.identity, Side::Receive);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Receiver").finish_non_exhaustive()
    }
}
