//! The end that reads: a message is looked at where it lies, and its room is given back.

use std::{
    fmt,
    ops::{ControlFlow, Deref},
    os::fd::AsFd,
    slice,
    time::Duration,
};

use super::{
    Mapped, Points, RingError, Wait,
    claim::leave,
    reader::Reader,
    records::{EMPTY, Records},
    wait::{self, Pace},
};
use crate::{futex, who::Who};

/// Room is given back in portions of this share of the ring, or when nothing is left to read: each costs a locked
/// instruction, and takes the cache line away from the producer.
const PORTIONS: u32 = 8;

/// Reads messages out of a ring. One process at a time has this end; it leaves when this is dropped.
///
/// `P` are [`Points`] for tests.
pub struct Consumer<P: Points = ()> {
    ring: Mapped,
    reader: Reader,
    wait: Wait,
    pace: Pace,
    expected: Who,
    points: P,
}

impl Consumer {
    /// Takes this end of the ring: if nobody has it, or if whoever had it is dead.
    ///
    /// # Errors
    /// [`RingError::Taken`], and when this is no ring.
    pub fn attach(memory: impl AsFd) -> Result<Self, RingError> {
        Self::attach_with(memory, ())
    }
}

impl<P: Points> Consumer<P> {
    /// The same, with points: `peeked`, `released`, `given back` (nobody is woken yet), `woken`.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn attach_with(memory: impl AsFd, points: P) -> Result<Self, RingError> {
        let ring = Mapped::attach(memory)?;
        Mapped::claim(&ring.shared.consumer)?;
        let reader =
            Reader::resume(&ring.shared, ring.capacity).inspect_err(|_| leave(&ring.shared.consumer))?;
        Ok(Self { ring, reader, wait: Wait::default(), pace: Pace::default(), expected: Who::NOBODY, points })
    }

    /// How to wait for a message.
    pub fn set_wait(&mut self, wait: Wait) {
        self.wait = wait;
    }

    /// The process `id`, which lives or is a zombie, will be the producer: if it dies before it comes, it counts as dead
    /// all the same.
    pub fn expect(&mut self, id: u32) {
        self.expected = Who::of(id);
    }

    /// The next message, where it lies; waits while there is none. It stays the next one until it is
    /// [released](Message::release).
    ///
    /// # Errors
    /// [`Closed`](RingError::Closed), [`PeerDied`](RingError::PeerDied) when there is none and none will come;
    /// [`Corrupt`](RingError::Corrupt).
    pub fn peek(&mut self) -> Result<Message<'_, P>, RingError> {
        self.peek_by(None)
    }

    /// As [`peek`](Self::peek), but waits no longer than `limit`.
    ///
    /// # Errors
    /// [`RingError::TimedOut`], and those of [`peek`](Self::peek).
    pub fn peek_within(&mut self, limit: Duration) -> Result<Message<'_, P>, RingError> {
        self.peek_by(Some(limit))
    }

    /// The next message, if there is one now.
    ///
    /// # Errors
    /// [`Closed`](RingError::Closed), [`Corrupt`](RingError::Corrupt). A death is not noticed.
    pub fn try_peek(&mut self) -> Result<Option<Message<'_, P>>, RingError> {
        match self.reader.next(&self.ring)? {
            Some((at, len)) => Ok(Some(Message { consumer: self, at, len })),
            None if self.reader.is_abandoned() => Err(RingError::Closed),
            None => {
                self.give_back();
                Ok(None)
            }
        }
    }

    #[inline]
    fn peek_by(&mut self, limit: Option<Duration>) -> Result<Message<'_, P>, RingError> {
        let (at, len) = match self.reader.next(&self.ring)? {
            Some(found) => found,
            None => self.wait_for_one(limit)?,
        };
        self.points.at("peeked");
        Ok(Message { consumer: self, at, len })
    }

    fn wait_for_one(&mut self, limit: Option<Duration>) -> Result<(usize, usize), RingError> {
        // Else the producer might sleep for want of room that nobody needs here.
        self.give_back();
        let Self { ring, reader, pace, .. } = self;
        wait::wait((self.wait, pace), (&ring.shared.producer, self.expected), limit, || {
            Ok(match reader.next(ring)? {
                Some(found) => ControlFlow::Break(found),
                None if reader.is_abandoned() => return Err(RingError::Closed),
                None => ControlFlow::Continue((ring.header(reader.place()), EMPTY)),
            })
        })
    }

    /// Gives back the room of all messages that were released: now, and not when it is worth while. Then no successor
    /// gets them again if this process dies.
    pub fn give_back(&mut self) {
        if self.reader.owes() == 0 {
            return;
        }
        let sleeper = self.reader.give_back(&self.ring.shared);
        self.points.at("given back");
        if let Some(word) = sleeper {
            futex::wake_shared(word, 1);
            self.points.at("woken");
        }
    }
}

impl<P: Points> Drop for Consumer<P> {
    fn drop(&mut self) {
        let sleeper = self.reader.close(&self.ring.shared);
        leave(&self.ring.shared.consumer);
        if let Some(word) = sleeper {
            futex::wake_shared(word, 1);
        }
    }
}

impl<P: Points> fmt::Debug for Consumer<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Consumer").field("reader", &self.reader).finish_non_exhaustive()
    }
}

/// A message, in the ring. Dropped, it is not released: it is the next one again.
pub struct Message<'a, P: Points = ()> {
    consumer: &'a mut Consumer<P>,
    at: usize,
    len: usize,
}

impl<P: Points> Message<'_, P> {
    /// Is done with it. Its room goes back to the producer, at the latest when there is nothing more to read.
    #[inline]
    pub fn release(self) {
        let consumer = self.consumer;
        consumer.reader.release(self.len);
        consumer.points.at("released");
        if consumer.reader.owes() >= consumer.ring.capacity / PORTIONS {
            consumer.give_back();
        }
    }

    /// A copy, each byte read once: for bytes from a process that is not trusted.
    pub fn copied(&self) -> Vec<u8> {
        let mut copy = vec![0; self.len];
        let mapping = self.consumer.ring.shared.mapping();
        let start = self.consumer.ring.bytes().addr() - mapping.as_ptr().addr();
        // It cannot fail: the message lies inside.
        mapping.read(start + self.at, &mut copy).expect("the message lies inside of the mapping");
        copy
    }
}

impl<P: Points> Deref for Message<'_, P> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: inside of the mapping, as `Reader::next` has checked; announced, so the producer leaves it alone until
        // it is given back. What a producer does that breaks the protocol, the module's limits say.
        unsafe { slice::from_raw_parts(self.consumer.ring.bytes().add(self.at), self.len) }
    }
}

impl<P: Points> fmt::Debug for Message<'_, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Message").field("len", &self.len).finish_non_exhaustive()
    }
}
