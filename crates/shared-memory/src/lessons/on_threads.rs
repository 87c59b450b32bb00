//! The contrast: the same pieces done by threads, of which whoever is free takes the next one.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use workload::{Gather, Job, RunError, Timeline, Workers, Workload};

/// Does all pieces of `work` on so many threads of this process, and puts the parts together in their order.
pub(super) fn on_threads<W: Workload>(work: &W, workers: Workers) -> Result<W::Part, RunError> {
    let off = Timeline::off();
    let job = Job::cut(work, &off)?;
    let (next, parts) = (AtomicUsize::new(0), Gather::new(&job));
    let take_turns = &|worker| {
        // Relaxed: only the number itself is shared by it. The parts are handed over under a lock.
        while let index = next.fetch_add(1, Relaxed)
            && index < job.len()
            && !parts.is_stopped()
        {
            parts.take(index, job.run(worker, index));
        }
    };
    thread::scope(|scope| {
        for worker in 1..workers.at_most(job.len()) {
            scope.spawn(move || take_turns(worker));
        }
        take_turns(0);
    });
    parts.finish()
}
