//! How fast the machine is while something is measured, in terms of when the work was recorded.
//!
//! A core's pace changes within seconds: its clock goes up and down, others' virtual cores share its caches and its
//! units. A prediction rests on what pieces cost when they were recorded; measured a few seconds later, all of it may
//! be a quarter slower, and that says nothing about threads. So some of the pieces are done again, alone, before and after
//! everything that is measured, and the prediction is for the pace found there: like every comparison of times here, predicted
//! and measured are a ratio of the same moment.

use std::{collections::BTreeMap, ops::Range};

use lesson::measure::{self, Samples};
#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use workload::{Job, RunError, Timeline, Workload};

use crate::record::{Piece, Recorded, thread_cpu};

/// Processor time that one look takes, about; and the most that it may take by the wall. Seconds.
const LOOK: f64 = 0.03;
const MOST: f64 = 0.1;
/// Less than this is noise.
const LEAST: f64 = 2e-3;
/// Its pieces are taken from so many places, if they are short; and from so few if they are long, as two on each of two cores
/// are the least that tells a core's pace from an accident.
const PLACES: usize = 8;
const FEW: usize = 4;

/// Pieces to be done again.
pub(crate) struct Pace<'a, W: Workload> {
    /// `None` where nothing can be said: the pieces are too long, or hardly compute.
    job: Option<Job<'a, W>>,
    /// With the processor time that each took when it was recorded. Seconds.
    stretches: Vec<(Range<usize>, f64)>,
}

/// What was seen: of each stretch the core that it ran on, and its cost as a multiple of what was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Look(Vec<(usize, f64)>);

/// What pieces cost, as a multiple of what they cost when they were recorded, from what was seen before and after; 1 where
/// nothing can be said.
///
/// Of each core the middle one of its stretches, as one that was interrupted says nothing about the others; of the cores
/// their mean, as each has a pace of its own: what its neighbour in the same real core does.
pub(crate) fn pace(looks: &[&Look]) -> f64 {
    let mut cores: BTreeMap<usize, Samples> = BTreeMap::new();
    for (core, cost) in looks.iter().flat_map(|look| &look.0) {
        cores.entry(*core).or_default().push(*cost);
    }
    let count = cores.len() as f64;
    if cores.is_empty() { 1.0 } else { cores.values().map(Samples::median).sum::<f64>() / count }
}

impl<'a, W: Workload> Pace<'a, W> {
    /// For `work`, as it was recorded.
    pub(crate) fn new(work: &'a W, run: &Recorded, timeline: &'a Timeline) -> Self {
        let cost =
            |range: &Range<usize>| run.pieces[range.clone()].iter().map(|piece| piece.cpu).sum::<f64>();
        let stretches: Vec<_> =
            stretches(run).into_iter().map(|range| (range.clone(), cost(&range))).collect();
        let enough = stretches.iter().map(|(_, cost)| cost).sum::<f64>() >= LEAST;
        let job = if enough { Job::cut(work, timeline).ok() } else { None };
        Self { job, stretches }
    }

    /// What pieces cost now, on each core in turn.
    pub(crate) fn look(&self) -> Look {
        let Some(job) = &self.job else { return Look::default() };
        let places = Places::here();
        let seen = self.stretches.iter().enumerate().map(|(turn, (stretch, recorded))| {
            let core = places.go(turn);
            let before = thread_cpu();
            stretch.clone().try_for_each(|index| job.run(0, index).map(drop))?;
            Ok((core, (thread_cpu() - before) / recorded))
        });
        // What cannot be run says nothing about the machine.
        Look(seen.collect::<Result<_, RunError>>().unwrap_or_default())
    }
}

/// The cores that this thread may run on. When it is dropped, the thread may run on all of them again.
struct Places {
    #[cfg(target_os = "linux")]
    all: Option<CpuSet>,
}

#[cfg(target_os = "linux")]
impl Places {
    fn here() -> Self {
        Self { all: sched_getaffinity(None).ok() }
    }

    /// To the `turn`-th of them, counted round; which one that is. Where the system does not let us, the thread stays
    /// where it is.
    fn go(&self, turn: usize) -> usize {
        let Some(all) = &self.all else { return 0 };
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
        let core = cores[turn % cores.len()];
        let mut one = CpuSet::new();
        one.set(core);
        let _ = sched_setaffinity(None, &one);
        core
    }
}

#[cfg(target_os = "linux")]
impl Drop for Places {
    fn drop(&mut self) {
        let _ = self.all.as_ref().map(|all| sched_setaffinity(None, all));
    }
}

#[cfg(not(target_os = "linux"))]
impl Places {
    fn here() -> Self {
        Self {}
    }

    fn go(&self, _: usize) -> usize {
        0
    }
}

/// What all cores get done at once while something is measured.
pub(crate) struct Gain {
    cores: usize,
    before: f64,
    most: f64,
}

impl Gain {
    /// `gains` as they were before.
    pub(crate) fn new(gains: &[f64]) -> Self {
        Self { cores: gains.len(), before: gains.last().copied().unwrap_or(1.0), most: 0.0 }
    }

