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
//! - Whatever the other end stores in position and headers, nothing outside of the ring is read or written: what cannot
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
//! | `records.rs` | how messages lie in memory, and what the ends say to each other |
//! | `writer.rs`, `reader.rs` | the algorithm, for the model checkers too |
//! | `claim.rs` | who has an end |
//! | `wait.rs` | how to wait, and when to ask whether the other lives |
//! | `producer.rs`, `consumer.rs` | the two ends |

pub mod claim;
mod consumer;
mod producer;
pub mod reader;
pub mod records;
mod wait;
pub mod writer;

use std::os::fd::AsFd;

use model::sync::atomic::{AtomicU32, AtomicU64};

pub use consumer::{Consumer, Message};
pub use producer::{Producer, Reserved};
pub use records::Corrupt;
use records::{Ends, Records};
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

/// Bytes of memory for a ring with room for `capacity` bytes of messages and headers, of which 8 go with each message, and
/// 8 more are always there.
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

    /// Takes an end for this process.
    fn claim(end: &AtomicU64) -> Result<(), RingError> {
        claim::claim(end, Who::me(), Who::is_alive).map_err(|owner| RingError::Taken { id: owner.id() })
    }

    #[inline]
    fn bytes(&self) -> *mut u8 {
        self.shared.tail().as_ptr().cast_mut().cast()
    }
}

impl Records for Mapped {
    #[inline]
    fn header(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(8) && at < self.capacity as usize);
        // SAFETY: inside of the mapping and aligned, since blocks are. Where both ends expect a header, neither has a
        // message; what a process does that breaks the protocol, the module's limits say.
        unsafe { &*self.bytes().add(at).cast::<AtomicU32>() }
    }
}
