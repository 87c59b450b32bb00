//! A read-write lock with two rules to choose from, without data, that can tell who waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Whom a read-write lock lets in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// A reader whenever no writer is inside.
    ReadersFirst,
    /// A reader only when no writer waits either.
    BehindWriters,
}

// ANCHOR: rwlock
/// A read-write lock, without data, that can tell who waits.
pub(super) struct ReadWrite {
    rule: Rule,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    readers: usize,
    writer: bool,
    writers_waiting: usize,
}

impl ReadWrite {
    /// Goes in as a reader, if that needs no waiting.
    pub(super) fn try_read(&self) -> bool {
        let mut state = self.lock();
        let may = !state.writer && (self.rule == Rule::ReadersFirst || state.writers_waiting == 0);
        state.readers += usize::from(may);
        may
    }

    /// A reader leaves.
    pub(super) fn end_read(&self) {
        self.lock().readers -= 1;
        self.changed.notify_all();
    }

    /// Waits until nobody is inside, and does `work` alone.
    pub(super) fn write(&self, work: impl FnOnce()) {
        let mut state = self.lock();
        state.writers_waiting += 1;
        let occupied = |state: &mut State| state.readers > 0 || state.writer;
        state = self.changed.wait_while(state, occupied).unwrap_or_else(PoisonError::into_inner);
        state.writers_waiting -= 1;
        state.writer = true;
        drop(state);
        work();
        self.lock().writer = false;
        self.changed.notify_all();
    }
    // ANCHOR_END: rwlock

    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, state: Mutex::default(), changed: Condvar::new() }
    }

    /// How many writers wait at this moment.
    pub(super) fn writers_waiting(&self) -> usize {
        self.lock().writers_waiting
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
