//! rayon's parallel iterator on a pool of its own.
//!
//! **How** rayon splits the list in halves, offers one half to whoever is idle and goes on with the other: work
//! stealing, as in `stealing`, written once and for all. By default it splits only as often as it thinks that
//! there are idle threads, and a run that was kept whole cannot be shared any more; `with_max_len(1)` makes it
//! split down to single pieces, which is right where their cost differs.
//!
//! **Take it** for CPU-bound work in a real program: it is the least code, it nests, and pieces may make pieces.
//! **Not** for work that waits (files, networks): a pool as large as the machine sleeps when all its threads
//! wait. And do not hold a lock across a call into it: the waiting thread may steal a piece that wants that lock.
//!
//! **Cost** one thread start a worker here; in a program that keeps its pool about 20 us to get in from outside,
//! and some nanoseconds a piece. It holds a part for each level of splitting and worker.
//!
//! **In Python** `ProcessPoolExecutor.map`, with the same shape but processes.

use ::rayon::prelude::*;
use workload::{Job, Mechanism, RunError, Timeline, Workers, Workload};

pub(super) fn mechanism<W: Workload>() -> Mechanism<W> {
    Mechanism {
        name: "rayon",
        concept: "threads",
        about: "rayon's parallel iterator, split down to single pieces",
        file: file!(),
        run,
    }
}

fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    let builder = ::rayon::ThreadPoolBuilder::new().num_threads(workers.at_most(job.len()));
    // A scoped pool, since its threads are joined here; those of `build` would end some time later.
    let outcome = builder.build_scoped(|thread| thread.run(), |pool| pool.install(|| all(&job)));
    outcome.unwrap_or_else(|why| Err(RunError::Start { what: "rayon's pool".into(), why: why.to_string() }))
}

/// All pieces, put together in order. After the first error no further piece is begun; of several errors the
/// left one wins.
fn all<W: Workload>(job: &Job<'_, W>) -> Result<W::Part, RunError> {
    let whole = (0..job.len())
        .into_par_iter()
        .with_max_len(1)
        .map(|index| {
            let worker = ::rayon::current_thread_index().unwrap_or(0);
            job.run(worker, index).map(|part| (index, part))
        })
        .try_reduce_with(|(first, mut left), (index, right)| {
            job.combine(&mut left, right, index)?;
            Ok((first, left))
        });
    whole.unwrap_or_else(|| Ok((0, W::Part::default()))).map(|(_, whole)| whole)
}
