//! A register of the threads that are alive, and a guard that waits for them when `main` ends.
//!
//! When `main` returns, Rust cuts off all other threads in the middle of what they do. Python's interpreter
//! first waits for all threads but those that are *daemons*. Here a guard in `main` does the same; the
//! register also answers `threading.active_count()` and `threading.enumerate()` (without the main thread,
//! which it has not started).
//!
//! ```
//! use threads::registry::{Kind, Registry};
//!
//! fn main() -> std::io::Result<()> {
//!     let threads = Registry::new();
//!     let _at_the_end = threads.join_on_drop(); // first in main, so dropped last
//!     threads.spawn("saver", Kind::Joined, || { /* is waited for */ })?;
//!     threads.spawn("heartbeat", Kind::Daemon, || loop { std::thread::park() })?;
//!     Ok(())
//! }
//! ```
//!
//! Where threads need not outlive a function, `std::thread::scope` is simpler and lets them borrow. And
//! `std::process::exit` runs no destructors: it cuts off everybody, guard or not.

use std::{collections::BTreeMap, io, sync::PoisonError};

use model::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::Builder,
};

/// What happens to a thread that is still running when `main` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is waited for.
    Joined,
    /// It is cut off: `daemon=True`.
    Daemon,
}

/// A thread that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As given to [`Registry::spawn`].
    pub name: String,
    /// Whether it is waited for.
    pub kind: Kind,
}

/// The threads that were started through it and are alive. Clones are the same register.
#[derive(Clone, Default)]
pub struct Registry(Arc<Shared>);

#[derive(Default)]
struct Shared {
    alive: Mutex<Alive>,
    one_left: Condvar,
}

#[derive(Default)]
struct Alive {
    started: u64,
    /// By the order in which they were started.
    entries: BTreeMap<u64, Entry>,
}

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a thread. It stays registered until `body` has ended, also by a panic.
    ///
    /// # Errors
    /// When the system gives no thread.
    ///
    /// # Panics
    /// If `name` contains a NUL byte, as [`Builder::name`] does.
    pub fn spawn(&self, name: &str, kind: Kind, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        // Entered by the parent: a thread that entered itself would be missed by a guard that looks before it
        // is first scheduled.
        let registered = self.enter(Entry { name: name.to_owned(), kind });
        Builder::new().name(name.to_owned()).spawn(move || {
            let _registered = registered;
            body();
        })?;
        Ok(())
    }

    /// How many are alive: `threading.active_count()`.
    pub fn active_count(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// Who is alive, oldest first: `threading.enumerate()`.
    pub fn enumerate(&self) -> Vec<Entry> {
        self.0.lock().entries.values().cloned().collect()
    }

    /// Waits until no thread of kind [`Kind::Joined`] is left, those included that are started meanwhile.
    pub fn join_all(&self) {
        let waited_for = |alive: &mut Alive| alive.entries.values().any(|entry| entry.kind == Kind::Joined);
        drop(self.0.one_left.wait_while(self.0.lock(), waited_for).unwrap_or_else(PoisonError::into_inner));
    }

    /// A guard that does [`join_all`](Registry::join_all) when it is dropped: bind it first in `main`.
    pub fn join_on_drop(&self) -> JoinOnDrop {
        JoinOnDrop(self.clone())
    }

    fn enter(&self, entry: Entry) -> Registered {
        let mut alive = self.0.lock();
        alive.started += 1;
        let number = alive.started;
        alive.entries.insert(number, entry);
        Registered { number, registry: self.clone() }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Alive> {
        // A poisoned register is still right: each change to it is a single call.
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the threads of a [`Registry`] when it is dropped.
#[must_use = "dropped at once it waits at once"]
pub struct JoinOnDrop(Registry);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        self.0.join_all();
    }
}

/// A place in the register, left when the thread ends in whatever way (or could not be started).
struct Registered {
    number: u64,
    registry: Registry,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registry.0.lock().entries.remove(&self.number);
        self.registry.0.one_left.notify_all();
    }
}
