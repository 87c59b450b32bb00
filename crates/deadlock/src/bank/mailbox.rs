//! A queue without a bound, for messages to one thread: to put never waits, so owners that write to each other cannot
//! deadlock by it.
//!
//! That is its only reason to be here beside `std::sync::mpsc::channel`: the model checkers can run this one.

use std::collections::VecDeque;

use model::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Letters to one reader.
pub struct Mailbox<T> {
    inside: Mutex<Inside<T>>,
    changed: Condvar,
}

struct Inside<T> {
    letters: VecDeque<T>,
    open: bool,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self { inside: Mutex::new(Inside { letters: VecDeque::new(), open: true }), changed: Condvar::new() }
    }
}

impl<T> Mailbox<T> {
    /// Adds a letter. Never waits.
    ///
    /// # Errors
    /// The letter, if the mailbox is closed: nobody will read it.
    pub fn put(&self, letter: T) -> Result<(), T> {
        let mut inside = self.lock();
        if !inside.open {
            return Err(letter);
        }
        inside.letters.push_back(letter);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes the oldest letter, and waits for one; `None` when it is closed and all have been read.
    pub fn take(&self) -> Option<T> {
        let empty_and_open = |inside: &mut Inside<T>| inside.letters.is_empty() && inside.open;
        let inside = self.changed.wait_while(self.lock(), empty_and_open);
        inside.unwrap_or_else(PoisonError::into_inner).letters.pop_front()
    }

    /// From now on nothing more can be put.
    pub fn close(&self) {
        self.lock().open = false;
        self.changed.notify_all();
    }

    /// Closes it and throws away what nobody has read.
    pub fn abandon(&self) {
        self.close();
        // Taken out first: a letter may do something when it is dropped, and must not do it under the lock.
        let unread = std::mem::take(&mut self.lock().letters);
        drop(unread);
    }

    /// A panic under it is not possible: each change is one call that leaves the queue whole.
    fn lock(&self) -> MutexGuard<'_, Inside<T>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
