//! The answer to one piece, to be waited for: by a thread, with or without a limit, or by an executor.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::failed::Failed;

/// What [`submit`](super::Pool::submit) gives: `concurrent.futures.Future` in Python. It is also a [`Future`], for any
/// executor. Dropping it does not stop the piece.
pub struct Pending<I, O>(pub(super) Arc<Slot<I, O>>);

/// Where the answer is put.
pub(super) struct Slot<I, O> {
    state: Mutex<State<I, O>>,
    filled: Condvar,
}

struct State<I, O> {
    answer: Option<Result<O, Failed<I>>>,
    /// Nobody will ever put an answer there: the pool's own thread has panicked.
    lost: bool,
    waker: Option<Waker>,
}

/// The side that has to put the answer there.
pub(super) struct Promise<I, O>(Arc<Slot<I, O>>);

/// Both sides.
pub(super) fn pending<I, O>() -> (Promise<I, O>, Pending<I, O>) {
    let state = Mutex::new(State { answer: None, lost: false, waker: None });
    let slot = Arc::new(Slot { state, filled: Condvar::new() });
    (Promise(Arc::clone(&slot)), Pending(slot))
}

impl<I, O> Promise<I, O> {
    pub(super) fn keep(self, answer: Result<O, Failed<I>>) {
        self.0.lock().answer = Some(answer);
        // Its drop wakes.
    }
}

impl<I, O> Drop for Promise<I, O> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.lost = state.answer.is_none();
        let waker = state.waker.take();
        drop(state);
        self.0.filled.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<I, O> Slot<I, O> {
    fn lock(&self) -> MutexGuard<'_, State<I, O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I, O> State<I, O> {
    fn take(&mut self) -> Option<Result<O, Failed<I>>> {
        assert!(!self.lost, "the pool's own thread has panicked");
        self.answer.take()
    }
}

impl<I, O> Pending<I, O> {
    /// Whether the answer is there.
    pub fn is_done(&self) -> bool {
        self.0.lock().answer.is_some()
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// [`Failed`], with the input.
    ///
    /// # Panics
    /// When the pool's own thread has panicked.
    pub fn wait(self) -> Result<O, Failed<I>> {
        let mut state = self.0.lock();
        loop {
            if let Some(answer) = state.take() {
                return answer;
            }
            state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits at most for `limit`: the answer, or this again.
    ///
    /// # Errors
    /// Itself, if there is no answer yet.
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    pub fn wait_within(self, limit: Duration) -> Result<Result<O, Failed<I>>, Self> {
        let empty = |state: &mut State<I, O>| state.answer.is_none() && !state.lost;
        let waited = self.0.filled.wait_timeout_while(self.0.lock(), limit, empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let answer = state.take();
        drop(state);
        answer.ok_or(self)
    }
}

impl<I, O> Future for Pending<I, O> {
    type Output = Result<O, Failed<I>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock();
        match state.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<I, O> fmt::Debug for Pending<I, O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pending").field("is_done", &self.is_done()).finish()
    }
}
