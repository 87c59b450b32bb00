//! Exclusion in one word of three states: without contention neither `lock` nor unlock calls the kernel.
//!
//! With two states, unlocked and locked, an unlock cannot know if somebody sleeps: it must always call the kernel, or
//! leave a sleeper asleep for ever. The third state says it: this is `mutex2` of Drepper's paper.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use model::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::{call, spin};

/// A value for one thread at a time, as `std::sync::Mutex`, but [without poisoning](super#no-poisoning).
///
/// Not reentrant: a second `lock` by the thread that holds it sleeps for ever. In Python: `threading.Lock`.
pub struct Mutex<T> {
    /// [`UNLOCKED`], [`LOCKED`] or [`CONTENDED`].
    state: AtomicU32,
    value: UnsafeCell<T>,
}

/// Nobody holds it.
const UNLOCKED: u32 = 0;
/// Somebody holds it, and nobody sleeps: the unlock need not call the kernel.
const LOCKED: u32 = 1;
/// Somebody holds it, and somebody may sleep: the unlock wakes one.
const CONTENDED: u32 = 2;

// SAFETY: it hands `&mut T` to one thread at a time, which is as good as to send the value there and back.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// An unlocked one.
    pub fn new(value: T) -> Self {
        Self { state: AtomicU32::new(UNLOCKED), value: UnsafeCell::new(value) }
    }

    /// Waits until nobody else holds it.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        if !self.try_acquire() {
            self.lock_contended();
        }
        MutexGuard { mutex: self, not_send: PhantomData }
    }

    /// The guard, if nobody holds it now.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.try_acquire().then(|| MutexGuard { mutex: self, not_send: PhantomData })
    }

    /// The value, which nobody else can reach any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// The value, to which `&mut self` is the only way now.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: nobody else has a reference to the mutex, so nobody has a guard.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    #[inline]
    fn try_acquire(&self) -> bool {
        // Acquire: pairs with the Release in `unlock`.
        self.state.compare_exchange(UNLOCKED, LOCKED, Acquire, Relaxed).is_ok()
    }

    #[cold]
    fn lock_contended(&self) {
        let mut state = self.spin();
        if state == UNLOCKED {
            if self.try_acquire() {
                return;
            }
            state = self.state.load(Relaxed);
        }
        loop {
            // Who has come here takes it as CONTENDED, even if alone: others may sleep, and LOCKED would forget them.
            // Acquire: pairs with the Release in `unlock`.
            if state != CONTENDED && self.state.swap(CONTENDED, Acquire) == UNLOCKED {
                return;
            }
            // If it was unlocked meanwhile the word differs and this returns at once.
            call::wait(&self.state, CONTENDED, None);
            state = self.spin();
        }
    }

    /// Looks for a while if it gets free. Not where somebody sleeps already: they will be woken, and come first.
    fn spin(&self) -> u32 {
        // Only a load: it leaves the cache line with its owner until that one writes to it.
        spin(|| self.state.load(Relaxed) != LOCKED);
        self.state.load(Relaxed)
    }

    #[inline]
    fn unlock(&self) {
        // Release: pairs with the Acquire of the next to lock.
        if self.state.swap(UNLOCKED, Release) == CONTENDED {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        call::wake_one(&self.state);
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(guard) => f.debug_tuple("Mutex").field(&*guard).finish(),
            None => f.write_str("Mutex(<locked>)"),
        }
    }
}

/// The lock is held as long as this lives, and released also by a panic.
#[must_use = "the lock is released at once if the guard is dropped"]
pub struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// Who locks unlocks, as in std. This also keeps the compiler from deriving `Sync` from the mutex's.
    not_send: PhantomData<*const T>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<T: Sync> Sync for MutexGuard<'_, T> {}

impl<'a, T> MutexGuard<'a, T> {
    /// For a condition variable, which locks again.
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else has a reference.
        self.mutex.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and `&mut self` is the only one through this guard.
        self.mutex.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.unlock();
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
