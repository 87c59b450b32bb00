//! What caller and worker say to each other, as postcard.

use processes::frame;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use workload::{Failure, Span, Workload};

use super::line::{Carrier, LONGEST, LineError};

/// What only the caller and its workers know: whoever knows it is one of them.
pub(super) type Secret = [u8; 32];

/// What each worker is told by its pool: over its own pipe, which nobody else can read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "W: Workload")]
pub(super) struct Terms<W: Workload> {
    pub(super) work: W,
    pub(super) carrier: Carrier,
    /// Where the caller listens, as [`Address`](crate::Address) is written.
    pub(super) address: String,
    pub(super) secret: Secret,
    /// Whether to send spans.
    pub(super) timed: bool,
}

/// A worker's first message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) secret: Secret,
    /// Which worker it is, from 0.
    pub(super) worker: u32,
    pub(super) process: u32,
}

/// Do these pieces. As an `Option`: `None` says that there are no more. (`P` is `&[W::Piece]` when sent and `Vec<W::Piece>`
/// when received: the same bytes.)
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order<P> {
    pub(super) first: usize,
    pub(super) pieces: P,
}

/// What became of an order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer<P> {
    pub(super) first: usize,
    pub(super) count: usize,
    /// The parts, combined; or the piece that failed first, which ends the order.
    pub(super) outcome: Result<P, (usize, Failure)>,
    pub(super) spans: Vec<Span>,
}

pub(super) fn encode(message: &impl Serialize) -> Result<Vec<u8>, LineError> {
    let bytes =
        postcard::to_stdvec(message).map_err(|why| LineError::bad(format!("cannot be encoded: {why}")))?;
    match bytes.len() {
        0..=LONGEST => Ok(bytes),
        long => Err(LineError::bad(format!("is {long} bytes long, where at most {LONGEST} are allowed"))),
    }
}

pub(super) fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T, LineError> {
    frame::decode(message).map_err(LineError::bad)
}
