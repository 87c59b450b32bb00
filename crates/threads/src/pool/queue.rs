//! What the workers of a pool share: the tasks that wait, and whether more may come.

use std::{collections::VecDeque, mem, sync::PoisonError};

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    thread::ThreadId,
};

use super::{PoolError, task::Task};

enum State {
    /// Tasks are taken.
    Open,
    /// Shut down: what is queued is still done, then the workers end.
    Closed,
    /// An initializer failed, for this reason: nothing is done any more.
    Broken(String),
}

/// Everything under the pool's one lock.
pub(super) struct Inner {
    state: State,
    waiting: VecDeque<Box<dyn Task>>,
    /// Workers asleep in [`Queue::next`]; one that has been woken counts until it holds the lock again.
    pub(super) idle: usize,
    /// Every worker ever started.
    pub(super) workers: Vec<ThreadId>,
}

impl Inner {
    /// Whether the pool takes tasks.
    pub(super) fn check_open(&self) -> Result<(), PoolError> {
        match &self.state {
            State::Open => Ok(()),
            State::Closed => Err(PoolError::ShutDown),
            State::Broken(why) => Err(PoolError::Broken { why: why.clone() }),
        }
    }

    /// Whether each waiting task, and one more, finds a worker who is asleep now.
    pub(super) fn has_idle_for_one_more(&self) -> bool {
        self.waiting.len() < self.idle
    }
}

/// The queue of a pool.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// A task has come, or the state has changed.
    news: Condvar,
}

impl Queue {
    pub(super) fn new() -> Self {
        let inner = Inner { state: State::Open, waiting: VecDeque::new(), idle: 0, workers: Vec::new() };
        Self { inner: Mutex::new(inner), news: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code but ours runs under this lock, so a poisoned one still holds a sound state.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `task` at the end. The caller has held the lock since [`Inner::check_open`], so that no shutdown
    /// comes in between: the task would lie in a queue that nobody reads.
    pub(super) fn push(&self, mut inner: MutexGuard<'_, Inner>, task: Box<dyn Task>) {
        inner.waiting.push_back(task);
        drop(inner);
        self.news.notify_one();
    }

    /// The next task; sleeps (and burns no CPU) until there is one. `None`: there will be none.
    pub(super) fn next(&self) -> Option<Box<dyn Task>> {
        let mut inner = self.lock();
        loop {
            if let Some(task) = inner.waiting.pop_front() {
                return Some(task);
            }
            inner.check_open().ok()?;
            inner.idle += 1;
            inner = self.news.wait(inner).unwrap_or_else(PoisonError::into_inner);
            inner.idle -= 1;
        }
    }

    /// Takes no more tasks; with `cancel_waiting`, those that wait are cancelled instead of done.
    pub(super) fn close(&self, cancel_waiting: bool) {
        let mut inner = self.lock();
        if matches!(inner.state, State::Open) {
            inner.state = State::Closed;
        }
        let cancelled = if cancel_waiting { mem::take(&mut inner.waiting) } else { VecDeque::new() };
        drop(inner);
        self.news.notify_all();
        for task in cancelled {
            task.refuse(PoolError::Cancelled);
        }
    }

    /// Ends everything that waits with an error, because an initializer failed.
    pub(super) fn break_down(&self, why: String) {
        let mut inner = self.lock();
        inner.state = State::Broken(why.clone());
        let refused = mem::take(&mut inner.waiting);
        drop(inner);
        self.news.notify_all();
        for task in refused {
            task.refuse(PoolError::Broken { why: why.clone() });
        }
    }
}
