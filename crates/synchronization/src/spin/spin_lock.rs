//! Test-and-test-and-set with back-off: one flag, which waiters look at ever more seldom.
//!
//! The instruction that takes the lock needs the cache line for itself, even when it fails. So who waits only loads,
//! which all cores can do at once, and tries when the flag was seen free. When it gets free, all who look try together:
//! therefore the pauses between looks, which grow.
//!
//! Source: T. E. Anderson, *The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors* (1990).

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use model::{
    cell::UnsafeCell,
    hint::spin_loop,
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// A value for one thread at a time; who waits spins, in no order.
pub struct SpinLock<T> {
    /// Whether somebody holds it.
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

/// The longest pause between two looks, in `spin_loop`s: some microseconds. A checker sees no pauses.
const LONGEST_PAUSE: u32 = if cfg!(any(feature = "loom", feature = "shuttle")) { 1 } else { 64 };

// SAFETY: it hands `&mut T` to one thread at a time, which is as good as to send the value there and back.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// An unlocked one.
    pub fn new(value: T) -> Self {
        Self { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Spins until nobody else holds it.
    #[inline]
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        if !self.try_acquire() {
            self.lock_contended();
        }
        SpinLockGuard { lock: self, not_send: PhantomData }
    }

    /// The guard, if nobody holds it now.
    #[inline]
    pub fn try_lock(&self) -> Option<SpinLockGuard<'_, T>> {
        self.try_acquire().then(|| SpinLockGuard { lock: self, not_send: PhantomData })
    }

    /// The value, which nobody else can reach any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    #[inline]
    fn try_acquire(&self) -> bool {
        // Acquire: pairs with the Release of who unlocks. Not a swap, which would write also when it fails.
        self.locked.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        let mut pause = 1;
        loop {
            while self.locked.load(Relaxed) {
                (0..pause).for_each(|_| spin_loop());
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
            if self.try_acquire() {
                return;
            }
        }
    }
}

impl<T: Default> Default for SpinLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for SpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(guard) => f.debug_tuple("SpinLock").field(&*guard).finish(),
            None => f.write_str("SpinLock(<locked>)"),
        }
    }
}

/// The lock is held as long as this lives, and released also by a panic.
#[must_use = "the lock is released at once if the guard is dropped"]
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
    /// Who locks unlocks, as in std. This also keeps the compiler from deriving `Sync` from the lock's.
    not_send: PhantomData<*const T>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<T: Sync> Sync for SpinLockGuard<'_, T> {}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else has a reference.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and `&mut self` is the only one through this guard.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire of the next to lock.
        self.lock.locked.store(false, Release);
    }
}
