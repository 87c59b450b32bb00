//! The pool's own thread: it starts the workers, hands out pieces, takes answers, and replaces who dies.
//!
//! One thread that polls, as in [`Crew`](crate::Crew): no lock around the books, and nothing blocks. It lives as long
//! as the pool, and starts every worker itself: on Linux a worker dies with the *thread* that started it (prctl(2),
//! PR_SET_PDEATHSIG), and callers' threads come and go.

mod hand_out;
mod hear;

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError,
        mpsc::{Sender, SyncSender},
    },
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};

use super::{
    Sendable,
    desk::{Desk, How, Request},
    failed::{Failed, PoolError, Why},
    ledger::Ledger,
    pending::Promise,
    report::Counts,
    results::Batch,
    rules::{Rules, in_words},
    staff::Staff,
};
use crate::child::timespec;

/// How long to wait after a worker could not be started.
const AGAIN: Duration = Duration::from_millis(50);

/// A piece, and who wants its answer.
struct Piece<I, O> {
    input: I,
    to: To<I, O>,
}

enum To<I, O> {
    Stream(u64, u64),
    Once(Promise<I, O>),
}

pub(super) struct Keeper<I, O> {
    desk: Arc<Desk<I, O>>,
    rules: Rules,
    ledger: Ledger<Piece<I, O>>,
    staff: Staff<O>,
    clients: HashMap<u64, Sender<Batch<I, O>>>,
    /// Answers that are sent before the next wait, all that came for a client at once.
    post: Vec<(u64, Batch<I, O>)>,
    /// Workers in a row that could not be started or ended before they were ready.
    stillborn: usize,
    not_before: Option<Instant>,
    ending: Option<How>,
    broken: Option<String>,
}

/// Closes the desk when the thread ends, also by a panic: nobody is to wait for one who has gone.
struct Present<I, O>(Arc<Desk<I, O>>);

impl<I, O> Drop for Present<I, O> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The thread: says first whether all workers could be started.
pub(super) fn run<I: Sendable, O: Sendable>(
    desk: Arc<Desk<I, O>>,
    rules: Rules,
    started: &SyncSender<Result<(), PoolError>>,
) {
    let _present = Present(Arc::clone(&desk));
    let mut staff = Staff::new();
    for worker in 1..=rules.workers {
        if let Err(error) = staff.hire(&rules, &desk) {
            staff.end(How::Kill, &desk);
            let what = format!("worker {worker} of {}", rules.workers);
            let _ = started.send(Err(PoolError::Start { what, why: in_words(&error) }));
            return;
        }
    }
    // Whoever started the pool waits for this word.
    let _ = started.send(Ok(()));
    let ledger = Ledger::new(rules.tries);
    let keeper = Keeper {
        desk,
        rules,
        ledger,
        staff,
        clients: HashMap::new(),
        post: Vec::new(),
        stillborn: 0,
        not_before: None,
        ending: None,
        broken: None,
    };
    keeper.keep();
}

impl<I: Sendable, O: Sendable> Keeper<I, O> {
    fn keep(mut self) {
        loop {
            self.take_requests();
            match self.ending {
                Some(How::Close) if self.ledger.is_empty() => break,
                Some(How::Terminate | How::Kill) => break,
                _ => {}
            }
            self.keep_staff();
            self.hand_out();
            self.send_post();
            self.wait();
            self.hear();
            self.end_late();
        }
        let how = self.ending.unwrap_or(How::Kill);
        self.staff.end(how, &self.desk);
        self.give_up_all("it was ended");
        self.send_post();
    }

    fn take_requests(&mut self) {
        for request in self.desk.requests() {
            match request {
                Request::Client(client, answers) => drop(self.clients.insert(client, answers)),
                Request::Pieces { client, first, pieces } => {
                    for (input, index) in pieces.into_iter().zip(first..) {
                        self.ledger.add(Piece { input, to: To::Stream(client, index) });
                    }
                }
                Request::Piece(input, promise) => self.ledger.add(Piece { input, to: To::Once(promise) }),
                Request::Cancel(client) => {
                    self.clients.remove(&client);
                    let theirs = |piece: &Piece<I, O>| matches!(piece.to, To::Stream(of, _) if of == client);
                    drop(self.ledger.cancel(theirs));
                }
                Request::End(how) => self.ending = Some(how),
            }
        }
        if let Some(why) = self.broken.clone() {
            self.give_up_all(&why);
        }
    }

