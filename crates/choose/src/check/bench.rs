//! Measures what was predicted, and puts both beside each other.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use lesson::measure::Samples;
use workload::{Mechanism, Timeline, Workers, Workload};

use super::{Check, evidence::Evidence, shared};
use crate::{
    burned::Moment,
    calibrate::Calibration,
    measure::{timed, wrong_answer},
    pace::{self, Gain, Pace},
    predict::{Form, Predicted, predict},
    record::Recorded,
    row::{Row, Shot},
};

/// Beyond this share of the cores' time, what others use explains an error better than anything else.
const BUSY: f64 = 0.1;

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
    /// Measures each of `wanted` in turn, for about so long, three times at least, and compares them with what is
    /// predicted for the pace that the machine had meanwhile. Rows in the same order; checks of those that succeeded.
    pub(crate) fn try_out(
        &mut self,
        wanted: &[Predicted],
        time: Duration,
        tell: &dyn Fn(&str),
    ) -> (Vec<Row>, Vec<Check>) {
        const LEAST: usize = 3;
        const MOST: usize = 9;
        let pieces = self.recorded.count();
        let mut rows: Vec<Row> =
            wanted.iter().map(|one| Row::new(one.mechanism, one.workers, pieces)).collect();
        let mut paces: HashMap<(&str, usize), Vec<f64>> = HashMap::new();
        let off = Timeline::off();
        let (looks, mut gain) =
            (Pace::new(self.work, self.recorded, &off), Gain::new(&self.calibration.gains));
        let begun = Instant::now();
        let around = Moment::now(self.server);
        let mut round = 0;
        while round < LEAST || (round < MOST && begun.elapsed().mul_f64(1.0 + 1.0 / round as f64) <= time) {
            tell(&format!("check {}: cores", round + 1));
            gain.look();
            let mut before = looks.look();
            // Each time another one is the first: what was done just before it was not the same as for the others.
            let count = rows.len();
            for place in (0..count).map(|turn| (turn + round) % count) {
                let row = &mut rows[place];
                if row.error.is_some() {
                    continue;
                }
                tell(&format!("check {}, {} x {}", round + 1, row.mechanism, row.workers));
                let shot = self.run(row);
                let after = looks.look();
                if let Some((seconds, cpu)) = shot {
                    let pace = pace::pace(&[&before, &after]);
                    let (alone, ceiling) = (self.recorded.at(pace).alone(), self.ceiling(row.workers));
                    row.shots.push(Shot { round, seconds, alone, ceiling, cpu });
                    paces.entry((row.mechanism, row.workers)).or_default().push(pace);
                }
                before = after;
            }
            round += 1;
        }
        let ours = rows.iter().flat_map(|row| &row.shots).map(|shot| shot.cpu).sum();
        let (_, others) = around.since(ours);
        let cores = self.calibration.gains.len() as f64;
        let capacity = begun.elapsed().as_secs_f64() * cores;
        self.disturbed = others.others.unwrap_or(0.0) + others.stolen.unwrap_or(0.0) > BUSY * capacity;
        let gains =
            gain.seen().map_or(self.calibration.gains.clone(), |gain| self.calibration.gains_at(gain));
        let pairs = wanted.iter().zip(&rows).filter(|(_, row)| row.counts());
        let checks =
            pairs.map(|(one, row)| self.check(one, row, &paces[&(row.mechanism, row.workers)], &gains));
        let mut checks: Vec<Check> = checks.collect();
        let concept = |name: &str| self.mechanisms.iter().find(|one| one.name == name).map(|one| one.concept);
        shared(&mut checks, |name| concept(name) == Some("threads"));
        (rows, checks)
    }

    /// Once more: seconds by the wall, and on processors.
    fn run(&mut self, row: &mut Row) -> Option<(f64, f64)> {
        let mechanism = self.mechanisms.iter().find(|one| one.name == row.mechanism)?;
        let workers = Workers::new(row.workers).ok()?;
        let (outcome, timing) = timed(|| (mechanism.run)(self.work, workers, &Timeline::off()));
        let part = outcome.map_err(|error| row.error = Some(error.to_string())).ok()?;
        let answer = self.work.answer(&part);
        match &self.expected {
            // The parts themselves: an answer need not print all of it.
            Some(expected) if *expected != part => {
                row.error = Some(wrong_answer(&answer, &self.work.answer(expected)));
            }
            Some(_) => {}
            None => self.expected = Some(part),
        }
        row.answer = answer;
        Some((timing.seconds, timing.cpu))
    }

    /// How many times as fast as alone so many workers could be if they cost nothing and no piece were longer than
    /// others.
    pub(crate) fn ceiling(&self, workers: usize) -> f64 {
        let (demand, alone) = (self.recorded.demand(), self.recorded.alone());
        (alone * self.calibration.gain() / demand.max(1e-12))
            .min(workers.min(self.recorded.count()) as f64)
            .max(1.0)
    }

    /// `paces` are those of the runs in `row`, `gains` what cores got done meanwhile.
    fn check(&self, one: &Predicted, row: &Row, paces: &[f64], gains: &[f64]) -> Check {
        let costs = self.calibration.costs.iter().find(|(name, _)| *name == one.mechanism);
        let costs = costs.map(|(_, costs)| *costs).unwrap_or_default();
        let predicted = |pace: f64| match Form::of(one.mechanism) {
            Some(form) => predict(&self.recorded.at(pace), form, one.workers, gains, &costs),
            None => one.seconds,
        };
        let paces: Samples = paces.iter().copied().collect();
        let (slow, fast) = (paces.quantile(1.0), paces.quantile(0.0));
        let (at_slow, at_fast) = (predicted(slow), predicted(fast));
        // Between two paces time is on a straight line, near enough.
        let at = |pace: f64| at_fast + (at_slow - at_fast) * (pace - fast) / (slow - fast).max(1e-9);
        let ratios: Samples = row
            .shots
            .iter()
            .zip(paces.in_order())
            .map(|(shot, pace)| shot.seconds / at(*pace).max(1e-9))
            .collect();
        let ratio = ratios.median();
        let measured = row.samples(|shot| shot.seconds).median();
        let mut check = Check {
            workload: W::NAME,
            mechanism: one.mechanism,
            workers: one.workers,
            predicted_s: measured / ratio,
            pace: paces.median(),
            measured_s: measured,
            error: ratio - 1.0,
            held_out: true,
            kind: None,
        };
        if !check.holds() {
            let run = self.recorded.at(check.pace);
            let starting = one.workers as f64 * (costs.serial + costs.parallel);
            let evidence = Evidence {
                predicted: check.predicted_s,
                measured,
                fastest: ratios.quantile(0.0) * check.predicted_s,
                burned: row.samples(|shot| shot.cpu).median(),
                own: run.pieces.iter().map(|piece| piece.cpu + piece.combine).sum::<f64>() + starting,
                starting: costs.fixed + starting,
                asks: run.pieces.iter().map(|piece| piece.asks).sum(),
                demand: run.demand(),
                cores: one.workers.min(self.calibration.gains.len()) as f64,
                disturbed: self.disturbed,
            };
            check.kind = Some(evidence.kind());
        }
        check
    }
}
