//! One work, from a recorded run to advice: predict, check, and only where that fails measure everything.

mod curves;
mod regret;
mod take;

use std::time::Duration;

use workload::{Mechanism, Workload};

use crate::{
    calibrate::Calibration,
    check::{self, Bench, Check},
    counsel,
    measure::MeasureError,
    predict::{Outlook, Predicted, outlook as predict_all},
    recommend::Advice,
    record::{Recorded, record_well},
    row::{Measured, Row, SEQUENTIAL, Shot},
};

pub use curves::Laws;
use curves::laws_of;
pub use regret::Regret;
use regret::{FINAL, finalists, regret};
pub(crate) use take::take;
use take::{CLEARLY, HOLDS, confirm};

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

impl Foreseen {
    /// What is known before anything was checked.
    pub fn of(recorded: Recorded, outlook: Outlook, measured: Measured) -> Self {
        Self {
            recorded,
            outlook,
            checks: Vec::new(),
            disturbed: false,
            measured_more: false,
            laws: None,
            measured,
            advice: None,
            regret: None,
        }
    }

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
    let measured = Measured {
        workload: W::NAME,
        waits,
        rows: vec![alone(&recorded, answer.as_ref().map(|part| work.answer(part)))],
        uneven: uneven(&recorded, cores.max(2)),
        traces: Vec::new(),
    };
    let mut foreseen = Foreseen::of(recorded, outlook, measured);
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
    foreseen.measured.rows.extend(rows);
    // Nothing that is advised may rest on a prediction that was just seen to be wrong.
    if !foreseen.checks.iter().all(Check::holds) && !foreseen.disturbed && time > Duration::ZERO {
        let more = check::candidates(&foreseen.outlook, &wanted);
        let (rows, checks) = bench.try_out(&more, time, tell);
        foreseen.checks.extend(checks);
        foreseen.measured.rows.extend(rows);
        foreseen.measured_more = true;
    }
    let taken = if quiet && !foreseen.disturbed {
        confirm(&foreseen, taken, HOLDS)
    } else {
        // What others left of the machine says little, but all that were measured had their share of it.
        Some(confirm(&foreseen, taken.clone(), CLEARLY).unwrap_or(taken))
    };
    foreseen.advice = Some(match taken {
        Some(taken) => counsel::take(&foreseen, &taken, calibration, mechanisms),
        None => counsel::sequential(&foreseen, calibration),
    });
    if all {
        let (rows, checks) = bench.try_out(&check::plausible(&foreseen.outlook), Duration::ZERO, tell);
        foreseen.checks.extend(checks);
        if let Some(advice) = &foreseen.advice {
            let last = finalists(advice, &rows, &foreseen.outlook);
            let (last, _) = bench.try_out(&last, FINAL, tell);
            foreseen.regret = regret(advice, &last, rows.len());
        }
    }
    Ok(foreseen)
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

#[cfg(test)]
pub(crate) mod made_up {
    use super::{Row, Shot};

    /// Three runs, where the work alone takes a second.
    pub(crate) fn row(mechanism: &'static str, workers: usize, seconds: f64) -> Row {
        let shot = |round| Shot { round, seconds, alone: 1.0, ceiling: 2.0, cpu: 1.0 };
        Row { shots: (0..3).map(shot).collect(), ..Row::new(mechanism, workers, 64) }
    }
}
