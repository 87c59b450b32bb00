//! What a thread is about to do, and what must be so for it to go on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What a thread that stopped is about to do.
pub(super) struct Intent {
    pub(super) verb: &'static str,
    pub(super) object: Arc<str>,
    pub(super) needs: Needs,
}

/// What must be so for a thread to go on.
pub(super) enum Needs {
    Nothing,
    /// The lock is free.
    Lock(Arc<Owner>),
    /// Somebody has notified this condition variable; the lock is then needed too.
    Notice {
        condvar: usize,
        lock: Arc<Owner>,
    },
    /// Another thread has changed something since this many steps were done.
    Others(usize),
}

/// Which thread holds a lock.
#[derive(Debug)]
pub(super) struct Owner(AtomicUsize);

impl Owner {
    const NOBODY: usize = usize::MAX;

    pub(super) fn nobody() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(Self::NOBODY)))
    }

    // Relaxed throughout: who holds the baton is alone, and the baton itself is passed under a mutex.
    pub(super) fn is_free(&self) -> bool {
        self.thread() == Self::NOBODY
    }

    /// Whose it is; no thread's number if nobody's.
    pub(super) fn thread(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Outside of a run the lock belongs to nobody whom a schedule could ask.
    pub(super) fn take(&self, thread: Option<usize>) {
        self.0.store(thread.unwrap_or(Self::NOBODY), Ordering::Relaxed);
    }

    pub(super) fn free(&self) {
        self.0.store(Self::NOBODY, Ordering::Relaxed);
    }
}
