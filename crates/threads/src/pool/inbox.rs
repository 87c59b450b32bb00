//! Where futures report that they have ended, for someone who waits for several.

use std::{sync::PoisonError, time::Instant};

use model::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Ending, Future};

/// Who has ended, in order: index and how.
pub(super) struct Inbox {
    ended: Mutex<Vec<(usize, Ending)>>,
    more: Condvar,
}

impl Inbox {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { ended: Mutex::new(Vec::new()), more: Condvar::new() })
    }

    /// Has `future` report here under `index`. The ticket is for `Slot::forget`.
    // Not a method: loom's `Arc` is no `self` type.
    pub(super) fn follow<T>(inbox: &Arc<Self>, index: usize, future: &Future<T>) -> u64 {
        let inbox = Arc::clone(inbox);
        future.slot().on_end(Box::new(move |ending| {
            inbox.lock().push((index, ending));
            inbox.more.notify_one();
        }))
    }

    /// Waits until `enough` says so of the reports so far, at most until `deadline`. The guard is returned in
    /// both cases: the caller looks at what there is.
    pub(super) fn wait_until(
        &self,
        deadline: Option<Instant>,
        enough: impl Fn(&[(usize, Ending)]) -> bool,
    ) -> MutexGuard<'_, Vec<(usize, Ending)>> {
        let mut ended = self.lock();
        while !enough(&ended) {
            ended = match deadline {
                None => self.more.wait(ended).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    self.more.wait_timeout(ended, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        ended
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, Ending)>> {
        // Nothing under this lock panics but a `push` without memory: the reports are still good.
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
