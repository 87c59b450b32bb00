//! The caller's side: who owns which piece. What a worker was told is its seat's until the answer is there, whoever sits there.
//!
//! A thread for each worker, since reads and writes here may wait. One order at a time: a worker that answers and a caller
//! that tells the next order, both with messages longer than any buffer, would wait for each other.

use std::{
    ops::Range,
    os::unix::net::UnixStream,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, Scope},
    time::Duration,
};

use processes::{
    Program,
    child::{Handle, active_children},
    pool::{Pool, PoolError, Why},
};
use workload::{
    Exchange, Gather, Job, PieceError, RunError, Span, Stretch, Timeline, Workers, Workload, now,
};

use super::{
    door::Door,
    ipc_channel,
    line::{Carrier, Line, LineError},
    words::{self, Answer, Hello, Order, Terms},
    worker::Be,
};
use crate::Connection;

/// How many workers in a row an order may end: as many as a piece of a pool, if not set otherwise.
const TRIES: usize = 3;
/// How many processes may die as one worker, whatever they were at.
const DEATHS: usize = 100;
/// A worker whose line has ended is about to end; how long its end is waited for, to say how it was.
const GRACE: Duration = Duration::from_secs(2);

/// All that the threads of a run share.
struct Office<'a, W: Workload> {
    carrier: Carrier,
    job: &'a Job<'a, W>,
    parts: Gather<'a, W>,
    /// The first piece that nobody was told.
    next: Mutex<usize>,
    seats: Vec<Mutex<Seat>>,
}

/// A worker's place.
#[derive(Default)]
struct Seat {
    /// What was told and not answered: the next worker here is told it first.
    owes: Option<Range<usize>>,
    /// How workers ended here since the last answer, each of them at `owes`.
    deaths: Vec<String>,
}

pub(super) fn run<W: Workload>(
    carrier: Carrier,
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
    let door = Door::open(carrier, workers).map_err(no_line)?;
    let terms = Terms {
        work: work.clone(),
        carrier,
        address: door.address().to_string(),
        secret: door.secret(),
        timed: timeline.is_on(),
    };
    let office = Office {
        carrier,
        job: &job,
        parts: Gather::new(&job),
        next: Mutex::new(0),
        seats: (0..workers).map(|_| Mutex::default()).collect(),
    };
    let supervised = thread::scope(|scope| {
        let office = &office;
        let (open, over) = UnixStream::pair().map_err(no_line)?;
        let doorman = move || {
            let admitted = door.admit_all(&over, |hello, connection| office.admit(scope, hello, connection));
            // Whoever still waits at the door has been closed now, and says so.
            admitted.unwrap_or_else(|error| office.parts.fail(no_line(error)));
        };
        thread::Builder::new().spawn_scoped(scope, doorman).map_err(no_line)?;
        let supervised = supervise::<W>(&terms, workers, program);
        drop(open);
        supervised
    });
    // A worker that was sent away says so to its pool; why, is known here.
    match (office.parts.finish(), supervised) {
        (Err(RunError::Incomplete { .. }), Err(error)) | (Ok(_), Err(error)) => Err(error),
        (whole, _) => whole,
    }
}

/// Has so many workers be there until each has been told that there is no more.
fn supervise<W: Workload>(terms: &Terms<W>, workers: usize, program: &Program) -> Result<(), RunError> {
    // One number at a time, so that nobody holds two of them while another is idle.
    let pool = Pool::with(Be::<W>::WORKER, terms).workers(workers).chunk(1).tries(DEATHS);
    let pool = pool.program(program.clone()).start().map_err(|error| match error {
        PoolError::Start { what, why } => RunError::Start { what, why },
        other => no_line(other),
    })?;
    for (worker, answer) in pool.map_unordered(0..workers as u32) {
        if let Err(failed) = answer {
            return Err(match failed.why {
                Why::Poison { deaths } => RunError::WorkerDied {
                    worker,
                    pid: 0,
                    how: format!(
                        "and {} successors ended, the last: {}",
                        deaths.len() - 1,
                        deaths[deaths.len() - 1]
                    ),
                    unfinished: 1,
                },
                Why::Ended(why) => RunError::Start { what: format!("worker {worker}"), why },
                other => RunError::Protocol { worker, pid: 0, why: other.to_string() },
            });
        }
    }
    pool.close();
    Ok(())
}

