//! A global interpreter lock that works as CPython's does: one thread holds it, a waiter may *ask* for it after an
//! interval, and the holder looks whether it was asked only at its checkpoints.
//!
//! So the interval is no time slice. It is how long a waiter is polite before it asks, and from then on it depends on
//! the holder: who has no checkpoint (a long call into native code) is never taken off.
//!
//! A mutex and a condition variable would do to exclude each other. They are not enough to *share*: a holder that
//! drops the lock and takes it again is always faster than a waiter that has to be woken up, so the waiter would be
//! passed over, again and again. Hence **forced switching**: who gives way sleeps until another has really taken the
//! lock.

use std::{fmt, marker::PhantomData, sync::Arc, sync::PoisonError, time::Duration};

use crate::observer::{Event, Observer};
use model::{
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Deadline,
};

/// How long a waiter waits before it asks, unless told otherwise: Python's `sys.getswitchinterval()`.
pub const INTERVAL: Duration = Duration::from_millis(5);
/// Shorter intervals are taken as this one.
pub const SHORTEST_INTERVAL: Duration = Duration::from_micros(1);

/// The lock. Python has one a process, or since 3.12 one an interpreter.
pub struct Gil {
    state: Mutex<State>,
    /// Waiters sleep here until the lock is free, for one interval at most.
    freed: Condvar,
    /// Who gave way sleeps here until another has taken the lock.
    taken: Condvar,
    /// Set by a waiter, looked at by the holder at each checkpoint, cleared by the next to take the lock.
    drop_request: AtomicBool,
    forced_switching: bool,
    observer: Option<Arc<dyn Observer>>,
}

struct State {
    locked: bool,
    /// Who holds the lock, or held it last.
    last_holder: Option<usize>,
    /// How often the lock went from one thread to another.
    switch_number: u64,
    interval: Duration,
    /// How many threads wait for the lock.
    waiting: usize,
    /// How many gave way and have not yet seen another take the lock.
    giving_way: usize,
    /// How many have ever attached: the next one's number.
    attached: usize,
}

impl Default for Gil {
    fn default() -> Self {
        Self::new(INTERVAL)
    }
}

impl Gil {
    /// A lock nobody holds, whose waiters ask after `interval` ([`SHORTEST_INTERVAL`] at least).
    pub fn new(interval: Duration) -> Self {
        let state = State {
            locked: false,
            last_holder: None,
            switch_number: 0,
            interval: interval.max(SHORTEST_INTERVAL),
            waiting: 0,
            giving_way: 0,
            attached: 0,
        };
        Self {
            state: Mutex::new(state),
            freed: Condvar::new(),
            taken: Condvar::new(),
            drop_request: AtomicBool::new(false),
            forced_switching: true,
            observer: None,
        }
    }

    /// Whether a holder that was asked waits until another has taken the lock (it does, unless told otherwise).
    pub fn forced_switching(mut self, forced: bool) -> Self {
        self.forced_switching = forced;
        self
    }

    /// From now on `observer` sees what happens.
    pub fn observed(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Makes the calling thread one of the interpreter's, with a number of its own, and takes the lock; the thread
    /// leaves when the guard is dropped. A thread that attaches while it is attached waits for itself, for ever.
    ///
    /// In Python's C API: `PyGILState_Ensure` and `PyGILState_Release`.
    pub fn attach(&self) -> Held<'_> {
        let mut state = self.lock();
        let thread = state.attached;
        state.attached += 1;
        self.take(thread, state);
        Held { gil: self, thread, this_thread: PhantomData }
    }

    /// How often the lock went from one thread to another; the first taking counts.
    pub fn switch_number(&self) -> u64 {
        self.lock().switch_number
    }

    /// How many threads wait for the lock at this moment.
    pub fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// How long a waiter waits before it asks.
    pub fn interval(&self) -> Duration {
        self.lock().interval
    }

    /// Changes it, for all that begin to wait from now on: `sys.setswitchinterval`.
    pub fn set_interval(&self, interval: Duration) {
        self.lock().interval = interval.max(SHORTEST_INTERVAL);
    }