    /// Looks once.
    pub(crate) fn look(&mut self) {
        // A thread that has just been started may stay on its parent's core for ten milliseconds while another idles,
        // which is as long as this takes. So a low figure is looked at again.
        for _ in 0..if self.cores > 1 { 3 } else { 0 } {
            self.most = self.most.max(measure::gain(self.cores));
            if self.most > 0.95 * self.before {
                break;
            }
        }
    }

    /// The most that was seen, as others can only take away; `None` before the first look, and on one core.
    pub(crate) fn seen(&self) -> Option<f64> {
        (self.most > 0.0).then_some(self.most)
    }
}

/// Pieces that together cost about as much as one look may, from places that are equally far from each other, as
/// measured by processor time. None if that cannot be had quickly.
fn stretches(run: &Recorded) -> Vec<Range<usize>> {
    // Those behind `ran` were not run, and so not recorded either.
    let pieces = &run.pieces[..run.ran.min(run.pieces.len())];
    let cpu: f64 = pieces.iter().map(|piece| piece.cpu).sum();
    let alone: f64 = pieces.iter().map(Piece::alone).sum();
    if cpu <= 0.0 || alone <= 0.0 {
        return Vec::new();
    }
    let share = (LOOK / cpu).min(MOST / alone).min(1.0);
    let count = pieces.len() as f64;
    // Of long pieces there is time for a few only, of the longest for less than that.
    let few = ((2.0 * MOST * count / alone) as usize).clamp(1, FEW);
    let places = ((share * count) as usize).clamp(few, PLACES).min(pieces.len());
    let wanted = share * cpu / places as f64;
    let mut stretches: Vec<Range<usize>> = Vec::new();
    let (mut before, mut index) = (0.0, 0);
    for place in 0..places {
        let from = (place as f64 + 0.5) / places as f64 * cpu - wanted / 2.0;
        while index < pieces.len() && before + pieces[index].cpu <= from {
            before += pieces[index].cpu;
            index += 1;
        }
        let begin = index;
        let mut cost = 0.0;
        while index < pieces.len() && (index == begin || cost + pieces[index].cpu / 2.0 < wanted) {
            cost += pieces[index].cpu;
            index += 1;
        }
        before += cost;
        if index > begin {
            stretches.push(begin..index);
        }
    }
    let takes: f64 = stretches.iter().flat_map(|range| &pieces[range.clone()]).map(Piece::alone).sum();
    if takes <= 2.0 * MOST { stretches } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(pieces: Vec<Piece>) -> Recorded {
        Recorded { ran: pieces.len(), pieces, ..Recorded::default() }
    }

    fn computes(cpu: f64) -> Piece {
        Piece { cpu, width: 1.0, count: 1, ..Piece::default() }
    }

    #[test]
    fn a_look_is_short_and_comes_from_everywhere() {
        let run = recorded(vec![computes(1e-3); 800]);
        let stretches = stretches(&run);
        assert_eq!(stretches.len(), PLACES);
        let pieces: usize = stretches.iter().map(Range::len).sum();
        assert!((30..=38).contains(&pieces), "{stretches:?}");
        assert!(stretches[0].start >= 40 && stretches[7].start >= 730, "{stretches:?}");
        assert!(stretches.windows(2).all(|two| two[0].end <= two[1].start), "{stretches:?}");
    }

    #[test]
    fn it_is_taken_where_time_goes() {
        // Half of the time goes into ten of a thousand pieces.
        let mut pieces = vec![computes(1e-5); 990];
        pieces.extend(vec![computes(1e-3); 10]);
        let stretches = stretches(&recorded(pieces));
        assert!(stretches.iter().filter(|range| range.start >= 985).count() >= 3, "{stretches:?}");
    }

    #[test]
    fn of_long_pieces_there_are_few_and_of_the_longest_none() {
        let places = |seconds| stretches(&recorded(vec![computes(seconds); 20])).len();
        assert_eq!((places(0.02), places(0.045), places(0.09), places(0.15), places(0.3)), (4, 4, 2, 1, 0));
    }

    #[test]
    fn one_that_was_interrupted_says_nothing_and_each_core_counts() {
        let (before, after) =
            (Look(vec![(0, 1.0), (1, 1.5), (0, 1.0)]), Look(vec![(0, 3.0), (1, 1.5), (1, 9.0)]));
        assert_eq!(pace(&[&before, &after]), 1.25);
        assert_eq!(pace(&[&Look::default()]), 1.0);
    }

    #[test]
    fn who_waits_is_not_waited_for_long() {
        let waits = Piece { wait: 0.02, ..computes(1e-4) };
        let all: usize = stretches(&recorded(vec![waits; 60])).iter().map(Range::len).sum();
        assert!((4..=6).contains(&all), "{all}");
        assert_eq!(stretches(&recorded(vec![computes(1.0); 4])), []);
        assert_eq!(stretches(&recorded(Vec::new())), []);
    }
}
