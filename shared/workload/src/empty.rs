//! Pieces that do nothing: whatever time they take is the mechanism's own.

use serde::{Deserialize, Serialize};

use crate::{PieceError, Size, Workload};

/// So many pieces of no work at all. The answer is how many were done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {
    /// How many.
    pub pieces: usize,
}

impl Empty {
    /// More are refused: a list of them would fill memory, not measure anything.
    pub const MOST: usize = 100_000_000;

    /// As many as the size that is asked for: 100, 10,000 or 100,000.
    pub fn sized(size: Size) -> Self {
        let pieces = match size {
            Size::Test => 100,
            Size::Lesson => 10_000,
            Size::Measure => 100_000,
        };
        Self { pieces }
    }
}

impl Workload for Empty {
    const NAME: &'static str = "empty";
    type Piece = u32;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u32>, PieceError> {
        if self.pieces > Self::MOST {
            let (asked, most) = (self.pieces, Self::MOST);
            return Err(PieceError::new(format_args!("{asked} pieces; at most {most} are possible")));
        }
        Ok((0..self.pieces as u32).collect())
    }

    fn run(&self, _: &u32) -> Result<u64, PieceError> {
        Ok(1)
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timeline, sequential};

    #[test]
    fn counts_its_pieces() {
        for pieces in [0, 1, 7] {
            assert_eq!(sequential(&Empty { pieces }, &Timeline::off()).unwrap(), pieces as u64);
        }
    }

    #[test]
    fn refuses_what_would_fill_memory() {
        assert!(Empty { pieces: usize::MAX }.pieces().is_err());
    }
}
