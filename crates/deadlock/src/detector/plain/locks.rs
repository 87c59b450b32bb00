//! std's locks under the detector's names.

use std::{
    borrow::Cow,
    sync::{
        self, LockResult, MutexGuard, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult,
        WaitTimeoutResult,
    },
    thread,
    time::{Duration, Instant},
};

use crate::detector::LockError;

/// `std::sync::Mutex`.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Mutex<T: ?Sized>(sync::Mutex<T>);

/// `std::sync::RwLock`.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct RwLock<T: ?Sized>(sync::RwLock<T>);

/// `std::sync::Condvar`.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Condvar(sync::Condvar);

impl<T> Mutex<T> {
    /// As std's.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    /// As std's; the name is for the detector.
    #[inline]
    pub fn named(_name: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self::new(value)
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// As std's.
    ///
    /// # Errors
    /// [`LockError::Poisoned`] only.
    #[inline]
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, LockError<MutexGuard<'_, T>>> {
        Ok(self.0.lock()?)
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        self.0.try_lock()
    }

    /// Tries again and again until `timeout` is over: std's has no wait with a limit.
    ///
    /// # Errors
    /// `WouldBlock` when the time ran out.
    pub fn lock_timeout(&self, timeout: Duration) -> TryLockResult<MutexGuard<'_, T>> {
        let start = Instant::now();
        loop {
            match self.0.try_lock() {
                Err(TryLockError::WouldBlock) if start.elapsed() < timeout => {
                    thread::sleep(Duration::from_micros(100));
                }
                tried => return tried,
            }
        }
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.0.get_mut()
    }

    /// As std's.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    /// As std's.
    #[inline]
    pub fn clear_poison(&self) {
        self.0.clear_poison();
    }
}

impl<T> RwLock<T> {
    /// As std's.
    #[inline]
    pub const fn new(value: T) -> Self {
        Self(sync::RwLock::new(value))
    }

    /// As std's; the name is for the detector.
    #[inline]
    pub fn named(_name: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self::new(value)
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// As std's.
    ///
    /// # Errors
    /// [`LockError::Poisoned`] only.
    #[inline]
    pub fn read(&self) -> Result<RwLockReadGuard<'_, T>, LockError<RwLockReadGuard<'_, T>>> {
        Ok(self.0.read()?)
    }

    /// As std's.
    ///
    /// # Errors
    /// [`LockError::Poisoned`] only.
    #[inline]
    pub fn write(&self) -> Result<RwLockWriteGuard<'_, T>, LockError<RwLockWriteGuard<'_, T>>> {
        Ok(self.0.write()?)
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        self.0.try_read()
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        self.0.try_write()
    }

    /// As std's.
    ///
    /// # Errors
    /// As std's.
    #[inline]
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.0.get_mut()
    }

    /// As std's.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    /// As std's.
    #[inline]
    pub fn clear_poison(&self) {
        self.0.clear_poison();
    }
}

impl Condvar {
    /// As std's.
    #[inline]
    pub const fn new() -> Self {
        Self(sync::Condvar::new())
    }

    /// As std's; the name is for the detector.
    #[inline]
    pub fn named(_name: impl Into<Cow<'static, str>>) -> Self {
        Self::new()
    }

    /// As std's.
    ///
    /// # Errors
    /// [`LockError::Poisoned`] only.
    #[inline]
    pub fn wait<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
    ) -> Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>> {
        Ok(self.0.wait(guard)?)
    }

    /// As std's.
    ///
    /// # Errors
    /// [`LockError::Poisoned`] only.
    #[inline]
    pub fn wait_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'a, T>, LockError<MutexGuard<'a, T>>> {
        Ok(self.0.wait_while(guard, condition)?)
    }

    /// As std's.
    ///
    /// # Errors
    /// [`LockError::Poisoned`] only.
    #[inline]
    #[allow(clippy::type_complexity, reason = "std's, with our error")]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> Result<(MutexGuard<'a, T>, WaitTimeoutResult), LockError<MutexGuard<'a, T>>> {
        let waited = self.0.wait_timeout(guard, timeout);
        waited.map_err(|poisoned| sync::PoisonError::new(poisoned.into_inner().0).into())
    }

    /// As std's.
    #[inline]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// As std's.
    #[inline]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
