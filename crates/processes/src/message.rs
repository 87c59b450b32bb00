//! What caller and worker say to each other: each message is one [frame](crate::frame).
//!
//! ```text
//! caller                                   worker
//!   Greeting, the workload ------------>
//!   Order { pieces 0..3 } ------------->
//!   Order { pieces 3..6 } ------------->      (the next one is there before the first is done)
//!                  <------------------------- Welcome
//!                  <------------------------- Reply { pieces 0..3, done }
//!   Order { pieces 6..9 } ------------->
//!                  <------------------------- Reply { pieces 3..6, done }
//!   (closes the pipe)                         (ends)
//! ```

use serde::{Deserialize, Serialize};
use workload::{Failure, Span};

use crate::frame::{self, FrameError};

/// Says that this is our protocol: the first bytes of the first frame, both ways.
const MAGIC: [u8; 4] = *b"prcs";

/// Counted up with each change of a message. Caller and worker are the same program, so that two versions meet
/// only when the program's file was replaced while it ran.
pub(crate) const VERSION: u16 = 1;

/// What stands in front of the first message of each side, and never changes its form.
type Preamble = ([u8; 4], u16);

/// The caller's first message.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// The same as in the worker's arguments: says that pipe and arguments come from the same start.
    pub(crate) nonce: u64,
    /// Name of the workload.
    pub(crate) job: String,
    /// Whether to send spans.
    pub(crate) timed: bool,
}

/// The worker's first message.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Welcome {
    /// The greeting's.
    pub(crate) nonce: u64,
    /// Why the worker cannot do this job.
    pub(crate) refused: Option<String>,
}

/// Do these pieces. (`P` is `&[W::Piece]` when sent and `Vec<W::Piece>` when received: the same bytes.)
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order<P> {
    /// Index of the first.
    pub(crate) first: usize,
    /// The pieces.
    pub(crate) pieces: P,
}

/// What became of an order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reply<P> {
    /// The order's.
    pub(crate) first: usize,
    /// How many pieces the order had.
    pub(crate) count: usize,
    /// The parts, combined; or the piece that failed first, which ends the order.
    pub(crate) outcome: Result<P, (usize, Failure)>,
    /// How long it took, in nanoseconds.
    pub(crate) nanoseconds: u64,
    /// When each piece was done, if the greeting asked for it.
    pub(crate) spans: Vec<Span>,
}

/// Why a first message is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpeningError {
    #[error("the first message does not begin with {MAGIC:?}: this is something else")]
    Magic,
    #[error(
        "the other side speaks version {0} of the protocol, this one {VERSION}: was the program replaced?"
    )]
    Version(u16),
    #[error("the nonce is another one: this message belongs to another start")]
    Nonce,
    #[error("the first message {0}")]
    Frame(#[from] FrameError),
}

/// A first message as a frame.
pub(crate) fn open(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    frame::encode(&(MAGIC, VERSION, message))
}

/// A first message from its frame. Magic and version are judged before the rest is looked at.
pub(crate) fn opened<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, OpeningError> {
    let Ok(((magic, version), rest)) = postcard::take_from_bytes::<Preamble>(payload) else {
        return Err(OpeningError::Magic);
    };
    if magic != MAGIC {
        return Err(OpeningError::Magic);
    }
    if version != VERSION {
        return Err(OpeningError::Version(version));
    }
    Ok(frame::decode(rest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_and_another_protocol_are_named() {
        let welcome = Welcome { nonce: 7, refused: None };
        let good = postcard::to_stdvec(&(MAGIC, VERSION, &welcome)).unwrap();
        assert_eq!(opened::<Welcome>(&good).unwrap(), welcome);
        let newer = postcard::to_stdvec(&(MAGIC, VERSION + 1, "who knows")).unwrap();
        assert!(matches!(opened::<Welcome>(&newer), Err(OpeningError::Version(v)) if v == VERSION + 1));
        assert!(matches!(opened::<Welcome>(b"HTTP/1.1 200 OK"), Err(OpeningError::Magic)));
        assert!(matches!(opened::<Welcome>(b""), Err(OpeningError::Magic)));
        assert!(matches!(opened::<Welcome>(&good[..good.len() - 1]), Err(OpeningError::Frame(_))));
    }
}
