//! Worker processes that are watched: *be worker 3* is a piece of a pool, which loses no piece.

use processes::{
    Program,
    pool::{Pool, PoolError, Sendable, Task, Why},
};
use workload::RunError;

use super::site::Fault;
use crate::board::Board;

/// What a worker says at its end: its result, or which piece has failed.
pub(super) type Outcome<O> = Result<O, Fault>;

/// Has `workers` processes do `task`, each with its number; one that is killed is replaced by another with that number.
///
/// # Errors
/// The first that is seen. All workers are killed then.
pub(super) fn supervise<O: Sendable, A: Sendable, S: 'static>(
    task: &'static Task<u32, Outcome<O>, A, S>,
    terms: &A,
    (workers, program): (usize, &Program),
    (name, board): (&'static str, &Board),
) -> Result<Vec<O>, RunError> {
    // One number at a time, so that nobody holds two of them while another is idle.
    let pool = Pool::with(task, terms).workers(workers).chunk(1).program(program.clone());
    let pool = pool.start().map_err(|error| match error {
        PoolError::Start { what, why } => RunError::Start { what, why },
        other => RunError::Start { what: "workers".to_owned(), why: other.to_string() },
    })?;
    let numbers = 0..u32::try_from(workers).unwrap_or(u32::MAX);
    let mut outputs = Vec::with_capacity(workers);
    for (worker, answer) in pool.map_unordered(numbers) {
        match answer {
            Ok(Ok(output)) => outputs.push(output),
            Ok(Err((piece, failure))) => return Err(failure.at(name, piece)),
            Err(failed) => return Err(lost(worker, failed.why, board)),
        }
    }
    pool.close();
    Ok(outputs)
}

fn lost(worker: usize, why: Why, board: &Board) -> RunError {
    let unfinished = board.pieces().owed(worker as u32).count();
    match why {
        Why::Poison { deaths } => {
            let pid = board.pid(worker as u32);
            RunError::WorkerDied { worker, pid, how: deaths.join("; and its successor "), unfinished }
        }
        Why::Ended(why) => RunError::Start { what: format!("worker {worker}"), why },
        other => RunError::Protocol { worker, pid: board.pid(worker as u32), why: other.to_string() },
    }
}
