//! What was measured of a mechanism, as it is sent.

use serde::{Deserialize, Serialize};

use super::name;
use crate::row::{Row, Shot};

/// A [`Row`].
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::advise) struct Figures {
    mechanism: String,
    workers: usize,
    pieces: usize,
    /// Round, seconds, alone, ceiling, processor time.
    shots: Vec<(usize, f64, f64, f64, f64)>,
    error: Option<String>,
}

impl From<Row> for Figures {
    fn from(row: Row) -> Self {
        let shot = |shot: &Shot| (shot.round, shot.seconds, shot.alone, shot.ceiling, shot.cpu);
        Self {
            mechanism: row.mechanism.to_owned(),
            workers: row.workers,
            pieces: row.pieces,
            shots: row.shots.iter().map(shot).collect(),
            error: row.error,
        }
    }
}

impl Figures {
    /// What it was, but for its answer.
    pub(in crate::advise) fn row(self) -> Row {
        let shot = |(round, seconds, alone, ceiling, cpu)| Shot { round, seconds, alone, ceiling, cpu };
        let shots = self.shots.into_iter().map(shot).collect();
        Row { shots, error: self.error, ..Row::new(name(&self.mechanism), self.workers, self.pieces) }
    }
}
