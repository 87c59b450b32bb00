//! A bounded channel for the scheduler that explores schedules: what a pipe, a queue or a mailbox of fixed size is made of.

use std::collections::VecDeque;

use model::schedule::{Condvar, Mutex};

/// A clone is the same channel.
#[derive(Clone)]
pub(super) struct Channel {
    capacity: usize,
    queue: Mutex<VecDeque<u32>>,
    changed: Condvar,
}

impl Channel {
    /// One with room for `capacity` values; with 0 sender and receiver meet (one of each). Drawings call it `name`.
    pub(super) fn new(name: &str, capacity: usize) -> Self {
        let queue = Mutex::new(name, VecDeque::new());
        Self { capacity, queue, changed: Condvar::new(&format!("{name} changed")) }
    }

    /// Adds `value`; waits while there is no room, at a rendezvous until it is taken.
    pub(super) fn send(&self, value: u32) {
        let full = |queue: &mut VecDeque<u32>| queue.len() >= self.capacity.max(1);
        let mut queue = self.changed.wait_while(self.queue.lock(), full);
        queue.push_back(value);
        self.changed.notify_all();
        if self.capacity == 0 {
            drop(self.changed.wait_while(queue, |queue| !queue.is_empty()));
        }
    }

    /// Takes the oldest value; waits while there is none.
    pub(super) fn receive(&self) -> u32 {
        let mut queue = self.changed.wait_while(self.queue.lock(), |queue| queue.is_empty());
        let oldest = queue.pop_front();
        self.changed.notify_all();
        oldest.unwrap_or_default()
    }
}
