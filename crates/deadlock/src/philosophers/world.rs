//! What a strategy locks with. A world says what a lock is; the strategies do not know in which one they are.

use std::fmt::Debug;

/// The locks of one way to run a strategy.
pub trait World: Send + Sync + 'static {
    /// One fork.
    type Lock: Lock;
    /// State that several share.
    type Monitor<T: Debug + Send + 'static>: Monitor<T>;

    /// Lets others go first.
    fn step_aside();
}

/// Exclusion.
pub trait Lock: Send + Sync + 'static {
    /// While it lives the lock is held.
    type Held<'a>;

    /// A free one.
    fn new(name: &str) -> Self;
    /// Waits until it is free, and takes it.
    fn lock(&self) -> Self::Held<'_>;
    /// Takes it if it is free now.
    fn try_lock(&self) -> Option<Self::Held<'_>>;
}

/// A mutex with its condition variable.
pub trait Monitor<T>: Send + Sync + 'static {
    /// One that guards `state`.
    fn new(name: &str, state: T) -> Self;
    /// Sleeps until `ready`, then changes the state. `ready` is called under the lock, after every change of others.
    fn when(&self, ready: impl FnMut(&mut T) -> bool, change: impl FnOnce(&mut T));
    /// Changes the state and wakes all who sleep.
    fn change(&self, change: impl FnOnce(&mut T));
}
