//! How good advice was, once everything that may be as good has been measured.
//!
//! The fastest of thirty that were measured a few times each is, above all, the luckiest of thirty (the "winner's curse"). So
//! those that come first there play once more, beside what was advised, and only this counts.

use std::time::Duration;

use serde::Serialize;

use crate::{
    predict::{Outlook, Predicted},
    recommend::Advice,
    row::{Row, SEQUENTIAL, Shot},
};

/// The advice beside everything that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Regret {
    /// The work.
    pub workload: &'static str,
    /// The mechanism that was advised.
    pub mechanism: &'static str,
    /// With how many workers.
    pub workers: usize,
    /// The fastest one that was measured,
    pub best: &'static str,
    /// with how many workers.
    pub best_workers: usize,
    /// How many times as long as that the advised one takes.
    pub times: f64,
    /// How many times as fast it is as one piece after the other.
    pub speedup: f64,
    /// Of how many that were measured.
    pub of: usize,
}

/// So many play again,
const FINALISTS: usize = 3;
/// for about so long.
pub(super) const FINAL: Duration = Duration::from_secs(4);

fn speedup(row: &Row) -> f64 {
    row.samples(Shot::speedup).median()
}

/// What was advised, and the fastest of `rows`.
pub(super) fn finalists(advice: &Advice, rows: &[Row], outlook: &Outlook) -> Vec<Predicted> {
    let is = |row: &Row| row.mechanism == advice.mechanism && row.workers == advice.workers;
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.counts()).collect();
    rows.sort_by(|a, b| speedup(b).total_cmp(&speedup(a)));
    let first = rows.iter().filter(|row| !is(row)).take(FINALISTS);
    rows.iter()
        .filter(|row| is(row))
        .chain(first)
        .filter_map(|row| {
            let seconds = outlook.of(row.mechanism, row.workers)?;
            Some(Predicted { mechanism: row.mechanism, workers: row.workers, seconds })
        })
        .collect()
}

/// What was advised beside the best of `rows`, which have come first of so many.
pub(super) fn regret(advice: &Advice, rows: &[Row], of: usize) -> Option<Regret> {
    let counted = || rows.iter().filter(|row| row.counts());
    let best = counted().max_by(|a, b| speedup(a).total_cmp(&speedup(b)))?;
    let mine = if advice.mechanism == SEQUENTIAL {
        1.0
    } else {
        speedup(counted().find(|row| row.mechanism == advice.mechanism && row.workers == advice.workers)?)
    };
    Some(Regret {
        workload: advice.workload,
        mechanism: advice.mechanism,
        workers: advice.workers,
        best: best.mechanism,
        best_workers: best.workers,
        times: (speedup(best) / mine).max(1.0),
        speedup: mine,
        of,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::made_up::row, *};

    #[test]
    fn advice_is_judged_by_the_best_of_all() {
        let rows = [row("dynamic", 2, 0.6), row("pool", 2, 0.5), row("static", 2, 0.9)];
        let judged = |mechanism, workers| {
            let (workload, why) = ("made-up", String::new());
            regret(&Advice { workload, mechanism, workers, why }, &rows, 9)
        };
        let dynamic = judged("dynamic", 2).unwrap();
        assert!(
            (dynamic.times - 1.2).abs() < 1e-9 && (dynamic.speedup - 1.0 / 0.6).abs() < 1e-9,
            "{dynamic:?}"
        );
        assert_eq!((dynamic.best, dynamic.best_workers, dynamic.of), ("pool", 2, 9));
        assert_eq!(judged("pool", 2).map(|pool| pool.times), Some(1.0));
        assert_eq!(judged(SEQUENTIAL, 1).map(|alone| alone.times), Some(2.0));
        // What was not among them cannot be judged.
        assert_eq!(judged("dynamic", 8), None);
    }

    #[test]
    fn the_advised_one_plays_again_beside_the_fastest() {
        let all = [("static", 0.9), ("pool", 0.5), ("dynamic", 0.7), ("stealing", 0.6), ("rayon", 0.8)];
        let rows = all.map(|(mechanism, seconds)| row(mechanism, 2, seconds));
        let of = |(mechanism, seconds)| Predicted { mechanism, workers: 2, seconds };
        let outlook = Outlook { alone: 1.0, best_workers: 2, all: all.map(of).to_vec() };
        let again = |mechanism| {
            let advice = Advice { workload: "made-up", mechanism, workers: 2, why: String::new() };
            finalists(&advice, &rows, &outlook).into_iter().map(|one| one.mechanism).collect::<Vec<_>>()
        };
        assert_eq!(again("rayon"), ["rayon", "pool", "stealing", "dynamic"]);
        assert_eq!(again("pool"), ["pool", "stealing", "dynamic", "rayon"]);
        // One piece after the other is what all are compared with anyway.
        assert_eq!(again(SEQUENTIAL), ["pool", "stealing", "dynamic"]);
    }
}
