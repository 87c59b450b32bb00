//! Every worker has a queue of its own, and who has nothing left takes from another's far end.
//!
//! **How** Each worker starts with an equal run of neighbouring pieces, as in `static`. It splits its run in
//! halves, keeps the right half in its own queue and goes on with the left one, down to a single piece. So it
//! works from left to right, while at the far end of its queue lies the largest run: that is what a thief takes,
//! and splits in turn. Steals are few, and as long as there are none a worker touches nobody else's memory.
//!
//! **Take it** when pieces differ wildly and there are many cores, so that one counter would become a place where
//! all wait; when neighbours gain from staying on one core; or when pieces make new pieces (trees: `rayon`).
//! **Not** when the order matters in which pieces are done: they run all over the place.
//!
//! **Cost** one thread start a worker; a push and a pop at its own queue a piece (tens of nanoseconds), a steal
//! about a microsecond. It holds about two parts a worker. It spins only while a run is between two queues.
//!
//! **In Python** nothing in the library: its pools share a single queue.

use std::{
    iter,
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crossbeam_deque::{Steal, Stealer, Worker};
use crossbeam_utils::{Backoff, CachePadded};
use workload::{Gather, Job, Mechanism, RunError, Stretch, Timeline, Workers, Workload};

use super::cannot_start;

pub(super) fn mechanism<W: Workload>() -> Mechanism<W> {
    Mechanism {
        name: "stealing",
        concept: "threads",
        about: "a queue for each thread; who has nothing left takes from another's",
        file: file!(),
        run,
    }
}

/// What everybody can reach.
struct Shared<'a, W: Workload> {
    job: &'a Job<'a, W>,
    parts: Gather<'a, W>,
    /// The far end of each worker's queue.
    queues: Vec<Stealer<Range<usize>>>,
    /// How many pieces each worker has begun. A cache line each, so that counting disturbs nobody; only who has
    /// nothing to do reads them all.
    begun: Vec<CachePadded<AtomicUsize>>,
}

fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    let workers = workers.at_most(job.len());
    let queues: Vec<_> = iter::repeat_with(Worker::new_lifo).take(workers).collect();
    for (worker, queue) in queues.iter().enumerate() {
        queue.push(worker * job.len() / workers..(worker + 1) * job.len() / workers);
    }
    let shared = Shared {
        job: &job,
        parts: Gather::new(&job),
        queues: queues.iter().map(Worker::stealer).collect(),
        begun: iter::repeat_with(CachePadded::default).take(workers).collect(),
    };
    thread::scope(|scope| {
        for (worker, queue) in queues.into_iter().enumerate() {
            let shared = &shared;
            let work = move || {
                if let Err(error) = shared.work(worker, &queue) {
                    shared.parts.fail(error);
                }
            };
            if let Err(why) = thread::Builder::new().spawn_scoped(scope, work) {
                shared.parts.fail(cannot_start(worker, why));
                break;
            }
        }
    });
    shared.parts.finish()
}

impl<W: Workload> Shared<'_, W> {
    /// One worker, to the end.
    fn work(&self, worker: usize, own: &Worker<Range<usize>>) -> Result<(), RunError> {
        let mut in_hand: Option<Stretch<W>> = None;
        let mut begun = 0;
        while let Some(mut run) = own.pop().or_else(|| self.steal(worker)) {
            while run.len() > 1 {
                let middle = run.start + run.len() / 2;
                own.push(middle..run.end);
                run.end = middle;
            }
            let Some(index) = run.next() else { continue };
            begun += 1;
            self.begun[worker].store(begun, Ordering::Relaxed);
            if let Some(stretch) = in_hand.take_if(|stretch| stretch.pieces.end != index) {
                self.parts.add(stretch);
            }
            let new = Stretch { pieces: index..index + 1, part: self.job.run(worker, index)? };
            in_hand = Some(match in_hand {
                Some(stretch) => self.parts.join(stretch, new)?,
                None => new,
            });
            if self.parts.is_stopped() {
                break;
            }
        }
        in_hand.into_iter().for_each(|stretch| self.parts.add(stretch));
        Ok(())
    }

    // ANCHOR: steal
    /// The largest run of somebody else; `None` when nobody will ever have one again.
    fn steal(&self, worker: usize) -> Option<Range<usize>> {
        let backoff = Backoff::new();
        while !self.parts.is_stopped() {
            // Next neighbour first, so that thieves do not all go to the same victim.
            let others = (1..self.queues.len()).map(|step| (worker + step) % self.queues.len());
            for other in others {
                if let Some(run) = iter::repeat_with(|| self.queues[other].steal())
                    .find(|outcome| !outcome.is_retry())
                    .and_then(Steal::success)
                {
                    return Some(run);
                }
            }
            // Empty queues alone do not mean the end: a run may be in the hands of one who is about to split it.
            // When all pieces are begun, none can appear. The counts only grow, so an old one errs to the safe
            // side: Relaxed is enough.
            let begun: usize = self.begun.iter().map(|count| count.load(Ordering::Relaxed)).sum();
            if begun == self.job.len() {
                return None;
            }
            backoff.snooze();
        }
        None
    }
    // ANCHOR_END: steal
}
