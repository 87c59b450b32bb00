//! A worker's place in a crew: what is handed there has an owner until it is answered, whoever stands there.
//!
//! A worker does its orders one after the other. When it dies it was at the first that is not answered, and the
//! others wait in a pipe that is gone. The next worker in its place is handed all of them again, from the pieces, which
//! the caller has anyway: nothing is copied or written down for the day when a worker dies. Answers that the dead
//! one had written whole have come through the pipe before its end, and count.
//!
//! After [`TRIES`] deaths without an answer in between, the first order is **poison**: one of its pieces ends whoever
//! does it.
//!
//! Why in the same place, and not to the others? Then there would be one worker less for the rest; a start is a
//! millisecond; and equal shares stay equal.

use std::{collections::VecDeque, ops::Range, time::Duration};

use workload::{Exchange, Job, RunError, Span, Stretch, Workload, now};

use crate::{
    crew::Done,
    frame::{self, FrameError},
    member::Member,
    message::{self, Reply, Welcome},
};

/// How many workers an order may end: as many as a piece of a [`Pool`](crate::pool::Pool), if not set otherwise.
pub(crate) const TRIES: usize = 3;

pub(crate) const NO_ENTER: &str = "is `processes::worker::enter` the first line of its main?";

/// An order that is not answered.
#[derive(Debug)]
pub(crate) struct Owed {
    pub(crate) pieces: Range<usize>,
    /// When it was sent the last time, from when to when: see [`now`].
    pub(crate) send: Range<u64>,
}

/// A worker, and what this place owes.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) member: Member,
    /// What was handed here and not given back, in the order of the orders.
    pub(crate) owes: VecDeque<Owed>,
    /// How workers ended here since the last answer, each of them at the first of `owes`.
    deaths: Vec<String>,
}

/// What a dead worker has left behind.
#[derive(Debug)]
pub(crate) struct Left {
    owes: VecDeque<Owed>,
    deaths: Vec<String>,
}

impl Left {
    /// All of it is `member`'s from now on.
    pub(crate) fn to(self, member: Member) -> Post {
        Post { member, owes: self.owes, deaths: self.deaths }
    }
}

impl Post {
    pub(crate) fn new(member: Member) -> Self {
        Self { member, owes: VecDeque::new(), deaths: Vec::new() }
    }

    /// What the worker has to say, if its next message is whole.
    pub(crate) fn hear<W: Workload>(
        &mut self,
        job: &Job<'_, W>,
        worker: usize,
    ) -> Result<Option<Done<W>>, RunError> {
        let member = &mut self.member;
        let pid = member.pid();
        let broken =
            |error: FrameError| RunError::Protocol { worker, pid, why: format!("its message {error}") };
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
            let began = now();
            let reply: Reply<W::Part> = frame::decode(payload).map_err(broken)?;
            let receive = began..now();
            let decoding = Duration::from_nanos(receive.end - receive.start);
            let took = Duration::from_nanos(reply.nanoseconds);
            let stretch = self.accept(job, worker, reply, receive)?;
            return Ok(Some(Done { worker, stretch, took, decoding }));
        }
        Ok(None)
    }

    /// Whether the worker has gone while something is still to be done here. One that ends when it owes nothing takes
    /// nothing with it. Ask when it has been heard: its last answers count.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.member.ended && !self.owes.is_empty()
    }

    /// Waits for the worker that has gone, and notes its death against the order that it was at.
    ///
    /// # Errors
    /// [`RunError::Poison`] when that was the last try. [`RunError::WorkerDied`] when the program exited without
    /// having become a worker, since the next one would do the same.
    pub(crate) fn bury(mut self, workload: &'static str, worker: usize) -> Result<Left, RunError> {
        let member = &mut self.member;
        let cut = member.inbox.end().is_err();
        let mut how = member.end();
        if member.silent_since.is_some() {
            how.push_str(&format!(" without a word ({NO_ENTER})"));
            if member.child.exitcode().is_none_or(|code| code >= 0) {
                let unfinished = self.owes.iter().map(|owed| owed.pieces.len()).sum();
                return Err(RunError::WorkerDied { worker, pid: member.pid(), how, unfinished });
            }
        } else if cut {
            how.push_str(" in the middle of a message");
        }
        self.deaths.push(how);
        match self.owes.front() {
            Some(owed) if self.deaths.len() >= TRIES => {
                Err(RunError::Poison { workload, pieces: owed.pieces.clone(), deaths: self.deaths })
            }
            _ => Ok(Left { owes: self.owes, deaths: self.deaths }),
        }
    }

    /// A reply counts only if it is about the order that this worker must be at.
    fn accept<W: Workload>(
        &mut self,
        job: &Job<'_, W>,
        worker: usize,
        reply: Reply<W::Part>,
        receive: Range<u64>,
    ) -> Result<Stretch<W>, RunError> {
        let member = &self.member;
        let pieces = reply.first..reply.first.saturating_add(reply.count);
        let Some(Owed { send, .. }) = self.owes.pop_front_if(|owed| owed.pieces == pieces) else {
            let next = self.owes.front().map(|owed| &owed.pieces);
            let why = format!("a reply about pieces {pieces:?}, where {next:?} was next");
            return Err(protocol(worker, member, why));
        };
        self.deaths.clear();
        let stray = |index: &usize| !pieces.contains(index);
        let failed = reply.outcome.as_ref().err().map(|(index, _)| *index);
        if let Some(index) = reply.spans.iter().map(|span| span.piece).chain(failed).find(stray) {
            return Err(protocol(
                worker,
                member,
                format!("piece {index} in a reply about pieces {pieces:?}"),
            ));
        }
        for span in reply.spans {
            job.timeline().add(Span { worker, pid: member.pid(), ..span });
        }
        job.timeline().add_exchange(Exchange { worker, pieces: pieces.clone(), send, receive });
        match reply.outcome {
            Ok(part) => Ok(Stretch { pieces, part }),
            Err((index, failure)) => Err(failure.at(W::NAME, index)),
        }
    }
}

/// A worker that does not keep to the protocol.
pub(crate) fn protocol(worker: usize, member: &Member, why: String) -> RunError {
    RunError::Protocol { worker, pid: member.pid(), why }
}
