//! Any workload in worker processes: pieces are taken from a board in shared memory, parts come back through rings there.
//!
//! **How** A worker takes a run of neighbouring pieces by one atomic step each, an eighth of its share of what is left,
//! so that runs are long at first and single pieces at the end. What becomes of them goes into the worker's own ring, in
//! portions if it is long, and only then are the pieces done. For each ring the caller has a thread that decodes parts where
//! they lie and puts them together.
//!
//! **When a worker is killed**, what it had announced is in the ring still. Its successor does again, one by one, what is
//! not marked as done. If that was announced already (killed between the two), the caller has it and drops the second.
//!
//! **Take it** where pieces are many and small, or a pipe's copies show. **Not** where the processes do not trust each other.
//!
//! **Cost** the start of the processes, 128 KiB of memory for each, a thread for each here. Nothing is asked of the kernel
//! while all are busy.
//!
//! **In Python** `Pool.imap_unordered`, if its queues were in shared memory.

use std::{
    marker::PhantomData,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use processes::{
    Program, frame,
    pool::{Task, TaskError},
    worker::{self, JobName},
};
use serde::{Deserialize, Serialize};
use workload::{Failure, Gather, Job, PieceError, RunError, Stretch, Timeline, Workers, Workload};

use super::{
    site::{Bench, Brief, Fault, Given, Site, at, no_memory},
    supervise::{Outcome, supervise},
};
use crate::{
    Memfd,
    ring::{self, Consumer, PATIENCE, Producer, RingError},
};

/// For [`worker::enter`]: what [`run`] needs for `W`.
pub const fn job<W: Workload>() -> worker::Job {
    Ring::<W>::TASK.job()
}

/// Bytes of each ring.
const CAPACITY: usize = 128 << 10;

/// The task for one workload, and its name among the others.
struct Ring<W>(PhantomData<W>);

impl<W: Workload> Ring<W> {
    const TASK: &'static Task<u32, Outcome<()>, Terms<W>, State<W>> =
        &Task::with_state(Self::NAME, open::<W>, work::<W>);

    const JOINED: &'static JobName = &JobName::of("shared-ring: ", W::NAME);
    const NAME: &'static str = Self::JOINED.as_str();
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "W: Workload")]
struct Terms<W: Workload> {
    brief: Brief<W>,
    rings: Vec<Given>,
}

struct State<W> {
    bench: Bench<W>,
    rings: Vec<Given>,
}

/// Does all pieces of `work`.
///
/// # Errors
/// As [`with_program`].
pub fn run<W: Workload>(work: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    with_program(&Program::this(), work, workers, timeline)
}

/// The same with a program of one's own choice.
///
/// # Errors
/// [`RunError::Cut`]; [`RunError::Start`] when there is no memory or no process; [`RunError::Piece`] and
/// [`RunError::Panicked`]; and [`RunError::WorkerDied`] when three processes have died as the same worker.
pub fn with_program<W: Workload>(
    program: &Program,
    work: &W,
    workers: Workers,
    timeline: &Timeline,
) -> Result<W::Part, RunError> {
    let job = Job::cut(work, timeline)?;
    if job.is_empty() {
        return Ok(W::Part::default());
    }
    let workers = workers.at_most(job.len());
    let site = Site::of(&job)?;
    let rings = (0..workers).map(|_| new_ring()).collect::<Result<Vec<_>, _>>()?;
    let terms = Terms { brief: site.brief(work, workers), rings: rings.iter().map(Given::of).collect() };
    let (parts, over) = (Gather::new(&job), AtomicBool::new(false));
    let supervised = thread::scope(|scope| {
        for ring in &rings {
            let receive = || {
                if let Err(error) = receive(ring, job.len(), &over, &parts) {
                    parts.fail(error);
                }
                // Nobody reads this ring any more: its worker must not go on, and not wait for room.
                if parts.is_stopped() {
                    site.board.stop();
                }
            };
            if let Err(why) = thread::Builder::new().spawn_scoped(scope, receive) {
                over.store(true, Relaxed);
                return Err(no_memory(why));
            }
        }
        let names = (W::NAME, &site.board);
        let supervised = supervise(Ring::<W>::TASK, &terms, (workers, program), names);
        // Relaxed: what is in the rings is published by the rings.
        over.store(true, Relaxed);
        supervised
    });
    site.board.spans().for_each(|span| timeline.add(span));
    // What a caller cannot decode closes a ring, on which its worker fails: the first of both says more.
    match (parts.finish(), supervised) {
        (Err(RunError::Incomplete { .. }), Err(error)) | (Ok(_), Err(error)) => Err(error),
        (whole, _) => whole,
    }
}

fn new_ring() -> Result<Memfd, RunError> {
    let memory = Memfd::create("parts", ring::size(CAPACITY)).map_err(no_memory)?;
    ring::create(&memory).map_err(no_memory)?;
    Ok(memory)
}

// ---- what is sent

/// In front of each portion of a part.
struct Head {
    pieces: Range<usize>,
    /// Where this portion begins.
    from: usize,
    /// Bytes of all portions.
    total: usize,
}

impl Head {
    const BYTES: usize = 32;

