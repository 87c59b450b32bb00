//! What a pool and its worker say to each other, once the worker has said who it is (`message.rs`).
//!
//! ```text
//! pool                                     worker
//!   Terms { argument, flush } --------->
//!                  <------------------------- Ready, or why not
//!   order 0, pieces ------------------->
//!   order 1, pieces ------------------->      (so that it need not wait for us)
//!                  <------------------------- Answers { order 0, the first 1,000 }
//!                  <------------------------- Answers { order 0, the rest }
//! ```
//!
//! Answers come in the order of the pieces, so that they need no numbers; and a worker tells what it has at least
//! each `flush`, so that a long silence means that one piece takes long.

use serde::{Deserialize, Serialize};

use crate::frame::{self, FrameError};

/// The first thing a worker needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Terms<A> {
    /// For the task's start.
    pub(crate) argument: A,
    /// Answers wait at most so many nanoseconds for more of them, but for the piece that is being done.
    pub(crate) flush: u64,
}

/// Said once, after the task's start.
pub(crate) type Ready = Result<(), Told>;

/// In front of the pieces of an order, which follow without anything in between: its number, and how many they are.
pub(crate) type OrderHead = (u64, usize);

/// A piece of an order; or, in the place of one that could not be encoded, why.
pub(crate) type Input<I> = Result<I, String>;

/// A frame is sent once it is so long, in bytes, even if there could be more in it.
pub(crate) const LONG: usize = 1 << 20;

/// What became of the next pieces of an order.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answers<O> {
    /// Which order.
    pub order: u64,
    /// How long they took, in nanoseconds.
    pub nanoseconds: u64,
    /// One for each piece, in their order.
    pub outcomes: Vec<Result<O, Told>>,
}

/// In front of the outcomes, as they are written.
pub(crate) type AnswersHead = (u64, u64, usize);

/// How a piece failed, in words that can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// The task returned an error.
    Error {
        /// Its words.
        message: String,
        /// The stack where it was made.
        backtrace: String,
    },
    /// The task panicked.
    Panic {
        /// The panic's words.
        message: String,
        /// Where, and the stack.
        backtrace: String,
    },
    /// What the worker got is not the input that was sent.
    Input(String),
    /// The output cannot be encoded, or is longer than a frame.
    Output(String),
}

/// Writes `value` behind what is in `bytes`; on failure `bytes` are as they were.
pub(crate) fn append(value: &impl Serialize, bytes: &mut Vec<u8>) -> Result<(), FrameError> {
    let before = bytes.len();
    let done = postcard::serialize_with_flavor(value, Behind(bytes)).map_err(FrameError::Encode);
    let done = done.and_then(|()| match bytes.len() - before {
        long if long > frame::LIMIT - ROOM => Err(FrameError::TooLong { bytes: long }),
        _ => Ok(()),
    });
    if done.is_err() {
        bytes.truncate(before);
    }
    done
}

/// So much of a frame stays free for what else is in it: other pieces, and the head.
const ROOM: usize = (1 << 20) + 64;

struct Behind<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
