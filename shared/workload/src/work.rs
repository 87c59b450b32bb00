//! The first of the three nouns: work that anyone can do, in any order.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::PieceError;

// ANCHOR: workload
/// Work that can be cut into pieces, done by anyone in any order, and put together again.
///
/// The value itself, its pieces and its parts can be serialised, so the same value runs on a thread, in a
/// child process and on another host.
pub trait Workload: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What people call it: lower case, one word. A worker process finds its code by this name.
    const NAME: &'static str;

    /// Whether a piece spends most of its time waiting (for a network, a disk), so that more workers than
    /// cores can pay.
    const WAITS: bool = false;

    /// What one worker is handed at a time. Small: it says what to do, it is not the data.
    type Piece: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// What becomes of a piece; of several pieces, once combined; and of all of them: the answer.
    /// `default()` is the answer to no pieces at all.
    type Part: Default + PartialEq + Debug + Serialize + DeserializeOwned + Send + 'static;

    /// Cuts the work. The same value gives the same pieces each time (as long as its input stands still).
    ///
    /// # Errors
    /// When there is nothing that could be cut: an input that is missing or not readable.
    fn pieces(&self) -> Result<Vec<Self::Piece>, PieceError>;

    /// Does one piece. Done twice, it gives the same part twice.
    ///
    /// # Errors
    /// When this piece cannot be done; the message says why and, where it matters, with what input.
    fn run(&self, piece: &Self::Piece) -> Result<Self::Part, PieceError>;

    /// Puts `right` behind `left`, its neighbour in the order of the pieces.
    ///
    /// Associative (`(a b) c` is `a (b c)`), with `Part::default()` as its neutral element; it need not be
    /// commutative, as mechanisms keep to piece order.
    fn combine(&self, left: &mut Self::Part, right: Self::Part);

    /// The answer for a reader: what `--json` prints of it.
    fn answer(&self, whole: &Self::Part) -> serde_json::Value {
        serde_json::to_value(whole).unwrap_or_else(|error| error.to_string().into())
    }
}
// ANCHOR_END: workload
