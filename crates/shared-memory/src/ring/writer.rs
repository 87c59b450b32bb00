//! The producer's side of the algorithm: room is found, records are staged, and one store announces all of them.

use model::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use super::{
    reader::Reader,
    records::{CLOSED, Corrupt, EMPTY, Ends, HEADER, Records, SKIP, record, sleeper},
};

/// Writes records.
#[derive(Debug)]
pub struct Writer {
    capacity: u32,
    /// Where the next record begins: a position, which only grows, and wraps around.
    next: u32,
    /// Where the first record begins that is staged and not published, if there is one: else `next`.
    published: u32,
    /// What that one's header will say.
    first: u32,
    /// What [`Ends::read`] said when last looked at.
    read: u32,
    /// The consumer had left then.
    abandoned: bool,
}

impl Writer {
    /// Goes on behind the last record that was published, and finds that as a consumer would.
    ///
    /// # Errors
    /// When what is in the ring cannot be true.
    pub fn resume(ends: &Ends, records: &impl Records, capacity: u32) -> Result<Self, Corrupt> {
        let (read, abandoned) = look(ends)?;
        let mut reader = Reader::at(read, capacity);
        while let Some((_, len)) = reader.next(records)? {
            reader.release(len);
        }
        let next = read.wrapping_add(reader.owes());
        // The last producer has left, and this one comes. Only a mark: nothing is read on the strength of it.
        records.header(reader.place()).fetch_and(!CLOSED, Relaxed);
        Ok(Self { capacity, next, published: next, first: EMPTY, read, abandoned })
    }

    // ANCHOR: reserve
    /// Where a message of `len` bytes may be written now, in bytes from the start; `None` if there is no room yet.
    ///
    /// `len` is at most [`longest`](super::records::longest).
    ///
    /// # Errors
    /// When the consumer's position cannot be true.
    #[inline]
    pub fn reserve(&mut self, ends: &Ends, len: usize) -> Result<Option<usize>, Corrupt> {
        let skip = self.skip(len);
        // And a header behind it, which says that there is no more.
        let needed = skip + record(len) + HEADER as u32;
        if needed > self.room() {
            self.look(ends)?;
            if needed > self.room() {
                return Ok(None);
            }
        }
        Ok(Some(self.place(self.next.wrapping_add(skip)) + HEADER))
    }
    // ANCHOR_END: reserve

    /// The message of `len` bytes at the place that was reserved last is written. Not published yet.
    #[inline]
    pub fn stage(&mut self, records: &impl Records, len: usize) {
        let skip = self.skip(len);
        if skip > 0 {
            self.append(records, SKIP, skip);
        }
        self.append(records, (HEADER + len) as u32, record(len));
    }

    /// One more header, with `bytes` until the next one. The first is kept back: with it all the others can be seen.
    #[inline]
    fn append(&mut self, records: &impl Records, header: u32, bytes: u32) {
        if self.is_published() {
            self.first = header;
        } else {
            // Relaxed: nobody looks there before the first one is stored.
            records.header(self.place(self.next)).store(header, Relaxed);
        }
        self.next = self.next.wrapping_add(bytes);
    }

    // ANCHOR: publish
    /// Everything staged can be read now. The word on which the consumer sleeps, if it does, and must be woken.
    #[inline]
    pub fn publish<'r>(&mut self, records: &'r impl Records) -> Option<&'r AtomicU32> {
        if self.is_published() {
            return None;
        }
        // Behind the last message lie old bytes, and a consumer that is done with it will look there.
        self.append(records, EMPTY, 0);
        self.announce(records)
    }

    #[inline]
    fn announce<'r>(&mut self, records: &'r impl Records) -> Option<&'r AtomicU32> {
        let header = records.header(self.place(self.published));
        self.published = self.next;
        // Release: pairs with the Acquire in the reader's `next`: messages and other headers are written before. A swap,
        // and no store: it tells whether there is a sleeper in the same step.
        sleeper(header, header.swap(self.first, Release))
    }
    // ANCHOR_END: publish

    /// Leaves; what is staged is published.
    pub fn close<'r>(&mut self, records: &'r impl Records) -> Option<&'r AtomicU32> {
        self.append(records, CLOSED, 0);
        self.announce(records)
    }

    /// Looks how far the consumer is.
    #[inline]
    fn look(&mut self, ends: &Ends) -> Result<(), Corrupt> {
        let (read, abandoned) = look(ends)?;
        // It may go on, as far as was published.
        if read.wrapping_sub(self.read) > self.published.wrapping_sub(self.read) {
            return Err(Corrupt("the consumer has read what was not written"));
        }
        (self.read, self.abandoned) = (read, abandoned);
        Ok(())
    }

    /// Bytes up to the end of the memory, if a message of `len` bytes does not fit in there.
    #[inline]
    fn skip(&self, len: usize) -> u32 {
        let to_end = self.capacity - self.place(self.next) as u32;
        if record(len) > to_end { to_end } else { 0 }
    }

    fn room(&self) -> u32 {
        self.capacity - self.next.wrapping_sub(self.read)
    }

    fn place(&self, position: u32) -> usize {
        (position & (self.capacity - 1)) as usize
    }

    /// What [`Ends::read`] said when last looked at: for [`sleep`](super::records::sleep) there.
    #[inline]
    pub fn seen(&self) -> u32 {
        self.read
    }

    /// Whether the consumer had left when last looked at.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Whether nothing is staged.
    #[inline]
    pub fn is_published(&self) -> bool {
        self.published == self.next
    }
}

/// How far the consumer is, and whether it has left.
#[inline]
fn look(ends: &Ends) -> Result<(u32, bool), Corrupt> {
    // Acquire: pairs with the Release in `give_back`: what is before that position was read.
    let read = ends.read.load(Acquire);
    match read & 7 & !super::records::ASLEEP {
        0 => Ok((read & !7, false)),
        CLOSED => Ok((read & !7, true)),
        _ => Err(Corrupt("a position that is no multiple of 8")),
    }
}
