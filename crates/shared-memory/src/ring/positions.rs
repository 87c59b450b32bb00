//! The ring's algorithm: two positions that only grow, each stored by one end and read by the other.
//!
//! Nothing here knows of processes or of memory that is mapped: it runs on any memory, so `tests/ring_model.rs` runs it
//! through the model checkers.
//!
//! ```text
//! record: | header: 8 bytes, the length | the message | up to 7 bytes |      skip: | header | unused, to the end |
//! ```
//! A message lies in one piece. If it does not fit between its place and the end of the memory, a skip fills what is left
//! there, and it lies at the start. Everything begins at a multiple of 8, so a position has three bits to spare, and one
//! of them says that the other end sleeps: the position and the sleeper change in one step, no wake-up can get lost
//! between two, and no fence is needed.

use std::time::Duration;

use model::{
    futex,
    sync::atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::shared;

/// In a position: the other end sleeps until it changes.
pub const ASLEEP: u32 = 1;
/// In a position: this end has left, in good order.
pub const CLOSED: u32 = 2;
/// In a header: no message, go on at the start of the memory.
const SKIP: u64 = 1 << 63;
/// Bytes of a header.
pub const HEADER: usize = 8;

shared! {
    /// What one end says to the other. On lines of its own (two: the processor likes to fetch them in pairs), so that
    /// one end's store does not take the other's line away.
    #[repr(align(128))]
    #[derive(Debug, Default)]
    pub struct End {
        /// Bytes written (or read) so far, wrapping; with [`ASLEEP`] and [`CLOSED`]. Also a futex.
        pub position: AtomicU32,
        /// Which process this is: a [`Who`](crate::who::Who).
        pub owner: AtomicU64,
    }
}

shared! {
    /// Both ends of a ring.
    #[derive(Debug, Default)]
    pub struct Ends {
        /// Stored by the producer.
        pub written: End,
        /// Stored by the consumer.
        pub read: End,
    }
}

/// The other end has stored what it never stores, or the bytes in the ring are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ring is corrupt: {0}")]
pub struct Corrupt(pub &'static str);

/// The memory between the ends, as far as the algorithm needs it.
pub trait Records {
    /// Stores a header.
    ///
    /// # Safety
    /// `at` is a multiple of 8 below the capacity, and these bytes are the producer's at the moment.
    unsafe fn set_header(&self, at: usize, header: u64);

    /// Loads a header.
    ///
    /// # Safety
    /// `at` is a multiple of 8 below the capacity, and these bytes are the consumer's at the moment.
    unsafe fn header(&self, at: usize) -> u64;
}

/// Bytes of the longest message: with header and skip it always fits into an empty ring.
pub const fn longest(capacity: u32) -> usize {
    capacity as usize / 2 - HEADER
}

/// Bytes of a record; its message is not too long.
const fn record(len: usize) -> u32 {
    (HEADER + len.next_multiple_of(8)) as u32
}

/// A position that the other end has stored: what it says, and whether that end has left.
#[inline]
fn look(end: &End) -> Result<(u32, bool), Corrupt> {
    // Acquire: pairs with the Release in `publish` and `give_back`: the bytes before that position are ready.
    let seen = end.position.load(Acquire);
    match seen & 7 & !ASLEEP {
        0 => Ok((seen & !7, false)),
        CLOSED => Ok((seen & !7, true)),
        _ => Err(Corrupt("a position that is no multiple of 8")),
    }
}

/// Sleeps until the position in `end` is no longer `seen`, or `limit` is over, or for no reason.
pub fn sleep(end: &End, seen: u32, limit: Option<Duration>) {
    // Relaxed: nothing is read on the strength of it. If it fails, the position has changed (then the futex does not
    // wait) or the bit is there already, from a sleep that was too short.
    let _ = end.position.compare_exchange(seen, seen | ASLEEP, Relaxed, Relaxed);
    futex::wait_shared(&end.position, seen | ASLEEP, limit);
}

/// The producer's side.
#[derive(Debug)]
pub struct Writer {
    capacity: u32,
    /// Where the next record begins.
    next: u32,
    /// What `written` says.
    published: u32,
    /// What `read` said when last looked at.
    read: u32,
    /// The consumer has left.
    abandoned: bool,
}

impl Writer {
    /// Goes on where the last producer has published.
    ///
    /// # Errors
    /// When the two positions cannot be true.
    pub fn resume(ends: &Ends, capacity: u32) -> Result<Self, Corrupt> {
        // Only a predecessor, who is gone, has stored it.
        let (next, _) = look(&ends.written)?;
        let (read, abandoned) = look(&ends.read)?;
        if next.wrapping_sub(read) > capacity {
            return Err(Corrupt("more is in the ring than fits"));
        }
        Ok(Self { capacity, next, published: next, read, abandoned })
    }

    // ANCHOR: reserve
    /// Where a message of `len` bytes may be written now, in bytes from the start; `None` if there is no room yet.
    ///
    /// `len` is at most [`longest`].
    ///
    /// # Errors
    /// When the consumer's position cannot be true.
    #[inline]
    pub fn reserve(
        &mut self,
        ends: &Ends,
        records: &impl Records,
        len: usize,
    ) -> Result<Option<usize>, Corrupt> {
        let to_end = self.capacity - self.place();
        let skip = if record(len) > to_end { to_end } else { 0 };
        let needed = skip + record(len);
        if needed > self.room() {
            self.look(ends)?;
            if needed > self.room() {
                return Ok(None);
            }
        }
        if skip > 0 {
            // SAFETY: the place is in the room, which is ours until it is published.
            unsafe { records.set_header(self.place() as usize, SKIP) };
            self.next = self.next.wrapping_add(skip);
        }
        Ok(Some(self.place() as usize + HEADER))
    }
    // ANCHOR_END: reserve

    /// The message of `len` bytes at the place that was reserved last is written. Not published yet.
    #[inline]
    pub fn stage(&mut self, records: &impl Records, len: usize) {
        // SAFETY: reserved, and not published.
        unsafe { records.set_header(self.place() as usize, len as u64) };
        self.next = self.next.wrapping_add(record(len));
    }

    // ANCHOR: publish
    /// Everything staged can be read now. Whether the consumer sleeps, and must be woken.
    #[inline]
    pub fn publish(&mut self, ends: &Ends) -> bool {
        if self.published == self.next {
            return false;
        }
        self.published = self.next;
        // Release: pairs with the Acquire in `look`: the messages are written before they are announced. A swap, and no
        // store: it tells whether there is a sleeper in the same step.
        ends.written.position.swap(self.next, Release) & ASLEEP != 0
    }
    // ANCHOR_END: publish

    /// Looks how far the consumer is.
    #[inline]
    fn look(&mut self, ends: &Ends) -> Result<(), Corrupt> {
        let (read, abandoned) = look(&ends.read)?;
        // It may go on, as far as was published.
        if read.wrapping_sub(self.read) > self.published.wrapping_sub(self.read) {
            return Err(Corrupt("the consumer has read what was not written"));
        }
        (self.read, self.abandoned) = (read, abandoned);
        Ok(())
    }

    fn room(&self) -> u32 {
        self.capacity - self.next.wrapping_sub(self.read)
    }

    fn place(&self) -> u32 {
        self.next & (self.capacity - 1)
    }

    /// The position for [`sleep`]: what the consumer has stored.
    #[inline]
    pub fn seen(&self) -> u32 {
        self.read
    }

    /// Whether the consumer had left when last looked at.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Whether a staged message waits to be published.
    #[inline]
    pub fn is_published(&self) -> bool {
        self.published == self.next
    }

    /// Leaves.
    pub fn close(&mut self, ends: &Ends) -> bool {
        self.published = self.next;
        // Release: as in `publish`.
        ends.written.position.swap(self.next | CLOSED, Release) & ASLEEP != 0
    }
}

/// The consumer's side.
#[derive(Debug)]
pub struct Reader {
    capacity: u32,
    /// Where the next record begins.
    next: u32,
    /// What `read` says: what is before it may be written again.
    given: u32,
    /// What `written` said when last looked at.
    written: u32,
    /// The producer has left.
    abandoned: bool,
}

impl Reader {
    /// Goes on where the last consumer has given back.
    ///
    /// # Errors
    /// When the two positions cannot be true.
    pub fn resume(ends: &Ends, capacity: u32) -> Result<Self, Corrupt> {
        let (next, _) = look(&ends.read)?;
        let mut reader = Self { capacity, next, given: next, written: next, abandoned: false };
        reader.look(ends)?;
        Ok(reader)
    }

    // ANCHOR: next
    /// The next message: where it begins, in bytes from the start, and its length. `None` if there is none yet.
    ///
    /// It lies inside of the memory and of what was published, whatever the other end has stored.
    ///
    /// # Errors
    /// When the producer's position or the record cannot be true.
    #[inline]
    pub fn next(&mut self, ends: &Ends, records: &impl Records) -> Result<Option<(usize, usize)>, Corrupt> {
        loop {
            if self.next == self.written {
                self.look(ends)?;
                if self.next == self.written {
                    return Ok(None);
                }
            }
            let (place, ready) = (self.next & (self.capacity - 1), self.written.wrapping_sub(self.next));
            let to_end = self.capacity - place;
            // SAFETY: below the capacity, and published. Read once: what is checked is what is used.
            let header = unsafe { records.header(place as usize) };
            if header == SKIP {
                if to_end > ready {
                    return Err(Corrupt("a skip beyond what was written"));
                }
                self.next = self.next.wrapping_add(to_end);
                continue;
            }
            let len = usize::try_from(header).unwrap_or(usize::MAX);
            if len > longest(self.capacity) || record(len) > ready.min(to_end) {
                return Err(Corrupt("a message beyond what was written"));
            }
            return Ok(Some((place as usize + HEADER, len)));
        }
    }
    // ANCHOR_END: next

    /// Is done with the message of `len` bytes that [`next`](Self::next) gave. Its room is not given back yet.
    #[inline]
    pub fn release(&mut self, len: usize) {
        self.next = self.next.wrapping_add(record(len));
    }

    /// Bytes that are done with and not given back.
    #[inline]
    pub fn owes(&self) -> u32 {
        self.next.wrapping_sub(self.given)
    }

    /// All that is done with may be written again. Whether the producer sleeps, and must be woken.
    #[inline]
    pub fn give_back(&mut self, ends: &Ends) -> bool {
        if self.given == self.next {
            return false;
        }
        self.given = self.next;
        // Release: pairs with the Acquire in `look`: the messages were read before they are overwritten.
        ends.read.position.swap(self.next, Release) & ASLEEP != 0
    }

    #[inline]
    fn look(&mut self, ends: &Ends) -> Result<(), Corrupt> {
        let (written, abandoned) = look(&ends.written)?;
        let (ready, before) = (written.wrapping_sub(self.given), self.written.wrapping_sub(self.given));
        if ready > self.capacity || ready < before {
            return Err(Corrupt("more is in the ring than fits"));
        }
        (self.written, self.abandoned) = (written, abandoned);
        Ok(())
    }

    /// The position for [`sleep`]: what the producer has stored.
    #[inline]
    pub fn seen(&self) -> u32 {
        self.written
    }

    /// Where the next header will be, in bytes from the start.
    #[inline]
    pub fn place(&self) -> usize {
        (self.next & (self.capacity - 1)) as usize
    }

    /// Whether the producer had left when last looked at.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Leaves.
    pub fn close(&mut self, ends: &Ends) -> bool {
        self.given = self.next;
        // Release: as in `give_back`.
        ends.read.position.swap(self.next | CLOSED, Release) & ASLEEP != 0
    }
}