    fn take<'a>(&'a self, thread: usize, mut state: MutexGuard<'a, State>) {
        if state.locked {
            state = self.wait_until_free(thread, state);
        }
        state.locked = true;
        // It was the last holder who was asked. Relaxed, here and wherever the request is used: it is only a hint
        // to come and look; what the threads do to each other's data is ordered by the mutex.
        self.drop_request.store(false, Relaxed);
        if state.last_holder != Some(thread) {
            state.last_holder = Some(thread);
            state.switch_number += 1;
        }
        self.tell(thread, Event::Takes);
        if state.giving_way > 0 {
            drop(state);
            self.taken.notify_all();
        }
    }

    #[cold]
    fn wait_until_free<'a>(
        &'a self,
        thread: usize,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        state.waiting += 1;
        self.tell(thread, Event::Waits);
        while state.locked {
            let seen = state.switch_number;
            let interval_over;
            (state, interval_over) = Deadline::after(state.interval).wait(&self.freed, state);
            // If there was a switch meanwhile, the new holder has not had its interval.
            if interval_over && state.locked && state.switch_number == seen {
                if !self.drop_request.swap(true, Relaxed) {
                    self.tell(thread, Event::Asks);
                } else {
                    // Asked already. A checker's clock stands still at its end: without this the loop would keep
                    // the mutex for ever there.
                    drop(state);
                    thread::yield_now();
                    state = self.lock();
                }
            }
        }
        state.waiting -= 1;
        state
    }

    fn release(&self, thread: usize, why: Event) {
        let mut state = self.lock();
        state.locked = false;
        self.tell(thread, why);
        let waiting = state.waiting;
        drop(state);
        // A notice is a system call, whether or not anybody sleeps.
        if waiting > 0 {
            self.freed.notify_one();
        }
    }

    // ANCHOR: give_way
    #[cold]
    fn give_way(&self, thread: usize) -> bool {
        let mut state = self.lock();
        if state.waiting == 0 {
            return false;
        }
        state.locked = false;
        self.tell(thread, Event::GivesWay);
        self.freed.notify_one();
        if self.forced_switching {
            // Who waits cannot leave without taking the lock, so this ends. To compare numbers, and not only to
            // sleep until notified, is what keeps a wake-up from being lost: another may have taken the lock, and
            // notified, before this thread is asleep.
            let mine = state.switch_number;
            state.giving_way += 1;
            while state.switch_number == mine {
                state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.giving_way -= 1;
        } else {
            drop(state);
            state = self.lock();
        }
        self.take(thread, state);
        true
    }
    // ANCHOR_END: give_way

    /// A poisoned mutex is used on: no step in between leaves the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, thread: usize, event: Event) {
        if let Some(observer) = &self.observer {
            observer.see(thread, event);
        }
    }
}

/// The calling thread holds the lock, and stays with it: the guard cannot be sent to another thread.
pub struct Held<'a> {
    gil: &'a Gil,
    thread: usize,
    this_thread: PhantomData<*const ()>,
}

impl Held<'_> {
    /// Gives way if asked, and returns when the lock is held again; whether it was asked.
    ///
    /// If not, it costs one load of a variable that hardly ever changes.
    #[inline]
    pub fn checkpoint(&mut self) -> bool {
        self.gil.drop_request.load(Relaxed) && self.gil.give_way(self.thread)
    }

    /// As a checkpoint at which somebody has asked; `false`, and nothing happens, if nobody waits.
    pub fn give_way(&mut self) -> bool {
        self.gil.give_way(self.thread)
    }

    /// Does `work` without the lock and takes it again, also after a panic: `Py_BEGIN_ALLOW_THREADS` and
    /// `Py_END_ALLOW_THREADS` of Python's C API, which stand around every call that blocks.
    pub fn blocking<R>(&mut self, work: impl FnOnce() -> R) -> R {
        struct TakeAgain<'a>(&'a Gil, usize);
        impl Drop for TakeAgain<'_> {
            fn drop(&mut self) {
                self.0.take(self.1, self.0.lock());
            }
        }
        self.gil.release(self.thread, Event::Blocks);
        let _again = TakeAgain(self.gil, self.thread);
        work()
    }

    /// This thread's number: how many had attached before.
    pub fn thread(&self) -> usize {
        self.thread
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.gil.release(self.thread, Event::Detaches);
    }
}

impl fmt::Debug for Gil {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        out.debug_struct("Gil")
            .field("locked", &state.locked)
            .field("last_holder", &state.last_holder)
            .field("switch_number", &state.switch_number)
            .field("interval", &state.interval)
            .field("forced_switching", &self.forced_switching)
            .finish_non_exhaustive()
    }
}
