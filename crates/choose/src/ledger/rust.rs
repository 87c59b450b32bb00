//! The experiments in Rust: the workloads of this workspace through its mechanisms, and what is too small for them.

use std::time::Duration;

use lesson::measure;
use workload::{Fetch, Mechanism, Primes, Workers, Workload};

use super::{
    Effort, Figures, isolation,
    message::{self, Costs},
    responsive,
    sharing::{self, Shared},
};
use crate::{
    measure::{Scale, measure_workload},
    plan::Rounds,
    probe,
    row::{Measured, Row, Shot},
    server::ServerProcess,
    subjects,
};

/// So many wait at once.
pub(super) const WAITERS: usize = 16;
/// So many workers' memory is compared.
const HOLDERS: usize = 4;

const THREADS: &str = "dynamic";
const PROCESSES: &str = "process-dynamic";

pub(super) fn figures(effort: &Effort) -> Result<Figures, String> {
    let cores = measure::cores();
    let computing = measured(Primes { below: effort.below, pieces: 256 }, cores, effort.rounds)?;
    // Of the same rounds as the work.
    let ceiling = row(&computing, THREADS)?.samples(|shot| shot.ceiling).median();
    let waiting = waiting(effort)?;
    let gain = |row: &Row| row.samples(Shot::speedup).median();
    let busy = |row: &Row| row.samples(|shot| shot.cpu / shot.seconds).median();
    let memory = |mechanism: &str| {
        let work = Primes { below: effort.below / 8, pieces: 64 };
        let seen = probe::look(&work, mechanism, HOLDERS).map_err(|error| error.to_string())?;
        // NaN where nobody can say.
        Ok::<_, String>(seen.peak_memory.map_or(f64::NAN, |bytes| bytes as f64))
    };
    let Costs { word_thread, word_process, table_thread, table_process } =
        message::costs(effort.rounds).map_err(|error| format!("a process that echoes: {error}"))?;
    let [silence_alone, silence_thread] = responsive::silences(effort.below / 2, effort.rounds)?;
    let Shared { increments, lost, lost_locked, inside, in_order, stuck } = sharing::shared();
    let [survives_thread, survives_process] = isolation::survives().map_err(|error| error.to_string())?;
    let [seen_process, seen_shared] = isolation::seen().map_err(|error| error.to_string())?;
    Ok(Figures {
        version: "Rust".to_owned(),
        gil: false,
        cores,
        ceiling,
        waiters: WAITERS,
        waiting_threads: gain(row(&waiting, THREADS)?),
        waiting_processes: gain(row(&waiting, PROCESSES)?),
        computing_threads: gain(row(&computing, THREADS)?),
        computing_processes: gain(row(&computing, PROCESSES)?),
        busy_threads: busy(row(&computing, THREADS)?),
        busy_processes: busy(row(&computing, PROCESSES)?),
        memory_threads: memory(THREADS)?,
        memory_processes: memory(PROCESSES)?,
        word_thread,
        word_process,
        table_thread,
        table_process,
        silence_alone,
        silence_thread,
        increments,
        lost,
        lost_locked,
        inside,
        in_order,
        stuck,
        survives_thread,
        survives_process,
        seen_thread: isolation::seen_by_thread(),
        seen_process,
        seen_shared,
    })
}

fn waiting(effort: &Effort) -> Result<Measured, String> {
    let server = ServerProcess::start(Duration::from_millis(effort.latency_ms))
        .map_err(|error| format!("the document server: {error}"))?;
    let work = Fetch { timeout_ms: 5_000, retries: 1, ..Fetch::new(server.url(), effort.documents) };
    measured(work, WAITERS, effort.rounds.min(3))
}

/// Threads and processes side by side, with equal answers.
fn measured<W: Workload>(work: W, workers: usize, rounds: usize) -> Result<Measured, String> {
    let workers = vec![Workers::new(workers).map_err(|error| error.to_string())?];
    let both: Vec<Mechanism<W>> =
        subjects::mechanisms().into_iter().filter(|one| [THREADS, PROCESSES].contains(&one.name)).collect();
    let scale = Scale { work, workers, rounds: Rounds::Exactly(rounds) };
    measure_workload(&[scale], &both, &|_| ()).map_err(|error| format!("{}: {error}", W::NAME))
}

fn row<'a>(measured: &'a Measured, mechanism: &str) -> Result<&'a Row, String> {
    let row = measured.rows.iter().find(|row| row.mechanism == mechanism);
    let row = row.ok_or_else(|| format!("{}: there is no mechanism {mechanism}", measured.workload))?;
    match &row.error {
        Some(why) => Err(format!("{}: {mechanism}: {why}", measured.workload)),
        None => Ok(row),
    }
}
