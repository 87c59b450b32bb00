//! What differs beyond noise: a pure function of two runs.
//!
//! A difference counts when the medians lie further apart than the spreads (p10 to p90) of both runs together, and by
//! more than a band below which nobody would act. Touching ranges would be too weak: of twenty comparisons of three runs
//! each, one or two pairs of ranges do not touch by luck alone.

use serde::Serialize;

use super::read::{Figures, Run};
use crate::{machine::Machine, recommend::BAND, row::SEQUENTIAL};

/// Fewer runs have no spread worth the name.
const ENOUGH: usize = 3;

/// One figure here and there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The second run's median in terms of the first's.
    pub ratio: f64,
    /// Whether it is more than noise; `None` where it cannot be said.
    pub beyond_noise: Option<bool>,
}

/// One mechanism with one number of workers on one workload, here and there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The workload.
    pub workload: String,
    /// The mechanism.
    pub mechanism: String,
    /// With how many workers.
    pub workers: usize,
    /// Seconds.
    pub time: Option<Change>,
    /// How many times as fast as one piece after the other: what is left when the machine's own speed is taken out.
    pub speedup: Option<Change>,
    /// Peak memory, of which there is one figure only: no spread, no judgement.
    pub memory: Option<f64>,
    /// What an empty piece costs; likewise.
    pub dispatch: Option<f64>,
    /// Why there is no comparison, if there is none.
    pub note: Option<&'static str>,
}

/// Advice that has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdviceChange {
    /// For which workload.
    pub workload: String,
    /// In the first run, as `pool x 2`; `None` if there was none.
    pub first: Option<String>,
    /// In the second.
    pub second: Option<String>,
}

/// Everything that two runs have in common, and what not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Where they ran.
    pub machines: [Machine; 2],
    /// What a pure kernel gained on all cores.
    pub gains: [f64; 2],
    /// Each measurement of either.
    pub pairs: Vec<Pair>,
    /// Where another mechanism is advised, or another number of workers.
    pub advice: Vec<AdviceChange>,
}

impl Comparison {
    /// Whether anything differs beyond noise, or is in one run only.
    pub fn differs(&self) -> bool {
        !self.advice.is_empty() || self.pairs.iter().any(Pair::differs)
    }
}

impl Pair {
    /// Whether it does beyond noise, or cannot be compared.
    pub fn differs(&self) -> bool {
        let beyond = |change: Option<Change>| change.is_some_and(|change| change.beyond_noise == Some(true));
        self.note.is_some() || beyond(self.time) || beyond(self.speedup)
    }

    fn of(figures: &Figures, note: Option<&'static str>) -> Self {
        Self {
            workload: figures.workload.clone(),
            mechanism: figures.mechanism.clone(),
            workers: figures.workers,
            time: None,
            speedup: None,
            memory: None,
            dispatch: None,
            note,
        }
    }
}

/// What differs between `first` and `second`.
pub fn compare(first: &Run, second: &Run) -> Comparison {
    // `fetch` has a sequential row for each amount of work: the n-th here is compared with the n-th there.
    let (here, there) = (numbered(&first.rows), numbered(&second.rows));
    let twin = |one: &(usize, &Figures), all: &[(usize, &Figures)]| {
        all.iter().find(|other| key(one) == key(other)).map(|(_, figures)| (*figures).clone())
    };
    let mut pairs: Vec<Pair> = (here.iter())
        .map(|one| match twin(one, &there) {
            Some(other) => pair(one.1, &other),
            None => Pair::of(one.1, Some("only in the first run")),
        })
        .collect();
    let new = there.iter().filter(|one| twin(one, &here).is_none());
    pairs.extend(new.map(|one| Pair::of(one.1, Some("only in the second run"))));
    Comparison {
        machines: [first.machine.clone(), second.machine.clone()],
        gains: [first.gain, second.gain],
        pairs,
        advice: advice(first, second),
    }
}

fn numbered(rows: &[Figures]) -> Vec<(usize, &Figures)> {
    let name = |row: &Figures| (row.workload.clone(), row.mechanism.clone(), row.workers);
    let before = |index: usize| rows[..index].iter().filter(|row| name(row) == name(&rows[index])).count();
    rows.iter().enumerate().map(|(index, row)| (before(index), row)).collect()
}

