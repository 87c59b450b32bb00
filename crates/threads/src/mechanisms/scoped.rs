//! Threads that borrow from their caller, each taking every N-th piece.
//!
//! **How** [`std::thread::scope`] promises that its threads end before it returns, so they may borrow what lives
//! on the caller's stack: here the work itself and the place where parts are put together. Worker `k` of `n`
//! takes the pieces `k`, `k + n`, `k + 2n`, ...: like dealing cards. The share is fixed as in `static`, but a
//! dear region is dealt to all.
//!
//! **Take it** when cost changes slowly from piece to piece (rows of a picture, files by size) and you want no
//! shared counter. **Not** when the cost repeats every `n` pieces, or one piece outweighs the rest; then take
//! `dynamic`, which is hardly longer.
//!
//! **Cost** one thread start a worker; a lock, held for some ten nanoseconds, a piece. Parts wait until their
//! neighbours have come: as many as one worker is ahead of another, which nothing here bounds.
//!
//! **In Python** `threading.Thread` over `items[k::n]`. A scope has no counterpart: Python's threads may use
//! anything at any time, and forgetting a `join` is no error.

use std::thread;

use workload::{Gather, Job, Mechanism, RunError, Timeline, Workers, Workload};

use super::cannot_start;

pub(super) fn mechanism<W: Workload>() -> Mechanism<W> {
    Mechanism {
        name: "scoped",
        concept: "threads",
        about: "threads that borrow from their caller, every N-th piece each",
        file: file!(),
        run,
    }
}

fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    let workers = workers.at_most(job.len());
    let parts = Gather::new(&job);
    thread::scope(|scope| {
        for worker in 0..workers {
            let (job, parts) = (&job, &parts); // borrowed from this stack: no thread outlives the scope
            let work = move || {
                for index in (worker..job.len()).step_by(workers) {
                    if parts.is_stopped() {
                        break;
                    }
                    parts.take(index, job.run(worker, index));
                }
            };
            if let Err(why) = thread::Builder::new().spawn_scoped(scope, work) {
                parts.fail(cannot_start(worker, why));
                break;
            }
        }
    });
    parts.finish()
}
