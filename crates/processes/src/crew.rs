//! A crew: the workers of one run, and a caller that hands out pieces and takes parts, all in one thread.
//!
//! Why one thread that polls, and not a thread for each worker with reads that block? No lock, one place that
//! knows everything, and an error ends all of it by dropping one value. Reads and writes never block, so that
//! a worker that is busy writing its part while we write its next order cannot deadlock with us, however large
//! both are.

use std::{
    io,
    ops::Range,
    time::{Duration, Instant},
};

use rustix::{event::PollFd, io::Errno, time::Timespec};
use workload::{Job, RunError, Span, Stretch, Workload};

use crate::{
    Program,
    frame::{self, FrameError},
    mark,
    member::Member,
    message::{self, Greeting, Order, Reply, Welcome},
};

/// The workers of one run. Dropping it kills those that are still there and waits for them.
///
/// Stay on the thread that started it: on Linux, workers die with that very *thread* (prctl(2),
/// PR_SET_PDEATHSIG).
#[derive(Debug)]
pub struct Crew<'a, W: Workload> {
    job: &'a Job<'a, W>,
    members: Vec<Member>,
    patience: Duration,
    /// Whose turn it is to be heard first, so that a talkative worker does not drown the others.
    turn: usize,
}

/// An order that a worker has done.
#[derive(Debug)]
pub struct Done<W: Workload> {
    /// Which worker, from 0.
    pub worker: usize,
    /// The pieces of the order, and their parts, combined.
    pub stretch: Stretch<W>,
    /// How long the worker took.
    pub took: Duration,
    /// How long it took here to decode the reply.
    pub decoding: Duration,
}

impl<'a, W: Workload> Crew<'a, W> {
    /// Starts `workers` processes for `job`.
    ///
    /// # Errors
    /// [`RunError::Start`] when one cannot be started: those before it are ended. Also when this process is
    /// itself a worker that does not know it.
    pub fn start(job: &'a Job<'a, W>, workers: usize, program: &Program) -> Result<Self, RunError> {
        mark::may_start_workers()?;
        let work = frame::encode(job.workload()).map_err(|error| RunError::Start {
            what: "workers".to_owned(),
            why: format!("the work {error}"),
        })?;
        let mut crew = Self { job, members: Vec::new(), patience: program.how_patient(), turn: 0 };
        for worker in 0..workers {
            let start = |why: io::Error| RunError::Start {
                what: format!("worker {} of {workers}", worker + 1),
                why: why.to_string(),
            };
            let mut member = Member::start(program).map_err(start)?;
            let greeting =
                Greeting { nonce: member.mark.nonce, job: W::NAME.to_owned(), timed: job.timeline().is_on() };
            let greeting = message::open(&greeting).map_err(|error| start(io::Error::other(error)))?;
            member.send(&greeting).and_then(|()| member.send(&work)).map_err(start)?;
            crew.members.push(member);
        }
        Ok(crew)
    }

    /// How many workers there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many orders `worker` has been handed and not done yet.
    pub fn orders(&self, worker: usize) -> usize {
        self.members[worker].owes.len()
    }

    /// Hands `pieces` to `worker`: it does them when it is done with what it was handed before.
    ///
    /// # Errors
    /// [`RunError::Piece`] when they cannot be sent.
    pub fn hand(&mut self, worker: usize, pieces: Range<usize>) -> Result<(), RunError> {
        if pieces.is_empty() {
            return Ok(());
        }
        let order = Order { first: pieces.start, pieces: &self.job.pieces()[pieces.clone()] };
        let frame = frame::encode(&order).map_err(|error| {
            let why = workload::PieceError::new(format!("the order {error}"));
            RunError::Piece { workload: W::NAME, piece: pieces.start, why }
        })?;
        let member = &mut self.members[worker];
        member.owes.push_back(pieces);
        member.send(&frame).map_err(|error| protocol(worker, member, format!("its pipe: {error}")))
    }

    /// Waits until any worker has done an order.
    ///
    /// # Errors
    /// [`RunError::Piece`] and [`RunError::Panicked`] for a piece that fails, [`RunError::WorkerDied`],
    /// [`RunError::Protocol`], and [`RunError::Start`] for a worker that cannot do this job. After an error
    /// drop the crew. [`RunError::Incomplete`] when no worker has anything to do, so that none would ever come.
    pub fn next_done(&mut self) -> Result<Done<W>, RunError> {
        loop {
            for _ in 0..self.members.len() {
                self.turn = (self.turn + 1) % self.members.len();
                if let Some(done) = hear(self.job, self.turn, &mut self.members[self.turn])? {
                    return Ok(done);
                }
            }
            if self.members.iter().all(|member| member.owes.is_empty()) {
                return Err(RunError::Incomplete { done: 0, of: self.job.len() });
            }
            self.wait()?;
        }
    }

    /// Ends the workers in order: each sees the end of its input and returns from [`enter`](crate::worker::enter).
    pub fn dismiss(mut self) {
        for member in &mut self.members {
            member.close();
        }
        for member in &mut self.members {
            member.end();
        }
    }

