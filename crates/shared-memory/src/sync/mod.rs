//! Permits, flags, meeting points and conditions between processes, each in one or two words on a futex.
//!
//! None of them has an owner, so nobody can say that it died with its work undone: that is what
//! [`lock`](crate::lock) is for. What they do guarantee is that **those who live go on**:
//!
//! | killed | what becomes of the others |
//! |---|---|
//! | a waiter of any of them, before or after its wake-up | those for whom it would have been good look by themselves within [`LOOK`](crate::lock::LOOK) |
//! | whoever sets, releases or notifies, after the change and before the wake-up | the same |
//! | a holder of a permit | the permit is gone: a [`Semaphore`] cannot know whose it was. Use a robust [`Mutex`](crate::lock::Mutex), or count again when a child has ended |
//! | a process on its way to a [`Barrier`] | those who wait are told that it is broken, when their limit is over; `reset` mends it |
//! | a waiter of a [`Condition`] while it holds the mutex | `OwnerDied`, as for any holder |
//!
//! All zero, each is one that nobody has used: a semaphore without permits, an event that is not set.
//!
//! The methods that end in `_at` take a hook that is called at points with a name, for tests that kill there; they are what
//! the others are made of.

mod barrier;
mod condition;
mod event;
mod semaphore;

pub use barrier::{Barrier, Broken};
pub use condition::Condition;
pub use event::Event;
pub use semaphore::{Semaphore, TooMany};
