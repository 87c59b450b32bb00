//! How many workers, and which mechanism: everything that is predicted of one work.

use serde::Serialize;

use super::{Costs, Form, predict};
use crate::record::Recorded;

/// What one mechanism is predicted to take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Predicted {
    /// Its name.
    pub mechanism: &'static str,
    /// With how many workers.
    pub workers: usize,
    /// How long, in seconds.
    pub seconds: f64,
}

/// Everything that is predicted of one work.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outlook {
    /// One piece after the other, in seconds.
    pub alone: f64,
    /// How many workers keep all cores busy, if the work has that many pieces.
    pub best_workers: usize,
    /// Mechanisms with numbers of workers, by mechanism, then by number.
    pub all: Vec<Predicted>,
}

/// The number of workers that keeps `cores` busy where each piece computes for D and waits for Z:
/// N* = ceil(C (D + Z) / D), but no more than there are pieces. (Little's law: C D-parts at a time in computing means
/// C Z / D of them in waiting.) Where pieces do not compute at all, as many as there are pieces.
///
/// D counts what a server on the same cores computes, which is why more workers than this wait for cores and not
/// for answers.
pub fn best_workers(run: &Recorded, cores: f64) -> usize {
    let (demand, waiting, most) = (run.demand(), run.waiting(), run.count().max(1));
    // What is within a thousandth of a whole number is one: noise must not cost a worker.
    let wanted = (cores * (demand + waiting) / demand.max(1e-12) - 1e-3).ceil();
    if wanted >= most as f64 { most } else { (wanted as usize).max(1) }
}

impl Outlook {
    /// What is predicted for this mechanism with so many workers.
    pub fn of(&self, mechanism: &str, workers: usize) -> Option<f64> {
        let found = self.all.iter().find(|one| one.mechanism == mechanism && one.workers == workers);
        found.map(|one| one.seconds)
    }

    /// What is left of it where there may be no more workers than `most`.
    pub(crate) fn within(mut self, most: usize) -> Self {
        self.all.retain(|one| one.workers <= most);
        self
    }

    /// The fastest.
    pub fn best(&self) -> Option<&Predicted> {
        self.all.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    }
}

/// Predicts each of `mechanisms`, those whose rule and costs are known, with 1, 2, 4, ... workers, as many as there are
/// cores, N*, and twice that; and with `also` so many.
pub fn outlook(
    run: &Recorded,
    gains: &[f64],
    also: &[usize],
    mechanisms: &[(&'static str, Costs)],
) -> Outlook {
    let cores = gains.len().max(1);
    let run = run.coarse();
    let best = best_workers(&run, gains.last().copied().unwrap_or(1.0));
    let most = run.count().clamp(1, MOST);
    let mut counts: Vec<usize> = std::iter::successors(Some(1), |count| Some(2 * count))
        .take_while(|count| *count < best.max(cores).min(most))
        .chain([cores, best, 2 * best])
        .filter(|count| *count <= most)
        .chain(also.iter().copied())
        .collect();
    counts.sort_unstable();
    counts.dedup();
    let all = mechanisms
        .iter()
        .filter_map(|(name, costs)| Some((*name, Form::of(name)?, costs)))
        .flat_map(|(mechanism, form, costs)| {
            let run = &run;
            counts.iter().map(move |&workers| Predicted {
                mechanism,
                workers,
                seconds: predict(run, form, workers, gains, costs),
            })
        })
        .collect();
    Outlook { alone: run.alone(), best_workers: best, all }
}

/// More workers than this are not looked at unless asked for.
const MOST: usize = 512;
