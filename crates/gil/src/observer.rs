//! What there is to be seen of the lock: who does what with it, in the order in which it happens.

/// What a thread does with the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Finds it taken and begins to wait.
    Waits,
    /// Has waited for an interval in which nothing changed, and sets the drop request.
    Asks,
    /// Holds it from now on.
    Takes,
    /// Drops it at a checkpoint, because it was asked.
    GivesWay,
    /// Drops it without being asked, to do something for which no lock is needed.
    Blocks,
    /// Drops it for good.
    Detaches,
}

/// Sees all that happens, in the order in which it happens: it is called with the lock's own mutex held, so it
/// should be short. Without an observer nothing is paid for it.
pub trait Observer: Send + Sync {
    /// `thread` (numbered from 0 in the order of attaching) does `event`.
    fn see(&self, thread: usize, event: Event);
}
