//! Every so manyth piece of somebody's work: the same work, only less of it.

use serde::{Deserialize, Serialize};
use workload::{PieceError, Workload};

/// `work`, of which only the pieces 0, `every`, 2 `every`, ... are done.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "W: Workload")]
pub(super) struct Sampled<W> {
    pub(super) work: W,
    pub(super) every: usize,
}

impl<W: Workload> Workload for Sampled<W> {
    const NAME: &'static str = W::NAME;
    const WAITS: bool = W::WAITS;
    type Piece = W::Piece;
    type Part = W::Part;

    fn pieces(&self) -> Result<Vec<W::Piece>, PieceError> {
        Ok(self.work.pieces()?.into_iter().step_by(self.every.max(1)).collect())
    }

    fn run(&self, piece: &W::Piece) -> Result<W::Part, PieceError> {
        self.work.run(piece)
    }

    fn combine(&self, left: &mut W::Part, right: W::Part) {
        self.work.combine(left, right);
    }

    // An answer to less than the whole is no answer that anybody should read.
    fn answer(&self, _: &W::Part) -> serde_json::Value {
        serde_json::Value::Null
    }
}
