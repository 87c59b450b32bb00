//! One work, from a recorded run to advice: predict, check, and only where that fails measure everything.

use std::time::Duration;

use lesson::measure::Samples;
use serde::Serialize;
use workload::{Mechanism, Workload};

use crate::{
    calibrate::Calibration,
    check::{self, Bench, Check},
    counsel,
    laws::{self, Law},
    measure::MeasureError,
    predict::{Outlook, Predicted, outlook as predict_all},
    recommend::{Advice, BAND, WORTH, order},
    record::{Recorded, record_well},
    row::{Measured, Row, SEQUENTIAL, Shot},
};

/// Everything that was foreseen of one work, and what came of it.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// The run that all rests on.
    pub recorded: Recorded,
    /// What was predicted from it.
    pub outlook: Outlook,
    /// What of it was checked.
    pub checks: Vec<Check>,
    /// Whether other processes used the cores meanwhile: then nothing that was measured says much.
    pub disturbed: bool,
    /// Whether more was measured than what checks the prediction, because that failed.
    pub measured_more: bool,
    /// What textbooks would have said.
    pub laws: Option<Laws>,
    /// The runs that checked it, as rows: the sequential one is the recorded one.
    pub measured: Measured,
    /// What to take. `None` when nothing ran to its end.
    pub advice: Option<Advice>,
    /// How good that is, if everything was measured.
    pub regret: Option<Regret>,
}

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

impl Foreseen {
    /// Whether what was checked was as predicted.
    pub fn holds(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(Check::holds) && self.measured.all_right()
    }
}

/// How a prediction is checked.
#[derive(Clone, Copy, Debug)]
pub struct Checking {
    /// The id of a server process on this machine that works for it.
    pub server: Option<u32>,
    /// About how long it may take.
    pub time: Duration,
    /// No more workers than so many: for more there is no memory.
    pub most: usize,
    /// Whether to measure everything in the end that may be as fast as what is advised, to see how good the advice is.
    pub all: bool,
}

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

/// Foresees `work` through `mechanisms`. `tell` hears what comes next.
///
/// # Errors
/// [`MeasureError`] when it cannot even be done one piece after the other.
pub fn foresee<W: Workload>(
    work: &W,
    mechanisms: &[Mechanism<W>],
    calibration: &Calibration,
    checking: &Checking,
    tell: &dyn Fn(&str),
) -> Result<Foreseen, MeasureError> {
    let Checking { server, time, most, all } = *checking;
    tell("one piece after the other, recorded");
    let (recorded, answer) = record_well(work, server, Duration::from_secs(10))?;
    if recorded.pieces.is_empty() {
        return Err(MeasureError::NothingToDo);
    }
    let calibration = &calibration.refreshed();
    let cores = calibration.gains.len();
    let known: Vec<_> = (calibration.costs.iter().copied())
        .filter(|(name, _)| mechanisms.iter().any(|mechanism| mechanism.name == *name))
        .collect();
    let outlook = predict_all(&recorded, &calibration.gains, &[cores, 2 * cores], &known).within(most);
    // Blocking a quarter of the time in a pool that all share is a quarter of it lost for everyone else.
    let waits = recorded.waiting() > 0.25 * recorded.demand();
    let mut measured = Measured {
        workload: W::NAME,
        waits,
        rows: vec![alone(&recorded, answer.as_ref().map(|part| work.answer(part)))],
        uneven: uneven(&recorded, cores.max(2)),
        traces: Vec::new(),
    };
    let mut foreseen = Foreseen {
        recorded,
        outlook,
        checks: Vec::new(),
        disturbed: false,
        measured_more: false,
        laws: None,
        measured: measured.clone(),
        advice: None,
        regret: None,
    };
    // On a machine that is busy for the moment the choice is made for the one that it is when it is quiet.
    let quiet = calibration.noise().is_none();
    let ideal: Vec<f64> = (1..=cores).map(|count| count as f64).collect();
    let steady = if quiet {
        foreseen.outlook.clone()
    } else {
        predict_all(&foreseen.recorded, &ideal, &[cores, 2 * cores], &known).within(most)
    };
    let Some(taken) = take(&steady, waits) else {
        foreseen.advice = Some(counsel::sequential(&foreseen, calibration));
        return Ok(foreseen);
    };
    let taken = foreseen
        .outlook
        .of(taken.mechanism, taken.workers)
        .map_or(taken.clone(), |seconds| Predicted { seconds, ..taken });
    let wanted = check::configurations(&foreseen.outlook, &taken, cores);
    let mut bench = Bench {
        work,
        mechanisms,
        recorded: &foreseen.recorded,
        calibration,
        server,
        expected: answer,
        disturbed: false,
    };
    let (rows, checks) = bench.try_out(&wanted, time, tell);
    foreseen.checks = checks;
    foreseen.laws = laws_of(taken.mechanism, &rows, &foreseen.checks, cores);
    foreseen.disturbed = bench.disturbed;
    measured.rows.extend(rows);
    // Nothing that is advised may rest on a prediction that was just seen to be wrong.
    if !foreseen.checks.iter().all(Check::holds) && !foreseen.disturbed && time > Duration::ZERO {
        let more = check::candidates(&foreseen.outlook, &wanted);
        let (rows, checks) = bench.try_out(&more, time, tell);
        foreseen.checks.extend(checks);
        measured.rows.extend(rows);
        foreseen.measured_more = true;
    }
    foreseen.measured = measured;
    let taken = if quiet && !foreseen.disturbed {
        confirm(&foreseen, taken, waits, BAND)
    } else {
        // What others left of the machine says little, but all that were measured had their share of it.
        Some(confirm(&foreseen, taken.clone(), waits, CLEARLY).unwrap_or(taken))
    };
    foreseen.advice = Some(match taken {
        Some(taken) => counsel::take(&foreseen, &taken, calibration, mechanisms),
        None => counsel::sequential(&foreseen, calibration),
    });
    if all {
        let (rows, checks) = bench.try_out(&check::plausible(&foreseen.outlook), Duration::ZERO, tell);
        foreseen.regret = foreseen.advice.as_ref().and_then(|advice| regret(advice, &rows));
        foreseen.checks.extend(checks);
    }
    Ok(foreseen)
}

