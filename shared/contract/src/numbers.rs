//! A workload whose pieces do what a test wants, and whose answer shows any disorder.

use std::fmt::Debug;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use workload::{PieceError, Workload};

/// What a piece may do instead of its work.
pub trait Special: Copy + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Does it; returns the part, `None` for the usual one.
    ///
    /// # Errors
    /// For a piece that is meant to fail.
    fn act(self, piece: usize) -> Result<Option<Vec<u64>>, PieceError>;
}

/// The answer is the list of pieces, in their order: a combine that must not swap sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "S: Special")]
pub struct Numbers<S> {
    /// How many pieces.
    pub pieces: usize,
    /// Which of them do what.
    pub special: Vec<(usize, S)>,
}

impl<S: Special> Numbers<S> {
    /// Nothing but work.
    pub fn plain(pieces: usize) -> Self {
        Self { pieces, special: Vec::new() }
    }

    /// Some of them do something else.
    pub fn with(pieces: usize, special: impl Into<Vec<(usize, S)>>) -> Self {
        Self { pieces, special: special.into() }
    }
}

impl<S: Special> Workload for Numbers<S> {
    const NAME: &'static str = "numbers";
    type Piece = usize;
    type Part = Vec<u64>;

    fn pieces(&self) -> Result<Vec<usize>, PieceError> {
        Ok((0..self.pieces).collect())
    }

    fn run(&self, &piece: &usize) -> Result<Vec<u64>, PieceError> {
        let special = self.special.iter().find(|(at, _)| *at == piece);
        let part = special.map_or(Ok(None), |(_, special)| special.act(piece))?;
        Ok(part.unwrap_or_else(|| vec![piece as u64]))
    }

    fn combine(&self, left: &mut Vec<u64>, mut right: Vec<u64>) {
        left.append(&mut right);
    }
}
