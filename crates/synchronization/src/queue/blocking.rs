//! One lock over the items and the counts; one condition variable for each thing that somebody may wait for.
//!
//! Three rules keep every wake-up from being lost:
//! - who waits looks under the lock and falls asleep by the same step that lets go of it;
//! - there is a condition variable for each kind of waiter, so that `notify_one` cannot wake the wrong kind;
//! - who is woken, or has no time left, looks at the items once more before it gives up: it cannot go off with a
//!   wake-up and leave the item that the wake-up was for.

use std::{fmt, mem::take, sync::PoisonError, time::Duration};

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Deadline,
};

use super::{GetError, Items, PutError, TaskDoneError};
use crate::give_way::give_way_while;

/// How a queue is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Nothing more is put; what is queued can still be got.
    Graceful,
    /// Nothing more is put, and what is queued is dropped and counts as done.
    Immediate,
}

/// A queue between threads, in the order of `C`: see [`Queue`](super::Queue), [`LifoQueue`](super::LifoQueue),
/// [`PriorityQueue`](super::PriorityQueue).
pub struct BlockingQueue<C> {
    state: Mutex<State<C>>,
    /// For those who want to get.
    not_empty: Condvar,
    /// For those who want to put.
    not_full: Condvar,
    /// For those who want all to be done.
    all_done: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct State<C> {
    items: C,
    /// Put and not reported done.
    unfinished: usize,
    is_shut_down: bool,
    /// How many are asleep or just waking up. To notify nobody would still be a system call.
    getters: usize,
    putters: usize,
    joiners: usize,
}

impl<C: Items> BlockingQueue<C> {
    /// A queue for at most `capacity` items. Room is made as it is needed.
    ///
    /// # Panics
    /// When `capacity` is 0: see the [module](super).
    pub fn bounded(capacity: usize) -> Self {
        assert!(capacity > 0, "a queue with capacity 0 takes no item; one without a limit is `unbounded()`");
        Self {
            state: Mutex::new(State {
                items: C::default(),
                unfinished: 0,
                is_shut_down: false,
                getters: 0,
                putters: 0,
                joiners: 0,
            }),
            not_empty: Condvar::new(),
            not_full: Condvar::new(),
            all_done: Condvar::new(),
            capacity,
        }
    }

    /// A queue that is never full: memory is its only limit, so whoever puts should be slower than whoever gets.
    pub fn unbounded() -> Self {
        Self::bounded(usize::MAX)
    }

    /// Puts `item`; waits while the queue is full.
    ///
    /// # Errors
    /// [`PutError::ShutDown`], also when that happens while it waits.
    pub fn put(&self, item: C::Item) -> Result<(), PutError<C::Item>> {
        self.put_within(item, Some(Deadline::never()))
    }

    /// Puts `item` if there is room now.
    ///
    /// # Errors
    /// [`PutError::Full`], [`PutError::ShutDown`].
    pub fn try_put(&self, item: C::Item) -> Result<(), PutError<C::Item>> {
        self.put_within(item, None)
    }

    /// Puts `item`; waits while the queue is full, but not longer than `timeout`.
    ///
    /// # Errors
    /// [`PutError::Full`] when the time is over, [`PutError::ShutDown`].
    pub fn put_timeout(&self, item: C::Item, timeout: Duration) -> Result<(), PutError<C::Item>> {
        self.put_within(item, Some(Deadline::after(timeout)))
    }

    /// The item whose turn it is; waits while there is none.
    ///
    /// # Errors
    /// [`GetError::ShutDown`] when there is none and none can come.
    pub fn get(&self) -> Result<C::Item, GetError> {
        self.get_within(Some(Deadline::never()))
    }

    /// The item whose turn it is, if there is one now.
    ///
    /// # Errors
    /// [`GetError::Empty`], [`GetError::ShutDown`].
    pub fn try_get(&self) -> Result<C::Item, GetError> {
        self.get_within(None)
    }

    /// The item whose turn it is; waits while there is none, but not longer than `timeout`.
    ///
    /// # Errors
    /// [`GetError::Empty`] when the time is over, [`GetError::ShutDown`].
    pub fn get_timeout(&self, timeout: Duration) -> Result<C::Item, GetError> {
        self.get_within(Some(Deadline::after(timeout)))
    }

