//! What can go wrong, and where.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Why a piece could not be done, or the work not be cut. It travels from worker to caller, between
/// processes too, so it is a message and not a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub struct PieceError(String);

impl PieceError {
    /// An error that says `why`, with the input that it happened to.
    pub fn new(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// Why a mechanism gives no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A number of workers that makes no sense.
    #[error("{asked} workers asked for; between 1 and {most} are possible")]
    Workers {
        /// What was asked for.
        asked: usize,
        /// The most that [`crate::Workers`] takes.
        most: usize,
    },
    /// The work could not be cut into pieces.
    #[error("{workload}: cannot be cut into pieces: {why}")]
    Cut {
        /// Which workload.
        workload: &'static str,
        /// Its own words.
        why: PieceError,
    },
    /// A piece ended with an error.
    #[error("{workload}: piece {piece}: {why}")]
    Piece {
        /// Which workload.
        workload: &'static str,
        /// Index of the piece.
        piece: usize,
        /// Its own words.
        why: PieceError,
    },
    /// A piece panicked.
    #[error("{workload}: piece {piece} panicked: {message}")]
    Panicked {
        /// Which workload.
        workload: &'static str,
        /// Index of the piece.
        piece: usize,
        /// The panic's message.
        message: String,
    },
    /// A thread, a process or a pool of them could not be started.
    #[error("cannot start {what}: {why}")]
    Start {
        /// What was to start.
        what: String,
        /// The system's reason, or a library's.
        why: String,
    },
    /// A worker ended before its work did, and no other can take its place.
    #[error("worker {worker} (process {pid}) {how} while it had {unfinished} pieces to do")]
    WorkerDied {
        /// Number of the worker, from 0.
        worker: usize,
        /// Its process id.
        pid: u32,
        /// "exited with code 3", "was killed by signal 9".
        how: String,
        /// How many pieces it had been handed and not given back.
        unfinished: usize,
    },
    /// Neighbouring pieces, handed out together, ended each worker that tried them.
    #[error("{workload}: {} ended all {} workers that tried: {}", these(.pieces), .deaths.len(), .deaths.join("; "))]
    Poison {
        /// Which workload.
        workload: &'static str,
        /// Indexes of the pieces. One of them is to blame.
        pieces: Range<usize>,
        /// How each of the workers ended: "exited with code 3", "was killed by signal 9".
        deaths: Vec<String>,
    },
    /// A worker said something that makes no sense.
    #[error("worker {worker} (process {pid}) does not keep to the protocol: {why}")]
    Protocol {
        /// Number of the worker, from 0.
        worker: usize,
        /// Its process id.
        pid: u32,
        /// What it said.
        why: String,
    },
    /// Some pieces were never done: a fault of the mechanism itself.
    #[error("only {done} of {of} pieces came back")]
    Incomplete {
        /// Pieces that came back.
        done: usize,
        /// Pieces there are.
        of: usize,
    },
}

impl RunError {
    /// The piece that failed, if it was one.
    pub fn piece(&self) -> Option<usize> {
        match self {
            Self::Piece { piece, .. } | Self::Panicked { piece, .. } => Some(*piece),
            _ => None,
        }
    }
}

/// `piece 7`, `pieces 0..20`.
fn these(pieces: &Range<usize>) -> String {
    if pieces.len() == 1 { format!("piece {}", pieces.start) } else { format!("pieces {pieces:?}") }
}