/// What was advised beside the best of `rows`.
fn regret(advice: &Advice, rows: &[Row]) -> Option<Regret> {
    let speedup = |row: &Row| row.samples(Shot::speedup).median();
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
        of: rows.len(),
    })
}

/// The simplest mechanism that is predicted to be about as fast as the fastest, with the fewest workers that are.
/// `None` if nothing is worth a second thread.
pub(crate) fn take(outlook: &Outlook, waits: bool) -> Option<Predicted> {
    let best = outlook.best()?.seconds;
    if outlook.alone < WORTH * best {
        return None;
    }
    let rank =
        |one: &Predicted| order(waits).iter().position(|name| *name == one.mechanism).unwrap_or(usize::MAX);
    let equals = outlook.all.iter().filter(|one| one.workers > 1 && one.seconds <= best * (1.0 + BAND));
    equals.min_by_key(|one| (rank(one), one.workers)).cloned()
}

/// On a machine that others use, what is faster by less than this may be so by chance.
const CLEARLY: f64 = 0.3;

/// What was measured has the last word: another one of those measured, if it is faster by more than `band`; none, if the
/// one to take gains nothing.
fn confirm(foreseen: &Foreseen, taken: Predicted, waits: bool, band: f64) -> Option<Predicted> {
    let speedup = |row: &Row| row.samples(Shot::speedup).median();
    let rows = || foreseen.measured.rows.iter().filter(|row| row.counts() && row.mechanism != SEQUENTIAL);
    let best = rows().max_by(|a, b| speedup(a).total_cmp(&speedup(b)))?;
    if speedup(best) < WORTH {
        return None;
    }
    let rank = |row: &Row| order(waits).iter().position(|name| *name == row.mechanism).unwrap_or(usize::MAX);
    let mine = rows().find(|row| row.mechanism == taken.mechanism && row.workers == taken.workers);
    // Clearly beaten is who is so in its better runs too: advice must not change with every breath of the machine.
    let at_best = |row: &Row| row.samples(Shot::speedup).quantile(0.75);
    if mine.is_some_and(|mine| at_best(mine) * (1.0 + band) >= speedup(best)) {
        return Some(taken);
    }
    let equals = rows().filter(|row| speedup(row) * (1.0 + BAND) >= speedup(best));
    let simplest = equals.min_by_key(|row| (rank(row), row.workers))?;
    let (mechanism, workers) = (simplest.mechanism, simplest.workers);
    let seconds = foreseen.outlook.of(mechanism, workers)?;
    Some(Predicted { mechanism, workers, seconds })
}

/// The recorded run as a row.
pub(crate) fn alone(recorded: &Recorded, answer: Option<serde_json::Value>) -> Row {
    let (seconds, cpu) =
        (recorded.alone(), recorded.pieces.iter().map(|piece| piece.cpu + piece.combine).sum());
    let mut row = Row::new(SEQUENTIAL, 1, recorded.count());
    row.shots.push(Shot { round: 0, seconds, alone: seconds, ceiling: 1.0, cpu });
    row.answer = answer.unwrap_or_default();
    row
}

