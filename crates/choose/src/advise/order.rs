//! What goes to the process that measures, and what comes back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use workload::Workload;

use crate::{
    each::Room,
    row::{Row, SEQUENTIAL, Shot},
};

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "W: Workload")]
pub(super) struct Order<W> {
    pub(super) work: W,
    /// Every so manyth piece.
    pub(super) every: usize,
    pub(super) what: What,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum What {
    /// One piece after the other, each within the limit, all within the time.
    Trace { limit: Duration, time: Duration },
    /// These mechanisms in turn.
    Measure { mechanisms: Vec<String>, workers: Vec<usize>, time: Duration },
}

/// A line of the report: what is being done now, or what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// At this piece.
    Piece(usize),
    /// At this mechanism, with so many workers.
    Run(String, usize),
    /// It cannot go on.
    Wrong(Wrong),
    Traced(Traced),
    Rows(Vec<Figures>),
}

/// Why the trace ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Wrong {
    Failed(String),
    Late(usize),
    Directory(usize),
    Nothing,
}

/// What pieces cost, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traced {
    /// How many pieces the work has.
    pub pieces: usize,
    /// How many of them were done before the time was up.
    pub done: usize,
    /// Seconds that these took...
    pub wall: f64,
    /// ... and how many of them on a processor, in the thread that did them.
    pub cpu: f64,
    /// Seconds in which this thread could have gone on and got no core: others used them.
    pub queued: f64,
    /// Seconds that the dearest one took.
    pub dearest: f64,
    /// How much more than the mean the dearest of as many equal stretches as there are cores took: 1 is even.
    pub uneven: f64,
    /// Bytes that the process grew by at most meanwhile: what one worker needs.
    pub memory: u64,
}

impl Traced {
    /// Whether pieces wait, for something else than a core, longer than they compute.
    pub(super) fn waits(&self) -> bool {
        self.wall - self.cpu - self.queued > self.cpu
    }

    /// Every so manyth piece is to be measured, so that one after the other they take no longer than a part of `time`.
    pub(super) fn every(&self, time: Duration) -> usize {
        let all = self.wall * self.pieces as f64 / self.done.max(1) as f64;
        let wished = (all / (time.as_secs_f64() / 4.0)).ceil() as usize;
        // Not so few that the last one alone would decide.
        wished.clamp(1, (self.pieces / 64).max(1))
    }

    /// For how many workers there is memory.
    pub(super) fn room(&self, asked: Option<u64>) -> usize {
        let mut room = Room::new(asked);
        room.saw(self.memory);
        room.most()
    }
}

/// A [`Row`], as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Figures {
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
    /// `None` when the mechanism is none of `names`.
    pub(super) fn row(self, names: &[&'static str]) -> Option<Row> {
        let name = names.iter().copied().chain([SEQUENTIAL]).find(|name| *name == self.mechanism)?;
        let shot = |(round, seconds, alone, ceiling, cpu)| Shot { round, seconds, alone, ceiling, cpu };
        let shots = self.shots.into_iter().map(shot).collect();
        Some(Row { shots, error: self.error, ..Row::new(name, self.workers, self.pieces) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was_sent() {
        let shot = Shot { round: 3, seconds: 0.5, alone: 2.0, ceiling: 4.5, cpu: 1.25 };
        let row = Row { shots: vec![shot], error: Some("no".to_owned()), ..Row::new("pool", 7, 11) };
        let sent = serde_json::to_string(&Figures::from(row.clone())).unwrap();
        let back: Figures = serde_json::from_str(&sent).unwrap();
        assert_eq!(back.row(&["dynamic", "pool"]), Some(row));
    }

    fn traced(wall: f64, cpu: f64, queued: f64) -> Traced {
        Traced { pieces: 6_400, done: 640, wall, cpu, queued, dearest: 0.0, uneven: 1.0, memory: 0 }
    }

    #[test]
    fn who_waits_for_a_core_does_not_wait() {
        assert!(traced(1.0, 0.3, 0.0).waits());
        assert!(!traced(1.0, 0.3, 0.5).waits());
        assert!(!traced(1.0, 0.9, 0.0).waits());
    }

    #[test]
    fn long_work_is_thinned_out_but_not_to_a_few_pieces() {
        let second = Duration::from_secs(1);
        assert_eq!(traced(0.01, 0.0, 0.0).every(second), 1);
        // 10 s in all, of which a quarter of a second is to be done.
        assert_eq!(traced(1.0, 0.0, 0.0).every(second), 40);
        assert_eq!(traced(1_000.0, 0.0, 0.0).every(second), 100);
    }
}
