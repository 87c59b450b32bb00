//! A detector: the threads and objects it knows, and what it does about a deadlock.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, LazyLock, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Condvar, JoinHandle, Mutex, Receiver, RwLock, Sender, channel,
    graph::{Graph, State},
    local, spawn,
    world::{self, MutexGuard},
};
use crate::detector::{OrderReport, Recovery, Report};

/// The number of the process's own detector.
pub(super) const GLOBAL: u64 = 0;

/// Sees the deadlocks among the objects that were made for it. A clone is the same detector.
///
/// Detectors know nothing of each other: a cycle through the locks of two is not seen. That keeps tests that run at
/// the same time apart.
#[derive(Clone)]
pub struct Detector(Arc<Domain>);

struct Domain {
    number: u64,
    recovery: AtomicU8,
    graph: world::Mutex<Graph>,
}

impl Detector {
    /// A detector for a closed world: every thread that uses its objects **is known to it**, because it made the
    /// detector, was started with [`spawn`](Self::spawn), has called [`enter`](Self::enter), or has used one of the
    /// objects before. Only so can it know that all who could notify a condition variable, or send, are stuck.
    pub fn new(recovery: Recovery) -> Self {
        let detector = Self::make(recovery, true);
        detector.enter();
        detector
    }

    /// A detector for an open world: there may be threads of which it does not know yet. It says nothing about
    /// waits that anybody could end (see [the table](crate::detector#what-is-decided-and-what-not)); cycles of locks and
    /// joins it finds all the same.
    pub fn open(recovery: Recovery) -> Self {
        Self::make(recovery, false)
    }

    fn make(recovery: Recovery, closed: bool) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(GLOBAL + 1);
        let number = NEXT.fetch_add(1, Relaxed);
        let graph = world::Mutex::new(Graph::new(closed));
        Self(Arc::new(Domain { number, recovery: AtomicU8::new(recovery as u8), graph }))
    }

    /// The process's own, to which all belongs that is made with `Mutex::new` and its like. It is open.
    pub fn global() -> &'static Self {
        static GLOBAL_DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
            let graph = world::Mutex::new(Graph::new(false));
            let recovery = AtomicU8::new(Recovery::Report as u8);
            Detector(Arc::new(Domain { number: GLOBAL, recovery, graph }))
        });
        &GLOBAL_DETECTOR
    }

    /// From now on does this about a deadlock.
    pub fn on_deadlock(&self, recovery: Recovery) {
        self.0.recovery.store(recovery as u8, Relaxed);
    }

    /// What it does about a deadlock.
    pub fn recovery(&self) -> Recovery {
        match self.0.recovery.load(Relaxed) {
            0 => Recovery::Abort,
            1 => Recovery::Break,
            _ => Recovery::Report,
        }
    }

    /// Makes the calling thread known, as its first use of an object would.
    pub fn enter(&self) {
        local::with(|local| local.enter(self));
    }

    /// A mutex of this detector, called `name` in its reports.
    #[track_caller]
    pub fn mutex<T>(&self, name: impl Into<Cow<'static, str>>, value: T) -> Mutex<T> {
        Mutex::of(self, name.into(), value)
    }

    /// A readers-writer lock of this detector.
    #[track_caller]
    pub fn rwlock<T>(&self, name: impl Into<Cow<'static, str>>, value: T) -> RwLock<T> {
        RwLock::of(self, name.into(), value)
    }

    /// A condition variable of this detector.
    #[track_caller]
    pub fn condvar(&self, name: impl Into<Cow<'static, str>>) -> Condvar {
        Condvar::of(self, name.into())
    }

    /// A bounded channel of this detector; with a capacity of 0 sender and receiver meet.
    #[track_caller]
    pub fn channel<T>(
        &self,
        name: impl Into<Cow<'static, str>>,
        capacity: usize,
    ) -> (Sender<T>, Receiver<T>) {
        channel::make(self, name.into(), capacity)
    }

    /// Starts a thread that is known from the start. As `threading.Thread(name=..., target=...)`.
    ///
    /// # Panics
    /// When the system can start no more threads, as `std::thread::spawn` does.
    pub fn spawn<T: Send + 'static>(
        &self,
        name: impl Into<String>,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        spawn::start(self, name.into(), body)
    }

    /// The deadlocks that were found, oldest first (the last 1,000).
    pub fn reports(&self) -> Vec<Arc<Report>> {
        self.graph().reports.iter().cloned().collect()
    }

    /// The orders of locking that could deadlock, whether they did or not, oldest first (the first 1,000).
    pub fn potential(&self) -> Vec<OrderReport> {
        self.graph().order.found()
    }

    /// The threads that are asleep in one of its waits at this moment, by name.
    pub fn waiting(&self) -> Vec<String> {
        let graph = self.graph();
        let asleep = graph.threads.values().filter(|thread| matches!(thread.state, State::Blocked(_)));
        asleep.map(|thread| thread.name.to_string()).collect()
    }

    /// How many pairs of locks it remembers of which one was taken while the other was held.
    pub fn orders(&self) -> usize {
        self.graph().order.len()
    }

    /// How many locks, condition variables and channels, and how many threads it has something about in memory.
    pub fn size(&self) -> (usize, usize) {
        let graph = self.graph();
        (graph.objects.len(), graph.threads.len())
    }

    pub(super) fn domain(&self) -> u64 {
        self.0.number
    }

    /// The one lock under which all waiting is entered, judged and ended. It is held for short, and while it is
    /// held no foreign code runs.
    pub(super) fn graph(&self) -> MutexGuard<'_, Graph> {
        self.0.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn downgrade(&self) -> WeakDetector {
        WeakDetector(self.0.number, Arc::downgrade(&self.0))
    }
}

impl fmt::Debug for Detector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Detector").field("recovery", &self.recovery()).finish_non_exhaustive()
    }
}

/// What a thread keeps of the detectors that know it.
pub(super) struct WeakDetector(u64, std::sync::Weak<Domain>);

impl WeakDetector {
    pub(super) fn domain(&self) -> u64 {
        self.0
    }

    pub(super) fn is_gone(&self) -> bool {
        self.1.strong_count() == 0
    }

    pub(super) fn upgrade(&self) -> Option<Detector> {
        self.1.upgrade().map(Detector)
    }
}

/// What the process's own detector does about a deadlock; [`Recovery::Report`] unless told.
pub fn on_deadlock(recovery: Recovery) {
    Detector::global().on_deadlock(recovery);
}

/// The deadlocks that the process's own detector has found.
pub fn reports() -> Vec<Arc<Report>> {
    Detector::global().reports()
}

/// The orders of locking that could deadlock, among the process's own locks.
pub fn potential() -> Vec<OrderReport> {
    Detector::global().potential()
}
