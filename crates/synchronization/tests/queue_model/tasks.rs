//! What the models ask of a queue, so that each runs on ours and on a broken twin.

use std::time::Duration;

use synchronization::{GetError, Queue, Shutdown};

/// A queue of numbers; `None` and `false` say that it is shut down (or, with a time limit, that there was nothing).
pub(super) trait Tasks: Send + Sync + 'static {
    fn put(&self, item: u32) -> bool;
    fn get(&self) -> Option<u32>;
    fn get_timeout(&self, timeout: Duration) -> Option<u32>;
    fn task_done(&self);
    fn join(&self);
    fn shutdown(&self, how: Shutdown);
}

impl Tasks for Queue<u32> {
    fn put(&self, item: u32) -> bool {
        self.put(item).is_ok()
    }

    fn get(&self) -> Option<u32> {
        self.get().inspect_err(|why| assert_eq!(*why, GetError::ShutDown)).ok()
    }

    fn get_timeout(&self, timeout: Duration) -> Option<u32> {
        self.get_timeout(timeout).ok()
    }

    fn task_done(&self) {
        self.task_done().expect("once for each item");
    }

    fn join(&self) {
        self.join();
    }

    fn shutdown(&self, how: Shutdown) {
        self.shutdown(how);
    }
}
