//! The queue in miniature, with a bug to choose: each is one that has been made in earnest.

use std::time::Duration;

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Deadline,
};
use synchronization::Shutdown;

use super::tasks::Tasks;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bug {
    /// One condition variable for both who put and who get, and `notify_one`: it wakes the wrong kind.
    OneConditionForBoth,
    /// `if` where `while` is needed: between wake-up and lock another one takes the item.
    IfInsteadOfWhile,
    /// Shutdown wakes one of those who wait to get.
    ShutdownWakesOne,
    /// Shutdown forgets those who wait to put.
    ShutdownForgetsPutters,
    /// An immediate shutdown drops the work and does not tell those who wait for it.
    ShutdownForgetsJoiners,
    /// The last `task_done` tells nobody.
    TaskDoneTellsNobody,
    /// A waiter that is woken looks at the clock first: it takes the wake-up with it and leaves the item.
    ClockBeforeItems,
}

#[derive(Default)]
struct State {
    items: Vec<u32>,
    unfinished: usize,
    is_shut_down: bool,
}

pub(super) struct Twin {
    bug: Bug,
    capacity: usize,
    state: Mutex<State>,
    not_empty: Condvar,
    not_full: Condvar,
    all_done: Condvar,
}

impl Twin {
    pub(super) fn new(bug: Bug, capacity: usize) -> Self {
        Self {
            bug,
            capacity,
            state: Mutex::new(State::default()),
            not_empty: Condvar::new(),
            not_full: Condvar::new(),
            all_done: Condvar::new(),
        }
    }

    fn not_full(&self) -> &Condvar {
        if self.bug == Bug::OneConditionForBoth { &self.not_empty } else { &self.not_full }
    }

    fn take(&self, mut state: MutexGuard<'_, State>) -> Option<u32> {
        if state.items.is_empty() {
            return None;
        }
        let item = state.items.remove(0);
        self.not_full().notify_one();
        Some(item)
    }
}

impl Tasks for Twin {
    fn put(&self, item: u32) -> bool {
        let mut state = self.state.lock().unwrap();
        while !state.is_shut_down && state.items.len() >= self.capacity {
            state = self.not_full().wait(state).unwrap();
        }
        if state.is_shut_down {
            return false;
        }
        state.items.push(item);
        state.unfinished += 1;
        self.not_empty.notify_one();
        true
    }

    fn get(&self) -> Option<u32> {
        let mut state = self.state.lock().unwrap();
        while state.items.is_empty() && !state.is_shut_down {
            state = self.not_empty.wait(state).unwrap();
            if self.bug == Bug::IfInsteadOfWhile {
                break;
            }
        }
        assert!(!state.items.is_empty() || state.is_shut_down, "woken, and nothing is there");
        self.take(state)
    }

    fn get_timeout(&self, timeout: Duration) -> Option<u32> {
        let deadline = Deadline::after(timeout);
        let mut state = self.state.lock().unwrap();
        let mut late = false;
        while state.items.is_empty() && !state.is_shut_down && !late {
            (state, late) = deadline.wait(&self.not_empty, state);
            if late && self.bug == Bug::ClockBeforeItems {
                return None;
            }
        }
        self.take(state)
    }

    fn task_done(&self) {
        let mut state = self.state.lock().unwrap();
        state.unfinished -= 1;
        if state.unfinished == 0 && self.bug != Bug::TaskDoneTellsNobody {
            self.all_done.notify_all();
        }
    }

    fn join(&self) {
        let mut state = self.state.lock().unwrap();
        while state.unfinished > 0 {
            state = self.all_done.wait(state).unwrap();
        }
    }

    fn shutdown(&self, how: Shutdown) {
        let mut state = self.state.lock().unwrap();
        state.is_shut_down = true;
        if how == Shutdown::Immediate {
            state.unfinished -= state.items.len();
            state.items.clear();
            if state.unfinished == 0 && self.bug != Bug::ShutdownForgetsJoiners {
                self.all_done.notify_all();
            }
        }
        match self.bug {
            Bug::ShutdownWakesOne => self.not_empty.notify_one(),
            _ => self.not_empty.notify_all(),
        }
        if self.bug != Bug::ShutdownForgetsPutters {
            self.not_full.notify_all();
        }
    }
}
