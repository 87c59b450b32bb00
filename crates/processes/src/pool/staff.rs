//! The workers of a pool: who is there, who is starting, who is leaving.

use std::{
    io,
    sync::PoisonError,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags};
use serde::de::DeserializeOwned;

use super::{
    desk::{Desk, How},
    listener::Listener,
    report::Counts,
    rules::Rules,
};
use crate::{
    child::Handle,
    member::Member,
    message::{self, Greeting},
};

/// How long a worker may take to end after it was asked to, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long a worker whose output has ended may take to be gone: a dying process closes its pipes just before.
const LAST_STEP: Duration = Duration::from_millis(100);

/// A worker.
pub(super) struct Hired<O> {
    pub(super) id: u64,
    pub(super) member: Member,
    pub(super) listener: Listener<O>,
    /// Since when it could have said something: its start, its last word, or the first order it was handed.
    pub(super) since: Instant,
    /// How many pieces its next order should have, if that is measured.
    pub(super) wish: usize,
    /// How long its last order took; as long as that is not known, for ever: two orders are enough then.
    pub(super) took: Duration,
    /// How many pieces it may still be handed.
    pub(super) left: usize,
}

pub(super) struct Staff<O> {
    pub(super) there: Vec<Hired<O>>,
    leaving: Vec<(Member, Instant)>,
    next_id: u64,
}

impl<O: DeserializeOwned> Staff<O> {
    pub(super) fn new() -> Self {
        Self { there: Vec::new(), leaving: Vec::new(), next_id: 0 }
    }

    /// Starts one more.
    pub(super) fn hire<I>(&mut self, rules: &Rules, desk: &Desk<I, O>) -> io::Result<()> {
        let mut member = Member::start(&rules.program)?;
        let nonce = member.mark.nonce;
        let greeting = Greeting { nonce, job: rules.task.to_owned(), timed: false };
        member.send(&message::open(&greeting).map_err(io::Error::other)?)?;
        member.send(&rules.terms)?;
        Counts::add(&desk.counts.started, 1);
        self.there.push(Hired {
            id: self.next_id,
            member,
            listener: Listener::new(nonce),
            since: Instant::now(),
            wish: 1,
            took: Duration::MAX,
            left: rules.pieces_per_worker,
        });
        self.next_id += 1;
        self.show(desk);
        Ok(())
    }

    /// Lets a worker go that has done its share: it sees the end of its input.
    pub(super) fn retire<I>(&mut self, at: usize, desk: &Desk<I, O>) {
        let mut member = self.there.swap_remove(at).member;
        member.close();
        self.leaving.push((member, Instant::now() + GRACE));
        Counts::add(&desk.counts.retired, 1);
        self.show(desk);
    }

    /// Takes out a worker that is gone or must go. Says how it ended.
    pub(super) fn bury<I>(&mut self, at: usize, desk: &Desk<I, O>) -> (Hired<O>, String) {
        let mut hired = self.there.swap_remove(at);
        let cut = hired.member.ended && hired.member.inbox.end().is_err();
        let end = hired.member.child.join_within(if hired.member.ended { LAST_STEP } else { Duration::ZERO });
        let end = end.unwrap_or_else(|| {
            hired.member.kill();
            hired.member.child.join()
        });
        hired.member.close();
        Counts::add(&desk.counts.died, 1);
        self.show(desk);
        let how = format!("process {} {end}", hired.member.pid());
        (hired, if cut { format!("{how} in the middle of a message") } else { how })
    }

    /// Those who were let go and have not gone are killed; all who have gone are waited for.
    pub(super) fn see_off(&mut self) {
        let now = Instant::now();
        // Dropping a member kills what still runs.
        self.leaving.retain(|(member, until)| member.child.is_alive() && now < *until);
    }

    /// When [`see_off`](Self::see_off) has something to do, at the latest.
    pub(super) fn next_to_leave(&self) -> Option<Instant> {
        self.leaving.iter().map(|(_, until)| *until).min()
    }

    pub(super) fn leavers(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.leaving
            .iter()
            .map(|(member, _)| PollFd::from_borrowed_fd(member.child.sentinel(), PollFlags::IN))
    }

    /// Ends all of them.
    pub(super) fn end<I>(&mut self, how: How, desk: &Desk<I, O>) {
        for Hired { member, .. } in &mut self.there {
            // Who is gone already cannot be told.
            let _ = match how {
                How::Close => Ok(()),
                How::Terminate => member.child.terminate(),
                How::Kill => member.child.kill(),
            };
            member.close();
        }
        let deadline = Instant::now() + GRACE;
        let leaving = self.leaving.drain(..).map(|(member, _)| member);
        for member in self.there.drain(..).map(|hired| hired.member).chain(leaving) {
            if how != How::Kill {
                member.child.join_within(deadline.saturating_duration_since(Instant::now()));
            }
            // The drop kills it if it is still there, and waits.
        }
        self.show(desk);
    }

    fn show<I>(&self, desk: &Desk<I, O>) {
        let handles: Vec<Handle> = self.there.iter().map(|hired| hired.member.child.handle()).collect();
        *desk.workers.lock().unwrap_or_else(PoisonError::into_inner) = handles;
    }
}

impl<O> Hired<O> {
    /// What to wait for: something to read, room to write, the end of the process.
    pub(super) fn interest(&self) -> [Option<PollFd<'_>>; 3] {
        let [output, input] = self.member.interest();
        let end = PollFd::from_borrowed_fd(self.member.child.sentinel(), PollFlags::IN);
        [output, input, Some(end)]
    }
}
