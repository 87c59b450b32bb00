//! The C library's robust mutex between processes: the kernel itself notices the death of whoever holds it.
//!
//! Each thread has a list of the robust locks that it holds, which glibc keeps and the kernel knows
//! (set_robust_list(2)). When the thread ends the kernel walks along it, marks each lock with FUTEX_OWNER_DIED and
//! wakes one waiter. It needs no /proc and no time between looks. What it costs: a `pthread_mutex_t` has *addresses*
//! in it, of the list of its holder, and libc writes where they point. So it may live only where nobody writes who
//! is not trusted, and [`create`](Robust::create) and [`attach`](Robust::attach) are `unsafe`.
//!
//! **A wake-up may be lost**, though the death is noticed. Whoever unlocks frees the word, then wakes a sleeper; killed in
//! between, or as the one who was woken, it leaves the kernel to wake the next, and the kernel does so only if the word is still
//! free (`handle_futex_death` in kernel/futex/core.c). If a third took it meanwhile, without a mark that others sleep, nobody
//! is woken until there is contention again: once in some hundreds or thousands of kills at random moments, with glibc 2.36
//! alone, in C. So [`lock`](Robust::lock) sleeps in naps of [`LOOK`], and marks the word anew after each.

use std::{
    cell::Cell,
    fmt, io,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::{Deref, DerefMut},
    os::fd::AsFd,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use libc::{c_int, pthread_mutex_t};

use super::{LOOK, LockError, limit::Limit};
use crate::{
    layout::{LayoutError, Shared},
    safe::{Plain, PlainCell},
    shared,
};

/// Bytes for a `pthread_mutex_t`, in words that align it.
type Place = [u64; size_of::<pthread_mutex_t>().div_ceil(8)];

const _: () = assert!(align_of::<pthread_mutex_t>() <= align_of::<Place>());

shared! {
    struct Lock { mutex: PlainCell<Place> }
}

/// A value behind a robust `pthread_mutex_t`, both in memory of this type's own; see [`super::Mutex`] for one that may be
/// a field of anything.
///
/// Every process, and every thread, attaches for itself.
pub struct Robust<T: Plain> {
    /// Not unmapped while the C library's list of locks held leads there.
    shared: ManuallyDrop<Shared<Lock, PlainCell<T>>>,
    /// Guards that live, or were forgotten.
    guards: Cell<u32>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum RobustError {
    /// The memory does not fit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The C library refuses a robust mutex between processes.
    #[error("pthread_mutex_init: {0}")]
    Init(io::Error),
}

impl<T: Plain> Robust<T> {
    /// Bytes that the memory must have.
    pub const fn size() -> usize {
        Shared::<Lock, PlainCell<T>>::size(1)
    }

    /// Makes one, unlocked, in memory that is new, which holds zeros behind it.
    ///
    /// # Errors
    /// When the memory is too small, or was used before.
    ///
    /// # Safety
    /// Whoever can write to the memory uses it as this type does.
    pub unsafe fn create(memory: impl AsFd) -> Result<Self, RobustError> {
        let mut outcome = Ok(());
        let shared = Shared::create(memory, |lock: &mut Lock, _: &mut [PlainCell<T>]| {
            // In place: it must not be moved afterwards.
            // SAFETY: there is room for one, aligned, and nobody else has it yet.
            outcome = unsafe { init(lock.mutex.get().cast()) };
        })?;
        outcome.map_err(RobustError::Init)?;
        Ok(Self::over(shared)?)
    }

    /// Uses the one that somebody else has made.
    ///
    /// # Errors
    /// When there is none of this type.
    ///
    /// # Safety
    /// As [`create`](Self::create).
    pub unsafe fn attach(memory: impl AsFd) -> Result<Self, RobustError> {
        Ok(Self::over(Shared::attach(memory)?)?)
    }

    fn over(shared: Shared<Lock, PlainCell<T>>) -> Result<Self, LayoutError> {
        if shared.tail().is_empty() {
            let has = shared.mapping().len() as u64;
            return Err(crate::MapError::TooSmall { has, needed: Self::size() as u64 }.into());
        }
        Ok(Self { shared: ManuallyDrop::new(shared), guards: Cell::new(0) })
    }

    /// Waits until nobody else holds it.
    ///
    /// # Errors
    /// See [`LockError`]; never `TimedOut`.
    #[inline]
    pub fn lock(&self) -> Result<RobustGuard<'_, T>, LockError<RobustGuard<'_, T>>> {
        self.lock_until(None)
    }

    /// Waits for `limit` at most.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn lock_within(&self, limit: Duration) -> Result<RobustGuard<'_, T>, LockError<RobustGuard<'_, T>>> {
        self.lock_until(Some(limit))
    }

    #[inline]
    fn lock_until(
        &self,
        limit: Option<Duration>,
    ) -> Result<RobustGuard<'_, T>, LockError<RobustGuard<'_, T>>> {
        // A try, with a limit that is over: `pthread_mutex_trylock` says ENOTRECOVERABLE, and in glibc it then leaves the lock
        // taken, so that all others wait (`tests/lock.rs` fails with it).
        let over = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a mutex that was made by `init`.
        match unsafe { libc::pthread_mutex_timedlock(self.mutex(), &raw const over) } {
            libc::ETIMEDOUT => self.lock_contended(Limit::of(limit)),
            outcome => self.taken(outcome),
        }
    }

    // ANCHOR: contended
    /// In naps, and not in one `pthread_mutex_lock`: see [the module](self).
    #[cold]
    fn lock_contended(&self, limit: Limit) -> Result<RobustGuard<'_, T>, LockError<RobustGuard<'_, T>>> {
        loop {
            // By the clock on the wall, which is all that POSIX had for it until 2024.
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let end = now.saturating_add(limit.nap().unwrap_or(LOOK));
            let end = libc::timespec {
                tv_sec: end.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                tv_nsec: end.subsec_nanos().into(),
            };
            // SAFETY: a mutex that was made by `init`.
            match unsafe { libc::pthread_mutex_timedlock(self.mutex(), &raw const end) } {
                libc::ETIMEDOUT if !limit.is_over() => {}
                outcome => return self.taken(outcome),
            }
        }
    }
    // ANCHOR_END: contended

    #[inline]
    fn taken(&self, outcome: c_int) -> Result<RobustGuard<'_, T>, LockError<RobustGuard<'_, T>>> {
        let guard = |is_suspect| {
            self.guards.set(self.guards.get() + 1);
            RobustGuard { mutex: self, is_suspect, not_send: PhantomData }
        };
        match outcome {
            0 => Ok(guard(false)),
            libc::EOWNERDEAD => Err(LockError::OwnerDied(guard(true))),
            libc::ENOTRECOVERABLE => Err(LockError::NotRecoverable),
            libc::EDEADLK => Err(LockError::Deadlock),
            libc::ETIMEDOUT => Err(LockError::TimedOut),
            other => Err(LockError::System(io::Error::from_raw_os_error(other))),
        }
    }

    #[inline]
    fn mutex(&self) -> *mut pthread_mutex_t {
        self.shared.mutex.get().cast()
    }

    #[inline]
    fn value(&self) -> *mut T {
        // There is one: see `over`.
        self.shared.tail()[0].get()
    }
}

// ANCHOR: init
/// # Safety
/// `mutex` points to memory for one that nobody else uses.
unsafe fn init(mutex: *mut pthread_mutex_t) -> io::Result<()> {
    let checked = |outcome| if outcome == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(outcome)) };
    let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: attributes are made before they are used and destroyed afterwards; for the mutex the caller answers.
    unsafe {
        checked(libc::pthread_mutexattr_init(attributes))?;
        let outcome = checked(libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED))
            .and_then(|()| checked(libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST)))
            // To lock it twice is an error, and no endless wait.
            .and_then(|()| {
                checked(libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK))
            })
            .and_then(|()| checked(libc::pthread_mutex_init(mutex, attributes)));
        libc::pthread_mutexattr_destroy(attributes);
        outcome
    }
}
// ANCHOR_END: init

