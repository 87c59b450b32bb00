//! Many producers and consumers in one bounded queue, of whom any may be killed at any moment.
//!
//! ```
//! use shared_memory::{Memfd, mpmc::{self, Queue}};
//! use std::time::Duration;
//!
//! const LIMIT: Duration = Duration::from_secs(1);
//! let memory = Memfd::create("queue", mpmc::size::<u64>(16))?;
//! mpmc::create::<u64>(&memory)?;
//! let queue = Queue::<u64>::attach(&memory)?; // in each process
//! queue.push(7, LIMIT)?;
//! assert_eq!(queue.pop(LIMIT)?, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is promised
//! A message is **accepted** when `push` has published it, just before it returns. It is **taken for good** when
//! [`Taken::done`], or `pop`, has freed its slot, just before it returns.
//! - None that was accepted is lost: if its consumer dies before it is taken for good, another gets it, out of order.
//! - None comes out twice, unless its consumer died between the look at it and [`Taken::done`]. `pop` does not show it
//!   before, so what `pop` gives comes once.
//! - None is torn: a message whose producer died while writing it does not come out at all.
//! - A death delays others by `PATIENCE` and a look at the slots; it never stops them.
//!
//! # Limits
//! - Messages are of one size, plain data, and copied. Those of one producer come in its order, unless a consumer dies.
//! - A producer that is *stopped* between reserving and publishing lives, and holds up all who come after it: consumers
//!   wait as long as they are told to.
//! - A push or a pop costs three to four locked instructions and a fence, some 50 ns alone. Between two processes take the
//!   [ring](crate::ring).
//! - All see each other in /proc: one PID namespace.
//!
//! In Python `multiprocessing.Queue`, whose lock a killed consumer keeps for ever.

pub mod bell;
mod queue;
pub mod slots;
mod taken;

use std::os::fd::AsFd;

use model::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{
    layout::{LayoutError, Shared},
    ring::Corrupt,
    safe::{Plain, PlainCell, SharedSafe, mix, name},
    shared,
};
use bell::Bell;
pub use queue::Queue;
use slots::Counters;
pub use taken::Taken;

/// Why nothing was pushed or popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// There is no queue in this memory, or one of other messages.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Fewer than 2, or more than 2^20.
    #[error("a queue of {slots} slots: it must have from 2 to 2^20")]
    Capacity {
        /// How many there would be.
        slots: usize,
    },
    /// The queue was full, or empty, as long as was to be waited.
    #[error("the queue stayed full, or empty, as long as was to be waited")]
    TimedOut,
    /// Somebody else has written here, or took a living process for dead.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

shared! {
    /// What stands before the slots.
    #[derive(Debug, Default)]
    struct Front {
        counters: Counters,
        bell: Bell,
    }
}

/// A word that says whose the message is, and the message.
#[repr(C)]
#[derive(Debug)]
struct Slot<T: Plain> {
    word: AtomicU64,
    value: PlainCell<T>,
}

// SAFETY: repr(C), and each field may be there.
unsafe impl<T: Plain> SharedSafe for Slot<T> {
    const LAYOUT: u64 = mix(mix(name("mpmc slot"), T::LAYOUT), size_of::<Self>() as u64);
    const MAPPABLE: bool = <AtomicU64 as SharedSafe>::MAPPABLE;
}

/// Bytes of memory for a queue of `capacity` messages. What is no power of two becomes the next one.
pub const fn size<T: Plain>(capacity: usize) -> usize {
    Shared::<Front, Slot<T>>::size(capacity.next_power_of_two())
}

/// Builds a queue in memory that is new.
///
/// # Errors
/// When the memory is too small or too large, or not new.
pub fn create<T: Plain>(memory: impl AsFd) -> Result<(), QueueError> {
    let shared = Shared::<Front, Slot<T>>::create(memory, |_, all| {
        for (position, slot) in (0..).zip(all) {
            slot.word.store(slots::free(position), Relaxed);
        }
    })?;
    Queue::of(shared, ()).map(drop)
}
