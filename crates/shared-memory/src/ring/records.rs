//! How messages lie in a ring, and all that its two ends say to each other.
//!
//! Nothing in this file and in `writer.rs` and `reader.rs` knows of processes or of memory that is mapped: it runs on any
//! memory, so `tests/ring_model.rs` runs it through the model checkers.
//!
//! ```text
//! record: | header: 4 bytes of 8 | the message | up to 7 bytes |      skip: | header | unused, to the end |
//! ```
//! A message lies in one piece. If it does not fit between its place and the end of the memory, a skip fills what is left
//! there, and it lies at the start. Everything begins at a multiple of 8.
//!
//! The consumer looks at the header where the next record will begin, and nowhere else: so the message comes with the same
//! line of the cache as the news of it. Whatever was there before is the producer's to wipe: the header *behind* the last
//! message says [`EMPTY`] before the message is announced.
//!
//! A sleeper sleeps on the word that will change, the consumer on that header, the producer on [`Ends::read`], and says so by
//! a bit in that word: whoever changes it learns it in the same step, no wake-up can get lost between two, and no fence is
//! needed.

use std::time::Duration;

use model::{
    futex,
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use crate::shared;

/// In a header: there is no record here yet.
pub const EMPTY: u32 = 0;
/// In a header, and in [`Ends::read`]: the other end sleeps until it changes.
pub const ASLEEP: u32 = 1;
/// In a header, and in [`Ends::read`]: this end has left, in good order.
pub const CLOSED: u32 = 2;
/// In a header: no message, go on at the start of the memory.
pub const SKIP: u32 = 4;
/// Bytes of a header. What it says from here on is the length of header and message.
pub const HEADER: usize = 8;

shared! {
    /// What both ends know beside the records. On lines of its own (two: the processor likes to fetch them in pairs).
    #[repr(align(128))]
    #[derive(Debug, Default)]
    pub struct Ends {
        /// Bytes that the consumer has given back so far, wrapping; with [`ASLEEP`] and [`CLOSED`]. Also a futex.
        pub read: AtomicU32,
        /// Which process is the producer: a [`Who`](crate::who::Who).
        pub producer: AtomicU64,
        /// Which process is the consumer.
        pub consumer: AtomicU64,
    }
}

/// The other end has stored what it never stores, or the bytes in the ring are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ring is corrupt: {0}")]
pub struct Corrupt(pub &'static str);

/// The memory between the ends, as far as the algorithm needs it.
pub trait Records {
    /// The word at `at` bytes from the start, a multiple of 8 below the capacity.
    fn header(&self, at: usize) -> &AtomicU32;
}

/// Bytes of the longest message: with header and skip, and a header behind it, it always fits into an empty ring.
pub const fn longest(capacity: u32) -> usize {
    capacity as usize / 2 - HEADER
}

/// Bytes of a record; its message is not too long.
pub(super) const fn record(len: usize) -> u32 {
    (HEADER + len.next_multiple_of(8)) as u32
}

/// Sleeps until `word` is no longer `seen`, or `limit` is over, or for no reason.
pub fn sleep(word: &AtomicU32, seen: u32, limit: Option<Duration>) {
    // Relaxed: nothing is read on the strength of it. If it fails, the word has changed (then the futex does not wait) or
    // the bit is there already, from a sleep that was too short.
    let _ = word.compare_exchange(seen, seen | ASLEEP, Relaxed, Relaxed);
    futex::wait_shared(word, seen | ASLEEP, limit);
}

/// What an end has changed: `word` said `before`. The word, if somebody sleeps on it and must be woken.
#[inline]
pub(super) fn sleeper(word: &AtomicU32, before: u32) -> Option<&AtomicU32> {
    (before & ASLEEP != 0).then_some(word)
}
