//! A lock that its owner can take again: it remembers who has it, and how many times.
//!
//! ```
//! use std::cell::Cell;
//! use synchronization::ReentrantLock;
//!
//! let log = ReentrantLock::new(Cell::new(0));
//! let outer = log.lock();
//! let inner = log.lock(); // a `Mutex` would wait for itself here, for ever
//! inner.set(1);
//! assert_eq!(outer.get(), 1); // the same value through both: hence `&T`, and a `Cell` inside
//! ```
//!
//! In Python: `threading.RLock`. Its `RuntimeError`s for a release too many, or by another thread, cannot occur: the
//! guard is dropped once, and it stays with its thread.
//!
//! ```compile_fail,E0277
//! let lock = synchronization::ReentrantLock::new(0);
//! let guard = lock.lock();
//! std::thread::scope(|scope| {
//!     scope.spawn(move || drop(guard)); // a guard cannot be sent between threads
//! });
//! ```
//!
//! std has one too, not yet stable (`std::sync::ReentrantLock`); `parking_lot` calls it `ReentrantMutex`.

use std::{marker::PhantomData, ops::Deref, sync::PoisonError, time::Duration};

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    thread::{self, ThreadId},
    time::Deadline,
};

/// A value that one thread at a time can reach, as often as it likes.
///
/// # Poison
/// None: the lock inside guards the owner's name and two counts, and no code of yours runs under it. A panic while the
/// *reentrant* lock is held lets go of it, as everything that drops the guards does.
#[derive(Debug)]
pub struct ReentrantLock<T> {
    state: Mutex<State>,
    unlocked: Condvar,
    value: T,
}

#[derive(Debug)]
struct State {
    /// Who has it; `None` when nobody has.
    owner: Option<ThreadId>,
    /// How many guards the owner has.
    depth: usize,
    /// Threads that sleep, or are just waking up.
    waiting: usize,
}

// SAFETY: the value is reached through guards only, which one thread at a time has and can not send away; so it is
// never used from two threads at once, and need not be `Sync`. It is handed from thread to thread, so it must be `Send`.
unsafe impl<T: Send> Sync for ReentrantLock<T> {}

impl<T> ReentrantLock<T> {
    /// A lock that nobody has.
    pub fn new(value: T) -> Self {
        Self {
            state: Mutex::new(State { owner: None, depth: 0, waiting: 0 }),
            unlocked: Condvar::new(),
            value,
        }
    }

    /// Takes the lock, sleeping until it is free; at once if this thread has it.
    pub fn lock(&self) -> ReentrantGuard<'_, T> {
        self.enter(Deadline::never());
        self.guard()
    }

    /// Takes the lock if it is free or this thread's.
    pub fn try_lock(&self) -> Option<ReentrantGuard<'_, T>> {
        let me = thread::current().id();
        let mut state = self.state();
        if state.is_others(me) {
            return None;
        }
        state.enter(me);
        drop(state);
        Some(self.guard())
    }

    /// Takes the lock, sleeping until it is free, but not longer than `limit`.
    pub fn try_lock_for(&self, limit: Duration) -> Option<ReentrantGuard<'_, T>> {
        self.enter(Deadline::after(limit)).then(|| self.guard())
    }

    /// Whether anybody has it at this moment.
    pub fn is_locked(&self) -> bool {
        self.state().owner.is_some()
    }

    /// Whether this thread has it. That does not change behind its back.
    pub fn is_owned(&self) -> bool {
        self.state().owner == Some(thread::current().id())
    }

    /// The value, from the lock's owner.
    pub fn into_inner(self) -> T {
        self.value
    }

    fn enter(&self, deadline: Deadline) -> bool {
        let me = thread::current().id();
        let mut state = self.state();
        state.waiting += 1;
        let (mut state, free) = deadline.wait_while(&self.unlocked, state, |state| state.is_others(me));
        state.waiting -= 1;
        if free {
            state.enter(me);
        }
        free
    }

    fn guard(&self) -> ReentrantGuard<'_, T> {
        ReentrantGuard { lock: self, stays_with_its_thread: PhantomData }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_others(&self, me: ThreadId) -> bool {
        self.owner.is_some_and(|owner| owner != me)
    }

    fn enter(&mut self, me: ThreadId) {
        self.owner = Some(me);
        self.depth += 1;
    }
}

/// The lock is held, once more; let go when dropped. Gives `&T` only: there may be several guards.
///
/// ```compile_fail,E0594
/// let lock = synchronization::ReentrantLock::new(0);
/// *lock.lock() += 1; // cannot assign: with a second guard, the same value would change under a `&`
/// ```
#[derive(Debug)]
#[must_use = "the lock is let go as soon as this is dropped"]
pub struct ReentrantGuard<'a, T> {
    lock: &'a ReentrantLock<T>,
    /// Not `Send`: only the owner may let go.
    stays_with_its_thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives a shared value and nothing else. (Dropping it needs the guard itself.)
unsafe impl<T: Sync> Sync for ReentrantGuard<'_, T> {}

impl<T> Deref for ReentrantGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.lock.value
    }
}

impl<T> Drop for ReentrantGuard<'_, T> {
    fn drop(&mut self) {
        let mut state = self.lock.state();
        state.depth -= 1;
        if state.depth > 0 {
            return;
        }
        state.owner = None;
        let someone_waits = state.waiting > 0;
        drop(state);
        if someone_waits {
            self.lock.unlocked.notify_one();
        }
    }
}
