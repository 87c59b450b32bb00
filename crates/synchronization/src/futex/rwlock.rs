//! Many readers or one writer: who is in and who waits stand in one word, and each kind sleeps on a word of its own.
//!
//! Writers go first: a reader who comes while a writer waits, waits too. Else readers who overlap would keep writers
//! out for ever. It is the readers now who starve if writers never pause, as in std on Linux.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use model::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::{call, spin};

/// A value for many threads that read it or for one that changes it, as `std::sync::RwLock`, but
/// [without poisoning](super#no-poisoning). Python's library has none.
///
/// A thread that reads and calls `read` again may sleep for ever: a writer may have come between. One that reads and
/// calls `write` does so for certain.
pub struct RwLock<T> {
    /// Four numbers, from above: readers in, readers waiting, writers waiting (21 bits each), writer in (1 bit).
    state: AtomicU64,
    /// How often readers were let in by a writer who left: they sleep on it.
    readers_turn: AtomicU32,
    /// How often a writer was called by who left: writers sleep on it.
    writers_turn: AtomicU32,
    value: UnsafeCell<T>,
}

/// A writer is in.
const WRITING: u64 = 1;
/// One writer that waits.
const WRITER_WAITS: u64 = 1 << 1;
/// One reader that waits.
const READER_WAITS: u64 = 1 << 22;
/// One reader that is in; the uppermost number, so that too many overflow.
const READING: u64 = 1 << 43;

const fn writers_wait(state: u64) -> bool {
    state % READER_WAITS >= WRITER_WAITS
}

// SAFETY: `&T` goes to several threads at once (T: Sync), `&mut T` to one at a time (T: Send).
unsafe impl<T: Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    /// One in which nobody is.
    pub fn new(value: T) -> Self {
        Self {
            state: AtomicU64::new(0),
            readers_turn: AtomicU32::new(0),
            writers_turn: AtomicU32::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits until no writer is in or waits.
    ///
    /// # Panics
    /// With two million readers in at once, which only forgotten guards can bring about.
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        if !self.try_enter(0) {
            self.read_contended();
        }
        RwLockReadGuard { lock: self, not_send: PhantomData }
    }

    /// A guard to read with, if no writer is in or waits now.
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.try_enter(0).then(|| RwLockReadGuard { lock: self, not_send: PhantomData })
    }

    /// Waits until nobody is in.
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        if !self.try_enter_alone(0) {
            self.write_contended();
        }
        RwLockWriteGuard { lock: self, not_send: PhantomData }
    }

    /// A guard to write with, if nobody is in now.
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.try_enter_alone(0).then(|| RwLockWriteGuard { lock: self, not_send: PhantomData })
    }

    /// The value, which nobody else can reach any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// The value, to which `&mut self` is the only way now.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: nobody else has a reference to the lock, so nobody has a guard.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    /// One reader enters if it may, and so much of `waiting` leaves with it.
    #[inline]
    fn try_enter(&self, waiting: u64) -> bool {
        let enter = |state: u64| {
            let free = state.is_multiple_of(READER_WAITS);
            free.then(|| state.checked_add(READING).expect("fewer than 2^21 readers") - waiting)
        };
        // Acquire: pairs with the Release of the writer who left.
        self.state.fetch_update(Acquire, Relaxed, enter).is_ok()
    }

    /// A writer enters if it may, and so much of `waiting` leaves with it.
    #[inline]
    fn try_enter_alone(&self, waiting: u64) -> bool {
        let enter = |state: u64| {
            let free = state < READING && state.is_multiple_of(WRITER_WAITS);
            free.then(|| state + WRITING - waiting)
        };
        // Acquire: pairs with the Release of everyone who left.
        self.state.fetch_update(Acquire, Relaxed, enter).is_ok()
    }

    #[cold]
    fn read_contended(&self) {
        self.wait(&self.readers_turn, READER_WAITS, |waiting| self.try_enter(waiting));
    }

    #[cold]
    fn write_contended(&self) {
        self.wait(&self.writers_turn, WRITER_WAITS, |waiting| self.try_enter_alone(waiting));
    }

    /// Waits until `try_enter` succeeds; meanwhile counted in the state as `waiting`, and asleep on `turn`.
    fn wait(&self, turn: &AtomicU32, waiting: u64, try_enter: impl Fn(u64) -> bool) {
        if spin(|| try_enter(0)) {
            return;
        }
        self.state.fetch_add(waiting, Relaxed);
        loop {
            // Before the look at the state: who leaves after it changes the number, and the wait returns at once.
            // Acquire: pairs with the Release in `call_next`.
            let seen = turn.load(Acquire);
            if try_enter(waiting) {
                return;
            }
            call::wait(turn, seen, None);
        }
    }

    #[inline]
    fn leave(&self) {
        // Release: pairs with the Acquire of the writer who comes next.
        let before = self.state.fetch_sub(READING, Release);
        if before < 2 * READING && writers_wait(before) {
            self.call_next(before);
        }
    }

    #[inline]
    fn leave_alone(&self) {
        // Release: pairs with the Acquire of everyone who comes next.
        let before = self.state.fetch_sub(WRITING, Release);
        if before != WRITING {
            self.call_next(before);
        }
    }

    /// Wakes one writer if any waits, else all readers. The writer wakes the readers when it leaves.
    #[cold]
    fn call_next(&self, state: u64) {
        let (turn, most) =
            if writers_wait(state) { (&self.writers_turn, 1) } else { (&self.readers_turn, u32::MAX) };
        // Release: who sees this number also sees the state that we left behind.
        turn.fetch_add(1, Release);
        call::wake(turn, most);
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_read() {
            Some(guard) => f.debug_tuple("RwLock").field(&*guard).finish(),
            None => f.write_str("RwLock(<locked>)"),
        }
    }
}

/// Reads as long as this lives; a panic ends it too.
#[must_use = "the lock is released at once if the guard is dropped"]
pub struct RwLockReadGuard<'a, T> {
    lock: &'a RwLock<T>,
    /// Who enters leaves, as in std.
    not_send: PhantomData<*const T>,
}

/// Reads and writes as long as this lives; a panic ends it too.
#[must_use = "the lock is released at once if the guard is dropped"]
pub struct RwLockWriteGuard<'a, T> {
    lock: &'a RwLock<T>,
    /// Who enters leaves, as in std.
    not_send: PhantomData<*const T>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<T: Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: a reader is in, so no writer is.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the writer is in, so nobody else is.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and `&mut self` is the only one through this guard.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.leave();
    }
}

impl<T> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.leave_alone();
    }
}
