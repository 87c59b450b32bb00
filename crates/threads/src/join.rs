//! A thread that any number of others can wait for, each with a time limit.
//!
//! `std::thread::JoinHandle::join` waits for ever, and only once, since it hands out the value itself.
//! Python's `Thread.join(timeout)` may be called by anybody and as often as they like. Here the thread opens
//! a *latch* when it has ended: a condition variable beside a value that is set once and never again.
//!
//! ```
//! use std::{sync::mpsc, time::Duration};
//! use threads::join::{self, JoinError};
//!
//! let (release, wait) = mpsc::channel::<()>();
//! let handle = join::spawn("answer", move || { let _ = wait.recv(); 42 })?;
//! assert_eq!(handle.join_timeout(Duration::from_millis(1)), Err(JoinError::TimedOut));
//! drop(release);
//! assert_eq!(handle.join(), Ok(&42));
//! assert_eq!(handle.clone().join(), Ok(&42), "as often as one likes");
//! # Ok::<(), std::io::Error>(())
//! ```

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{OnceLock, PoisonError},
    time::{Duration, Instant},
};

use model::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, Builder, ThreadId},
};

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The thread panicked, with this message. (The payload itself can have one owner only.)
    #[error("the thread panicked: {0}")]
    Panicked(String),
    /// It was still running when the time was up. It goes on: a thread cannot be stopped from outside.
    #[error("the thread is still running")]
    TimedOut,
    /// A thread that waits for its own end would wait for ever.
    #[error("a thread cannot join itself")]
    Itself,
}

/// Starts a thread called `name` that runs `body`.
///
/// # Errors
/// When the system gives no thread.
///
/// # Panics
/// If `name` contains a NUL byte, as [`Builder::name`] does.
pub fn spawn<T: Send + Sync + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Handle<T>> {
    let latch = Arc::new(Latch { outcome: OnceLock::new(), lock: Mutex::new(()), opened: Condvar::new() });
    let theirs = Arc::clone(&latch);
    let thread = Builder::new().name(name.to_owned()).spawn(move || {
        // Unwind safety: what the body has touched is dropped with it, nobody sees it half done.
        let outcome = panic::catch_unwind(AssertUnwindSafe(body));
        theirs.finish(outcome.map_err(|payload| workload::panic_message(&*payload)));
    })?;
    Ok(Handle { latch, id: thread.thread().id() })
}

/// A thread to wait for. Clones are handles of the same thread; without any left, the thread goes on alone.
pub struct Handle<T> {
    latch: Arc<Latch<T>>,
    id: ThreadId,
}

struct Latch<T> {
    /// Set once, under `lock`: then the latch is open.
    outcome: OnceLock<Result<T, String>>,
    lock: Mutex<()>,
    opened: Condvar,
}

impl<T> Handle<T> {
    /// Waits until the thread has ended. (Destructors of its thread-local values may still run then.)
    ///
    /// # Errors
    /// [`JoinError::Panicked`], [`JoinError::Itself`].
    pub fn join(&self) -> Result<&T, JoinError> {
        self.wait(None)
    }

    /// The same, for at most `limit`. Python's returns `None` either way, and one has to ask `is_alive`.
    ///
    /// # Errors
    /// [`JoinError::TimedOut`], [`JoinError::Panicked`], [`JoinError::Itself`].
    pub fn join_timeout(&self, limit: Duration) -> Result<&T, JoinError> {
        // A limit that ends beyond what the clock can show is none.
        self.wait(Instant::now().checked_add(limit))
    }

    /// Whether it has ended: `not is_alive()`.
    pub fn is_finished(&self) -> bool {
        self.latch.outcome.get().is_some()
    }

    fn wait(&self, until: Option<Instant>) -> Result<&T, JoinError> {
        if thread::current().id() == self.id {
            return Err(JoinError::Itself);
        }
        self.latch.wait(until)
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self { latch: Arc::clone(&self.latch), id: self.id }
    }
}

impl<T> Latch<T> {
    fn finish(&self, outcome: Result<T, String>) {
        let lock = self.lock();
        // It was empty: `finish` is called once. Under the lock, since without it the notification could fall
        // between a joiner's look and its going to sleep, and be lost.
        let _ = self.outcome.set(outcome);
        drop(lock);
        self.opened.notify_all();
    }

    fn wait(&self, until: Option<Instant>) -> Result<&T, JoinError> {
        let mut lock = self.lock();
        loop {
            if let Some(outcome) = self.outcome.get() {
                return outcome.as_ref().map_err(|message| JoinError::Panicked(message.clone()));
            }
            lock = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.opened.wait(lock).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Err(JoinError::TimedOut),
                Some(left) => self.opened.wait_timeout(lock, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        // Never poisoned: nothing that could panic runs under the lock.
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
