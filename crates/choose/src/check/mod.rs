//! What was predicted beside what is measured: on mechanisms and numbers of workers that the predictor has not seen.
//!
//! It has seen one sequential run only, so every parallel one is held out.

mod bench;
mod evidence;

use std::collections::HashSet;

use lesson::measure::Samples;
use serde::Serialize;

use crate::{
    calibrate::Calibration,
    predict::{Form, Outlook, Predicted, predict},
    record::Recorded,
};

pub(crate) use bench::Bench;

/// An error beyond this is not a prediction any more: the candidates are measured instead.
pub const TOLERATED: f64 = 0.15;

/// One configuration: predicted, then measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The workload's name.
    pub workload: &'static str,
    /// The mechanism's name.
    pub mechanism: &'static str,
    /// How many workers.
    pub workers: usize,
    /// Seconds, as predicted from the recorded run, at the pace that the machine had while this was measured.
    pub predicted_s: f64,
    /// That pace: what pieces cost then, as a multiple of what they cost when they were recorded.
    pub pace: f64,
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

/// Where threads are off by far and processes, in the same rounds, are as predicted, nothing else on the machine is the
/// reason: threads share what processes do not.
fn shared(checks: &mut [Check], threads: impl Fn(&str) -> bool) {
    let processes_hold = checks.iter().any(|check| !threads(check.mechanism) && check.holds());
    for check in checks.iter_mut().filter(|check| processes_hold && check.error > 2.0 * TOLERATED) {
        if threads(check.mechanism) {
            check.kind = Some(
                "a lock, or something else that threads share and processes do not: those were as predicted meanwhile",
            );
        }
    }
}

/// Everything that may turn out to be the fastest: more than twice as long as the best is too far off for that.
pub(crate) fn plausible(outlook: &Outlook) -> Vec<Predicted> {
    let best = outlook.best().map_or(0.0, |best| best.seconds);
    outlook.all.iter().filter(|one| one.workers > 1 && one.seconds <= 2.0 * best).cloned().collect()
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

    #[test]
    fn what_hurts_threads_only_is_something_that_they_share() {
        let check = |mechanism, error| Check {
            workload: "made-up",
            mechanism,
            workers: 2,
            predicted_s: 1.0,
            pace: 1.0,
            measured_s: 1.0 + error,
            error,
            held_out: true,
            kind: Some("others used the cores meanwhile").filter(|_| error > TOLERATED),
        };
        let kinds = |processes| {
            let mut checks = [check("dynamic", 0.9), check("pool", 0.2), check("process-dynamic", processes)];
            shared(&mut checks, |name| name != "process-dynamic");
            checks.map(|check| check.kind.unwrap_or("none").split(' ').take(2).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(kinds(0.1), ["a lock,", "others used", "none"]);
        assert_eq!(kinds(0.8), ["others used", "others used", "others used"]);
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