impl<'a, W: Workload> Office<'a, W> {
    fn admit<'s>(&'s self, scope: &'s Scope<'s, '_>, hello: Hello, connection: Connection) {
        // Whose process it is, for its end: it is our pool's, and alive, or about to be waited for.
        let process = active_children().into_iter().find(|child| child.pid() == hello.process);
        let attend = move || self.attend(&hello, process.as_ref(), connection);
        if let Err(error) = thread::Builder::new().spawn_scoped(scope, attend) {
            self.parts.fail(no_line(error));
        }
    }

    // ANCHOR: attend
    /// Tells a worker what its predecessor owes, then whatever is free.
    fn attend(&self, hello: &Hello, process: Option<&Handle>, connection: Connection) {
        let worker = hello.worker as usize;
        // Locked as long as it lives: a successor that is faster than the news of a death waits here.
        let Some(mut seat) = self.seats.get(worker).map(lock) else { return };
        let ended = self.talk(worker, hello.process, &mut seat, connection);
        match ended {
            Ok(()) => {}
            Err(LineError::Bad(why)) => {
                self.parts.fail(RunError::Protocol { worker, pid: hello.process, why });
            }
            Err(LineError::Gone) => {
                let how = process.and_then(|process| process.join_within(GRACE));
                let Some(pieces) = seat.owes.clone() else { return };
                seat.deaths.push(how.map_or_else(|| "closed its line".to_owned(), |end| end.to_string()));
                if seat.deaths.len() >= TRIES {
                    let deaths = std::mem::take(&mut seat.deaths);
                    self.parts.fail(RunError::Poison { workload: W::NAME, pieces, deaths });
                }
            }
        }
    }

    fn talk(
        &self,
        worker: usize,
        pid: u32,
        seat: &mut Seat,
        connection: Connection,
    ) -> Result<(), LineError> {
        let mut line = match self.carrier {
            Carrier::UnixSocket | Carrier::Tcp => Line::Socket(connection),
            Carrier::IpcChannel => ipc_channel::meet(connection)?,
        };
        while !self.parts.is_stopped() {
            let Some(pieces) = seat.owes.take().or_else(|| self.take_run()) else { break };
            seat.owes = Some(pieces.clone());
            let began = now();
            let order = Order { first: pieces.start, pieces: &self.job.pieces()[pieces.clone()] };
            match words::encode(&Some(&order)) {
                Ok(order) => line.send(&order)?,
                Err(why) => {
                    let why = PieceError::new(format_args!("the order {why}"));
                    self.parts.fail(RunError::Piece { workload: W::NAME, piece: pieces.start, why });
                    break;
                }
            }
            let send = began..now();
            let message = line.receive()?;
            let began = now();
            let answer = words::decode::<Answer<W::Part>>(message)?;
            let receive = began..now();
            self.accept(answer, Exchange { worker, pieces, send, receive }, pid)?;
            (seat.owes, seat.deaths) = (None, Vec::new());
        }
        let no_more: Option<Order<&[W::Piece]>> = None;
        line.send(&words::encode(&no_more)?)
    }
    // ANCHOR_END: attend

    /// An answer counts only if it is about what the worker was told.
    fn accept(&self, answer: Answer<W::Part>, exchange: Exchange, pid: u32) -> Result<(), LineError> {
        let (worker, pieces) = (exchange.worker, exchange.pieces.clone());
        let told = answer.first == pieces.start && answer.count == pieces.len();
        let failed = answer.outcome.as_ref().err().map(|(index, _)| *index);
        let mut named = answer.spans.iter().map(|span| span.piece).chain(failed);
        if !told || named.any(|index| !pieces.contains(&index)) {
            return Err(LineError::bad(format!(
                "an answer about {} pieces from {}, where it was told {pieces:?}",
                answer.count, answer.first
            )));
        }
        for span in answer.spans {
            self.job.timeline().add(Span { worker, pid, ..span });
        }
        self.job.timeline().add_exchange(exchange);
        match answer.outcome {
            Ok(part) => self.parts.add(Stretch { pieces, part }),
            Err((index, failure)) => self.parts.fail(failure.at(W::NAME, index)),
        }
        Ok(())
    }

    /// Neighbouring pieces that nobody was told: many at first, one at the end.
    fn take_run(&self) -> Option<Range<usize>> {
        let mut next = lock(&self.next);
        let left = self.job.len() - *next;
        let count = (left / (8 * self.seats.len())).max(1).min(left);
        *next += count;
        (count > 0).then_some(*next - count..*next)
    }
}

/// What is behind these locks is whole at every moment, whoever panicked while holding one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line to the workers is part of their start.
fn no_line(why: impl std::fmt::Display) -> RunError {
    RunError::Start { what: "workers that connect".to_owned(), why: why.to_string() }
}