/// How much more than the mean the dearest of so many equal shares costs.
fn uneven(recorded: &Recorded, shares: usize) -> Option<f64> {
    let mut costs = vec![0.0; shares];
    for (index, piece) in recorded.pieces.iter().enumerate() {
        costs[index * shares / recorded.pieces.len()] += piece.alone();
    }
    let all: f64 = costs.iter().sum();
    (all > 0.0).then(|| costs.iter().copied().fold(0.0, f64::max) * shares as f64 / all)
}

/// Laws through the points with few workers, judged on those with more; where there is none with more, on themselves.
fn laws_of(mechanism: &'static str, rows: &[Row], checks: &[Check], cores: usize) -> Option<Laws> {
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
    use super::*;

    fn predicted(mechanism: &'static str, workers: usize, seconds: f64) -> Predicted {
        Predicted { mechanism, workers, seconds }
    }

    fn outlook(all: &[Predicted]) -> Outlook {
        Outlook { alone: 1.0, best_workers: 2, all: all.to_vec() }
    }

    /// Three runs, where the work alone takes a second.
    fn row(mechanism: &'static str, workers: usize, seconds: f64) -> Row {
        let shot = |round| Shot { round, seconds, alone: 1.0, ceiling: 2.0, cpu: 1.0 };
        Row { shots: (0..3).map(shot).collect(), ..Row::new(mechanism, workers, 64) }
    }

    #[test]
    fn of_equals_the_simplest_with_the_fewest_workers_and_none_where_little_is_gained() {
        let equals = [
            predicted("pool", 2, 0.5),
            predicted("dynamic", 4, 0.51),
            predicted("dynamic", 2, 0.52),
            predicted("rayon", 2, 0.6),
        ];
        assert_eq!(take(&outlook(&equals), false), Some(predicted("dynamic", 2, 0.52)));
        assert_eq!(take(&outlook(&[predicted("dynamic", 2, 0.95)]), false), None);
        assert_eq!(take(&outlook(&[]), false), None);
    }

    fn confirmed(rows: Vec<Row>) -> Option<Predicted> {
        let taken = predicted("dynamic", 2, 0.5);
        let outlook = outlook(&[taken.clone(), predicted("pool", 2, 0.6), predicted("stealing", 2, 0.7)]);
        let (workload, traces) = ("made-up", Vec::new());
        let measured = Measured { workload, waits: false, rows, uneven: None, traces };
        let foreseen = Foreseen {
            recorded: Recorded::default(),
            outlook,
            checks: Vec::new(),
            disturbed: false,
            measured_more: false,
            laws: None,
            measured,
            advice: None,
            regret: None,
        };
        confirm(&foreseen, taken, false, BAND)
    }

    #[test]
    fn what_was_measured_has_the_last_word() {
        let all = |dynamic, pool, stealing| {
            vec![row("dynamic", 2, dynamic), row("pool", 2, pool), row("stealing", 2, stealing)]
        };
        assert_eq!(confirmed(all(0.52, 0.5, 0.5)), Some(predicted("dynamic", 2, 0.5)));
        // Clearly slower than two that are alike: the simpler of these.
        assert_eq!(confirmed(all(0.8, 0.51, 0.5)), Some(predicted("pool", 2, 0.6)));
        assert_eq!(confirmed(all(0.99, 0.95, 0.97)), None);
    }

    #[test]
    fn advice_is_judged_by_the_best_of_all() {
        let rows = [row("dynamic", 2, 0.6), row("pool", 2, 0.5), row("static", 2, 0.9)];
        let judged = |mechanism, workers| {
            let (workload, why) = ("made-up", String::new());
            regret(&Advice { workload, mechanism, workers, why }, &rows)
        };
        let dynamic = judged("dynamic", 2).unwrap();
        assert!(
            (dynamic.times - 1.2).abs() < 1e-9 && (dynamic.speedup - 1.0 / 0.6).abs() < 1e-9,
            "{dynamic:?}"
        );
        assert_eq!((dynamic.best, dynamic.best_workers, dynamic.of), ("pool", 2, 3));
        assert_eq!(judged("pool", 2).map(|pool| pool.times), Some(1.0));
        assert_eq!(judged(SEQUENTIAL, 1).map(|alone| alone.times), Some(2.0));
        // What was not among them cannot be judged.
        assert_eq!(judged("dynamic", 8), None);
    }

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
