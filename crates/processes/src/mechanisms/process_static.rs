//! Each worker process gets its share at the start: as many pieces as the others, in one go.
//!
//! The least talk that is possible: one order and one reply a worker. Right when pieces cost the same; when
//! they do not, whoever has the cheap ones waits for the others (`process-dynamic` cures that).
//! In Python: `Pool.map(f, pieces, chunksize=len(pieces) // workers)`.

use workload::{Gather, Job, RunError, Timeline, Workers, Workload};

use crate::{Crew, Program};

/// Does all pieces of `workload` in `workers` processes.
///
/// # Errors
/// Those of [`with_program`].
pub fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    with_program(&Program::this(), workload, workers, timeline)
}

/// The same with a program of one's own choice.
///
/// # Errors
/// [`RunError::Cut`], those of [`Crew::start`] and of [`Crew::next_done`]. No worker is left in any case.
pub fn with_program<W: Workload>(
    program: &Program,
    workload: &W,
    workers: Workers,
    timeline: &Timeline,
) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    if job.is_empty() {
        return Ok(W::Part::default());
    }
    let shares = workers.at_most(job.len());
    let mut crew = Crew::start(&job, shares, program)?;
    for worker in 0..shares {
        // Both ends by the same formula, so that shares touch and differ by one piece at most.
        crew.hand(worker, worker * job.len() / shares..(worker + 1) * job.len() / shares)?;
    }
    let parts = Gather::new(&job);
    for _ in 0..shares {
        parts.add(crew.next_done()?.stretch);
    }
    crew.dismiss();
    parts.finish()
}
