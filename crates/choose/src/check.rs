//! What was predicted beside what is measured: on mechanisms and numbers of workers that the predictor has not seen.
//!
//! It has seen one sequential run only, so every parallel one is held out.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use lesson::measure::Samples;
use serde::Serialize;
use workload::{Mechanism, Timeline, Workers, Workload};

use crate::{
    burned::Moment,
    calibrate::Calibration,
    measure::{timed, wrong_answer},
    predict::{Form, Outlook, Predicted, predict},
    record::Recorded,
    row::{Row, Shot},
};

/// An error beyond this is not a prediction any more: the candidates are measured instead.
pub const TOLERATED: f64 = 0.15;

/// Beyond this share of the cores' time, what others use explains an error better than anything else.
const BUSY: f64 = 0.1;

/// One configuration: predicted, then measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The workload's name.
    pub workload: &'static str,
    /// The mechanism's name.
    pub mechanism: &'static str,
    /// How many workers.
    pub workers: usize,
    /// Seconds, as predicted.
    pub predicted_s: f64,
    /// Seconds, the median of those measured.
    pub measured_s: f64,
    /// How much more was measured than predicted, as a part of what was predicted; negative if less.
    pub error: f64,
    /// Whether the predictor has not seen it: always.
    pub held_out: bool,
    /// If the error is beyond what is tolerated, of what kind it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
}

impl Check {
    /// Whether it was right enough.
    pub fn holds(&self) -> bool {
        self.error.abs() <= TOLERATED
    }
}

/// Which configurations are tried: the one to be advised and the fastest; the same mechanism with as many workers as
/// there are cores, with twice as many, and with N*; and one that is far from all of these.
pub(crate) fn configurations(outlook: &Outlook, taken: &Predicted, cores: usize) -> Vec<Predicted> {
    let of = |workers| {
        outlook.all.iter().find(move |one| one.mechanism == taken.mechanism && one.workers == workers)
    };
    let far = outlook
        .all
        .iter()
        .filter(|one| one.mechanism != taken.mechanism && one.workers >= cores.max(2))
        // What would take nearly as long as the sequential run teaches nothing and takes the time of all others.
        .filter(|one| one.seconds <= outlook.alone)
        .max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let wanted = [Some(taken), outlook.best(), of(cores), of(outlook.best_workers), of(2 * cores), far];
    let mut seen = HashSet::new();
    wanted
        .into_iter()
        .flatten()
        .filter(|one| one.workers > 1 && seen.insert((one.mechanism, one.workers)))
        .cloned()
        .collect()
}

/// What is measured instead when a prediction has failed: of each of the mechanisms that come first in it the number of
/// workers that it finds best.
pub(crate) fn candidates(outlook: &Outlook, tried: &[Predicted]) -> Vec<Predicted> {
    const MOST: usize = 4;
    let mut best: Vec<&Predicted> = outlook.all.iter().filter(|one| one.workers > 1).collect();
    best.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let mut seen: HashSet<&str> = tried.iter().map(|one| one.mechanism).collect();
    best.into_iter().filter(|one| seen.insert(one.mechanism)).take(MOST).cloned().collect()
}

/// What measuring needs to know.
pub(crate) struct Bench<'a, W: Workload> {
    pub(crate) work: &'a W,
    pub(crate) mechanisms: &'a [Mechanism<W>],
    pub(crate) recorded: &'a Recorded,
    pub(crate) calibration: &'a Calibration,
    /// The id of a server process on this machine that works for it.
    pub(crate) server: Option<u32>,
    /// The answer, if it is known; otherwise the first one that comes, which all others must then be equal to.
    pub(crate) expected: Option<W::Part>,
    /// Whether other processes used the cores while it measured.
    pub(crate) disturbed: bool,
}