    fn to_bytes(&self) -> [u8; Self::BYTES] {
        let numbers = [self.pieces.start, self.pieces.end, self.from, self.total];
        let mut bytes = [0; Self::BYTES];
        for (into, number) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *into = (number as u64).to_le_bytes();
        }
        bytes
    }

    fn split(message: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = message.split_first_chunk::<{ Self::BYTES }>()?;
        let mut numbers = head.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes) as usize);
        let mut next = || numbers.next();
        Some((Self { pieces: next()?..next()?, from: next()?, total: next()? }, rest))
    }
}

// ---- the worker

fn open<W: Workload>(terms: Terms<W>) -> Result<State<W>, TaskError> {
    Ok(State { bench: Bench::open(terms.brief)?, rings: terms.rings })
}

// ANCHOR: work
/// Be worker `worker`: what a predecessor owes, one by one, then whatever is free.
fn work<W: Workload>(state: &mut State<W>, worker: u32) -> Result<Outcome<()>, TaskError> {
    let State { bench, rings } = state;
    let ring = rings.get(worker as usize).ok_or("there is no such ring")?;
    let mut out = Producer::attach_with(ring.open()?, at as fn(&'static str))?;
    let pieces = bench.board.pieces();
    let owed = pieces.owed(worker).map(|place| place..place + 1);
    let free = std::iter::from_fn(|| {
        let run = pieces.take_run(worker, pieces.left() / (8 * bench.workers));
        (!run.is_empty()).then_some(run)
    });
    for run in owed.chain(free) {
        match do_run(bench, run.clone()) {
            Ok(part) => send(&mut out, &run, &part)?,
            Err(fault) => {
                bench.board.stop();
                return Ok(Err(fault));
            }
        }
        // Only now: killed before, its successor does them again.
        run.for_each(|place| bench.done(place, worker));
    }
    Ok(Ok(()))
}
// ANCHOR_END: work

/// Neighbouring pieces, and their parts combined, as they are to be sent.
fn do_run<W: Workload>(bench: &Bench<W>, run: Range<usize>) -> Result<Vec<u8>, Fault> {
    let mut whole = bench.run(run.start)?;
    for place in run.start + 1..run.end {
        bench.combine(&mut whole, bench.run(place)?, place)?;
    }
    frame::encode(&whole)
        .map_err(|error| (run.start, Failure::Error(PieceError::new(format_args!("its part {error}")))))
}

fn send(out: &mut Producer<fn(&'static str)>, run: &Range<usize>, part: &[u8]) -> Result<(), RingError> {
    let portion = out.longest() - Head::BYTES;
    for (number, bytes) in part.chunks(portion).enumerate() {
        let head = Head { pieces: run.clone(), from: number * portion, total: part.len() };
        let mut message = out.reserve(Head::BYTES + bytes.len())?;
        message[..Head::BYTES].copy_from_slice(&head.to_bytes());
        message[Head::BYTES..].copy_from_slice(bytes);
        message.commit();
    }
    Ok(())
}

// ---- the caller

/// What has come of a part whose end is still to come.
#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    /// The last pieces that were taken over: a successor of a killed worker may send them once more.
    last: Range<usize>,
}

/// Takes all parts out of a ring, until its worker has left it in good order, or there are no workers any more.
fn receive<W: Workload>(
    memory: &Memfd,
    most: usize,
    over: &AtomicBool,
    parts: &Gather<'_, W>,
) -> Result<(), RunError> {
    let mut ring = Consumer::attach(memory).map_err(no_memory)?;
    let mut received = Received::default();
    loop {
        // Before the look: all that was sent until then is seen by it.
        let was_over = over.load(Relaxed);
        match ring.peek_within(PATIENCE) {
            Ok(message) => {
                let stretch = received.take::<W>(&message, most).map_err(no_memory)?;
                message.release();
                stretch.into_iter().for_each(|stretch| parts.add(stretch));
            }
            Err(RingError::Closed) => return Ok(()),
            // It will have a successor.
            Err(RingError::PeerDied { .. } | RingError::TimedOut) if !was_over => {}
            Err(RingError::PeerDied { .. } | RingError::TimedOut) => return Ok(()),
            Err(error) => return Err(no_memory(error)),
        }
    }
}

impl Received {
    /// Takes a portion; with the last one the part is whole.
    fn take<W: Workload>(&mut self, message: &[u8], most: usize) -> Result<Option<Stretch<W>>, String> {
        let (head, bytes) = Head::split(message).ok_or("a message without a head")?;
        if head.from == 0 {
            // Whatever was begun before: its worker was killed.
            self.bytes.clear();
        }
        let Head { pieces, from, total } = head;
        if pieces.is_empty() || pieces.end > most || from != self.bytes.len() || total < from + bytes.len() {
            return Err(format!("portion {from} of {total} bytes about pieces {pieces:?}"));
        }
        if from + bytes.len() < total {
            self.bytes.extend_from_slice(bytes);
            return Ok(None);
        }
        let frame = if from == 0 {
            bytes
        } else {
            self.bytes.extend_from_slice(bytes);
            &self.bytes
        };
        if self.last.contains(&pieces.start) {
            return Ok(None);
        }
        // In front of a frame is its length, which the ring knows as well.
        let part = frame::decode(frame.get(4..).ok_or("an empty frame")?);
        self.last = pieces.clone();
        Ok(Some(Stretch { pieces, part: part.map_err(|error| format!("the part {error}"))? }))
    }
}
