//! The ways in which a piece goes wrong, or is large, that every mechanism with worker processes has to stand.

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use workload::PieceError;

use crate::Special;

/// For the pieces of a [`Numbers`](crate::Numbers), in any mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usual {
    /// An error: `PIECE is bad`.
    Fail,
    /// A panic: `PIECE is worse`.
    Panic,
    /// SIGKILL to the process that does it, which must be a worker.
    Kill,
    /// A part of about so many bytes, encoded.
    Large(usize),
}

impl Special for Usual {
    fn act(self, piece: usize) -> Result<Option<Vec<u64>>, PieceError> {
        match self {
            Self::Fail => return Err(PieceError::new(format_args!("{piece} is bad"))),
            Self::Panic => panic!("{piece} is worse"),
            Self::Kill => kill_process(getpid(), Signal::KILL).expect("one may kill oneself"),
            // Numbers so large take ten bytes each.
            Self::Large(bytes) => return Ok(Some(vec![u64::MAX - piece as u64; bytes / 10])),
        }
        Ok(None)
    }
}
