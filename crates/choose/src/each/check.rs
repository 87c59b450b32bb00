//! What was predicted beside what was measured, and why they differ.

use serde::Serialize;

use super::outcome::Cost;
use crate::show;

/// An error beyond this is told with its kind, and other numbers are tried.
pub(super) const TOLERATED: f64 = 0.15;

/// One number of workers, predicted from the sample and then measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub(super) workload: &'static str,
    pub(super) mechanism: &'static str,
    pub(super) workers: usize,
    /// How many inputs.
    pub(super) inputs: usize,
    pub(super) predicted_s: f64,
    pub(super) measured_s: f64,
    /// How much more was measured than predicted, as a part of what was predicted: 0.1 is a tenth more.
    pub(super) error: f64,
    /// The sample ran one after the other: this number of workers was not used for predicting.
    pub(super) held_out: bool,
    /// Why, when the error is large.
    pub(super) kind: Option<&'static str>,
}

impl Check {
    /// `alone` is what runs cost one after the other, `together` what they cost now; others have kept so many cores busy.
    pub(super) fn new(
        [predicted_s, measured_s]: [f64; 2],
        workers: usize,
        [alone, together]: [&[Cost]; 2],
        others: Option<f64>,
    ) -> Self {
        let error = if predicted_s > 0.0 { measured_s / predicted_s - 1.0 } else { 0.0 };
        Self {
            workload: "each",
            mechanism: "processes",
            workers,
            inputs: together.len(),
            predicted_s,
            measured_s,
            error,
            held_out: true,
            kind: (error.abs() > TOLERATED).then(|| kind(error, alone, together, others)),
        }
    }

    /// In a line.
    pub(super) fn line(&self) -> String {
        let Self { inputs, workers, .. } = self;
        let (predicted, measured) = (show::seconds(self.predicted_s), show::seconds(self.measured_s));
        let (error, side) = (self.error.abs() * 100.0, if self.error < 0.0 { "less" } else { "more" });
        let kind = self.kind.map_or_else(String::new, |kind| format!(": {kind}"));
        format!(
            "check: {inputs} inputs, {workers} at once: predicted {predicted}, measured {measured}, {error:.0} % {side}{kind}"
        )
    }
}

fn kind(error: f64, alone: &[Cost], together: &[Cost], others: Option<f64>) -> &'static str {
    let mean = |costs: &[Cost], part: fn(&Cost) -> f64| {
        costs.iter().map(part).sum::<f64>() / costs.len().max(1) as f64
    };
    let cpu = mean(together, |cost| cost.cpu) / mean(alone, |cost| cost.cpu).max(1e-9);
    if others.is_some_and(|others| others > 0.5) {
        "something else used the cores meanwhile"
    } else if error < 0.0 {
        "these inputs were cheaper than the sample's, or the sample found cold caches"
    } else if cpu > 1.0 + TOLERATED {
        "each took more processor time than the sample's: dearer inputs, or cores that share a cache, memory bandwidth or \
         a core's own units"
    } else {
        "no more processor time, yet longer: they wait for something they share, a disk, a server, a lock"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(predicted: f64, measured: f64, cpu: f64, others: f64) -> Check {
        let (alone, together) = ([Cost { wall: 1.0, cpu: 1.0 }], [Cost { wall: 1.0, cpu }; 3]);
        Check::new([predicted, measured], 2, [&alone, &together], Some(others))
    }

    #[test]
    fn the_line_has_both_figures_and_their_difference() {
        let more = "check: 3 inputs, 2 at once: predicted 2.00 s, measured 2.20 s, 10 % more";
        assert_eq!(check(2.0, 2.2, 1.0, 0.0).line(), more);
        let less = "check: 3 inputs, 2 at once: predicted 2.00 s, measured 1.80 s, 10 % less";
        assert_eq!(check(2.0, 1.8, 1.0, 0.0).line(), less);
    }

    #[test]
    fn a_large_error_has_its_kind() {
        assert_eq!(check(2.0, 2.2, 9.0, 9.0).kind, None);
        for (check, part) in [
            (check(2.0, 3.0, 1.0, 1.0), "something else"),
            (check(2.0, 1.0, 1.0, 0.0), "cheaper"),
            (check(2.0, 3.0, 1.5, 0.0), "more processor time than"),
            (check(2.0, 3.0, 1.0, 0.0), "something they share"),
        ] {
            assert!(check.kind.is_some_and(|kind| kind.contains(part)), "{part}: {check:?}");
        }
    }
}
