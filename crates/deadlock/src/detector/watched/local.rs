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
    held: RefCell<Vec<Held>>,
    told: RefCell<Vec<u64>>,
    /// The detectors that know this thread, and the one of them that was asked for last.
    known_to: RefCell<Vec<WeakDetector>>,
    last: Cell<u64>,
    name: RefCell<Option<Arc<str>>>,
}

struct Held {
    hold: Hold,
    /// Stands for this lock and all those below it.
    path: u64,
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

pub(super) fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

impl Local {
    fn new(number: u64) -> Self {
        Self {
            number: Cell::new(number),
            held: RefCell::default(),
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
        if self.last.get() != identity.domain() {
            self.enter(identity.detector());
        }
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
    #[inline]
    pub(super) fn tell_order(&self, identity: &Identity, wanted: Hold) {
        let held = self.held.borrow();
        let Some(top) = held.last() else { return };
        let key = joined(top.path, wanted);
        let slot = (key >> 32) as usize % REMEMBERED;
        if self.told.borrow().get(slot) != Some(&key) {
            self.tell(identity, &held, wanted, slot, key);
        }
    }

    #[cold]
    fn tell(&self, identity: &Identity, held: &[Held], wanted: Hold, slot: usize, key: u64) {
        let holds: Vec<Hold> = held.iter().map(|held| held.hold).collect();
        identity.detector().graph().note_order(self.number(), &holds, wanted);
        let mut told = self.told.borrow_mut();
        told.resize(REMEMBERED, 0);
        told[slot] = key;
    }

    #[inline]
    pub(super) fn push(&self, hold: Hold) {
        let mut held = self.held.borrow_mut();
        let below = held.last().map_or(0, |top| top.path);
        held.push(Held { hold, path: joined(below, hold) });
    }

    /// Takes the last hold of the lock `number` away.
    #[inline]
    pub(super) fn pop(&self, number: u64) {
        let mut held = self.held.borrow_mut();
        if held.last().is_some_and(|top| top.hold.lock == number) {
            held.pop();
        } else {
            remove_below(&mut held, number);
        }
    }

    /// For the others to see, before this thread blocks.
    pub(super) fn holds(&self) -> Vec<Hold> {
        self.held.borrow().iter().map(|held| held.hold).collect()
    }

    /// Tells all detectors that this thread has ended, and what it took with it.
    pub(super) fn end(&self) {
        let holds = self.holds();
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

#[cold]
fn remove_below(held: &mut Vec<Held>, number: u64) {
    let Some(at) = held.iter().rposition(|held| held.hold.lock == number) else { return };
    held.remove(at);
    for at in at..held.len() {
        let below = if at == 0 { 0 } else { held[at - 1].path };
        held[at].path = joined(below, held[at].hold);
    }
}

/// One step of the hash FxHash uses. Two different ways to hold up to two locks meet in the same number only if they
/// agree in some 40 chosen bits; the price would be an order that is not told.
fn joined(path: u64, hold: Hold) -> u64 {
    (path.rotate_left(5) ^ (hold.lock << 1 | u64::from(hold.shared))).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn own_name(number: u64) -> Arc<str> {
    match thread::current().name() {
        Some(name) => name.into(),
        None => format!("unnamed-{number}").into(),
    }
}