impl<T: Plain> Drop for Robust<T> {
    fn drop(&mut self) {
        // A guard that was forgotten: the lock is held until its thread ends, and the memory must be there then.
        // The mutex itself is never destroyed: others may use it.
        if self.guards.get() == 0 {
            // SAFETY: not used again.
            unsafe { ManuallyDrop::drop(&mut self.shared) };
        }
    }
}

impl<T: Plain> fmt::Debug for Robust<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Robust").finish_non_exhaustive()
    }
}

/// The lock is held as long as this lives.
#[must_use = "the lock is released at once if the guard is dropped"]
pub struct RobustGuard<'a, T: Plain> {
    mutex: &'a Robust<T>,
    is_suspect: bool,
    /// The C library's list is the thread's.
    not_send: PhantomData<*const ()>,
}

impl<T: Plain> RobustGuard<'_, T> {
    /// The value is as it should be. (pthread_mutex_consistent(3).)
    ///
    /// # Errors
    /// None that POSIX knows for a lock of which `lock` said that its owner died.
    pub fn make_consistent(&mut self) -> io::Result<()> {
        if self.is_suspect {
            // SAFETY: a mutex that was made by `init`, and that this thread holds.
            match unsafe { libc::pthread_mutex_consistent(self.mutex.mutex()) } {
                0 => self.is_suspect = false,
                other => return Err(io::Error::from_raw_os_error(other)),
            }
        }
        Ok(())
    }
}

impl<T: Plain> Deref for RobustGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so nobody else writes.
        unsafe { &*self.mutex.value() }
    }
}

impl<T: Plain> DerefMut for RobustGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and `&mut self` is the only way through this guard.
        unsafe { &mut *self.mutex.value() }
    }
}

impl<T: Plain> Drop for RobustGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Not made consistent, it is not recoverable from here on.
        // SAFETY: a mutex that was made by `init`, and that this thread holds.
        unsafe { libc::pthread_mutex_unlock(self.mutex.mutex()) };
        self.mutex.guards.set(self.mutex.guards.get() - 1);
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for RobustGuard<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}
