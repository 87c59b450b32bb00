//! An order of locks that the compiler checks: to take level 2 while level 3 is held does not compile.
//!
//! Each level is a type, [`levels!`](crate::levels!) says which comes before which, and a lock belongs to a level. To
//! lock one needs a [`Key`], of which a thread has one. The lock borrows the key as long as the guard lives, and gives
//! a new one with which only later levels can be locked. So whatever a thread holds, it holds in rising order, and a
//! circle of waits would have to fall somewhere.
//!
//! ```
//! use deadlock::{Key, Leveled, levels};
//!
//! levels!(Accounts < Journal < Log);
//!
//! let accounts = Leveled::<Accounts, _>::new([100, 0]);
//! let log = Leveled::<Log, _>::new(Vec::new());
//!
//! let mut key = Key::of_this_thread()?;
//! let (mut balance, mut key) = accounts.lock(&mut key)?;
//! let (mut lines, _) = log.lock(&mut key)?;
//! balance[1] += 5;
//! lines.push("5 for account 1");
//! # Ok::<(), deadlock::LevelError>(())
//! ```
//!
//! The other way round the compiler says, at the lock and in our words (`E0277`): *`Accounts` may not be locked while
//! `Log` is held*.
//!
//! ```compile_fail,E0277
//! # use deadlock::{Key, Leveled, levels};
//! # levels!(Accounts < Journal < Log);
//! # let accounts = Leveled::<Accounts, _>::new([100, 0]);
//! # let log = Leveled::<Log, _>::new(Vec::<&str>::new());
//! let mut key = Key::of_this_thread()?;
//! let (lines, mut key) = log.lock(&mut key)?;
//! let (balance, _) = accounts.lock(&mut key)?;
//! # Ok::<(), deadlock::LevelError>(())
//! ```
//!
//! With the key from before, instead of the new one, the borrow checker says no (`E0499`), as long as the guard lives:
//!
//! ```compile_fail,E0499
//! # use deadlock::{Key, Leveled, levels};
//! # levels!(Accounts < Journal < Log);
//! # let accounts = Leveled::<Accounts, _>::new([100, 0]);
//! # let log = Leveled::<Log, _>::new(Vec::<&str>::new());
//! let mut key = Key::of_this_thread()?;
//! let (lines, _) = log.lock(&mut key)?;
//! let (balance, _) = accounts.lock(&mut key)?;
//! drop(lines);
//! # Ok::<(), deadlock::LevelError>(())
//! ```
//!
//! A key cannot be lent to another thread (`E0277`, it is not `Send`):
//!
//! ```compile_fail,E0277
//! # use deadlock::Key;
//! let key = Key::of_this_thread()?;
//! std::thread::spawn(move || drop(key));
//! # Ok::<(), deadlock::LevelError>(())
//! ```
//!
//! # Cost and limits
//! A key has no size: a lock is `Mutex::lock` and nothing else. The one thing checked while running is that a thread
//! asks for its key once. What types cannot see: which of two locks of *one* level comes first (take them by
//! [`lock_all`](crate::lock_all), or give them [ranks](crate::Ranked)), and waits that are no locks (a join, a channel).

use std::{cell::Cell, error::Error, fmt, marker::PhantomData};

use model::sync::{Mutex, MutexGuard};
model::thread_local! {
    // Not `const { .. }`: a checker's `thread_local!` does not know that.
    #[allow(clippy::missing_const_for_thread_local)]
    static KEY_IS_OUT: Cell<bool> = Cell::new(false);
}

/// A level that may be held while `Later` is locked. Implemented by [`levels!`](crate::levels!).
#[diagnostic::on_unimplemented(
    message = "`{Later}` may not be locked while `{Self}` is held",
    label = "`{Later}` does not come after `{Self}`",
    note = "the order of levels stands in `levels!`; drop the guard of `{Self}` first, or lock `{Later}` before it"
)]
pub trait Before<Later> {}

/// The level of a thread that holds nothing: before all others.
#[derive(Debug)]
pub struct Nothing;

/// Declares levels, the first to be locked first, with [`Before`] for each pair: `levels!(Accounts < Journal < Log)`.
#[macro_export]
macro_rules! levels {
    ($first:ident $(< $rest:ident)*) => {
        #[doc = concat!("The level `", stringify!($first), "` in the order of locks.")]
        #[derive(Debug)]
        pub struct $first;
        impl $crate::Before<$first> for $crate::Nothing {}
        $(impl $crate::Before<$rest> for $first {})*
        $crate::levels!($($rest)<*);
    };
    () => {};
}

/// Why a lock was not taken, or a key not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelError {
    /// With two keys a thread could lock in two orders.
    KeyIsOut,
    /// A thread panicked while it held the lock: what it guards may be half changed.
    Poisoned,
}

impl Error for LevelError {}

// By hand, not with thiserror: the lesson compiles this file alone.
impl fmt::Display for LevelError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            LevelError::KeyIsOut => "this thread has its key already",
            LevelError::Poisoned => "the lock is poisoned",
        })
    }
}

/// What a thread that holds nothing later than `Level` may lock with. Belongs to its thread.
#[derive(Debug)]
pub struct Key<'held, Level, Root = ()> {
    /// [`OfThread`] in the thread's first key, nothing in the others. Has no size.
    _root: Root,
    /// Borrows the key before, and is not `Send`.
    _held: PhantomData<(&'held mut (), *const Level)>,
}

/// In a thread's first key: the next one can be had when this is gone.
#[derive(Debug)]
pub struct OfThread(());

impl Drop for OfThread {
    fn drop(&mut self) {
        KEY_IS_OUT.with(|is_out| is_out.set(false));
    }
}

impl Key<'static, Nothing, OfThread> {
    /// The calling thread's key.
    ///
    /// # Errors
    /// [`LevelError::KeyIsOut`] while the thread has one.
    pub fn of_this_thread() -> Result<Self, LevelError> {
        if KEY_IS_OUT.with(|is_out| is_out.replace(true)) {
            return Err(LevelError::KeyIsOut);
        }
        Ok(Self { _root: OfThread(()), _held: PhantomData })
    }
}

/// A mutex that belongs to a level.
#[derive(Debug)]
pub struct Leveled<Level, T> {
    mutex: Mutex<T>,
    level: PhantomData<fn() -> Level>,
}

impl<Level, T> Leveled<Level, T> {
    /// A free lock around `data`.
    pub fn new(data: T) -> Self {
        Self { mutex: Mutex::new(data), level: PhantomData }
    }

    // ANCHOR: lock
    /// Waits until nobody else holds it, and takes it. As long as the guard or the new key lives, `key` cannot be used.
    ///
    /// # Errors
    /// [`LevelError::Poisoned`].
    pub fn lock<'a, Held: Before<Level>, Root>(
        &'a self,
        _key: &'a mut Key<'_, Held, Root>,
    ) -> Result<(MutexGuard<'a, T>, Key<'a, Level>), LevelError> {
        let guard = self.mutex.lock().map_err(|_| LevelError::Poisoned)?;
        Ok((guard, Key { _root: (), _held: PhantomData }))
    }
    // ANCHOR_END: lock
}
