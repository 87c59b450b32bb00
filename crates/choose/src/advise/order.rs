//! What goes to the process that measures, and what comes back.

use std::time::Duration;

use lesson::measure::cores;
use rustix::process::{Resource, getrlimit};
use serde::{Deserialize, Serialize};
use workload::Workload;

use super::sent::{Figures, Foresight, Machine};
use crate::each::Room;

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
    /// The machine, and empty runs of all mechanisms but these. Nothing of the work.
    Calibrate { without: Vec<String> },
    /// Record, predict and check these mechanisms, with no more workers than `most`.
    Foresee { mechanisms: Vec<String>, machine: Box<Machine>, most: usize, time: Duration },
    /// These mechanisms in turn.
    Measure { mechanisms: Vec<String>, workers: Vec<usize>, time: Duration },
}

/// A line of the report: what is being done now, or what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// At this piece.
    Piece(usize),
    /// At this mechanism, with so many workers; without a name, at none.
    Run(String, usize),
    /// It cannot go on.
    Wrong(Wrong),
    /// What each of the pieces cost is told only where there are few.
    Traced(Traced, Vec<Cost>),
    Calibrated(Box<Machine>),
    Foreseen(Box<Foresight>),
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

/// What one piece cost: seconds of processor time, and seconds of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cost {
    pub(super) cpu: f64,
    pub(super) wait: f64,
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
    /// ... and how many of them on a processor, in the thread that did them and in children that it waited for.
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

    /// Seconds that every so manyth piece will take, one after the other.
    pub(super) fn seconds(&self, every: usize) -> f64 {
        self.wall * self.pieces.div_ceil(every.max(1)) as f64 / self.done.max(1) as f64
    }

    /// Every so manyth piece is to be looked at, so that one after the other they take no longer than a part of `time`.
    pub(super) fn every(&self, time: Duration) -> usize {
        let wished = (self.seconds(1) / (time.as_secs_f64() / 4.0)).ceil() as usize;
        // Not so few that the last one alone would decide.
        let fewest = (8 * cores()).max(16);
        wished.clamp(1, (self.pieces / fewest).max(1))
    }

    /// For how many workers there is memory.
    pub(super) fn room(&self, asked: Option<u64>) -> usize {
        let mut room = Room::new(asked.or_else(address_space));
        room.saw(self.memory);
        room.most()
    }
}

/// Four fifths of what a process may have, if there is a limit (`RLIMIT_AS`, getrlimit(2)) below what is free: all
/// threads share one process.
fn address_space() -> Option<u64> {
    let limit = getrlimit(Resource::As).current? / 5 * 4;
    (limit < Room::new(None).budget).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(wall: f64, cpu: f64, queued: f64) -> Traced {
        Traced { pieces: 6_400_000, done: 640, wall, cpu, queued, dearest: 0.0, uneven: 1.0, memory: 0 }
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
        assert_eq!(traced(1e-6, 0.0, 0.0).every(second), 1);
        // 10,000 s in all, of which a quarter of a second is to be done.
        assert_eq!(traced(1.0, 0.0, 0.0).every(second), 40_000);
        let most = traced(1e6, 0.0, 0.0).every(second);
        assert!((16..=6_400_000).contains(&(6_400_000 / most)) && most > 40_000, "{most}");
    }

    #[test]
    fn what_a_part_takes_is_told_from_the_pieces_that_were_done() {
        assert_eq!(traced(1.0, 0.0, 0.0).seconds(1), 10_000.0);
        assert_eq!(traced(1.0, 0.0, 0.0).seconds(64_000), 100.0 / 640.0);
    }
}
