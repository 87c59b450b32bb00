//! A bounded channel whose ends are counted, and whose waits are judged.
//!
//! Values stand in one queue in the order of their sending; the first `capacity` of them are sent, the senders of the
//! others wait until theirs moves up that far. With a capacity of 0 a value is sent when it is received.

use std::{
    borrow::Cow,
    collections::VecDeque,
    panic::Location,
    sync::{self, Arc, PoisonError},
};

use super::{
    Detector, Receiver, Sender,
    ends::{Side, opened},
    graph::{Graph, On},
    identity::Identity,
};
use crate::detector::Kind;

/// What both ends share.
pub(super) struct Shared<T> {
    pub(super) identity: Identity,
    pub(super) capacity: usize,
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
    (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
}

impl<T> Shared<T> {
    /// How many values there are, sent or not.
    pub(super) fn len(&self) -> usize {
        self.queue().values.len()
    }

    fn queue(&self) -> sync::MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest value; by that the one that has waited longest to send has sent.
    pub(super) fn take(&self, graph: &mut Graph) -> Option<T> {
        let (_, value) = self.queue().values.pop_front()?;
        wake_first(graph, On::Send(self.identity.number()));
        Some(value)
    }

    /// Adds a value and wakes a receiver; its ticket.
    pub(super) fn add(&self, graph: &mut Graph, value: T) -> u64 {
        let mut queue = self.queue();
        let ticket = queue.next;
        queue.next += 1;
        queue.values.push_back((ticket, value));
        wake_first(graph, On::Receive(self.identity.number()));
        ticket
    }

    /// Takes a value back that is not sent yet.
    pub(super) fn withdraw(&self, ticket: u64) -> Option<T> {
        let mut queue = self.queue();
        let at = queue.values.iter().position(|(theirs, _)| *theirs == ticket)?;
        if at < self.capacity { None } else { queue.values.remove(at).map(|(_, value)| value) }
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
