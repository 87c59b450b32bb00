//! The wait-for graph: who waits for what, and who has it. All of it stands under the detector's one lock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use super::{object::Object, order::Order, world::Condvar};
use crate::detector::{Place, Report};

/// How many reports are kept.
const KEPT: usize = 1_000;

/// Ordered maps, so that the same program under the same schedule gives the same report.
pub(super) struct Graph {
    pub(super) threads: BTreeMap<u64, Thread>,
    pub(super) objects: BTreeMap<u64, Object>,
    pub(super) order: Order,
    pub(super) reports: VecDeque<Arc<Report>>,
    /// Those that are still to be printed.
    pub(super) untold: Vec<Arc<Report>>,
    /// Whether all threads are known.
    pub(super) closed: bool,
}

/// A lock that is held, and since which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) lock: u64,
    /// Held as a reader.
    pub(super) shared: bool,
    pub(super) place: Place,
}

pub(super) struct Thread {
    pub(super) name: Arc<str>,
    pub(super) state: State,
    /// What it held when it blocked or ended; while it runs this is old.
    pub(super) held: Vec<Hold>,
    pub(super) wake: Arc<Condvar>,
    /// Left here for a blocked thread that is woken because its deadlock is broken.
    pub(super) verdict: Option<Arc<Report>>,
    /// That it is stuck has been reported.
    pub(super) reported: bool,
}

pub(super) enum State {
    /// It can go on.
    Running,
    /// It sleeps until somebody ends its wait.
    Blocked(Wait),
    /// It has ended and can give back nothing that it still holds.
    Ended,
}

#[derive(Clone, Copy)]
pub(super) struct Wait {
    pub(super) on: On,
    pub(super) place: Place,
    /// When the thread turned to the slow path.
    pub(super) since: Instant,
    /// It will go on by itself, so it is stuck in no case.
    pub(super) timed: bool,
}

/// What a blocked thread waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum On {
    Lock(u64),
    Read(u64),
    Write(u64),
    Notify(u64),
    Send(u64),
    Receive(u64),
    Join(u64),
}

impl Thread {
    pub(super) fn is_running(&self) -> bool {
        match &self.state {
            State::Running => true,
            State::Blocked(wait) => wait.timed,
            State::Ended => false,
        }
    }
}

impl Graph {
    pub(super) fn new(closed: bool) -> Self {
        Self {
            threads: BTreeMap::new(),
            objects: BTreeMap::new(),
            order: Order::default(),
            reports: VecDeque::new(),
            untold: Vec::new(),
            closed,
        }
    }

    pub(super) fn enter(&mut self, thread: u64, name: Arc<str>) {
        self.threads.entry(thread).or_insert_with(|| Thread {
            name,
            state: State::Running,
            held: Vec::new(),
            wake: Arc::new(Condvar::new()),
            verdict: None,
            reported: false,
        });
    }

    pub(super) fn is_alive(&self, thread: u64) -> bool {
        self.threads.get(&thread).is_some_and(|thread| !matches!(thread.state, State::Ended))
    }

    /// The object `number`, which its user keeps alive.
    pub(super) fn object(&mut self, number: u64) -> &mut Object {
        self.objects.get_mut(&number).expect("an object in use is in the graph")
    }

    /// Ends the wait of `thread`.
    pub(super) fn wake(&mut self, thread: u64) {
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.state = State::Running;
            thread.reported = false;
            thread.wake.notify_one();
        }
    }

    /// Wakes `thread` to tell it that it was part of a deadlock.
    pub(super) fn condemn(&mut self, thread: u64, report: Arc<Report>) {
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.verdict = Some(report);
        }
        self.wake(thread);
    }

    pub(super) fn mark_reported(&mut self, threads: &[u64]) {
        for number in threads {
            if let Some(thread) = self.threads.get_mut(number) {
                thread.reported = true;
            }
        }
    }

    /// Nobody can use the object any more: it is gone, and so are its orders.
    pub(super) fn forget(&mut self, number: u64) {
        self.objects.remove(&number);
        self.order.forget(number);
        // A thread that ended while it held this lock is remembered for the lock's sake only.
        self.threads.retain(|_, thread| {
            if !matches!(thread.state, State::Ended) {
                return true;
            }
            thread.held.retain(|hold| hold.lock != number);
            !thread.held.is_empty()
        });
    }

    pub(super) fn keep(&mut self, report: &Arc<Report>) {
        if self.reports.len() == KEPT {
            self.reports.pop_front();
        }
        self.reports.push_back(Arc::clone(report));
    }
}
