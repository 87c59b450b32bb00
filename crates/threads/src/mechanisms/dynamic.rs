//! Whoever is free takes the next piece: one shared counter.
//!
//! **How** A single atomic holds the number of the next piece. `fetch_add` reads it and moves it on in one step,
//! so that no two workers get the same piece; who is slow simply comes less often. Each worker keeps the
//! neighbours it happens to get in its hand, and puts them with the others' when a gap follows.
//!
//! **Take it** first: it is short, balances any mix of costs to within one piece, and needs no queue, because
//! the work is known from the start. **Not** when pieces come in while others run (take `pool`), or when they
//! are so small (well below a microsecond) that the workers meet at the counter all the time.
//!
//! **Cost** one thread start a worker, one `fetch_add` a piece (about 8 ns alone, several times that when cores
//! contend for its cache line). It holds about two parts a worker.
//!
//! **In Python** threads that `get_nowait()` from one filled `queue.Queue`; `Pool.imap_unordered`.

use std::thread;

// In your own program: `std::sync::atomic`. Through `model` the same source is also run by a model checker.
use model::sync::atomic::{AtomicUsize, Ordering};
use workload::{Gather, Job, Mechanism, RunError, Stretch, Timeline, Workers, Workload};

use super::cannot_start;

pub(super) fn mechanism<W: Workload>() -> Mechanism<W> {
    Mechanism {
        name: "dynamic",
        concept: "threads",
        about: "whoever is free takes the next piece from a shared counter",
        file: file!(),
        run,
    }
}

/// Hands out the numbers of the pieces, each to exactly one who asks.
#[derive(Debug)]
pub struct Counter {
    next: AtomicUsize,
    pieces: usize,
}

impl Counter {
    /// For the pieces from 0 to `pieces`, that one not included.
    pub fn new(pieces: usize) -> Self {
        Self { next: AtomicUsize::new(0), pieces }
    }

    // ANCHOR: claim
    /// The next piece; `None` when there is none.
    pub fn claim(&self) -> Option<usize> {
        // Read and moved on in one step: between a load and a store somebody else could read the same number.
        // Relaxed: only the number itself is shared by it. The parts are handed over under a lock.
        let piece = self.next.fetch_add(1, Ordering::Relaxed);
        (piece < self.pieces).then_some(piece)
    }
    // ANCHOR_END: claim
}

// ANCHOR: run
fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    let counter = Counter::new(job.len());
    let parts = Gather::new(&job);
    thread::scope(|scope| {
        for worker in 0..workers.at_most(job.len()) {
            let (job, counter, parts) = (&job, &counter, &parts);
            let work = move || {
                if let Err(error) = take_turns(job, worker, counter, parts) {
                    parts.fail(error);
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
// ANCHOR_END: run

/// One worker: the next piece, until there is none.
fn take_turns<W: Workload>(
    job: &Job<'_, W>,
    worker: usize,
    counter: &Counter,
    parts: &Gather<'_, W>,
) -> Result<(), RunError> {
    let mut in_hand: Option<Stretch<W>> = None;
    while !parts.is_stopped() {
        let Some(index) = counter.claim() else { break };
        if let Some(stretch) = in_hand.take_if(|stretch| stretch.pieces.end != index) {
            parts.add(stretch); // before the next piece, so that nobody waits for it meanwhile
        }
        let new = Stretch { pieces: index..index + 1, part: job.run(worker, index)? };
        in_hand = Some(match in_hand {
            Some(stretch) => parts.join(stretch, new)?,
            None => new,
        });
    }
    in_hand.into_iter().for_each(|stretch| parts.add(stretch));
    Ok(())
}
