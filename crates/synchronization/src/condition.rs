//! A value under a lock, and a queue of threads that wait for it to change: `notify(n)` wakes exactly the first n.
//!
//! ```
//! use std::thread;
//! use synchronization::Condition;
//!
//! let orders = Condition::new(Vec::new());
//! thread::scope(|scope| {
//!     let cook = scope.spawn(|| {
//!         let mut orders = orders.lock();
//!         orders.wait_for(|orders| !orders.is_empty());
//!         orders.pop()
//!     });
//!     let mut orders = orders.lock();
//!     orders.push("soup");
//!     orders.notify(1);
//!     drop(orders);
//!     assert_eq!(cook.join().unwrap(), Some("soup"));
//! });
//! ```
//!
//! In Python: `threading.Condition`. Its `RuntimeError`s for waiting or notifying without the lock cannot occur: both
//! are methods of the guard.
//!
//! ```compile_fail,E0599
//! let orders = synchronization::Condition::new(0);
//! orders.notify(1); // no method `notify`: it is the guard's
//! ```

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::PoisonError,
    time::Duration,
};

use model::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Deadline,
};

/// A value, its lock, and those who wait.
///
/// std's `Condvar` promises less: `notify_one` n times can wake fewer than n of those who waited (one who came later,
/// or nobody: it may also wake for no reason). Here each who waits stands in a queue with a ticket, and sleeps until
/// the ticket is taken out. The price: an allocation for each wait.
///
/// # Poison
/// None, as in Python and `parking_lot`: a panic while the lock is held lets go of it, and the next one finds the value
/// as it was left. The queue is never left half-changed: no code of yours runs while it changes.
#[derive(Debug)]
pub struct Condition<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    next_ticket: u64,
    /// Who waits, first come first, each with a condition variable of its own, so that the right one wakes.
    queue: VecDeque<(u64, Arc<Condvar>)>,
}

impl<T> Condition<T> {
    /// A condition for `value`, with nobody waiting.
    pub fn new(value: T) -> Self {
        Self { state: Mutex::new(State { value, next_ticket: 0, queue: VecDeque::new() }) }
    }

    /// Takes the lock, sleeping until it is free.
    pub fn lock(&self) -> ConditionGuard<'_, T> {
        ConditionGuard { state: Some(self.state.lock().unwrap_or_else(PoisonError::into_inner)) }
    }
}

/// The lock is held: through this, the value is reached, waited for, and its change announced.
#[derive(Debug)]
#[must_use = "the lock is let go as soon as this is dropped"]
pub struct ConditionGuard<'a, T> {
    /// `None` only while `sleep` has it.
    state: Option<MutexGuard<'a, State<T>>>,
}

impl<T> ConditionGuard<'_, T> {
    /// Lets go of the lock and sleeps until notified, then takes the lock again. Never wakes for no reason; but what it
    /// was notified of may be gone when it has the lock, so [`wait_for`](Self::wait_for) is what one wants nearly always.
    pub fn wait(&mut self) {
        self.sleep(Deadline::never());
    }

    /// As [`wait`](Self::wait), but not longer than `limit`. Whether it was notified: if it was, then `true`, however
    /// late it is, since whoever notified has counted it.
    pub fn wait_timeout(&mut self, limit: Duration) -> bool {
        self.sleep(Deadline::after(limit))
    }

    /// Waits until `predicate` is true: not at all if it is.
    pub fn wait_for(&mut self, mut predicate: impl FnMut(&mut T) -> bool) {
        while !predicate(self) {
            self.wait();
        }
    }

    /// Waits until `predicate` is true, but not longer than `limit` in all, however often it is woken. What `predicate`
    /// said last.
    pub fn wait_for_timeout(&mut self, mut predicate: impl FnMut(&mut T) -> bool, limit: Duration) -> bool {
        let deadline = Deadline::after(limit);
        while !predicate(self) {
            if !self.sleep(deadline) {
                return predicate(self);
            }
        }
        true
    }

    /// Wakes exactly `n` of those who wait now, first come first, or all if they are fewer. They go on when this guard
    /// is dropped.
    pub fn notify(&mut self, n: usize) {
        let queue = &mut self.state_mut().queue;
        for (_, wakes) in queue.drain(..n.min(queue.len())) {
            wakes.notify_one();
        }
    }

    /// Wakes all who wait now.
    pub fn notify_all(&mut self) {
        self.notify(usize::MAX);
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.state().queue.len()
    }

    /// Queues up and sleeps until taken out of the queue; `false` if the deadline passes first.
    fn sleep(&mut self, deadline: Deadline) -> bool {
        let mut state = self.state.take().expect(HELD);
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let woken = Arc::new(Condvar::new());
        state.queue.push_back((ticket, Arc::clone(&woken)));
        let (mut state, notified) =
            deadline.wait_while(&woken, state, |state| state.place_of(ticket).is_some());
        if !notified && let Some(place) = state.place_of(ticket) {
            // Else the next `notify` would be spent on one who has left.
            state.queue.remove(place);
        }
        self.state = Some(state);
        notified
    }

    fn state(&self) -> &State<T> {
        self.state.as_ref().expect(HELD)
    }

    fn state_mut(&mut self) -> &mut State<T> {
        self.state.as_mut().expect(HELD)
    }
}

const HELD: &str = "the lock is held, but within `sleep`, which nobody sees from inside";

impl<T> State<T> {
    fn place_of(&self, ticket: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()
    }
}

impl<T> Deref for ConditionGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.state().value
    }
}

impl<T> DerefMut for ConditionGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.state_mut().value
    }
}
