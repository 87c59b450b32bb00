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
//! - A death delays others by [`PATIENCE`] and a look at the slots; it never stops them.
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
pub mod slots;

use std::{
    fmt,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use model::{
    hint,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
};

use crate::{
    layout::{LayoutError, Shared},
    ring::{Corrupt, PATIENCE, Points},
    safe::{Plain, PlainCell, SharedSafe, mix, name},
    shared,
    who::Who,
};
use bell::Bell;
use slots::{Counters, Head, Slots};

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

/// One process's view of the queue. Threads may share it.
pub struct Queue<T: Plain, P: Points = ()> {
    shared: Shared<Front, Slot<T>>,
    len: u32,
    me: Who,
    points: P,
}

impl<T: Plain> Queue<T> {
    /// Uses the queue in this memory.
    ///
    /// # Errors
    /// [`QueueError::Layout`].
    pub fn attach(memory: impl AsFd) -> Result<Self, QueueError> {
        Self::attach_with(memory, ())
    }
}

impl<T: Plain, P: Points> Queue<T, P> {
    /// The same, with points: `reserved`, `written`, `published`, `rung`; `taken`, `read`, `freed`, `rung`.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn attach_with(memory: impl AsFd, points: P) -> Result<Self, QueueError> {
        Self::of(Shared::attach(memory)?, points)
    }

    fn of(shared: Shared<Front, Slot<T>>, points: P) -> Result<Self, QueueError> {
        let slots = shared.tail().len();
        if !(2..=slots::MOST_SLOTS as usize).contains(&slots) {
            return Err(QueueError::Capacity { slots });
        }
        Ok(Self { shared, len: 1 << slots.ilog2(), me: Who::me(), points })
    }

    /// Puts `value` in; waits while the queue is full, as long as `limit`.
    ///
    /// # Errors
    /// [`QueueError::TimedOut`], [`QueueError::Corrupt`].
    pub fn push(&self, value: T, limit: Duration) -> Result<(), QueueError> {
        let position = self.wait(limit, |_| Ok(self.reserve(self.me, &self.points)?))?;
        self.fill(position, value)
    }

    /// Puts `value` in, if there is room now: whether there was.
    ///
    /// # Errors
    /// [`QueueError::Corrupt`].
    pub fn try_push(&self, value: T) -> Result<bool, QueueError> {
        match self.reserve(self.me, &self.points)? {
            Some(position) => self.fill(position, value).map(|()| true),
            None => Ok(false),
        }
    }

    // ANCHOR: fill
    fn fill(&self, position: u32, value: T) -> Result<(), QueueError> {
        // SAFETY: the slot's word says that it is ours to write.
        unsafe { self.cell(position).get().write(value) };
        self.points.at("written");
        self.publish(position, self.me)?;
        self.points.at("published");
        self.ring();
        Ok(())
    }
    // ANCHOR_END: fill

    /// Takes a message out; waits while there is none, as long as `limit`.
    ///
    /// # Errors
    /// [`QueueError::TimedOut`], [`QueueError::Corrupt`].
    pub fn pop(&self, limit: Duration) -> Result<T, QueueError> {
        self.take_within(limit)?.done()
    }

    /// Takes a message out, if there is one now. What the dead have left it does not look for.
    ///
    /// # Errors
    /// [`QueueError::Corrupt`].
    pub fn try_pop(&self) -> Result<Option<T>, QueueError> {
        match self.take(self.me, &self.points)? {
            Head::Taken(position) => self.taken(position).done().map(Some),
            Head::Empty | Head::Writing(_) => Ok(None),
        }
    }

    /// A message to work on: if this process dies before [`Taken::done`], or drops it, another gets it.
    ///
    /// # Errors
    /// As [`pop`](Self::pop).
    pub fn take_within(&self, limit: Duration) -> Result<Taken<'_, T, P>, QueueError> {
        let position = self.wait(limit, |patience_is_over| {
            match self.take(self.me, &self.points)? {
                Head::Taken(position) => Ok(Some(position)),
                Head::Empty | Head::Writing(_) if patience_is_over => {
                    match self.recover(self.me, Who::is_alive)? {
                        // Perhaps what stood before it is gone now.
                        None => self.try_take(),
                        found => Ok(found),
                    }
                }
                Head::Empty | Head::Writing(_) => Ok(None),
            }
        })?;
        Ok(self.taken(position))
    }

    fn try_take(&self) -> Result<Option<u32>, QueueError> {
        Ok(match self.take(self.me, &self.points)? {
            Head::Taken(position) => Some(position),
            Head::Empty | Head::Writing(_) => None,
        })
    }

    fn taken(&self, position: u32) -> Taken<'_, T, P> {
        // SAFETY: the slot's word says that it is ours to read; any bytes are a T.
        let value = unsafe { self.cell(position).get().read() };
        self.points.at("read");
        Taken { queue: self, position, value, is_open: true }
    }

    fn cell(&self, position: u32) -> &PlainCell<T> {
        &self.shared.tail()[self.index(position)].value
    }

    /// A few looks, a few turns for others, then asleep; and at times, which it says, `attempt` looks for the dead.
    fn wait<R>(
        &self,
        limit: Duration,
        mut attempt: impl FnMut(bool) -> Result<Option<R>, QueueError>,
    ) -> Result<R, QueueError> {
        const SPINS: u32 = 10;
        const YIELDS: u32 = 100;
        let (mut began, mut asked) = (None, None);
        loop {
            for turn in 0..SPINS + YIELDS {
                if let Some(found) = attempt(false)? {
                    return Ok(found);
                }
                if turn < SPINS { hint::spin_loop() } else { thread::yield_now() }
            }
            let now = Instant::now();
            let patience_is_over = now - *asked.get_or_insert(now) >= PATIENCE;
            if patience_is_over {
                asked = Some(now);
            }
            let left = limit.saturating_sub(now - *began.get_or_insert(now));
            let seen = self.shared.bell.announce();
            if let Some(found) = attempt(patience_is_over)? {
                return Ok(found);
            }
            if left.is_zero() {
                return Err(QueueError::TimedOut);
            }
            self.shared.bell.sleep(seen, Some(left.min(PATIENCE)));
        }
    }

    fn ring(&self) {
        self.shared.bell.ring();
        self.points.at("rung");
    }
}

