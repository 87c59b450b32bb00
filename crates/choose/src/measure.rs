//! Measures one workload through all mechanisms, in turn, so that a machine whose speed drifts drifts for all alike.
//!
//! A round is: what a pure kernel gains on as many threads just now (the ceiling), the work done one piece after the
//! other, then each mechanism. Every answer is compared with the one of the sequential run.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use lesson::measure;
use workload::{Mechanism, RunError, Timeline, Workers, Workload, sequential};

use crate::{
    burned, cpu,
    pace::Gain,
    plan::Rounds,
    row::{Measured, Row, SEQUENTIAL, Shot},
};

/// One amount of the work, and with how many workers to do it. (Work that waits takes long with few workers: they get
/// less of it.)
#[derive(Clone, Debug)]
pub struct Scale<W> {
    /// The work.
    pub work: W,
    /// Numbers of workers, the most last.
    pub workers: Vec<Workers>,
    /// How often.
    pub rounds: Rounds,
}

/// Why a workload cannot be measured at all.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// There is no answer to compare others with.
    #[error("cannot be measured: it fails even one piece after the other: {0}")]
    Sequential(#[from] RunError),
    /// There are no pieces.
    #[error("there is nothing to do: the input has no pieces")]
    NothingToDo,
    /// There is no server to fetch from.
    #[error("cannot be measured: {0}")]
    Server(#[from] std::io::Error),
}

/// Measures a workload at each of `scales` through each of `mechanisms`. `tell` hears what comes next.
///
/// A mechanism that fails, or whose answer is wrong, is not run again with this number of workers; its row says why.
///
/// # Errors
/// [`MeasureError`] when the work cannot even be done one piece after the other.
pub fn measure_workload<W: Workload>(
    scales: &[Scale<W>],
    mechanisms: &[Mechanism<W>],
    tell: &dyn Fn(&str),
) -> Result<Measured, MeasureError> {
    measure_served(scales, mechanisms, None, tell)
}

/// The same of work that a server on this machine does its part of; `server` is its process id.
pub(crate) fn measure_served<W: Workload>(
    scales: &[Scale<W>],
    mechanisms: &[Mechanism<W>],
    server: Option<u32>,
    tell: &dyn Fn(&str),
) -> Result<Measured, MeasureError> {
    let mut rows = Vec::new();
    for scale in scales {
        rows.extend(measure_scale(scale, mechanisms, server, tell)?);
    }
    Ok(Measured { workload: W::NAME, waits: W::WAITS, rows, uneven: None, traces: Vec::new() })
}

/// What waits for longer than this is not done one by one a second time. Seconds.
const LONG: f64 = 10.0;

fn measure_scale<W: Workload>(
    scale: &Scale<W>,
    mechanisms: &[Mechanism<W>],
    server: Option<u32>,
    tell: &dyn Fn(&str),
) -> Result<Vec<Row>, MeasureError> {
    tell("one piece after the other");
    let pieces = scale.work.pieces().map_err(|why| RunError::Cut { workload: W::NAME, why })?.len();
    if pieces == 0 {
        return Err(MeasureError::NothingToDo);
    }
    let serving = || server.and_then(burned::process).unwrap_or(0.0);
    let one_by_one = || {
        let before = serving();
        let (part, alone) = timed(|| sequential(&scale.work, &Timeline::off()));
        part.map(|part| (part, alone, serving() - before))
    };
    // Only warms up: the first run, and a server's first answers, pay for pages and caches that later ones find ready.
    let (expected, mut alone, mut asked) = one_by_one()?;
    // Where work waits, no round does it one by one again. If it takes long, the first time must do.
    if W::WAITS && alone.seconds < LONG {
        (_, alone, asked) = one_by_one()?;
    }
    let answer = scale.work.answer(&expected);
    let mut first = Row { answer: answer.clone(), ..Row::new(SEQUENTIAL, 1, pieces) };

    // By workers, so that the mechanisms that are compared with each other follow closely upon each other.
    let mut entries: Vec<(&Mechanism<W>, Workers, Row)> = (scale.workers.iter())
        .flat_map(|workers| mechanisms.iter().map(move |mechanism| (mechanism, *workers)))
        .map(|(mechanism, workers)| (mechanism, workers, Row::new(mechanism.name, workers.get(), pieces)))
        .collect();
    let most = scale.workers.iter().max().copied().unwrap_or(Workers::ONE);

    let begun = Instant::now();
    let (mut round, mut last) = (0, Duration::ZERO);
    while scale.rounds.goes_on(round, begun, last) {
        let round_begun = Instant::now();
        // How long work waits does not drift with the machine: once is enough, and it takes long.
        if !W::WAITS {
            tell(&format!("round {}, one piece after the other", round + 1));
            let (done, time) = timed(|| sequential(&scale.work, &Timeline::off()));
            done?;
            alone = time;
        }
        if first.shots.is_empty() || !W::WAITS {
            let Timing { seconds, cpu } = alone;
            first.shots.push(Shot { round, seconds, alone: seconds, ceiling: 1.0, cpu });
        }
        let mut ceilings = HashMap::new();
        for (mechanism, workers, row) in &mut entries {
            if row.error.is_some() || (*workers != most && !scale.rounds.is_full(round)) {
                continue;
            }
            tell(&format!("round {}, {} x {}", round + 1, mechanism.name, workers.get()));
            let ceiling = *(ceilings.entry(workers.get())).or_insert_with(|| {
                let cores = workers.at_most(pieces).min(measure::cores());
                if W::WAITS {
                    first.ceiling_of_waiting(workers.get(), gain_of_idle(cores), asked)
                } else {
                    gain(cores)
                }
            });
            let (outcome, Timing { seconds, cpu }) =
                timed(|| (mechanism.run)(&scale.work, *workers, &Timeline::off()));
            match outcome {
                Ok(part) if part == expected => {
                    row.shots.push(Shot { round, seconds, alone: alone.seconds, ceiling, cpu });
                    row.answer = answer.clone();
                }
                Ok(part) => {
                    row.answer = scale.work.answer(&part);
                    row.error = Some(wrong_answer(&row.answer, &answer));
                }
                Err(error) => row.error = Some(error.to_string()),
            }
        }
        round += 1;
        last = round_begun.elapsed();
    }
    let mut rows = vec![first];
    rows.extend(entries.into_iter().map(|(_, _, row)| row));
    Ok(rows)
}

/// What is said of an answer that differs from the sequential one.
pub(crate) fn wrong_answer(got: &serde_json::Value, expected: &serde_json::Value) -> String {
    if got == expected {
        "WRONG ANSWER: it differs from the sequential one in a part that is not printed".to_owned()
    } else {
        format!("WRONG ANSWER (or the input has changed meanwhile): {got} instead of {expected}")
    }
}

/// How many times as much as one core so many get done just now, if all compute.
fn gain(cores: usize) -> f64 {
    // Its own median of a few; a moment in which something else ran does not count as the machine's best.
    if cores == 1 { 1.0 } else { measure::gain(cores) }
}

/// The same on cores that were idle just now, because work waited: there a first look may be far too low.
fn gain_of_idle(cores: usize) -> f64 {
    let ideal: Vec<f64> = (1..=cores).map(|count| count as f64).collect();
    let mut gain = Gain::new(&ideal);
    gain.look();
    gain.seen().unwrap_or(1.0)
}

/// What one run took.
#[derive(Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Timing) {
    let (cpu, start) = (cpu::seconds(), Instant::now());
    let done = work();
    let seconds = start.elapsed().as_secs_f64();
    (done, Timing { seconds, cpu: cpu::seconds() - cpu })
}
