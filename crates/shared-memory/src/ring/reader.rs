//! The consumer's side of the algorithm: it looks at one header, takes what that says, and gives room back.

use model::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use super::records::{ASLEEP, CLOSED, Corrupt, EMPTY, Ends, HEADER, Records, SKIP, longest, record, sleeper};

/// Reads records.
#[derive(Debug)]
pub struct Reader {
    capacity: u32,
    /// Where the next record begins: a position, which only grows, and wraps around.
    next: u32,
    /// What [`Ends::read`] says: what is before it may be written again.
    given: u32,
    /// The producer had left when last looked for.
    abandoned: bool,
}

impl Reader {
    /// Goes on where the last consumer has given back.
    ///
    /// # Errors
    /// When its position cannot be true.
    pub fn resume(ends: &Ends, capacity: u32) -> Result<Self, Corrupt> {
        // Relaxed: only a predecessor, who is gone, has stored it. It has left, and this one comes.
        let given = ends.read.fetch_and(!CLOSED, Relaxed) & !(CLOSED | ASLEEP);
        if !given.is_multiple_of(8) {
            return Err(Corrupt("a position that is no multiple of 8"));
        }
        Ok(Self::at(given, capacity))
    }

    /// As if all before this position were given back.
    pub(super) const fn at(given: u32, capacity: u32) -> Self {
        Self { capacity, next: given, given, abandoned: false }
    }

    // ANCHOR: next
    /// The next message: where it begins, in bytes from the start, and its length. `None` if there is none yet.
    ///
    /// It lies inside of the memory, whatever the other end has stored.
    ///
    /// # Errors
    /// When what is there cannot be a record.
    #[inline]
    pub fn next(&mut self, records: &impl Records) -> Result<Option<(usize, usize)>, Corrupt> {
        loop {
            // Acquire: pairs with the Release in the writer's `announce`. Read once: what is checked is what is used.
            let header = records.header(self.place()).load(Acquire);
            let to_end = self.capacity - self.place() as u32;
            // All that can have been written: a header is behind it.
            let most = self.capacity - self.owes() - HEADER as u32;
            let Some(len) = (header as usize).checked_sub(HEADER) else {
                self.abandoned = header & !ASLEEP == CLOSED;
                match header & !ASLEEP {
                    EMPTY | CLOSED => return Ok(None),
                    SKIP if to_end <= most => self.next = self.next.wrapping_add(to_end),
                    SKIP => return Err(Corrupt("a skip beyond what can have been written")),
                    _ => return Err(Corrupt("a header that says nothing")),
                }
                continue;
            };
            if len > longest(self.capacity) || record(len) > to_end.min(most) {
                return Err(Corrupt("a message beyond what can have been written"));
            }
            return Ok(Some((self.place() + HEADER, len)));
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

    /// All that is done with may be written again. The word on which the producer sleeps, if it does, and must be woken.
    #[inline]
    pub fn give_back<'e>(&mut self, ends: &'e Ends) -> Option<&'e AtomicU32> {
        if self.given == self.next {
            return None;
        }
        self.given = self.next;
        // Release: pairs with the Acquire in the writer's `look`: the messages were read before they are overwritten.
        sleeper(&ends.read, ends.read.swap(self.next, Release))
    }

    /// Leaves; what it is done with is given back.
    pub fn close<'e>(&mut self, ends: &'e Ends) -> Option<&'e AtomicU32> {
        self.given = self.next;
        // Release: as in `give_back`.
        sleeper(&ends.read, ends.read.swap(self.next | CLOSED, Release))
    }

    /// Where the next header will be, in bytes from the start: for [`sleep`](super::records::sleep) on it while it says
    /// [`EMPTY`].
    #[inline]
    pub fn place(&self) -> usize {
        (self.next & (self.capacity - 1)) as usize
    }

    /// Whether the producer had left when last looked for.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
    }
}