impl<T: Plain, P: Points> Slots for Queue<T, P> {
    fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    fn lap(&self) -> u32 {
        self.len
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        &self.shared.tail()[index].word
    }
}

impl<T: Plain, P: Points> fmt::Debug for Queue<T, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue").field("slots", &self.len).finish_non_exhaustive()
    }
}

/// A message that is being worked on. Dropped without [`done`](Self::done), it goes to another, some time later.
#[derive(Debug)]
pub struct Taken<'a, T: Plain, P: Points = ()> {
    queue: &'a Queue<T, P>,
    position: u32,
    /// A copy: nobody else has the message, unless this process dies.
    value: T,
    is_open: bool,
}

impl<T: Plain, P: Points> Taken<'_, T, P> {
    /// The message.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The work is done: nobody else will get it.
    ///
    /// # Errors
    /// [`QueueError::Corrupt`]: somebody took this process for dead, and the message too.
    pub fn done(mut self) -> Result<T, QueueError> {
        self.is_open = false;
        Slots::done(self.queue, self.position, self.queue.me)?;
        self.queue.points.at("freed");
        self.queue.ring();
        Ok(self.value)
    }
}

impl<T: Plain, P: Points> Drop for Taken<'_, T, P> {
    fn drop(&mut self) {
        if self.is_open {
            // An error says that another has it already.
            let _ = self.queue.abandon(self.position, self.queue.me);
        }
    }
}
