//! Messages of any length from one process to another, written and read where they lie: no copy, and no system call while
//! both ends are awake.
//!
//! ```
//! use shared_memory::{Memfd, ring::{self, Consumer, Producer}};
//!
//! let memory = Memfd::create("ring", ring::size(4096))?;
//! ring::create(&memory)?;
//! let mut producer = Producer::attach(&memory)?;
//! let mut consumer = Consumer::attach(&memory)?; // in another process, as a rule
//!
//! let mut message = producer.reserve(5)?;
//! message.copy_from_slice(b"hello");
//! message.commit();
//! let message = consumer.peek()?;
//! assert_eq!(&message[..], b"hello");
//! message.release();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is promised
//! - A message that was committed is there whole, or not at all, whoever is killed when. Messages come in order.
//! - **The producer dies**: the consumer gets all that was committed, then [`RingError::PeerDied`]. Another process may
//!   take the end and go on.
//! - **The consumer dies**: the producer gets [`RingError::PeerDied`] when the ring is full. Another process may take the
//!   end; it gets all that was not [given back](Consumer::give_back), so perhaps messages that the dead one had seen.
//! - A death is noticed by whoever waits, within twice [`PATIENCE`]. Nobody waits for ever, unless for a process that
//!   never came and was not [expected](Consumer::expect).
//! - Whatever the other end stores in positions and headers, nothing outside of the ring is read or written: what cannot
//!   be true is [`RingError::Corrupt`].
//!
//! # Limits
//! - A message has at most half of the capacity, less 8 bytes.
//! - **The other process must keep to the protocol for the messages to stay as they are.** One that does not can change
//!   a message while it is read as a slice, for which Rust has no promise at all. From a process that is not trusted take
//!   [`Message::copied`], and check the copy.
//! - Between a request and its answer no time is lost; of many messages each costs a locked instruction. Batches cost
//!   one: [`Reserved::stage`].
//! - A process that is stopped (SIGSTOP) lives: give a limit ([`Consumer::peek_within`]).
//!
//! In Python nothing like it: `multiprocessing.Queue` pickles, and copies twice through a pipe.
//!
//! | file | idea |
//! |---|---|
//! | `positions.rs` | the algorithm, for the model checkers too |
//! | `wait.rs` | how to wait, and when to ask whether the other lives |
//! | `producer.rs`, `consumer.rs` | the two ends |

mod consumer;
pub mod positions;
mod producer;
mod wait;

use std::os::fd::AsFd;

use model::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Relaxed},
};

pub use consumer::{Consumer, Message};
pub use positions::Corrupt;
use positions::{CLOSED, End, Ends, Records};
pub use producer::{Producer, Reserved};
pub use wait::{PATIENCE, Wait};

use crate::{
    layout::{LayoutError, Shared},
    safe::PlainCell,
    shared,
    who::Who,
};

/// Why a ring cannot be used, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// There is no ring in this memory.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Too small, or beyond 1 GiB.
    #[error("a ring of {bytes} bytes: it must have from 64 to 2^30")]
    Capacity {
        /// Bytes for messages.
        bytes: usize,
    },
    /// Another living process has this end.
    #[error("process {id} has this end of the ring")]
    Taken {
        /// Its process id.
        id: u32,
    },
    /// The message would never fit.
    #[error("a message of {len} bytes in a ring for at most {longest}")]
    TooLong {
        /// Bytes asked for.
        len: usize,
        /// Half of the capacity, less a header.
        longest: usize,
    },
    /// The other end has left in good order, and there is nothing more to read.
    #[error("the other end of the ring has left")]
    Closed,
    /// The process at the other end was killed, or has crashed, and there is nothing more to read.
    #[error("process {id}, at the other end of the ring, has died")]
    PeerDied {
        /// Its process id.
        id: u32,
    },
    /// The time that was given is over.
    #[error("the ring stayed as it was for as long as was to be waited")]
    TimedOut,
    /// The other end does not keep to the protocol, or somebody else has written here.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

/// Points with a name, in the order in which an end passes them: where a test has it killed.
pub trait Points {
    /// It is at `point`.
    fn at(&self, point: &'static str);
}

/// In production: nothing.
impl Points for () {
    #[inline(always)]
    fn at(&self, _: &'static str) {}
}

impl Points for fn(&'static str) {
    fn at(&self, point: &'static str) {
        self(point);
    }
}

shared! {
    /// 64 bytes of messages.
    #[repr(align(64))]
    #[derive(Debug)]
    struct Block { bytes: PlainCell<[u8; 64]> }
}

/// Bytes of memory for a ring with room for `capacity` bytes of messages and headers, of which 8 go with each message.
/// What is no power of two becomes the next one.
pub const fn size(capacity: usize) -> usize {
    Shared::<Ends, Block>::size(capacity.next_power_of_two().div_ceil(size_of::<Block>()))
}

/// Builds a ring in memory that is new.
///
/// # Errors
/// When the memory is too small or too large, or not new.
pub fn create(memory: impl AsFd) -> Result<(), RingError> {
    Mapped::of(Shared::create(memory, |_, _| ())?).map(drop)
}

/// A ring, mapped into this process.
#[derive(Debug)]
struct Mapped {
    shared: Shared<Ends, Block>,
    capacity: u32,
}

impl Mapped {
    fn attach(memory: impl AsFd) -> Result<Self, RingError> {
        Self::of(Shared::attach(memory)?)
    }

    fn of(shared: Shared<Ends, Block>) -> Result<Self, RingError> {
        let bytes = size_of_val(shared.tail());
        if !(64..=1 << 30).contains(&bytes) {
            return Err(RingError::Capacity { bytes });
        }
        // A power of two, so that positions may wrap around, and a mask finds the place.
        Ok(Self { shared, capacity: 1 << bytes.ilog2() })
    }

    #[inline]
    fn bytes(&self) -> *mut u8 {
        self.shared.tail().as_ptr().cast_mut().cast()
    }

    #[inline]
    fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at + 8 <= self.capacity as usize);
        // SAFETY: inside of the mapping and aligned, since blocks are; a header is only ever used as an atomic.
        unsafe { &*self.bytes().add(at).cast::<AtomicU64>() }
    }

    /// Has the processor fetch the line at `at`, and the next one, while this thread goes on. Changes nothing but time.
    #[inline]
    fn prefetch(&self, at: usize) {
        #[cfg(target_arch = "x86_64")]
        for line in [at, at + 64] {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let line = line & (self.capacity as usize - 1);
            // SAFETY: inside of the mapping (and it would be ignored outside).
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.bytes().add(line).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = at;
    }
}

/// Headers are atomics, though their order comes from the positions: a hostile process may write them at any time.
impl Records for Mapped {
    #[inline]
    unsafe fn set_header(&self, at: usize, header: u64) {
        self.word(at).store(header, Relaxed);
    }

    #[inline]
    unsafe fn header(&self, at: usize) -> u64 {
        self.word(at).load(Relaxed)
    }
}

/// Takes an end of the ring for this process, if it is free or its owner is dead.
fn claim(end: &End) -> Result<(), RingError> {
    let mut owner = end.owner.load(Relaxed);
    loop {
        let who = Who::from_bits(owner);
        if who.is_alive() {
            return Err(RingError::Taken { id: who.id() });
        }
        // AcqRel: what the last owner did comes before what this one does.
        match end.owner.compare_exchange(owner, Who::me().bits(), AcqRel, Relaxed) {
            Ok(_) => break,
            Err(other) => owner = other,
        }
    }
    end.position.fetch_and(!CLOSED, Relaxed);
    Ok(())
}
