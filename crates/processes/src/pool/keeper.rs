//! The pool's own thread: it starts the workers, hands out pieces, takes answers, and replaces who dies.
//!
//! One thread that polls, as in [`Crew`](crate::Crew): no lock around the books, and nothing blocks. It lives as long
//! as the pool, and starts every worker itself: on Linux a worker dies with the *thread* that started it (prctl(2),
//! PR_SET_PDEATHSIG), and callers' threads come and go.

use std::{
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
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
    listener::{Broken, Said},
    pending::Promise,
    report::Counts,
    results::Batch,
    rules::{Chunk, Rules, in_words},
    staff::Staff,
    words::{Answers, LONG, Told, append},
};
use crate::{child::timespec, frame, mechanisms::process_dynamic};

/// So many orders at most are with a worker at once: tiny ones, so that it need not wait for the next.
const DEEP: u128 = 16;

/// Orders that are with a worker should take it about so long.
const QUEUED: Duration = Duration::from_micros(500);

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

/// The thread: says first whether all workers could be started.
pub(super) fn run<I: Sendable, O: Sendable>(
    desk: Arc<Desk<I, O>>,
    rules: Rules,
    started: &SyncSender<Result<(), PoolError>>,
) {
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
        self.give_up_all(&why);
        self.broken = Some(why);
        self.staff.end(How::Kill, &self.desk);
    }

    fn give_up_all(&mut self, why: &str) {
        for piece in self.ledger.abandon() {
            self.answer(piece, Err(Why::Ended(why.to_owned())));
        }
    }

    /// One order to each, then a second one, and so on, as long as that makes sense.
    fn hand_out(&mut self) {
        let mut handed = true;
        while handed {
            handed = false;
            for at in 0..self.staff.there.len() {
                let waiting = self.ledger.waiting();
                let hired = &mut self.staff.there[at];
                if waiting == 0 || hired.left == 0 || !hired.listener.is_ready() {
                    continue;
                }
                let orders = self.ledger.orders(hired.id);
                // Near the end one is enough: a piece in the queue of one is a piece that another, idle, could do.
                let deep = QUEUED.as_nanos() / hired.took.as_nanos().max(1);
                let deep = if waiting > 2 * self.rules.workers { deep.clamp(2, DEEP) as usize } else { 1 };
                if orders >= deep {
                    continue;
                }
                let most = match self.rules.chunk {
                    Chunk::Given(pieces) => pieces,
                    Chunk::Measured => hired.wish.min(waiting / (4 * self.rules.workers)).max(1),
                };
                let (mut body, mut count) = (Vec::new(), 0);
                let number = self.ledger.hand(hired.id, most.min(hired.left), |piece| {
                    write_input(&piece.input, &mut body);
                    count += 1;
                    body.len() < LONG
                });
                let Some(number) = number else { continue };
                if orders == 0 {
                    hired.since = Instant::now();
                }
                hired.left -= count;
                handed = true;
                let mut payload = Vec::with_capacity(body.len() + 16);
                let framed = append(&(number, count), &mut payload).and_then(|()| {
                    payload.append(&mut body);
                    frame::of_payload(&payload)
                });
                match framed {
                    Ok(frame) => hired.member.queue(&frame),
                    // Not reached: one input leaves room in a frame, see `append`. The worker is lost, the piece not.
                    Err(_) => hired.member.kill(),
                }
            }
        }
        for hired in &mut self.staff.there {
            // A pipe that cannot be written to is that of a worker that is ending, and its end will be seen.
            if hired.member.flush().is_err() {
                hired.member.kill();
            }
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

    /// Takes what workers have said.
    fn hear(&mut self) {
        for at in (0..self.staff.there.len()).rev() {
            let broken = loop {
                let hired = &mut self.staff.there[at];
                match hired.listener.next(&mut hired.member.inbox) {
                    Ok(Some(Said::Ready)) => {
                        self.stillborn = 0;
                        hired.since = Instant::now();
                    }
                    Ok(Some(Said::Answers(answers))) => {
                        if let Err(error) = self.take_answers(at, answers) {
                            break Some(Broken::Protocol(error));
                        }
                    }
                    Ok(None) => break None,
                    Err(broken) => break Some(broken),
                }
            };
            match broken {
                Some(Broken::Protocol(why)) => {
                    self.lose(at, Some(format!("does not keep to the protocol: {why}")))
                }
                // It would be the same with the next one.
                Some(why @ (Broken::Refused(_) | Broken::Start(_))) => {
                    return self.break_down(why.to_string());
                }
                None if self.staff.there[at].member.ended => self.lose(at, None),
                None => {}
            }
            if self.broken.is_some() {
                return;
            }
        }
    }

    fn take_answers(&mut self, at: usize, answers: Answers<O>) -> Result<(), String> {
        let hired = &mut self.staff.there[at];
        let Answers { order, nanoseconds, outcomes } = answers;
        let count = outcomes.len();
        let pieces = self.ledger.answered(hired.id, order, count).map_err(|error| error.to_string())?;
        hired.since = Instant::now();
        hired.took = Duration::from_nanos(nanoseconds);
        hired.wish = process_dynamic::next_count(count, hired.took, Duration::ZERO);
        for (piece, outcome) in pieces.into_iter().zip(outcomes) {
            self.answer(piece, outcome.map_err(why));
        }
        Ok(())
    }

    /// Ends those that have been at one piece, or at their start, for too long.
    fn end_late(&mut self) {
        for at in (0..self.staff.there.len()).rev() {
            let Some(hired) = self.staff.there.get(at) else { continue };
            let silent = hired.since.elapsed();
            if !hired.listener.is_ready() {
                let patience = self.rules.program.how_patient();
                if silent >= patience {
                    let hint = "is `processes::worker::enter` the first line of its main?";
                    self.lose(at, Some(format!("not ready within {patience:?} of its start: {hint}")));
                }
            } else if let Some(limit) = self.rules.silence
                && silent >= limit
                && self.ledger.orders(hired.id) > 0
            {
                Counts::add(&self.desk.counts.late, 1);
                self.lose(at, Some(format!("did not answer within {limit:?} and was killed")));
            }
        }
    }

    /// A worker is gone, or must go: its pieces go back, and those that were tried often enough are given up.
    fn lose(&mut self, at: usize, why: Option<String>) {
        let (hired, how) = self.staff.bury(at, &self.desk);
        let how = why.map_or(how, |why| format!("process {} {why}", hired.member.pid()));
        for poison in self.ledger.died(hired.id, &how) {
            self.answer(poison.what, Err(Why::Poison { deaths: poison.deaths }));
        }
        if !hired.listener.is_ready() {
            self.stillborn(format!("{how}, before it was ready: is its main's first line `worker::enter`?"));
        }
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

/// An input, or in its place why it cannot be sent.
fn write_input<I: Sendable>(input: &I, body: &mut Vec<u8>) {
    let before = body.len();
    // A `Serialize` that panics must not end the pool. Unwind safety: what it has written is taken back.
    let written = panic::catch_unwind(AssertUnwindSafe(|| append(&Ok::<_, String>(input), body)));
    let why = match written {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "makes encoding panic".to_owned(),
    };
    body.truncate(before);
    // A text of this length always has room.
    let _ = append(&Err::<I, _>(why), body);
}

fn why(told: Told) -> Why {
    match told {
        Told::Error { message, backtrace } => Why::Error { message, backtrace },
        Told::Panic { message, backtrace } => Why::Panicked { message, backtrace },
        Told::Input(why) => Why::Input(why),
        Told::Output(why) => Why::Output(why),
    }
}