impl<W: Workload> Bench<'_, W> {
    /// Measures each of `wanted` in turn, for about so long, three times at least. Rows in the same order.
    pub(crate) fn measure(&mut self, wanted: &[Predicted], time: Duration, tell: &dyn Fn(&str)) -> Vec<Row> {
        const LEAST: usize = 3;
        const MOST: usize = 9;
        let pieces = self.recorded.count();
        let mut rows: Vec<Row> =
            wanted.iter().map(|one| Row::new(one.mechanism, one.workers, pieces)).collect();
        let (begun, alone) = (Instant::now(), self.recorded.alone());
        let around = Moment::now(self.server);
        let mut round = 0;
        while round < LEAST || (round < MOST && begun.elapsed().mul_f64(1.0 + 1.0 / round as f64) <= time) {
            for row in rows.iter_mut().filter(|row| row.error.is_none()) {
                let Some(mechanism) = self.mechanisms.iter().find(|one| one.name == row.mechanism) else {
                    continue;
                };
                let Ok(workers) = Workers::new(row.workers) else { continue };
                tell(&format!("check {}, {} x {}", round + 1, row.mechanism, row.workers));
                let (outcome, timing) = timed(|| (mechanism.run)(self.work, workers, &Timeline::off()));
                match outcome {
                    Ok(part) => {
                        let answer = self.work.answer(&part);
                        let expected = self.expected.get_or_insert(part);
                        let right = self.work.answer(expected);
                        if answer != right {
                            row.error = Some(wrong_answer(&answer, &right));
                        }
                        row.answer = answer;
                        let ceiling = self.ceiling(row.workers);
                        row.shots.push(Shot {
                            round,
                            seconds: timing.seconds,
                            alone,
                            ceiling,
                            cpu: timing.cpu,
                        });
                    }
                    Err(error) => row.error = Some(error.to_string()),
                }
            }
            round += 1;
        }
        let ours = rows.iter().flat_map(|row| &row.shots).map(|shot| shot.cpu).sum();
        let (_, others) = around.since(ours);
        let cores = self.calibration.gains.len() as f64;
        let capacity = begun.elapsed().as_secs_f64() * cores;
        self.disturbed = others.others.unwrap_or(0.0) + others.stolen.unwrap_or(0.0) > BUSY * capacity;
        rows
    }

    /// How many times as fast as alone so many workers could be if they cost nothing and no piece were longer than
    /// others.
    pub(crate) fn ceiling(&self, workers: usize) -> f64 {
        let (demand, alone) = (self.recorded.demand(), self.recorded.alone());
        (alone * self.calibration.gain() / demand.max(1e-12))
            .min(workers.min(self.recorded.count()) as f64)
            .max(1.0)
    }

    /// Predicted beside measured.
    pub(crate) fn compare(&self, wanted: &[Predicted], rows: &[Row]) -> Vec<Check> {
        let pairs = wanted.iter().zip(rows).filter(|(_, row)| row.counts());
        pairs.map(|(one, row)| self.check(one, row)).collect()
    }

    fn check(&self, one: &Predicted, row: &Row) -> Check {
        let measured = row.samples(|shot| shot.seconds).median();
        let error = measured / one.seconds.max(1e-9) - 1.0;
        let mut check = Check {
            workload: W::NAME,
            mechanism: one.mechanism,
            workers: one.workers,
            predicted_s: one.seconds,
            measured_s: measured,
            error,
            held_out: true,
            kind: None,
        };
        if !check.holds() {
            check.kind = Some(self.kind(one, row, measured));
        }
        check
    }

    /// Why so much more, or less, was measured than predicted.
    fn kind(&self, one: &Predicted, row: &Row, measured: f64) -> &'static str {
        let run = self.recorded;
        let costs =
            self.calibration.costs.iter().find(|(name, _)| *name == one.mechanism).map(|(_, costs)| *costs);
        let costs = costs.unwrap_or_default();
        Evidence {
            predicted: one.seconds,
            measured,
            fastest: row.samples(|shot| shot.seconds).quantile(0.0),
            burned: row.samples(|shot| shot.cpu).median(),
            own: run.pieces.iter().map(|piece| piece.cpu + piece.combine).sum::<f64>()
                + one.workers as f64 * (costs.serial + costs.parallel),
            starting: costs.fixed + one.workers as f64 * (costs.serial + costs.parallel),
            asks: run.pieces.iter().map(|piece| piece.asks).sum(),
            demand: run.demand(),
            cores: one.workers.min(self.calibration.gains.len()) as f64,
            disturbed: self.disturbed,
        }
        .kind()
    }
}

/// What an error is judged by. Seconds.
#[derive(Clone, Copy, Debug)]
struct Evidence {
    predicted: f64,
    /// The median.
    measured: f64,
    /// The fastest run.
    fastest: f64,
    /// Processor time that a run took.
    burned: f64,
    /// Processor time that the pieces and the start of workers take alone.
    own: f64,
    /// What starting workers takes.
    starting: f64,
    /// Processor time of a server on the same cores.
    asks: f64,
    /// Processor time of all pieces, the server's too.
    demand: f64,
    /// How many cores the workers could use.
    cores: f64,
    /// Whether other processes used the cores.
    disturbed: bool,
}

