//! A value for one thread of one process at a time, in shared memory, that a death does not lock for ever.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    time::Duration,
};

use super::{Holder, LockError, Processes, RawLock, Refusal, Taken};
use crate::safe::{Plain, PlainCell, SharedSafe, mix, name};

/// As `std::sync::Mutex`, in shared memory; all zero, it is unlocked and holds a zero.
///
/// In Python: `multiprocessing.Lock`, which is not robust. See [the module](super) for what it guarantees.
#[repr(C)]
pub struct Mutex<T: Plain> {
    raw: RawLock,
    value: PlainCell<T>,
}

// SAFETY: repr(C) of two that may be there; any bytes are a lock: held by a thread that lives, or by one that does not.
unsafe impl<T: Plain> SharedSafe for Mutex<T> {
    const LAYOUT: u64 = mix(mix(name("Mutex"), RawLock::LAYOUT), T::LAYOUT);
    const MAPPABLE: bool = RawLock::MAPPABLE;
}

/// The guard, the guard with a warning, or why there is none.
pub type LockResult<'a, T> = Result<Guard<'a, T>, LockError<Guard<'a, T>>>;

impl<T: Plain> Mutex<T> {
    /// An unlocked one, for `*place = Mutex::new(..)` where a segment is built.
    pub fn new(value: T) -> Self {
        Self { raw: RawLock::default(), value: PlainCell::new(value) }
    }

    /// Waits until nobody else holds it.
    ///
    /// # Errors
    /// See [`LockError`]; never `TimedOut`.
    #[inline]
    pub fn lock(&self) -> LockResult<'_, T> {
        self.lock_as(Processes::default())
    }

    /// Waits for `limit` at most; with [`Duration::ZERO`] it tries. A dead holder is noticed in either case.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn lock_within(&self, limit: Duration) -> LockResult<'_, T> {
        self.lock_as(Processes::within(limit))
    }

    #[inline]
    fn lock_as(&self, life: Processes) -> LockResult<'_, T> {
        let taken = self.raw.lock(Holder::current()?, &life);
        let guard = |is_suspect| Guard { mutex: self, is_suspect, not_send: PhantomData };
        match taken {
            Ok(Taken::Sound) => Ok(guard(false)),
            Ok(Taken::OwnerDied) => Err(LockError::OwnerDied(guard(true))),
            Err(Refusal::NotRecoverable) => Err(LockError::NotRecoverable),
            Err(Refusal::Deadlock) => Err(LockError::Deadlock),
            Err(Refusal::TimedOut) => Err(LockError::TimedOut),
        }
    }
}

impl<T: Plain> fmt::Debug for Mutex<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the value: others may be changing it.
        out.debug_struct("Mutex").field("raw", &self.raw).finish_non_exhaustive()
    }
}

/// The lock is held as long as this lives.
#[must_use = "the lock is released at once if the guard is dropped"]
pub struct Guard<'a, T: Plain> {
    mutex: &'a Mutex<T>,
    /// Its last holder died, and nobody has said that the value is repaired.
    is_suspect: bool,
    /// The lock knows the thread that holds it.
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<T: Plain> Sync for Guard<'_, T> {}

impl<'a, T: Plain> Guard<'a, T> {
    /// The value is as it should be: the lock is one like any other again. (pthread_mutex_consistent(3).)
    pub fn make_consistent(&mut self) {
        self.is_suspect = false;
    }

    /// For a condition, which locks again.
    pub(crate) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: Plain> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else writes.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: Plain> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and `&mut self` is the only way through this guard.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: Plain> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.is_suspect {
            self.mutex.raw.give_up();
        } else {
            self.mutex.raw.unlock(&Processes::default());
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}
