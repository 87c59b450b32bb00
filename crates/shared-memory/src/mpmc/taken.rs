//! A message that has been taken, and not yet for good.

use super::{Queue, QueueError, slots::Slots};
use crate::{ring::Points, safe::Plain};

/// A message that is being worked on. Dropped without [`done`](Self::done), it goes to another, some time later.
#[derive(Debug)]
pub struct Taken<'a, T: Plain, P: Points = ()> {
    queue: &'a Queue<T, P>,
    position: u32,
    /// A copy: nobody else has the message, unless this process dies.
    value: T,
    is_open: bool,
}

impl<'a, T: Plain, P: Points> Taken<'a, T, P> {
    pub(super) fn new(queue: &'a Queue<T, P>, position: u32, value: T) -> Self {
        Self { queue, position, value, is_open: true }
    }

    /// The message.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The work is done: nobody else will get it.
    ///
    /// # Errors
    /// [`QueueError::Corrupt`]: somebody took this process for dead, and the message too.
    pub fn done(mut self) -> Result<T, QueueError> {
        self.is_open = false;
        Slots::done(self.queue, self.position, self.queue.me)?;
        self.queue.points.at("freed");
        self.queue.ring();
        Ok(self.value)
    }
}

impl<T: Plain, P: Points> Drop for Taken<'_, T, P> {
    fn drop(&mut self) {
        if self.is_open {
            // An error says that another has it already.
            let _ = self.queue.abandon(self.position, self.queue.me);
        }
    }
}
