//! Readers and writers (Courtois, Heymans, Parnas 1971): many may read at a time, or one write; who goes first if both wait?
//!
//! Each answer has its price. If readers go first, an endless stream of them keeps a writer out for ever; if writers
//! do, the same happens to readers; in the order of arrival nobody starves, and a reader that could go on at once
//! waits behind a writer.
//!
//! Invariant: a writer is alone. Who waits is written in the state, so that each priority is a condition and not a
//! consequence of who is woken first. In Python: nothing (`threading` has no such lock); here `std::sync::RwLock`.

use std::collections::VecDeque;

use model::sync::{Condvar, Mutex, MutexGuard};

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A reader waits only for a writer that is inside.
    Readers,
    /// A reader waits also for each writer that waits.
    Writers,
    /// Everybody waits for whoever came before, but that readers in a row go in together.
    Arrival,
}

/// What a thread wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To look.
    Reader,
    /// To change.
    Writer,
}

/// A room for many readers or one writer.
pub struct Room {
    priority: Priority,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    readers: usize,
    writers: usize,
    /// In the order of their arrival: a number, and what it wants.
    waiting: VecDeque<(u64, Role)>,
    next: u64,
}

impl State {
    fn may_enter(&self, priority: Priority, role: Role, number: u64) -> bool {
        let free = match role {
            Role::Reader => self.writers == 0,
            Role::Writer => self.writers == 0 && self.readers == 0,
        };
        let mut others = self.waiting.iter().filter(|(other, _)| *other != number);
        free && match priority {
            Priority::Readers => role == Role::Reader || others.all(|(_, other)| *other == Role::Writer),
            Priority::Writers => role == Role::Writer || others.all(|(_, other)| *other == Role::Reader),
            Priority::Arrival => others.all(|(other, _)| *other > number),
        }
    }

    fn enter(&mut self, role: Role) {
        match role {
            Role::Reader => self.readers += 1,
            Role::Writer => self.writers += 1,
        }
        assert!(self.writers == 0 || (self.writers == 1 && self.readers == 0), "a writer is not alone");
    }
}

impl Room {
    /// An empty room.
    pub fn new(priority: Priority) -> Self {
        Self { priority, state: Mutex::new(State::default()), changed: Condvar::new() }
    }

    /// Does `work` inside, waiting for the turn.
    pub fn enter<R>(&self, role: Role, work: impl FnOnce() -> R) -> R {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back((number, role));
        while !state.may_enter(self.priority, role, number) {
            state = self.changed.wait(state).expect("nothing panics under it");
        }
        state.waiting.retain(|(other, _)| *other != number);
        state.enter(role);
        drop(state);
        // A reader behind this one may go in too, now that this one no longer waits: it may have looked too early.
        // All, as only those who wait know whose turn it is.
        self.changed.notify_all();
        let result = work();
        self.leave(role);
        result
    }

    /// Does `work` inside if that is possible without waiting.
    pub fn try_enter<R>(&self, role: Role, work: impl FnOnce() -> R) -> Option<R> {
        let mut state = self.state();
        if !state.may_enter(self.priority, role, u64::MAX) {
            return None;
        }
        state.enter(role);
        drop(state);
        let result = work();
        self.leave(role);
        Some(result)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn leave(&self, role: Role) {
        let mut state = self.state();
        match role {
            Role::Reader => state.readers -= 1,
            Role::Writer => state.writers -= 1,
        }
        drop(state);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under it")
    }
}
