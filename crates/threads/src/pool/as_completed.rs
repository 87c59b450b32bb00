//! Results in the order in which they come.

use std::time::{Duration, Instant};

use model::sync::Arc;

use super::{Future, PoolError, inbox::Inbox};

/// An iterator over results in the order in which the tasks end, each with the index of its future
/// (`concurrent.futures.as_completed`).
///
/// Dropping it early detaches the tasks that are left.
pub fn as_completed<T>(futures: impl IntoIterator<Item = Future<T>>) -> AsCompleted<T> {
    let inbox = Inbox::new();
    let futures: Vec<Option<Future<T>>> = futures
        .into_iter()
        .enumerate()
        .map(|(index, future)| {
            Inbox::follow(&inbox, index, &future);
            Some(future)
        })
        .collect();
    AsCompleted { inbox, futures, yielded: 0 }
}

/// See [`as_completed`].
pub struct AsCompleted<T> {
    inbox: Arc<Inbox>,
    futures: Vec<Option<Future<T>>>,
    yielded: usize,
}

impl<T> AsCompleted<T> {
    /// The next result if it comes within `limit`.
    ///
    /// # Errors
    /// [`PoolError::TimedOut`]: nothing is lost, ask again.
    #[allow(clippy::type_complexity)]
    pub fn next_timeout(
        &mut self,
        limit: Duration,
    ) -> Result<Option<(usize, Result<T, PoolError>)>, PoolError> {
        self.next_until(Instant::now().checked_add(limit))
    }

    #[allow(clippy::type_complexity)]
    fn next_until(
        &mut self,
        deadline: Option<Instant>,
    ) -> Result<Option<(usize, Result<T, PoolError>)>, PoolError> {
        if self.yielded == self.futures.len() {
            return Ok(None);
        }
        let ended = self.inbox.wait_until(deadline, |ended| ended.len() > self.yielded);
        let Some(&(index, _)) = ended.get(self.yielded) else { return Err(PoolError::TimedOut) };
        drop(ended);
        self.yielded += 1;
        // Each future reports once, so it is still here.
        Ok(self.futures[index].take().map(|future| (index, future.result())))
    }
}

impl<T> Iterator for AsCompleted<T> {
    type Item = (usize, Result<T, PoolError>);

    fn next(&mut self) -> Option<Self::Item> {
        // Without a deadline there is no error.
        self.next_until(None).ok().flatten()
    }
}
