//! Workers fed by a channel; what they did comes back over another.
//!
//! **How** Threads wait at one channel for something to do and send the outcome back over a second. The caller
//! hands out at most two batches a worker in advance, and one more for each that comes back, so neither channel
//! ever fills up and whoever sends never waits. A batch is a run of neighbouring pieces: an eighth of a worker's
//! share of what is left, so that it is large at first, and a single piece at the end, when balance counts.
//!
//! **Take it** when work comes in while other work runs, from several sides, or when one place must see each
//! outcome as it comes: order, progress, back-pressure. It is the form that grows into a service. **Not** for a
//! fixed list of small pieces: `dynamic` needs no messages at all.
//!
//! **Cost** one thread start a worker; a message there and one back for each *batch*: 0.1 to 1 us while all are
//! busy, tens of microseconds where one has to be woken. It holds at most four parts a worker, some of them
//! waiting for their left neighbour.
//!
//! **In Python** `concurrent.futures.ThreadPoolExecutor.map(f, items, chunksize=..., buffersize=...)`.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use workload::{Assembly, Job, Mechanism, RunError, Timeline, Workers, Workload};

use super::cannot_start;

pub(super) fn mechanism<W: Workload>() -> Mechanism<W> {
    Mechanism {
        name: "pool",
        concept: "threads",
        about: "workers fed by a channel, outcomes back over another, in batches",
        file: file!(),
        run,
    }
}

type Outcome<W> = (Range<usize>, Result<<W as Workload>::Part, RunError>);

fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    let workers = workers.at_most(job.len());
    let stop = AtomicBool::new(false);
    let (hand_out, tasks) = bounded(2 * workers);
    let (hand_in, outcomes) = bounded(2 * workers);
    thread::scope(|scope| {
        for worker in 0..workers {
            let (job, stop) = (&job, &stop);
            let (tasks, hand_in) = (tasks.clone(), hand_in.clone());
            let work = move || serve(job, worker, &tasks, &hand_in, stop);
            // On an error `hand_out` is dropped: those that have started find the channel closed, and end.
            thread::Builder::new().spawn_scoped(scope, work).map_err(|why| cannot_start(worker, why))?;
        }
        drop(hand_in); // the workers' are left: when they have ended, so has the channel
        direct(&job, workers, hand_out, &outcomes, &stop)
    })
}

/// A worker: does batches until there are no more.
fn serve<W: Workload>(
    job: &Job<'_, W>,
    worker: usize,
    tasks: &Receiver<Range<usize>>,
    hand_in: &Sender<Outcome<W>>,
    stop: &AtomicBool,
) {
    for batch in tasks {
        let mut whole = W::Part::default();
        let outcome = batch.clone().try_for_each(|index| {
            if stop.load(Ordering::Relaxed) {
                return Ok(()); // there is an error to tell: what was done so far is not looked at
            }
            job.combine(&mut whole, job.run(worker, index)?, index)
        });
        if outcome.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        if hand_in.send((batch, outcome.map(|()| whole))).is_err() {
            return; // the caller is gone: it panicked
        }
    }
}

/// The caller: hands out batches and puts together what comes back.
fn direct<W: Workload>(
    job: &Job<'_, W>,
    workers: usize,
    hand_out: Sender<Range<usize>>,
    outcomes: &Receiver<Outcome<W>>,
    stop: &AtomicBool,
) -> Result<W::Part, RunError> {
    let mut hand_out = Some(hand_out);
    let mut next = 0;
    let mut one_more = |stop: bool| {
        let batch = next..next + ((job.len() - next) / (8 * workers)).max(1);
        if stop || next == job.len() {
            hand_out = None; // closed: each worker ends when the channel is empty
        } else if let Some(hand_out) = &hand_out {
            next = batch.end;
            // Cannot fail while a worker lives, and without one `outcomes` ends at once.
            let _ = hand_out.send(batch);
        }
    };
    (0..2 * workers).for_each(|_| one_more(false));
    let mut assembly = Assembly::new(job.workload());
    let mut first: Option<RunError> = None;
    for (batch, outcome) in outcomes {
        match outcome {
            Ok(part) if first.is_none() => assembly.add_run(batch, part),
            Ok(_) => {}
            Err(error) => {
                if first.as_ref().is_none_or(|first| error.piece() < first.piece()) {
                    first = Some(error);
                }
            }
        }
        one_more(stop.load(Ordering::Relaxed));
    }
    first.map_or_else(|| assembly.finish(job.len()), Err)
}
