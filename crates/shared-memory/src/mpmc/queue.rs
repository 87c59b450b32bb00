//! What a process does with the queue: it puts messages in, takes them out, and waits as long as it is told to.

use std::{
    fmt,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use model::{hint, sync::atomic::AtomicU64, thread};

use super::{
    Front, QueueError, Slot, Taken,
    slots::{self, Counters, Head, Slots},
};
use crate::{
    layout::Shared,
    ring::{PATIENCE, Points},
    safe::{Plain, PlainCell},
    who::Who,
};

/// One process's view of the queue. Threads may share it.
pub struct Queue<T: Plain, P: Points = ()> {
    shared: Shared<Front, Slot<T>>,
    len: u32,
    pub(super) me: Who,
    pub(super) points: P,
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

    pub(super) fn of(shared: Shared<Front, Slot<T>>, points: P) -> Result<Self, QueueError> {
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
        Taken::new(self, position, value)
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

    pub(super) fn ring(&self) {
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
