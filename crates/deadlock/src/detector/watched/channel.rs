//! A bounded channel whose ends are counted, and whose waits are judged.
//!
//! Values stand in one queue in the order of their sending; the first `capacity` of them are sent, the senders of the
//! others wait until theirs moves up that far. With a capacity of 0 a value is sent when it is received.

use std::{
    borrow::Cow,
    collections::VecDeque,
    fmt,
    panic::Location,
    sync::{
        self, Arc, PoisonError,
        mpsc::{RecvTimeoutError, TryRecvError, TrySendError},
    },
    time::Duration,
};

use super::{
    Detector,
    block::{Blocking, Woken},
    ends::{End, Here, Side, left, opened},
    graph::{Graph, On},
    identity::Identity,
    local,
};
use crate::detector::{Kind, RecvError, SendError};

/// The end that sends; clone it for each sender. As the `put` of `queue.Queue(maxsize)`.
pub struct Sender<T>(Arc<Shared<T>>);

/// The end that receives. As the `get` of `queue.Queue`.
pub struct Receiver<T>(Arc<Shared<T>>);

pub(super) struct Shared<T> {
    identity: Identity,
    capacity: usize,
    /// Locked under the graph's lock only, so never waited for.
    queue: sync::Mutex<Queue<T>>,
}

struct Queue<T> {
    values: VecDeque<(u64, T)>,
    next: u64,
}

/// A channel of the process's own detector for `capacity` values; with 0 sender and receiver meet.
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    ends(Identity::global(Kind::Channel, Cow::Borrowed(""), Location::caller()), capacity)
}

#[track_caller]
pub(super) fn make<T>(
    detector: &Detector,
    name: Cow<'static, str>,
    capacity: usize,
) -> (Sender<T>, Receiver<T>) {
    ends(Identity::of(detector, Kind::Channel, name, Location::caller()), capacity)
}

fn ends<T>(identity: Identity, capacity: usize) -> (Sender<T>, Receiver<T>) {
    let queue = sync::Mutex::new(Queue { values: VecDeque::new(), next: 0 });
    opened(&identity, Side::Send);
    opened(&identity, Side::Receive);
    let shared = Arc::new(Shared { identity, capacity, queue });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Shared<T> {
    fn queue(&self) -> sync::MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest value; by that the one that has waited longest to send has sent.
    fn take(&self, graph: &mut Graph) -> Option<T> {
        let (_, value) = self.queue().values.pop_front()?;
        wake_first(graph, On::Send(self.identity.number()));
        Some(value)
    }

    /// Adds a value and wakes a receiver; its ticket.
    fn add(&self, graph: &mut Graph, value: T) -> u64 {
        let mut queue = self.queue();
        let ticket = queue.next;
        queue.next += 1;
        queue.values.push_back((ticket, value));
        wake_first(graph, On::Receive(self.identity.number()));
        ticket
    }

    /// Takes a value back that is not sent yet.
    fn withdraw(&self, ticket: u64) -> Option<T> {
        let mut queue = self.queue();
        let at = queue.values.iter().position(|(theirs, _)| *theirs == ticket)?;
        if at < self.capacity { None } else { queue.values.remove(at).map(|(_, value)| value) }
    }
}

impl<T> Sender<T> {
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
            if shared.queue().values.len() <= shared.capacity {
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
        let count = shared.queue().values.len();
        if count < shared.capacity || (shared.capacity == 0 && awaited) {
            shared.add(&mut graph, value);
            Ok(())
        } else {
            Err(TrySendError::Full(value))
        }
    }
}

impl<T> Receiver<T> {
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
}

/// Wakes the one that has waited longest for this.
fn wake_first(graph: &mut Graph, on: On) {
    let (On::Send(number) | On::Receive(number)) = on else { return };
    let queue = &mut graph.object(number).queue;
    if let Some(at) = queue.iter().position(|(_, theirs)| *theirs == on)
        && let Some((thread, _)) = queue.remove(at)
    {
        graph.wake(thread);
    }
}

impl<T> Sender<T> {
    /// Binds this handle to the calling thread: see [`Here`].
    pub fn here(self) -> Here<Self> {
        Here::new(self)
    }
}

impl<T> Receiver<T> {
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

impl<T> End for Receiver<T> {
    const SIDE: Side = Side::Receive;

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

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        left(&self.0.identity, Side::Receive);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Receiver").finish_non_exhaustive()
    }
}