    /// Reports that the work on one item is done: once for each item that was got.
    ///
    /// # Errors
    /// When there is nothing left to be done.
    pub fn task_done(&self) -> Result<(), TaskDoneError> {
        let mut state = self.lock();
        state.unfinished = state.unfinished.checked_sub(1).ok_or(TaskDoneError)?;
        self.wake_joiners(state);
        Ok(())
    }

    /// Waits until each item that was put has been reported done, or dropped by an immediate shutdown.
    ///
    /// If a worker panics before it reports, this waits for ever: report in a guard's `drop`.
    pub fn join(&self) {
        let mut state = self.lock();
        state.joiners += 1;
        state = Deadline::never().wait_while(&self.all_done, state, |state| state.unfinished > 0).0;
        state.joiners -= 1;
    }

    /// Refuses every `put` from now on, those that wait included. `get` goes on until the queue is empty, at once
    /// with [`Shutdown::Immediate`]: then what is queued is dropped here, and `join` no longer waits for it, though
    /// the work was not done. A second call may be stricter than the first, and cannot reopen.
    pub fn shutdown(&self, how: Shutdown) {
        let mut state = self.lock();
        state.is_shut_down = true;
        let dropped = match how {
            Shutdown::Graceful => C::default(),
            Shutdown::Immediate => take(&mut state.items),
        };
        // Saturating: somebody may have reported what nobody has got.
        state.unfinished = state.unfinished.saturating_sub(dropped.len());
        self.not_empty.notify_all();
        self.not_full.notify_all();
        self.wake_joiners(state);
        // `dropped` goes last: an item's destructor may use this queue.
    }

    /// How many are queued just now. Another thread may change it before the caller looks.
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Whether nothing is queued just now: to act on it, use [`try_get`](Self::try_get).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room just now: to act on it, use [`try_put`](Self::try_put).
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// Without a deadline it does not wait at all.
    fn put_within(&self, item: C::Item, deadline: Option<Deadline>) -> Result<(), PutError<C::Item>> {
        // Declared before the guard, so dropped after it: whom it wakes finds the lock free.
        let _wake;
        let mut state = self.lock();
        let full = |state: &State<C>| state.items.len() >= self.capacity;
        if let Some(deadline) = deadline {
            let no_room = |state: &mut State<C>| !state.is_shut_down && full(state);
            state = give_way_while(&self.state, state, no_room);
            state.putters += 1;
            state = deadline.wait_while(&self.not_full, state, no_room).0;
            state.putters -= 1;
        }
        if state.is_shut_down {
            return Err(PutError::ShutDown(item));
        }
        if full(&state) {
            return Err(PutError::Full(item));
        }
        _wake = (state.getters > 0).then(|| WakeOne(&self.not_empty));
        state.unfinished += 1;
        state.items.push(item);
        Ok(())
    }

    fn get_within(&self, deadline: Option<Deadline>) -> Result<C::Item, GetError> {
        let _wake;
        let mut state = self.lock();
        if let Some(deadline) = deadline {
            let nothing = |state: &mut State<C>| !state.is_shut_down && state.items.is_empty();
            state = give_way_while(&self.state, state, nothing);
            state.getters += 1;
            state = deadline.wait_while(&self.not_empty, state, nothing).0;
            state.getters -= 1;
        }
        if state.items.is_empty() {
            return Err(if state.is_shut_down { GetError::ShutDown } else { GetError::Empty });
        }
        _wake = (state.putters > 0).then(|| WakeOne(&self.not_full));
        state.items.pop().ok_or(GetError::Empty)
    }

    fn wake_joiners(&self, state: MutexGuard<'_, State<C>>) {
        if state.unfinished == 0 && state.joiners > 0 {
            drop(state);
            self.all_done.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        // It is poisoned when a comparison panics. The counts are right by then, so nothing speaks against going on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Items> fmt::Debug for BlockingQueue<C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        out.debug_struct("BlockingQueue")
            .field("len", &state.items.len())
            .field("capacity", &self.capacity)
            .field("unfinished", &state.unfinished)
            .field("is_shut_down", &state.is_shut_down)
            .finish_non_exhaustive()
    }
}

/// Wakes one waiter when it is dropped, even when a comparison of items panics in between.
struct WakeOne<'a>(&'a Condvar);

impl Drop for WakeOne<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
