//! First come, first served: each draws a number and waits until it is called.
//!
//! Fair, in two words. The price: with more threads than cores the one whose turn it is may not be running, and all
//! others wait for it.
//!
//! Source: J. M. Mellor-Crummey and M. L. Scott, *Algorithms for Scalable Synchronization on Shared-Memory
//! Multiprocessors* (1991), which has [`McsLock`](super::McsLock) too.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use model::{
    cell::UnsafeCell,
    hint::spin_loop,
    sync::atomic::{
        AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// A value for one thread at a time; who waits spins, and is served in the order of coming.
pub struct TicketLock<T> {
    /// The number that the next to come draws. It may wrap: fewer than 2^32 wait at once.
    next: AtomicU32,
    /// The number whose turn it is; written only by who holds the lock.
    serving: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: it hands `&mut T` to one thread at a time, which is as good as to send the value there and back.
unsafe impl<T: Send> Sync for TicketLock<T> {}

impl<T> TicketLock<T> {
    /// An unlocked one.
    pub fn new(value: T) -> Self {
        Self { next: AtomicU32::new(0), serving: AtomicU32::new(0), value: UnsafeCell::new(value) }
    }

    /// Draws a number and spins until it is called.
    #[inline]
    pub fn lock(&self) -> TicketLockGuard<'_, T> {
        // Relaxed: a number is a number; what counts is when it is called.
        let ticket = self.next.fetch_add(1, Relaxed);
        // Acquire: pairs with the Release of the one before.
        while self.serving.load(Acquire) != ticket {
            spin_loop();
        }
        TicketLockGuard { lock: self, ticket, not_send: PhantomData }
    }

    /// The guard, if nobody holds it or waits now.
    #[inline]
    pub fn try_lock(&self) -> Option<TicketLockGuard<'_, T>> {
        // Acquire: pairs with the Release of the last to unlock. If the next number is still the one that is served
        // then nobody else has it.
        let ticket = self.serving.load(Acquire);
        let drawn = self.next.compare_exchange(ticket, ticket.wrapping_add(1), Relaxed, Relaxed);
        drawn.is_ok().then(|| TicketLockGuard { lock: self, ticket, not_send: PhantomData })
    }

    /// How many hold the lock or wait for it, just now.
    pub fn waiting(&self) -> u32 {
        // In this order: a number cannot be called before it is drawn. Acquire keeps the second load after the first.
        let serving = self.serving.load(Acquire);
        self.next.load(Relaxed).wrapping_sub(serving)
    }

    /// The value, which nobody else can reach any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: Default> Default for TicketLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for TicketLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(guard) => f.debug_tuple("TicketLock").field(&*guard).finish(),
            None => f.write_str("TicketLock(<locked>)"),
        }
    }
}

/// The lock is held as long as this lives, and released also by a panic.
#[must_use = "the lock is released at once if the guard is dropped"]
pub struct TicketLockGuard<'a, T> {
    lock: &'a TicketLock<T>,
    ticket: u32,
    /// Who locks unlocks, as in std. This also keeps the compiler from deriving `Sync` from the lock's.
    not_send: PhantomData<*const T>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<T: Sync> Sync for TicketLockGuard<'_, T> {}

impl<T> Deref for TicketLockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else has a reference.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for TicketLockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and `&mut self` is the only one through this guard.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for TicketLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Release: pairs with the Acquire of the next in line. A plain store will do: nobody else writes it now.
        self.lock.serving.store(self.ticket.wrapping_add(1), Release);
    }
}
