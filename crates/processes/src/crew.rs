//! A crew: the workers of one run, and a caller that hands out pieces and takes parts, all in one thread.
//!
//! Why one thread that polls, and not a thread for each worker with reads that block? No lock, one place that
//! knows everything, and an error ends all of it by dropping one value. Reads and writes never block, so that
//! a worker that is busy writing its part while we write its next order cannot deadlock with us, however large
//! both are.
//!
//! A worker that dies is replaced, and the new one is handed what the old one owed: whoever hands out pieces need
//! not know.

use std::{io, ops::Range, time::Duration};

use rustix::{event::PollFd, io::Errno, time::Timespec};
use workload::{Job, RunError, Stretch, Workload, now};

use crate::{
    Program, frame, mark,
    member::Member,
    message::{self, Greeting, Order},
    post::{self, NO_ENTER, Owed, Post},
};

/// The workers of one run. Dropping it kills those that are still there and waits for them.
///
/// Stay on the thread that started it: on Linux, workers die with that very *thread* (prctl(2),
/// PR_SET_PDEATHSIG).
#[derive(Debug)]
pub struct Crew<'a, W: Workload> {
    job: &'a Job<'a, W>,
    program: Program,
    /// The workload as a frame: each worker gets it, also those that come later.
    work: Vec<u8>,
    posts: Vec<Post>,
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
        let mut crew = Self { job, program: program.clone(), work, posts: Vec::new(), turn: 0 };
        for worker in 0..workers {
            let member = crew.employ(worker, workers)?;
            crew.posts.push(Post::new(member));
        }
        Ok(crew)
    }

    /// How many workers there are.
    pub fn len(&self) -> usize {
        self.posts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// How many orders `worker` has been handed and not done yet.
    pub fn orders(&self, worker: usize) -> usize {
        self.posts[worker].owes.len()
    }

    /// Hands `pieces` to `worker`: it does them when it is done with what it was handed before. They are its own
    /// until they have come back; if it dies, those of the worker that takes its place.
    ///
    /// # Errors
    /// [`RunError::Piece`] when they cannot be sent.
    pub fn hand(&mut self, worker: usize, pieces: Range<usize>) -> Result<(), RunError> {
        if pieces.is_empty() {
            return Ok(());
        }
        let send = self.send(worker, pieces.clone())?;
        self.posts[worker].owes.push_back(Owed { pieces, send });
        Ok(())
    }

    /// Waits until any worker has done an order. One that dies meanwhile is replaced.
    ///
    /// # Errors
    /// [`RunError::Piece`] and [`RunError::Panicked`] for a piece that fails, [`RunError::Poison`] for pieces that
    /// end three workers, [`RunError::WorkerDied`] for a program that never becomes a worker,
    /// [`RunError::Protocol`], and [`RunError::Start`] for a worker that cannot be started or cannot do this job.
    /// After an error drop the crew. [`RunError::Incomplete`] when no worker has anything to do, so that none would
    /// ever come.
    pub fn next_done(&mut self) -> Result<Done<W>, RunError> {
        loop {
            for _ in 0..self.posts.len() {
                self.turn = (self.turn + 1) % self.posts.len();
                let post = &mut self.posts[self.turn];
                if let Some(done) = post.hear(self.job, self.turn)? {
                    return Ok(done);
                }
                if post.is_abandoned() {
                    self.replace(self.turn)?;
                }
            }
            if self.posts.iter().all(|post| post.owes.is_empty()) {
                return Err(RunError::Incomplete { done: 0, of: self.job.len() });
            }
            self.wait()?;
        }
    }

    /// Ends the workers in order: each sees the end of its input and returns from [`enter`](crate::worker::enter).
    pub fn dismiss(mut self) {
        for post in &mut self.posts {
            post.member.close();
        }
        for post in &mut self.posts {
            post.member.end();
        }
    }

    /// Starts a process, and tells it what the work is.
    fn employ(&self, worker: usize, workers: usize) -> Result<Member, RunError> {
        let start = |why: io::Error| RunError::Start {
            what: format!("worker {} of {workers}", worker + 1),
            why: why.to_string(),
        };
        let mut member = Member::start(&self.program).map_err(start)?;
        let timed = self.job.timeline().is_on();
        let greeting = Greeting { nonce: member.mark.nonce, job: W::NAME.to_owned(), timed };
        let greeting = message::open(&greeting).map_err(|error| start(io::Error::other(error)))?;
        member.send(&greeting).and_then(|()| member.send(&self.work)).map_err(start)?;
        Ok(member)
    }

    // ANCHOR: replace
    /// Puts a new worker in the place of one that has died, and hands it all that was not answered.
    fn replace(&mut self, worker: usize) -> Result<(), RunError> {
        let workers = self.posts.len();
        // The dead one goes first: its descriptors may be the last there are.
        let left = self.posts.remove(worker).bury(W::NAME, worker)?;
        let member = self.employ(worker, workers)?;
        self.posts.insert(worker, left.to(member));
        for order in 0..self.orders(worker) {
            let send = self.send(worker, self.posts[worker].owes[order].pieces.clone())?;
            self.posts[worker].owes[order].send = send;
        }
        Ok(())
    }
    // ANCHOR_END: replace

    /// Sends an order; says from when to when that took.
    fn send(&mut self, worker: usize, pieces: Range<usize>) -> Result<Range<u64>, RunError> {
        let began = now();
        let order = Order { first: pieces.start, pieces: &self.job.pieces()[pieces] };
        let frame = frame::encode(&order).map_err(|error| {
            let why = workload::PieceError::new(format!("the order {error}"));
            RunError::Piece { workload: W::NAME, piece: order.first, why }
        })?;
        let member = &mut self.posts[worker].member;
        member.send(&frame).map_err(|error| post::protocol(worker, member, format!("its pipe: {error}")))?;
        Ok(began..now())
    }

    /// Waits until there is something to read or room to write, and does that.
    fn wait(&mut self) -> Result<(), RunError> {
        let timeout = self.give_up_silent()?.map(timespec);
        let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(2 * self.posts.len());
        for post in &self.posts {
            polled.extend(post.member.interest().into_iter().flatten());
        }
        match rustix::event::poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(RunError::Start { what: "poll".to_owned(), why: error.to_string() }),
        }
        let ready: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        for (worker, Post { member, .. }) in self.posts.iter_mut().enumerate() {
            let [output, input] = member.interest().map(|fd| fd.is_some() && ready.next() == Some(true));
            let read = if output { member.fill() } else { Ok(()) };
            let written = if input { member.flush() } else { Ok(()) };
            read.and(written)
                .map_err(|error| post::protocol(worker, member, format!("its pipe: {error}")))?;
        }
        Ok(())
    }

    /// How long until a worker has been silent for too long since its start.
    fn give_up_silent(&self) -> Result<Option<Duration>, RunError> {
        let patience = self.program.how_patient();
        let mut shortest: Option<Duration> = None;
        for (worker, Post { member, .. }) in self.posts.iter().enumerate() {
            let Some(since) = member.silent_since else { continue };
            let left = patience.saturating_sub(since.elapsed());
            if left.is_zero() {
                let why = format!("not a word within {patience:?} of its start: {NO_ENTER}");
                return Err(post::protocol(worker, member, why));
            }
            shortest = Some(shortest.map_or(left, |other| other.min(left)));
        }
        Ok(shortest)
    }
}

impl<W: Workload> Drop for Crew<'_, W> {
    fn drop(&mut self) {
        // All are killed before the first is waited for, so that they end at the same time.
        for post in &mut self.posts {
            post.member.kill();
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as i64, tv_nsec: i64::from(duration.subsec_nanos()) }
}
