//! A lock, condition variable or channel in the graph: who has it, and who waits.

use std::collections::VecDeque;

use super::graph::On;
use crate::detector::{Kind, Place};

/// Known to the graph from the first use until the drop.
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) name: Box<str>,
    pub(super) created: Place,
    /// Who holds it. Of a mutex this is known only while somebody waits: then its owner cannot change without the
    /// graph's lock.
    pub(super) holders: Vec<Holder>,
    /// Who waits, in the order in which they are served.
    pub(super) queue: VecDeque<(u64, On)>,
    /// Who has the ends of a channel.
    pub(super) senders: Ends,
    pub(super) receivers: Ends,
}

#[derive(Clone, Copy)]
pub(super) struct Holder {
    pub(super) thread: u64,
    pub(super) shared: bool,
}

/// The living handles of one end of a channel.
#[derive(Default)]
pub(super) struct Ends {
    /// How many may be anywhere.
    pub(super) anywhere: usize,
    /// Whose thread is known: one entry each.
    pub(super) bound: Vec<u64>,
}

impl Ends {
    pub(super) fn count(&self) -> usize {
        self.anywhere + self.bound.len()
    }

    pub(super) fn unbind(&mut self, thread: u64) {
        if let Some(at) = self.bound.iter().position(|bound| *bound == thread) {
            self.bound.swap_remove(at);
        }
    }
}

impl Object {
    pub(super) fn new(kind: Kind, name: &str, created: Place) -> Self {
        Self {
            kind,
            name: name.into(),
            created,
            holders: Vec::new(),
            queue: VecDeque::new(),
            senders: Ends::default(),
            receivers: Ends::default(),
        }
    }

    /// Takes `thread` out of the queue; whether it was there.
    pub(super) fn leave(&mut self, thread: u64) -> bool {
        let at = self.queue.iter().position(|(waiter, _)| *waiter == thread);
        at.is_some_and(|at| self.queue.remove(at).is_some())
    }

    pub(super) fn release(&mut self, thread: u64) {
        if let Some(at) = self.holders.iter().rposition(|holder| holder.thread == thread) {
            self.holders.remove(at);
        }
    }
}
