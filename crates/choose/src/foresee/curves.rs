//! What textbooks would have said, beside what was predicted.

use lesson::measure::Samples;
use serde::Serialize;

use crate::{
    check::Check,
    laws::{self, Law},
    row::{Row, Shot},
};

/// The laws through measured points of one mechanism, beside the prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Laws {
    /// The mechanism.
    pub mechanism: &'static str,
    /// Workers and measured speed-up, by workers.
    pub points: Vec<(usize, f64)>,
    /// How many of the points, from the left, the laws were fitted to.
    pub fitted: usize,
    /// Amdahl's, Gustafson's, the universal one.
    pub laws: [Law; 3],
    /// The largest error of each on the other points, where there are any.
    pub law_errors: [f64; 3],
    /// The prediction's on the same.
    pub our_error: f64,
}

/// Laws through the points with few workers, judged on those with more; where there is none with more, on themselves.
pub(super) fn laws_of(mechanism: &'static str, rows: &[Row], checks: &[Check], cores: usize) -> Option<Laws> {
    let of = |check: &Check| {
        let row = rows.iter().find(|row| row.mechanism == mechanism && row.workers == check.workers)?;
        let alone = row.samples(|shot| shot.alone).median();
        Some((check.workers, row.samples(Shot::speedup).median(), alone / check.predicted_s))
    };
    let mut points: Vec<(usize, f64, f64)> =
        checks.iter().filter(|check| check.mechanism == mechanism).filter_map(of).collect();
    points.push((1, 1.0, 1.0));
    points.sort_by_key(|point| point.0);
    if points.len() < 2 {
        return None;
    }
    let few = points.iter().filter(|point| point.0 <= cores).count();
    let fitted = if points.len() >= 4 { few.max(3).min(points.len() - 1) } else { few.max(2) };
    let through: Vec<(f64, f64)> = points[..fitted].iter().map(|point| (point.0 as f64, point.1)).collect();
    let laws = laws::fit(&through);
    let judged = if fitted < points.len() { &points[fitted..] } else { &points[1..] };
    let worst = |said: &dyn Fn(&(usize, f64, f64)) -> f64| {
        judged.iter().map(|point| (point.1 / said(point) - 1.0).abs()).collect::<Samples>().quantile(1.0)
    };
    Some(Laws {
        mechanism,
        fitted,
        law_errors: laws.map(|law| worst(&|point| law.speedup(point.0 as f64).max(1e-9))),
        our_error: worst(&|point| point.2),
        points: points.into_iter().map(|(workers, speedup, _)| (workers, speedup)).collect(),
        laws,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::made_up::row, *};

    #[test]
    fn laws_are_judged_on_points_that_they_have_not_seen() {
        let checks = [2, 3, 4, 8].map(|workers| Check {
            workload: "made-up",
            mechanism: "dynamic",
            workers,
            predicted_s: 0.5,
            pace: 1.0,
            measured_s: 0.5,
            error: 0.0,
            held_out: true,
            kind: None,
        });
        let rows = checks.each_ref().map(|one| row("dynamic", one.workers, 0.5));
        let laws = laws_of("dynamic", &rows, &checks, 2).unwrap();
        assert_eq!((laws.points.len(), laws.fitted), (5, 3));
        // Twice as fast with any number: as was predicted, and as no law says that was fitted to 2 and 3.
        assert_eq!(laws.our_error, 0.0);
        let few: Vec<(f64, f64)> = laws.points[..3].iter().map(|point| (point.0 as f64, point.1)).collect();
        assert_eq!(laws.laws, laws::fit(&few));
        let missed = |law: Law| (2.0 / law.speedup(8.0) - 1.0).abs();
        for (law, error) in laws.laws.into_iter().zip(laws.law_errors) {
            assert!(error >= missed(law) - 1e-9, "{law:?}");
        }
    }
}
