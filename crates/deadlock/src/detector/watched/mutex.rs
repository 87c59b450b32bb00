//! A mutex that knows its owner. Waiters are served in the order in which they came.

use std::{
    borrow::Cow,
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    panic::Location,
    sync::{
        LockResult, PoisonError, TryLockError, TryLockResult,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use super::{Detector, block::Blocking, identity::Identity, raw::Raw};
use crate::detector::{Kind, LockError};

/// As `std::sync::Mutex` (`threading.Lock`), and says so when to wait would be for ever.
///
/// A lock that somebody waits for cannot be dropped: the wait borrows it.
/// ```compile_fail,E0505
/// let lock = deadlock::detector::Mutex::new(1);
/// std::thread::scope(|scope| {
///     scope.spawn(|| lock.lock().is_ok());
///     drop(lock); // cannot move out of `lock` because it is borrowed
/// });
/// ```
/// A guard stays with the thread that locked:
/// ```compile_fail,E0277
/// let lock = deadlock::detector::Mutex::new(1);
/// let guard = lock.lock().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard)); // cannot be sent between threads safely
/// });
/// ```
pub struct Mutex<T: ?Sized> {
    pub(super) raw: Raw,
    poisoned: AtomicBool,
    value: UnsafeCell<T>,
}

/// While it lives, the mutex is held by the thread that made it.
#[must_use = "the mutex is given back when the guard is dropped"]
pub struct MutexGuard<'a, T: ?Sized> {
    pub(super) mutex: &'a Mutex<T>,
    /// Whether the thread was panicking already when it took the lock.
    panicking: bool,
    /// The owner must be the one to give it back: not `Send`.
    here: PhantomData<*const ()>,
}

// SAFETY: the value is reached by whoever holds the lock only, one thread at a time, so it is enough that it may move
// between threads.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T> Mutex<T> {
    /// A free mutex of the process's own detector; reports call it by the line of this call.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        let identity = Identity::global(Kind::Mutex, Cow::Borrowed(""), Location::caller());
        Self::with(identity, value)
    }

    /// A free mutex of the process's own detector; reports call it `name`.
    #[track_caller]
    pub fn named(name: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self::with(Identity::global(Kind::Mutex, name.into(), Location::caller()), value)
    }

    #[track_caller]
    pub(super) fn of(detector: &Detector, name: Cow<'static, str>, value: T) -> Self {
        Self::with(Identity::of(detector, Kind::Mutex, name, Location::caller()), value)
    }

    const fn with(identity: Identity, value: T) -> Self {
        Self { raw: Raw::new(identity), poisoned: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value.
    ///
    /// # Errors
    /// When a thread panicked while it held the lock; the error has the value.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        let value = self.value.into_inner();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until nobody else holds it and takes it.
    ///
    /// # Errors
    /// [`LockError::WouldDeadlock`] under [`Recovery::Break`](crate::detector::Recovery::Break) when this wait closes
    /// a deadlock; the calling thread then still holds what it held. [`LockError::Poisoned`] as std's.
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        self.raw.acquire(Location::caller()).map_err(LockError::WouldDeadlock)?;
        Ok(self.guard()?)
    }

    /// Takes it if it is free at this moment.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if self.raw.take_at_once(Location::caller()) {
            Ok(self.guard()?)
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    /// As [`lock`](Self::lock), but waits no longer than `timeout`. Such a wait ends by itself, so it is never part
    /// of a deadlock. As `threading.Lock.acquire(timeout=...)`.
    ///
    /// # Errors
    /// `WouldBlock` when the time ran out.
    #[track_caller]
    pub fn lock_timeout(&self, timeout: Duration) -> TryLockResult<MutexGuard<'_, T>> {
        if self.raw.acquire_within(Blocking::new(Location::caller(), Some(timeout))) {
            Ok(self.guard()?)
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    /// The value, without locking: nobody else can have it.
    ///
    /// # Errors
    /// When a thread panicked while it held the lock; the error has the value.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        let value = self.value.get_mut();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }

    /// Whether a thread panicked while it held the lock.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Relaxed)
    }

    /// The value is whole again.
    pub fn clear_poison(&self) {
        self.poisoned.store(false, Relaxed);
    }

    /// For the thread that has just taken the lock.
    #[inline]
    pub(super) fn guard(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = MutexGuard { mutex: self, panicking: thread::panicking(), here: PhantomData };
        if self.poisoned.load(Relaxed) { Err(PoisonError::new(guard)) } else { Ok(guard) }
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard's thread holds the lock, so nobody writes.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard's thread holds the lock, and this is the only guard.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> MutexGuard<'_, T> {
    /// A panic since the lock was taken may have left the value half changed.
    #[inline]
    pub(super) fn poison(&self) {
        if !self.panicking && thread::panicking() {
            self.mutex.poisoned.store(true, Relaxed);
        }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.poison();
        self.mutex.raw.release();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = !self.raw.is_free();
        out.debug_struct("Mutex").field("held", &held).finish_non_exhaustive()
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::named("", T::default())
    }
}
