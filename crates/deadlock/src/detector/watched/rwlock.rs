//! A readers-writer lock that knows its readers. Served in the order of arrival: a reader waits behind a writer.
//!
//! So does std's on most systems, and so a thread that reads twice can deadlock with a writer that came between. All
//! of its state stands in the graph: each operation takes the detector's lock.

use std::{
    borrow::Cow,
    cell::UnsafeCell,
    fmt,
    panic::Location,
    sync::{
        Arc, LockResult, PoisonError, TryLockError, TryLockResult,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::{
    Detector, RwLockReadGuard, RwLockWriteGuard,
    block::{Blocking, Woken},
    graph::{Graph, Hold, On},
    identity::Identity,
    local,
    object::{Holder, Object},
};
use crate::detector::{Kind, LockError, Place, Report};

/// As `std::sync::RwLock`, and says so when to wait would be for ever.
pub struct RwLock<T: ?Sized> {
    identity: Identity,
    pub(super) poisoned: AtomicBool,
    pub(super) value: UnsafeCell<T>,
}

// SAFETY: the value moves between threads with the writer, and is seen by many with the readers.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
impl<T> RwLock<T> {
    /// A free lock of the process's own detector.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self::with(Identity::global(Kind::RwLock, Cow::Borrowed(""), Location::caller()), value)
    }

    /// A free lock of the process's own detector; reports call it `name`.
    #[track_caller]
    pub fn named(name: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self::with(Identity::global(Kind::RwLock, name.into(), Location::caller()), value)
    }

    #[track_caller]
    pub(super) fn of(detector: &Detector, name: Cow<'static, str>, value: T) -> Self {
        Self::with(Identity::of(detector, Kind::RwLock, name, Location::caller()), value)
    }

    const fn with(identity: Identity, value: T) -> Self {
        Self { identity, poisoned: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value.
    ///
    /// # Errors
    /// When a writer panicked; the error has the value.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        let value = self.value.into_inner();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until no writer has it or waits before this thread, and becomes one of its readers.
    ///
    /// # Errors
    /// As [`Mutex::lock`](super::Mutex::lock).
    #[track_caller]
    pub fn read(&self) -> Result<RwLockReadGuard<'_, T>, LockError<RwLockReadGuard<'_, T>>> {
        self.acquire(true, Location::caller()).map_err(LockError::WouldDeadlock)?;
        Ok(self.read_guard()?)
    }

    /// Waits until nobody has it or waits before this thread, and becomes its writer.
    ///
    /// # Errors
    /// As [`Mutex::lock`](super::Mutex::lock).
    #[track_caller]
    pub fn write(&self) -> Result<RwLockWriteGuard<'_, T>, LockError<RwLockWriteGuard<'_, T>>> {
        self.acquire(false, Location::caller()).map_err(LockError::WouldDeadlock)?;
        Ok(self.write_guard()?)
    }

    /// Becomes a reader if that needs no waiting.
    ///
    /// # Errors
    /// As std's.
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        let taken = self.take_at_once(true, Location::caller());
        if taken { Ok(self.read_guard()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// Becomes the writer if that needs no waiting.
    ///
    /// # Errors
    /// As std's.
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        let taken = self.take_at_once(false, Location::caller());
        if taken { Ok(self.write_guard()?) } else { Err(TryLockError::WouldBlock) }
    }

    /// The value, without locking: nobody else can have it.
    ///
    /// # Errors
    /// When a writer panicked; the error has the value.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        let value = self.value.get_mut();
        if poisoned { Err(PoisonError::new(value)) } else { Ok(value) }
    }

    /// Whether a writer panicked.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Relaxed)
    }

    /// The value is whole again.
    pub fn clear_poison(&self) {
        self.poisoned.store(false, Relaxed);
    }

    fn read_guard(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let guard = RwLockReadGuard::new(self);
        if self.is_poisoned() { Err(PoisonError::new(guard)) } else { Ok(guard) }
    }

    fn write_guard(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let guard = RwLockWriteGuard::new(self);
        if self.is_poisoned() { Err(PoisonError::new(guard)) } else { Ok(guard) }
    }

    fn take_at_once(&self, shared: bool, place: Place) -> bool {
        local::with(|local| {
            local.meet(&self.identity);
            let hold = Hold { lock: self.identity.number(), shared, place };
            let me = Holder { thread: local.number(), shared };
            let taken = admit(self.identity.detector().graph().object(hold.lock), me);
            if taken {
                local.held.push(hold);
            }
            taken
        })
    }

    /// Takes the lock; waits in the queue if need be.
    fn acquire(&self, shared: bool, place: Place) -> Result<(), Arc<Report>> {
        local::with(|local| {
            local.meet(&self.identity);
            let number = self.identity.number();
            let hold = Hold { lock: number, shared, place };
            local.tell_order(&self.identity, hold);
            let detector = self.identity.detector();
            let mut graph = detector.graph();
            let me = local.number();
            let on = if shared { On::Read(number) } else { On::Write(number) };
            if !admit(graph.object(number), Holder { thread: me, shared }) {
                graph.object(number).queue.push_back((me, on));
                let (mut graph, woken) = detector.block(graph, local, on, Blocking::new(place, None));
                // Who is no longer in the queue was admitted, whatever else happened.
                if let Woken::Deadlock(report) = woken
                    && graph.object(number).leave(me)
                {
                    // It may have stood in the way of others behind it.
                    admit_waiting(&mut graph, number);
                    return Err(report);
                }
            }
            local.held.push(hold);
            Ok(())
        })
    }

    /// `thread` gives it back.
    pub(super) fn release(&self, thread: u64) {
        let number = self.identity.number();
        local::try_with(|local| local.held.pop(number));
        let mut graph = self.identity.detector().graph();
        graph.object(number).release(thread);
        admit_waiting(&mut graph, number);
    }
}

/// Takes the lock if nobody excludes that and nobody has come before.
fn admit(object: &mut Object, holder: Holder) -> bool {
    let excluded = object.holders.iter().any(|other| !(holder.shared && other.shared));
    let admitted = !excluded && object.queue.is_empty();
    if admitted {
        object.holders.push(holder);
    }
    admitted
}

/// Lets in those at the head of the queue: one writer, or all readers up to the next writer.
fn admit_waiting(graph: &mut Graph, number: u64) {
    loop {
        let object = graph.object(number);
        let Some((thread, on)) = object.queue.pop_front() else { return };
        let rest = std::mem::take(&mut object.queue);
        let admitted = admit(object, Holder { thread, shared: matches!(on, On::Read(_)) });
        object.queue = rest;
        if !admitted {
            object.queue.push_front((thread, on));
            return;
        }
        graph.wake(thread);
    }
}

impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RwLock").finish_non_exhaustive()
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::named("", T::default())
    }
}