fn key<'a>((number, figures): &(usize, &'a Figures)) -> (usize, &'a str, &'a str, usize) {
    (*number, &figures.workload, &figures.mechanism, figures.workers)
}

fn pair(first: &Figures, second: &Figures) -> Pair {
    let note = match (first.runs, second.runs) {
        (0, 0) => Some("failed in both"),
        (0, _) => Some("failed in the first run"),
        (_, 0) => Some("failed in the second run"),
        _ if first.answer != second.answer => Some("another answer: the work was not the same"),
        _ => None,
    };
    let mut pair = Pair::of(first, note);
    if pair.note.is_some() {
        return pair;
    }
    let enough = first.runs.min(second.runs) >= ENOUGH;
    let ranges = |range: fn(&Figures) -> [Option<f64>; 3]| Some((all(range(first))?, all(range(second))?));
    pair.time = ranges(|row| [row.p10_s, row.median_s, row.p90_s]).map(|(a, b)| change(a, b, enough));
    if first.mechanism != SEQUENTIAL {
        pair.speedup =
            ranges(|row| [row.speedup_p10, row.speedup, row.speedup_p90]).map(|(a, b)| change(a, b, enough));
    }
    let ratio = |a: Option<f64>, b: Option<f64>| Some(b? / a.filter(|a| *a > 0.0)?);
    let bytes = |row: &Figures| row.peak_memory_bytes.map(|bytes| bytes as f64);
    pair.memory = ratio(bytes(first), bytes(second));
    pair.dispatch = ratio(first.dispatch_ns, second.dispatch_ns);
    pair
}

fn all([p10, median, p90]: [Option<f64>; 3]) -> Option<[f64; 3]> {
    Some([p10?, median?, p90?])
}

/// Of p10, median and p90 here and there.
fn change(a: [f64; 3], b: [f64; 3], enough: bool) -> Change {
    let apart = (a[1] - b[1]).abs();
    let spread = (a[2] - a[0]) + (b[2] - b[0]);
    let ratio = b[1] / a[1];
    let worth = ratio.max(1.0 / ratio) > 1.0 + BAND;
    Change { ratio, beyond_noise: enough.then_some(worth && apart > spread) }
}

fn advice(first: &Run, second: &Run) -> Vec<AdviceChange> {
    let say = |run: &Run, workload: &str| {
        let advised = run.advice.iter().find(|advised| advised.workload == workload)?;
        Some(format!("{} x {}", advised.mechanism, advised.workers))
    };
    let mut names: Vec<&str> = Vec::new();
    for advised in first.advice.iter().chain(&second.advice) {
        if !names.contains(&advised.workload.as_str()) {
            names.push(&advised.workload);
        }
    }
    (names.into_iter())
        .map(|name| AdviceChange {
            workload: name.to_owned(),
            first: say(first, name),
            second: say(second, name),
        })
        .filter(|change| change.first != change.second)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn ranges_that_lie_apart_by_less_than_their_widths_are_noise() {
        // They do not touch, but another round might have made them.
        assert_eq!(change([1.0, 1.1, 1.2], [1.3, 1.4, 1.5], true).beyond_noise, Some(false));
        assert_eq!(change([1.0, 1.1, 1.2], [1.9, 2.0, 2.1], true).beyond_noise, Some(true));
        assert_eq!(change([1.9, 2.0, 2.1], [1.0, 1.1, 1.2], true).beyond_noise, Some(true));
    }

    #[test]
    fn what_nobody_would_act_upon_is_no_difference_and_too_few_runs_say_nothing() {
        assert_eq!(change([1.0, 1.0, 1.0], [1.07, 1.07, 1.07], true).beyond_noise, Some(false));
        assert_eq!(change([1.0, 1.0, 1.0], [1.09, 1.09, 1.09], true).beyond_noise, Some(true));
        assert_eq!(change([1.0, 1.0, 1.0], [9.0, 9.0, 9.0], false).beyond_noise, None);
    }
}
