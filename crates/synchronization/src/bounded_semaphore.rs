//! A semaphore that never has more permits than it began with: who gives back too much is told so.
//!
//! ```
//! use synchronization::BoundedSemaphore;
//!
//! let seats = BoundedSemaphore::new(2);
//! assert!(seats.release(1).is_err()); // nobody has taken one
//! seats.acquire().forget();
//! assert_eq!(seats.release(1), Ok(()));
//! ```
//!
//! In Python: `threading.BoundedSemaphore`, whose `release` raises `ValueError`. Most of what that error catches (a
//! release too many on some path) cannot be written with a [`Permit`], which is given back once. What is left is
//! `release` by hand, of permits that were [forgotten](Permit::forget).

use std::time::Duration;

use model::time::Deadline;
use thiserror::Error;

use crate::{Permit, Semaphore};

/// More was given back than had been taken. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{released} permits were given back where {available} of {bound} are there already")]
pub struct OverRelease {
    /// How many were given back.
    pub released: usize,
    /// How many there were.
    pub available: usize,
    /// The most that there can be.
    pub bound: usize,
}

/// A [`Semaphore`] with an upper bound.
#[derive(Debug)]
pub struct BoundedSemaphore {
    semaphore: Semaphore,
    bound: usize,
}

impl BoundedSemaphore {
    /// A semaphore with `permits`, now and at most.
    pub fn new(permits: usize) -> Self {
        Self { semaphore: Semaphore::new(permits), bound: permits }
    }

    /// As [`Semaphore::acquire`].
    pub fn acquire(&self) -> Permit<'_> {
        self.semaphore.take(Deadline::never());
        self.permit()
    }

    /// As [`Semaphore::try_acquire`].
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.semaphore.try_take().then(|| self.permit())
    }

    /// As [`Semaphore::acquire_timeout`].
    pub fn acquire_timeout(&self, limit: Duration) -> Option<Permit<'_>> {
        self.semaphore.take(Deadline::after(limit)).then(|| self.permit())
    }

    /// Gives back `n` permits, and wakes as many who wait.
    ///
    /// # Errors
    /// [`OverRelease`] when there would be more than at the beginning; then none is given back. (A permit that is still
    /// held can be given back by `release` too. When it is dropped later, it is not given back twice.)
    pub fn release(&self, n: usize) -> Result<(), OverRelease> {
        self.semaphore.release_within(self.bound, n)
    }

    /// As [`Semaphore::available`].
    pub fn available(&self) -> usize {
        self.semaphore.available()
    }

    /// As [`Semaphore::waiting`].
    pub fn waiting(&self) -> usize {
        self.semaphore.waiting()
    }

    fn permit(&self) -> Permit<'_> {
        Permit { semaphore: &self.semaphore, bound: self.bound }
    }
}
