//! An event: a flag that threads sleep on until it is set; a set that is cleared at once still frees all who waited.
//!
//! ```
//! use std::thread;
//! use synchronization::Event;
//!
//! let ready = Event::new();
//! thread::scope(|scope| {
//!     scope.spawn(|| ready.wait());
//!     ready.set();
//! });
//! assert!(ready.is_set()); // and stays so: who comes later does not wait
//! ```
//!
//! In Python: `threading.Event`.

use std::{sync::PoisonError, time::Duration};

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Deadline,
};

use crate::give_way::give_way_while;

/// A flag, level-triggered: it stays set until it is cleared, however many have seen it.
///
/// # Poison
/// None: the lock inside guards a flag and two counts, and nothing that could panic runs under it.
#[derive(Debug)]
pub struct Event {
    state: Mutex<State>,
    was_set: Condvar,
}

#[derive(Debug)]
struct State {
    set: bool,
    /// How often it was set. One who wakes up after `set` and `clear` sees from this that there was a set, where the
    /// flag alone says that there was none.
    epoch: u64,
    /// Threads that sleep, or are just waking up.
    waiting: usize,
}

impl Event {
    /// An event that is not set.
    pub fn new() -> Self {
        Self { state: Mutex::new(State { set: false, epoch: 0, waiting: 0 }), was_set: Condvar::new() }
    }

    /// Sets the flag: all who wait are freed, and nobody waits until it is cleared.
    pub fn set(&self) {
        let mut state = self.state();
        if state.set {
            return;
        }
        state.set = true;
        state.epoch += 1;
        let someone_waits = state.waiting > 0;
        drop(state);
        if someone_waits {
            self.was_set.notify_all();
        }
    }

    /// Clears the flag: who comes from now on waits for the next [`set`](Self::set).
    pub fn clear(&self) {
        self.state().set = false;
    }

    /// Whether it is set at this moment.
    pub fn is_set(&self) -> bool {
        self.state().set
    }

    /// Sleeps until it is set; not at all if it is.
    pub fn wait(&self) {
        self.wait_until(Deadline::never());
    }

    /// Sleeps until it is set, but not longer than `limit`. Whether it was set.
    pub fn wait_timeout(&self, limit: Duration) -> bool {
        self.wait_until(Deadline::after(limit))
    }

    /// Threads that wait for it at this moment.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    fn wait_until(&self, deadline: Deadline) -> bool {
        let state = self.state();
        let epoch = state.epoch;
        let unset = |state: &mut State| !state.set && state.epoch == epoch;
        let mut state = give_way_while(&self.state, state, unset);
        state.waiting += 1;
        let (mut state, was_set) = deadline.wait_while(&self.was_set, state, unset);
        state.waiting -= 1;
        was_set
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}