    /// Lets go who has done enough, and starts new ones in the place of those who are gone.
    fn keep_staff(&mut self) {
        for at in (0..self.staff.there.len()).rev() {
            let hired = &self.staff.there[at];
            if hired.left == 0 && self.ledger.orders(hired.id) == 0 {
                self.staff.retire(at, &self.desk);
            }
        }
        self.staff.see_off();
        while self.staff.there.len() < self.rules.workers
            && self.broken.is_none()
            && self.not_before.is_none_or(|then| then <= Instant::now())
        {
            self.not_before = None;
            if let Err(error) = self.staff.hire(&self.rules, &self.desk) {
                // Fewer workers go on meanwhile; without any, only so often.
                self.not_before = Some(Instant::now() + AGAIN);
                if self.staff.there.is_empty() {
                    self.stillborn(format!("cannot start a worker: {}", in_words(&error)));
                }
            }
        }
    }

    /// A worker that never was ready. A few in a row mean that none ever will be.
    fn stillborn(&mut self, why: String) {
        self.stillborn += 1;
        if self.stillborn >= 2 * self.rules.workers + 3 {
            self.break_down(why);
        }
    }

    fn break_down(&mut self, why: String) {
        let broken = Some(PoolError::Broken(why.clone()));
        *self.desk.broken.lock().unwrap_or_else(PoisonError::into_inner) = broken;
        // Before anybody is told: who is told may end this process, and a worker that has not looked for its parent yet
        // would find another one, and no reason not to start workers of its own.
        self.staff.end(How::Kill, &self.desk);
        self.give_up_all(&why);
        self.broken = Some(why);
    }

    fn give_up_all(&mut self, why: &str) {
        for piece in self.ledger.abandon() {
            self.answer(piece, Err(Why::Ended(why.to_owned())));
        }
    }

    /// Sleeps until something happens, and takes what has come.
    fn wait(&mut self) {
        let timeout =
            self.next_deadline().map(|then| timespec(then.saturating_duration_since(Instant::now())));
        let mut polled = vec![PollFd::from_borrowed_fd(self.desk.bell(), PollFlags::IN)];
        for hired in &self.staff.there {
            polled.extend(hired.interest().into_iter().flatten());
        }
        polled.extend(self.staff.leavers());
        // EINTR: look around and wait again. Other errors of poll(2) mean a lack of memory, which passes or kills.
        let some = poll(&mut polled, timeout.as_ref()).is_ok_and(|ready| ready > 0);
        let ready: Vec<bool> = polled.iter().map(|fd| some && !fd.revents().is_empty()).collect();
        let mut ready = ready.into_iter();
        if ready.next() == Some(true) {
            self.desk.silence();
        }
        for hired in &mut self.staff.there {
            let [output, input, end] = hired.interest().map(|fd| fd.is_some() && ready.next() == Some(true));
            if input && hired.member.flush().is_err() {
                hired.member.kill();
            }
            if (output || end) && hired.member.fill().is_err() {
                hired.member.ended = true;
            }
            if end {
                // What it wrote before its end is still to be read; then nothing more comes, even if a child of its
                // own holds the pipe open.
                hired.member.fill_to_the_end();
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let workers = self.staff.there.iter().filter_map(|hired| {
            let ready = hired.listener.is_ready();
            let patience = if ready { self.rules.silence } else { Some(self.rules.program.how_patient()) };
            let busy = !ready || self.ledger.orders(hired.id) > 0;
            patience.filter(|_| busy).and_then(|patience| hired.since.checked_add(patience))
        });
        workers.chain(self.not_before).chain(self.staff.next_to_leave()).min()
    }

    fn answer(&mut self, piece: Piece<I, O>, outcome: Result<O, Why>) {
        Counts::add(&self.desk.counts.answered, 1);
        let Piece { input, to } = piece;
        let answer = outcome.map_err(|why| Failed { input, why });
        match to {
            To::Once(promise) => promise.keep(answer),
            To::Stream(client, index) => match self.post.iter_mut().find(|(to, _)| *to == client) {
                Some((_, batch)) => batch.push((index, answer)),
                None => self.post.push((client, vec![(index, answer)])),
            },
        }
    }

    fn send_post(&mut self) {
        for (client, batch) in self.post.drain(..) {
            if let Some(answers) = self.clients.get(&client) {
                // Whoever does not listen any more will cancel.
                let _ = answers.send(batch);
            }
        }
    }
}