impl Evidence {
    fn kind(&self) -> &'static str {
        let Self { predicted, measured, burned, own, .. } = *self;
        if measured < predicted {
            return if burned < own / 1.1 {
                "less processor time than alone: pieces were recorded while something else disturbed them"
            } else {
                "faster than its recorded pieces: others were in the way when these were recorded"
            };
        }
        if self.disturbed {
            return "others used the cores meanwhile";
        }
        if self.starting > 0.3 * predicted {
            return "start-up: starting workers is a large part of it";
        }
        if self.asks > 0.1 * self.demand {
            return "the server on the same cores";
        }
        if self.fastest * (1.0 + TOLERATED) < measured && self.fastest < 1.15 * predicted {
            return "others used the cores meanwhile: the fastest run was as predicted";
        }
        if burned > 1.15 * own {
            return "bandwidth or false sharing: the same pieces take more processor time side by side";
        }
        if burned / (measured * self.cores) < 0.85 {
            "a lock: workers wait for each other while cores are idle"
        } else {
            "the cores gave less than they did a moment ago"
        }
    }
}

/// The largest and the mean error of all that were checked, without their signs.
pub fn errors(checks: &[Check]) -> Option<(f64, f64)> {
    let errors: Samples = checks.iter().map(|check| check.error.abs()).collect();
    let mean = errors.in_order().iter().sum::<f64>() / errors.len() as f64;
    (!errors.is_empty()).then(|| (errors.quantile(1.0), mean))
}

/// What the work would take on so many cores that run at once.
pub(crate) fn on_cores(
    run: &Recorded,
    one: &Predicted,
    workers: usize,
    cores: usize,
    calibration: &Calibration,
) -> Option<f64> {
    let gains: Vec<f64> = (1..=cores).map(|count| count as f64).collect();
    let (_, costs) = calibration.costs.iter().find(|(name, _)| *name == one.mechanism)?;
    Some(predict(run, Form::of(one.mechanism)?, workers, &gains, costs))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work of a second on two cores that should take half of one and takes all of it, with nothing to explain it.
    const SLOW: Evidence = Evidence {
        predicted: 0.5,
        measured: 1.0,
        fastest: 1.0,
        burned: 2.0,
        own: 2.0,
        starting: 0.0,
        asks: 0.0,
        demand: 2.0,
        cores: 2.0,
        disturbed: false,
    };

    #[test]
    fn each_kind_of_error_has_its_own_evidence() {
        let kinds = [
            // Pieces take no more processor time than alone, and half of the cores' is not used.
            ("a lock", Evidence { burned: 1.0, own: 1.0, ..SLOW }),
            ("bandwidth or false sharing", Evidence { own: 1.0, ..SLOW }),
            ("start-up", Evidence { starting: 0.2, ..SLOW }),
            ("the server on the same cores", Evidence { asks: 0.5, ..SLOW }),
            ("others used the cores meanwhile", Evidence { disturbed: true, ..SLOW }),
            ("others used the cores meanwhile: the fastest", Evidence { fastest: 0.5, ..SLOW }),
            ("the cores gave less", SLOW),
            ("less processor time than alone", Evidence { measured: 0.4, burned: 1.0, ..SLOW }),
            ("faster than its recorded pieces", Evidence { measured: 0.4, ..SLOW }),
        ];
        for (kind, evidence) in kinds {
            assert!(evidence.kind().starts_with(kind), "{kind}: {}", evidence.kind());
        }
    }

    #[test]
    fn what_is_measured_instead_are_the_fastest_mechanisms_that_were_not_tried() {
        let predicted = |mechanism, workers, seconds| Predicted { mechanism, workers, seconds };
        let all = vec![
            predicted("dynamic", 2, 0.5),
            predicted("pool", 2, 0.7),
            predicted("pool", 4, 0.6),
            predicted("static", 1, 0.1),
            predicted("static", 2, 0.8),
        ];
        let outlook = Outlook { alone: 1.0, best_workers: 2, all };
        let more = candidates(&outlook, &[predicted("dynamic", 2, 0.5)]);
        assert_eq!(more, [predicted("pool", 4, 0.6), predicted("static", 2, 0.8)]);
    }
}
