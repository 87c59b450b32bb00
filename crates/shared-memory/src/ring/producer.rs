//! The end that writes: room is reserved in the ring itself, filled there, and announced.

use std::{
    fmt,
    ops::{ControlFlow, Deref, DerefMut},
    os::fd::AsFd,
    slice,
    time::Duration,
};

use super::{
    Mapped, Points, RingError, Wait,
    claim::leave,
    records::longest,
    wait::{self, Pace},
    writer::Writer,
};
use crate::{futex, who::Who};

/// Writes messages into a ring. One process at a time has this end; it leaves when this is dropped.
///
/// `P` are [`Points`] for tests.
pub struct Producer<P: Points = ()> {
    ring: Mapped,
    writer: Writer,
    wait: Wait,
    pace: Pace,
    expected: Who,
    points: P,
}

impl Producer {
    /// Takes this end of the ring: if nobody has it, or if whoever had it is dead.
    ///
    /// # Errors
    /// [`RingError::Taken`], and when this is no ring.
    pub fn attach(memory: impl AsFd) -> Result<Self, RingError> {
        Self::attach_with(memory, ())
    }
}

impl<P: Points> Producer<P> {
    /// The same, with points: `reserved`, `staged`, `published` (nobody is woken yet), `woken`.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn attach_with(memory: impl AsFd, points: P) -> Result<Self, RingError> {
        let ring = Mapped::attach(memory)?;
        Mapped::claim(&ring.shared.producer)?;
        let writer = Writer::resume(&ring.shared, &ring, ring.capacity)
            .inspect_err(|_| leave(&ring.shared.producer))?;
        Ok(Self { ring, writer, wait: Wait::default(), pace: Pace::default(), expected: Who::NOBODY, points })
    }

    /// How to wait for room.
    pub fn set_wait(&mut self, wait: Wait) {
        self.wait = wait;
    }

    /// The process `id`, which lives or is a zombie, will be the consumer: if it dies before it comes, it counts as dead
    /// all the same.
    pub fn expect(&mut self, id: u32) {
        self.expected = Who::of(id);
    }

    /// Bytes of the longest message.
    pub fn longest(&self) -> usize {
        longest(self.ring.capacity)
    }

    /// Room for a message of `len` bytes, in the ring; waits while there is none. The room holds old bytes.
    ///
    /// Publishes what is staged before it waits.
    ///
    /// # Errors
    /// [`RingError::TooLong`]; and while it waits [`Closed`](RingError::Closed), [`PeerDied`](RingError::PeerDied),
    /// [`Corrupt`](RingError::Corrupt).
    pub fn reserve(&mut self, len: usize) -> Result<Reserved<'_, P>, RingError> {
        self.reserve_by(len, None)
    }

    /// As [`reserve`](Self::reserve), but waits no longer than `limit`.
    ///
    /// # Errors
    /// [`RingError::TimedOut`], and those of [`reserve`](Self::reserve).
    pub fn reserve_within(&mut self, len: usize, limit: Duration) -> Result<Reserved<'_, P>, RingError> {
        self.reserve_by(len, Some(limit))
    }

    #[inline]
    fn reserve_by(&mut self, len: usize, limit: Option<Duration>) -> Result<Reserved<'_, P>, RingError> {
        let longest = self.longest();
        if len > longest {
            return Err(RingError::TooLong { len, longest });
        }
        let at = match self.writer.reserve(&self.ring.shared, len)? {
            Some(at) => at,
            None => self.wait_for(len, limit)?,
        };
        self.points.at("reserved");
        Ok(Reserved { producer: self, at, len })
    }

    #[cold]
    fn wait_for(&mut self, len: usize, limit: Option<Duration>) -> Result<usize, RingError> {
        // Else the consumer might sleep for want of what is staged here.
        self.publish();
        let Self { ring, writer, pace, .. } = self;
        wait::wait((self.wait, pace), (&ring.shared.consumer, self.expected), limit, || {
            Ok(match writer.reserve(&ring.shared, len)? {
                Some(at) => ControlFlow::Break(at),
                None if writer.is_abandoned() => return Err(RingError::Closed),
                None => ControlFlow::Continue((&ring.shared.read, writer.seen())),
            })
        })
    }

    /// Announces all that is staged. To be called at the end of a batch.
    pub fn publish(&mut self) {
        if self.writer.is_published() {
            return;
        }
        let sleeper = self.writer.publish(&self.ring);
        self.points.at("published");
        if let Some(word) = sleeper {
            futex::wake_shared(word, 1);
            self.points.at("woken");
        }
    }
}

impl<P: Points> Drop for Producer<P> {
    fn drop(&mut self) {
        let sleeper = self.writer.close(&self.ring);
        leave(&self.ring.shared.producer);
        if let Some(word) = sleeper {
            futex::wake_shared(word, 1);
        }
    }
}

impl<P: Points> fmt::Debug for Producer<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Producer").field("writer", &self.writer).finish_non_exhaustive()
    }
}

/// Room in the ring, to be filled. Dropped, it is as if it had never been.
#[must_use = "nothing is sent before `commit`"]
pub struct Reserved<'a, P: Points = ()> {
    producer: &'a mut Producer<P>,
    at: usize,
    len: usize,
}

impl<P: Points> Reserved<'_, P> {
    /// The message is written: announces it, and all that was staged before. Wakes the consumer if it sleeps.
    #[inline]
    pub fn commit(self) {
        let producer = self.stage();
        producer.publish();
    }
}

impl<'a, P: Points> Reserved<'a, P> {
    /// The message is written, and will be announced with those to come: a batch costs as much as one.
    #[inline]
    pub fn stage(self) -> &'a mut Producer<P> {
        self.producer.writer.stage(&self.producer.ring, self.len);
        self.producer.points.at("staged");
        self.producer
    }
}

impl<P: Points> Deref for Reserved<'_, P> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: inside of the mapping; reserved, so the consumer leaves these bytes alone until they are announced.
        unsafe { slice::from_raw_parts(self.producer.ring.bytes().add(self.at), self.len) }
    }
}

impl<P: Points> DerefMut for Reserved<'_, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and of one producer there is one reservation.
        unsafe { slice::from_raw_parts_mut(self.producer.ring.bytes().add(self.at), self.len) }
    }
}

impl<P: Points> fmt::Debug for Reserved<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reserved").field("at", &self.at).field("len", &self.len).finish_non_exhaustive()
    }
}
