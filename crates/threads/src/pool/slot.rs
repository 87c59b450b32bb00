//! The place where one thread leaves a result and another finds it: set once, cancelled only before it starts.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
    sync::PoisonError,
    time::Instant,
};

use model::sync::{Condvar, Mutex, MutexGuard};

use super::PoolError;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It returned a value.
    Returned,
    /// It panicked, or its pool broke before it could start.
    Failed,
    /// It was cancelled, and never ran.
    Cancelled,
}

pub(super) type Callback = Box<dyn FnOnce(Ending) + Send>;

enum State<T> {
    /// Nobody has begun. Only from here can it be cancelled.
    Pending,
    /// A thread has the task in hand; cancelling comes too late.
    Running,
    /// The result lies here.
    Done(Result<T, PoolError>),
    /// The result has been taken away.
    Taken,
}

struct Inner<T> {
    state: State<T>,
    /// `None` until the task has ended; it outlives the result that is taken away.
    ending: Option<Ending>,
    /// Whom to call at the end, with the ticket by which a caller can take his name off again.
    callbacks: Vec<(u64, Callback)>,
    next_ticket: u64,
}

/// Shared by the task, who sets it, and its future, who reads it.
///
/// All changes of state happen under one lock. That is what makes "cancel" and "start" exclude each other: with
/// a check before the lock both could believe that they were first.
pub(super) struct Slot<T> {
    inner: Mutex<Inner<T>>,
    ended: Condvar,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Self {
        let inner = Inner { state: State::Pending, ending: None, callbacks: Vec::new(), next_ticket: 0 };
        Self { inner: Mutex::new(inner), ended: Condvar::new() }
    }

    /// Says that the task begins now. `false`: it must not, it was cancelled.
    pub(super) fn start(&self) -> bool {
        let mut inner = self.lock();
        let first = matches!(inner.state, State::Pending);
        if first {
            inner.state = State::Running;
        }
        first
    }

    /// Cancels the task if it has not begun. Whether it is cancelled now.
    pub(super) fn cancel(&self) -> bool {
        self.end_unless_started(PoolError::Cancelled);
        self.ending() == Some(Ending::Cancelled)
    }

    /// Ends the task with `why` instead of running it, if nobody has begun or cancelled it.
    pub(super) fn end_unless_started(&self, why: PoolError) {
        let inner = self.lock();
        if matches!(inner.state, State::Pending) {
            self.end(inner, Err(why));
        }
    }

    /// Leaves the result of the task that has begun.
    pub(super) fn finish(&self, result: Result<T, PoolError>) {
        self.end(self.lock(), result);
    }

    fn end(&self, mut inner: MutexGuard<'_, Inner<T>>, result: Result<T, PoolError>) {
        let ending = match result {
            Ok(_) => Ending::Returned,
            Err(PoolError::Cancelled) => Ending::Cancelled,
            Err(_) => Ending::Failed,
        };
        inner.state = State::Done(result);
        inner.ending = Some(ending);
        let callbacks = mem::take(&mut inner.callbacks);
        // Callbacks are strangers' code: called under the lock they could ask this very future and wait for ever.
        drop(inner);
        self.ended.notify_all();
        for (_, callback) in callbacks {
            call(callback, ending);
        }
    }

    /// Has `callback` called once when the task ends; at once, on this thread, if it has.
    pub(super) fn on_end(&self, callback: Callback) -> u64 {
        let mut inner = self.lock();
        let ticket = inner.next_ticket;
        inner.next_ticket += 1;
        match inner.ending {
            None => inner.callbacks.push((ticket, callback)),
            Some(ending) => {
                drop(inner);
                call(callback, ending);
            }
        }
        ticket
    }

    /// Takes back an `on_end`, if it is not too late.
    pub(super) fn forget(&self, ticket: u64) {
        self.lock().callbacks.retain(|(own, _)| *own != ticket);
    }

    /// Sleeps until the task has ended, at most until `deadline`; then the result, if there is one.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Result<T, PoolError> {
        let mut inner = self.lock();
        while inner.ending.is_none() {
            // The lock is held from the check to the wait, so no `end` can fall in between and be missed.
            inner = match deadline {
                None => self.ended.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(PoolError::TimedOut);
                    }
                    self.ended.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        take(inner)
    }

    /// The result, if the task has ended.
    pub(super) fn try_take(&self) -> Option<Result<T, PoolError>> {
        let inner = self.lock();
        inner.ending.is_some().then(|| take(inner))
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.lock().ending
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.lock().state, State::Running)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // No code but ours runs under this lock, so a poisoned one still holds a sound state.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<T>(mut inner: MutexGuard<'_, Inner<T>>) -> Result<T, PoolError> {
    match mem::replace(&mut inner.state, State::Taken) {
        State::Done(result) => result,
        _ => Err(PoolError::Taken),
    }
}

fn call(callback: Callback, ending: Ending) {
    // A callback that panics (the panic hook has reported it) must not keep the others from being called, nor
    // end the worker that happens to call it.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| callback(ending)));
}
