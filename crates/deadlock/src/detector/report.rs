//! A deadlock that was found: who is stuck, what each holds, and what it waits for.

use std::{
    error, fmt,
    time::{Duration, Instant},
};

use super::{Object, Place, place::line};

/// A deadlock. Its `Display` is the picture for a terminal, [`svg`](Self::svg) the one for a page.
#[derive(Clone, Debug)]
pub struct Report {
    threads: Vec<Stuck>,
    latency: Duration,
}

/// A thread that can never go on.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// Its name; a thread without one is called `unnamed-` and a number.
    pub thread: String,
    /// The locks it holds, the first taken first.
    pub holds: Vec<Held>,
    /// What it waits for; `None` for a thread that has ended and took the locks with it.
    pub waits: Option<Waiting>,
}

/// A lock that is held.
#[derive(Clone, Debug)]
pub struct Held {
    /// The lock.
    pub object: Object,
    /// Held as one of several readers.
    pub shared: bool,
    /// The line that took it.
    pub since: Place,
}

/// What a thread waits for.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What it would do.
    pub action: Action,
    /// With which object; `None` for a join.
    pub object: Option<Object>,
    /// The line that waits.
    pub place: Place,
    /// Whose move it would be: indices into [`Report::threads`].
    pub on: Vec<usize>,
}

/// What a stuck thread would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lock a mutex.
    Lock,
    /// Lock for reading.
    Read,
    /// Lock for writing.
    Write,
    /// Be notified through a condition variable.
    Notify,
    /// Send into a channel that is full.
    Send,
    /// Receive from a channel that is empty.
    Receive,
    /// Join another thread.
    Join,
}

impl Report {
    /// `since`: when the last of the threads turned to waiting.
    pub(super) fn new(threads: Vec<Stuck>, since: Instant) -> Self {
        Self { threads, latency: since.elapsed() }
    }

    /// The threads, first the one whose wait was judged. In a cycle each waits for the next and the last for the
    /// first.
    pub fn threads(&self) -> &[Stuck] {
        &self.threads
    }

    /// How long it took from the moment in which the first thread turned to waiting to this report. Where that
    /// thread closed the deadlock (all cycles of locks and joins) this is how fast it was found; where it had been
    /// waiting and another one's end made it stuck, its wait is in it.
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// Whether each thread waits for the next, and the last for the first. Never so with a condition variable: it
    /// does not say who should notify.
    pub fn is_cycle(&self) -> bool {
        let count = self.threads.len();
        if self.is_asleep() {
            return false;
        }
        let next = |at: usize| (at + 1) % count;
        self.threads
            .iter()
            .enumerate()
            .all(|(at, stuck)| stuck.waits.as_ref().is_some_and(|waits| waits.on == [next(at)]))
    }

    /// Whether one of them sleeps on a condition variable.
    fn is_asleep(&self) -> bool {
        let sleeps = |waits: &Waiting| waits.action == Action::Notify;
        self.threads.iter().filter_map(|stuck| stuck.waits.as_ref()).any(sleeps)
    }

    /// What kind of deadlock it is, in one line.
    pub fn verdict(&self) -> String {
        let count = self.threads.len();
        let ended = self.threads.iter().find(|stuck| stuck.waits.is_none());
        if let Some(ended) = ended {
            format!("deadlock: {} has ended and never gives back what it holds", ended.thread)
        } else if self.is_cycle() && count == 1 {
            format!("deadlock: {} waits for itself", self.threads[0].thread)
        } else if self.is_cycle() {
            format!("deadlock: {count} threads wait for each other in a cycle")
        } else if self.is_asleep() {
            "deadlock: all asleep, and nobody is left who could notify".to_owned()
        } else if count == 1 {
            format!("deadlock: nobody is left whom {} could wait for", self.threads[0].thread)
        } else {
            format!("deadlock: {count} threads wait for each other, and nobody else could help")
        }
    }
}

impl error::Error for Report {}

impl Stuck {
    pub(super) fn new(thread: String, holds: Vec<Held>, waits: Option<Waiting>) -> Self {
        Self { thread, holds, waits }
    }
}

impl Held {
    pub(super) fn new(object: Object, shared: bool, since: Place) -> Self {
        Self { object, shared, since }
    }
}

/// `holds a since src/main.rs:12`.
impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.shared { "reads" } else { "holds" };
        write!(out, "{how} {} since {}", self.object, line(self.since))
    }
}

impl Waiting {
    pub(super) fn new(action: Action, object: Option<Object>, place: Place, on: Vec<usize>) -> Self {
        Self { action, object, place, on }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Action::Lock => "lock",
            Action::Read => "read",
            Action::Write => "write",
            Action::Notify => "be notified through",
            Action::Send => "send into",
            Action::Receive => "receive from",
            Action::Join => "join",
        })
    }
}
