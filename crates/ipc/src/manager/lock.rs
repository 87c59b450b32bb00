//! A lock in the server: its holder is a client, and goes with it.

use std::time::Duration;

use super::{
    Manager, ManagerError,
    wire::{Answer, Call},
};

/// One holder at a time, in the order in which they came. In Python: `Manager().Lock()`, which a dead client keeps.
#[derive(Debug)]
pub struct Lock<'a> {
    manager: &'a Manager,
    name: String,
}

impl<'a> Lock<'a> {
    pub(super) fn new(manager: &'a Manager, name: &str) -> Self {
        Self { manager, name: name.into() }
    }

    /// Waits until this client has it.
    ///
    /// # Errors
    /// [`RemoteError::HeldAlready`](super::RemoteError::HeldAlready); `Gone` when the server dies. No time limit: a holder that is stopped holds us too.
    pub fn acquire(&self) -> Result<Held<'_>, ManagerError> {
        self.take(None)
    }

    /// As [`acquire`](Self::acquire), at most `limit`.
    ///
    /// # Errors
    /// [`ManagerError::Late`]: then it does not have it, nor will it.
    pub fn acquire_within(&self, limit: Duration) -> Result<Held<'_>, ManagerError> {
        self.take(Some(limit))
    }

    fn take(&self, limit: Option<Duration>) -> Result<Held<'_>, ManagerError> {
        let wire = limit.map(|limit| limit.as_micros().try_into().unwrap_or(u64::MAX));
        let acquired = self.manager.call(&self.name, Call::Acquire(wire), |answer| match answer {
            Answer::Acquired(is_after_death) => Some(Some(is_after_death)),
            Answer::Late => Some(None),
            _ => None,
        })?;
        match acquired {
            Some(is_after_death) => Ok(Held { lock: self, is_after_death, is_released: false }),
            None => Err(ManagerError::Late(limit.unwrap_or_default())),
        }
    }

    fn release(&self) -> Result<(), ManagerError> {
        self.manager.call(&self.name, Call::Release, |answer| matches!(answer, Answer::Done).then_some(()))
    }
}

/// The lock is held, and let go when this is dropped.
#[derive(Debug)]
#[must_use = "the lock is let go as soon as this is dropped"]
pub struct Held<'a> {
    lock: &'a Lock<'a>,
    is_after_death: bool,
    is_released: bool,
}

impl Held<'_> {
    /// The one who held it before went without letting it go: what it guards may be half done.
    pub fn is_after_death(&self) -> bool {
        self.is_after_death
    }

    /// Lets it go, and says whether that worked.
    ///
    /// # Errors
    /// Those of every call: `Gone`, `Silent`.
    pub fn release(mut self) -> Result<(), ManagerError> {
        self.is_released = true;
        self.lock.release()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.is_released {
            // Without a server there is no lock either.
            let _: Result<(), ManagerError> = self.lock.release();
        }
    }
}
