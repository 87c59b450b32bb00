//! What lies in the pool's queue: a closure, and the slot for its result.

use std::panic::{self, AssertUnwindSafe};

use model::sync::Arc;
use workload::panic_message;

use super::{PoolError, slot::Slot};

/// A task whose type of result has been forgotten, so that one queue holds them all.
pub(super) trait Task: Send {
    /// Runs it, unless it was cancelled. Its panic becomes its result.
    fn run(self: Box<Self>);

    /// Ends it with `why` instead.
    fn refuse(self: Box<Self>, why: PoolError);
}

pub(super) struct Work<T, F> {
    pub(super) slot: Arc<Slot<T>>,
    pub(super) work: F,
}

impl<T: Send, F: FnOnce() -> T + Send> Task for Work<T, F> {
    fn run(self: Box<Self>) {
        let Self { slot, work } = *self;
        if !slot.start() {
            return;
        }
        // Unwind safety: what the closure owned is dropped with it; what it shares carries its own poison.
        match panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(value) => slot.finish(Ok(value)),
            Err(payload) => slot.finish(Err(PoolError::Panicked { message: panic_message(&*payload) })),
        }
    }

    fn refuse(self: Box<Self>, why: PoolError) {
        self.slot.end_unless_started(why);
    }
}
