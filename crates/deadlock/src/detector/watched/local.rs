//! What each thread knows of itself: its number, the locks it holds, and which orders it has told already.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Detector,
    domain::WeakDetector,
    graph::Hold,
    held::Stack,
    identity::Identity,
    world::{thread, thread_local},
};

thread_local! {
    static LOCAL: Local = Local::new(next_number());
}

/// How many orders of locking a thread remembers having told: 4 KiB. What it forgets it tells again, at the
/// price of a visit to the graph.
const REMEMBERED: usize = 512;

/// A thread's own view of itself. Nobody else reads it, so the fast path writes here without atomics; what others
/// have to see of it (which locks it holds) it shows before it blocks.
pub(super) struct Local {
    number: Cell<u64>,
    /// The locks it holds.
    pub(super) held: Stack,
    /// The orders it has told.
    told: RefCell<Vec<u64>>,
    /// The detectors that know this thread, and the one of them that was asked for last.
    known_to: RefCell<Vec<WeakDetector>>,
    last: Cell<u64>,
    name: RefCell<Option<Arc<str>>>,
}

/// Runs `body` with the calling thread's own view.
///
/// # Panics
/// In a destructor of a thread-local variable that runs after this one's.
pub(super) fn with<R>(body: impl FnOnce(&Local) -> R) -> R {
    LOCAL.with(body)
}

/// As [`with`], or nothing when the thread is at its very end.
pub(super) fn try_with(body: impl FnOnce(&Local)) {
    // Then the thread has told its detectors that it ended; there is nothing left to keep.
    let _ = LOCAL.try_with(body);
}

/// What `body` says, or no when the thread is at its very end.
#[inline]
pub(super) fn ask(body: impl FnOnce(&Local) -> bool) -> bool {
    LOCAL.try_with(body).unwrap_or(false)
}

pub(super) fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

impl Local {
    fn new(number: u64) -> Self {
        Self {
            number: Cell::new(number),
            held: Stack::default(),
            told: RefCell::default(),
            known_to: RefCell::default(),
            last: Cell::new(u64::MAX),
            name: RefCell::default(),
        }
    }

    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.number.get()
    }

    /// Makes this thread known to the object's detector.
    #[inline]
    pub(super) fn meet(&self, identity: &Identity) {
        if !self.has_met(identity) {
            self.enter(identity.detector());
        }
    }

    #[inline]
    pub(super) fn has_met(&self, identity: &Identity) -> bool {
        self.last.get() == identity.domain()
    }

    #[cold]
    pub(super) fn enter(&self, detector: &Detector) {
        let domain = detector.domain();
        self.last.set(domain);
        let mut known_to = self.known_to.borrow_mut();
        if known_to.iter().any(|known| known.domain() == domain) {
            return;
        }
        known_to.retain(|known| !known.is_gone());
        known_to.push(detector.downgrade());
        let name = self.name.borrow().clone().unwrap_or_else(|| own_name(self.number()));
        detector.graph().enter(self.number(), name);
    }

    /// Tells the graph, once, in which order locks are taken: that `wanted` is wanted while others are held.
    pub(super) fn tell_order(&self, identity: &Identity, wanted: Hold) {
        if !self.has_told(wanted) {
            self.tell(identity, wanted);
        }
    }

    /// Whether the graph knows that `wanted` is taken while those are held that are.
    #[inline]
    pub(super) fn has_told(&self, wanted: Hold) -> bool {
        self.held.is_empty() || self.remembers(wanted.lock, wanted.shared)
    }

    fn remembers(&self, lock: u64, shared: bool) -> bool {
        let key = self.held.path_to(lock, shared);
        self.told.borrow().get(slot(key)) == Some(&key)
    }

    #[cold]
    fn tell(&self, identity: &Identity, wanted: Hold) {
        identity.detector().graph().note_order(self.number(), &self.held.all(), wanted);
        let key = self.held.path_to(wanted.lock, wanted.shared);
        let mut told = self.told.borrow_mut();
        told.resize(REMEMBERED, 0);
        told[slot(key)] = key;
    }

    /// Tells all detectors that this thread has ended, and what it took with it.
    pub(super) fn end(&self) {
        let holds = self.held.all();
        self.last.set(u64::MAX);
        for detector in self.known_to.take().iter().filter_map(WeakDetector::upgrade) {
            detector.ended(self.number(), &holds);
        }
    }

    /// The calling thread takes over the number under which whoever started it has entered it. Its first act.
    pub(super) fn begin(&self, number: u64, name: Arc<str>, detector: &Detector) {
        self.number.set(number);
        *self.name.borrow_mut() = Some(name);
        self.known_to.borrow_mut().push(detector.downgrade());
        self.last.set(detector.domain());
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.end();
    }
}

fn slot(key: u64) -> usize {
    (key >> 32) as usize % REMEMBERED
}

fn own_name(number: u64) -> Arc<str> {
    match thread::current().name() {
        Some(name) => name.into(),
        None => format!("unnamed-{number}").into(),
    }
}
