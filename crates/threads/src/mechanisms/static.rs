//! Every thread gets its share before anything starts: one run of neighbouring pieces each.
//!
//! **How** The pieces are cut into as many equal runs as there are workers. A thread goes through its run from
//! left to right, puts its parts together as it goes, and hands back one part when it is joined. Nothing is
//! shared meanwhile: no counter, no lock, no channel.
//!
//! **Take it** when all pieces cost the same, or when neighbours gain from staying together (caches, files read
//! in order). **Not** when their cost differs: whoever has the dear run works on alone while the others have
//! ended. On a Mandelbrot picture two cores then do little more than one.
//!
//! **Cost** one thread start and one join a worker; nothing a piece. It holds two parts a worker.
//!
//! **In Python** a `threading.Thread` for each slice of the list; `Pool.map(f, list, chunksize=len(list) // n)`.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use workload::{Job, Mechanism, RunError, Timeline, Workers, Workload};

use super::cannot_start;

pub(super) fn mechanism<W: Workload>() -> Mechanism<W> {
    Mechanism {
        name: "static",
        concept: "threads",
        about: "one run of neighbouring pieces for each thread, fixed before the start",
        file: file!(),
        run,
    }
}

fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    let workers = workers.at_most(job.len());
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut threads = Vec::with_capacity(workers);
        for worker in 0..workers {
            let (job, stop) = (&job, &stop);
            let work = move || {
                let outcome = share(job, worker, run_of(worker, workers, job.len()), stop);
                if outcome.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
                outcome
            };
            let thread = thread::Builder::new().spawn_scoped(scope, work).map_err(|why| {
                stop.store(true, Ordering::Relaxed);
                cannot_start(worker, why)
            })?;
            threads.push(thread);
        }
        // Joined from left to right, which is the order of the pieces: the first error met is the lowest, and
        // the scope waits for the rest.
        let mut whole = W::Part::default();
        for (worker, thread) in threads.into_iter().enumerate() {
            // A panic in a piece has become an error by now. Any other is a fault of this file: pass it on.
            let part = thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))?;
            job.combine(&mut whole, part, run_of(worker, workers, job.len()).start)?;
        }
        Ok(whole)
    })
}

/// The run of `worker`: equal shares, the rest spread one by one.
fn run_of(worker: usize, workers: usize, pieces: usize) -> Range<usize> {
    worker * pieces / workers..(worker + 1) * pieces / workers
}

/// Does a run of pieces, until its end or until somebody says stop. The part of a run that was stopped is never
/// looked at, since there is an error to tell.
fn share<W: Workload>(
    job: &Job<'_, W>,
    worker: usize,
    pieces: Range<usize>,
    stop: &AtomicBool,
) -> Result<W::Part, RunError> {
    let mut whole = W::Part::default();
    for index in pieces {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        job.combine(&mut whole, job.run(worker, index)?, index)?;
    }
    Ok(whole)
}
