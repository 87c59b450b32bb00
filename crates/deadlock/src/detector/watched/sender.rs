//! The sending end of a channel.

use std::{
    fmt,
    panic::Location,
    sync::{Arc, mpsc::TrySendError},
};

use super::{
    block::{Blocking, Woken},
    channel::Shared,
    ends::{End, Here, Side, left, opened},
    graph::On,
    identity::Identity,
    local,
};
use crate::detector::SendError;

/// The end that sends; clone it for each sender. As the `put` of `queue.Queue(maxsize)`.
pub struct Sender<T>(Arc<Shared<T>>);

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self(shared)
    }

    /// Sends; waits while the channel is full.
    ///
    /// # Errors
    /// The value comes back when the receiver is gone, or nobody will ever receive.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let blocking = Blocking::new(Location::caller(), None);
        let shared = &*self.0;
        local::with(|local| {
            local.meet(&shared.identity);
            let (me, number) = (local.number(), shared.identity.number());
            let detector = shared.identity.detector();
            let mut graph = detector.graph();
            if graph.object(number).receivers.count() == 0 {
                return Err(SendError::Disconnected(value));
            }
            let ticket = shared.add(&mut graph, value);
            if shared.len() <= shared.capacity {
                return Ok(());
            }
            graph.object(number).queue.push_back((me, On::Send(number)));
            let (mut graph, woken) = detector.block(graph, local, On::Send(number), blocking);
            graph.object(number).leave(me);
            match (shared.withdraw(ticket), woken) {
                (None, _) => Ok(()),
                (Some(value), Woken::Deadlock(report)) => Err(SendError::WouldDeadlock(value, report)),
                (Some(value), _) => Err(SendError::Disconnected(value)),
            }
        })
    }

    /// Sends if that needs no waiting.
    ///
    /// # Errors
    /// The value comes back, as std's.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let shared = &*self.0;
        local::with(|local| local.meet(&shared.identity));
        let number = shared.identity.number();
        let mut graph = shared.identity.detector().graph();
        let object = graph.object(number);
        if object.receivers.count() == 0 {
            return Err(TrySendError::Disconnected(value));
        }
        let awaited = object.queue.iter().any(|(_, on)| *on == On::Receive(number));
        let count = shared.len();
        if count < shared.capacity || (shared.capacity == 0 && awaited) {
            shared.add(&mut graph, value);
            Ok(())
        } else {
            Err(TrySendError::Full(value))
        }
    }

    /// Binds this handle to the calling thread: see [`Here`].
    pub fn here(self) -> Here<Self> {
        Here::new(self)
    }
}

impl<T> End for Sender<T> {
    const SIDE: Side = Side::Send;

    fn identity(&self) -> &Identity {
        &self.0.identity
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        opened(&self.0.identity, Side::Send);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        left(&self.0.identity, Side::Send);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sender").finish_non_exhaustive()
    }
}