    /// Waits until there is something to read or room to write, and does that.
    fn wait(&mut self) -> Result<(), RunError> {
        let timeout = self.give_up_silent()?.map(timespec);
        let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(2 * self.members.len());
        for member in &self.members {
            polled.extend(member.interest().into_iter().flatten());
        }
        match rustix::event::poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(RunError::Start { what: "poll".to_owned(), why: error.to_string() }),
        }
        let ready: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        for (worker, member) in self.members.iter_mut().enumerate() {
            let [output, input] = member.interest().map(|fd| fd.is_some() && ready.next() == Some(true));
            let read = if output { member.fill() } else { Ok(()) };
            let written = if input { member.flush() } else { Ok(()) };
            read.and(written).map_err(|error| protocol(worker, member, format!("its pipe: {error}")))?;
        }
        Ok(())
    }

    /// How long until a worker has been silent for too long since its start.
    fn give_up_silent(&self) -> Result<Option<Duration>, RunError> {
        let mut shortest: Option<Duration> = None;
        for (worker, member) in self.members.iter().enumerate() {
            let Some(since) = member.silent_since else { continue };
            let left = self.patience.saturating_sub(since.elapsed());
            if left.is_zero() {
                let why = format!("not a word within {:?} of its start: {NO_ENTER}", self.patience);
                return Err(protocol(worker, member, why));
            }
            shortest = Some(shortest.map_or(left, |other| other.min(left)));
        }
        Ok(shortest)
    }
}

impl<W: Workload> Drop for Crew<'_, W> {
    fn drop(&mut self) {
        // All are killed before the first is waited for, so that they end at the same time.
        for member in &mut self.members {
            member.kill();
        }
    }
}

const NO_ENTER: &str = "is `processes::worker::enter` the first line of its main?";

/// What a worker has to say, if its next message is whole.
fn hear<W: Workload>(
    job: &Job<'_, W>,
    worker: usize,
    member: &mut Member,
) -> Result<Option<Done<W>>, RunError> {
    let pid = member.pid();
    let broken = |error: FrameError| RunError::Protocol { worker, pid, why: format!("its message {error}") };
    while let Some(payload) = member.inbox.next_frame().map_err(broken)? {
        if member.silent_since.is_some() {
            let welcome = message::opened::<Welcome>(payload);
            let welcome =
                welcome.map_err(|error| protocol(worker, member, format!("{error} ({NO_ENTER})")))?;
            if welcome.nonce != member.mark.nonce {
                return Err(protocol(worker, member, message::OpeningError::Nonce.to_string()));
            }
            if let Some(why) = welcome.refused {
                return Err(RunError::Start { what: format!("worker {worker} (process {pid})"), why });
            }
            member.silent_since = None;
            continue;
        }
        let began = Instant::now();
        let reply: Reply<W::Part> = frame::decode(payload).map_err(broken)?;
        let decoding = began.elapsed();
        let took = Duration::from_nanos(reply.nanoseconds);
        let stretch = accept(job, worker, member, reply)?;
        return Ok(Some(Done { worker, stretch, took, decoding }));
    }
    // A worker that ends when it owes nothing takes nothing with it.
    if !member.ended || member.owes.is_empty() {
        return Ok(None);
    }
    let cut = member.inbox.end().is_err();
    let mut how = member.end();
    if member.silent_since.is_some() {
        how.push_str(&format!(" without a word ({NO_ENTER})"));
    } else if cut {
        how.push_str(" in the middle of a message");
    }
    Err(RunError::WorkerDied { worker, pid, how, unfinished: member.unfinished() })
}

/// A reply counts only if it is about the order that this worker must be at.
fn accept<W: Workload>(
    job: &Job<'_, W>,
    worker: usize,
    member: &mut Member,
    reply: Reply<W::Part>,
) -> Result<Stretch<W>, RunError> {
    let pieces = reply.first..reply.first.saturating_add(reply.count);
    match member.owes.front() {
        Some(owed) if *owed == pieces => member.owes.pop_front(),
        owed => {
            let why = format!("a reply about pieces {pieces:?}, where {owed:?} was next");
            return Err(protocol(worker, member, why));
        }
    };
    let stray = |index: &usize| !pieces.contains(index);
    let failed = reply.outcome.as_ref().err().map(|(index, _)| *index);
    if let Some(index) = reply.spans.iter().map(|span| span.piece).chain(failed).find(stray) {
        return Err(protocol(worker, member, format!("piece {index} in a reply about pieces {pieces:?}")));
    }
    for span in reply.spans {
        job.timeline().add(Span { worker, pid: member.pid(), ..span });
    }
    match reply.outcome {
        Ok(part) => Ok(Stretch { pieces, part }),
        Err((index, failure)) => Err(failure.at(W::NAME, index)),
    }
}

fn protocol(worker: usize, member: &Member, why: String) -> RunError {
    RunError::Protocol { worker, pid: member.pid(), why }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as i64, tv_nsec: i64::from(duration.subsec_nanos()) }
}
