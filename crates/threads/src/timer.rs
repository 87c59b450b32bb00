//! Calls something later, once or again and again; between the deadline and `cancel` exactly one wins.
//!
//! The counterpart of `threading.Timer`, which the standard library does not have. A timer is a thread that
//! sleeps on a condition variable with a time limit, so that `cancel` can wake it: a `sleep` could not be
//! interrupted. The clock is a parameter: with a [`ManualClock`] a test says what time it is, and no test has
//! to wait or to be lucky.
//!
//! ```
//! use std::{sync::mpsc, time::Duration};
//! use threads::timer::Timer;
//!
//! let (sender, receiver) = mpsc::channel();
//! let greeting = Timer::after(Duration::from_millis(5), move || sender.send("hello").unwrap())?;
//! assert_eq!(receiver.recv(), Ok("hello"));
//! assert!(!greeting.cancel(), "too late");
//! # Ok::<(), threads::timer::TimerError>(())
//! ```
//!
//! A timer costs a thread. For hundreds of them, one thread with a heap of deadlines is the better form; to
//! wait for a channel *or* a deadline take `crossbeam_channel::after` and `tick`.

mod clock;

use std::{io, sync::PoisonError, time::Duration};

use model::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{Builder, JoinHandle},
};

pub use clock::{Clock, ManualClock, SystemClock};

/// Why a timer could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// Ticks without time in between would never end.
    #[error("a periodic timer needs a period above zero")]
    ZeroPeriod,
    /// The deadline lies beyond what a clock can show.
    #[error("a deadline {0:?} from now is more than the clock can show")]
    TooFar(Duration),
    /// The system gave no thread.
    #[error("cannot start the timer's thread: {0}")]
    Thread(#[from] io::Error),
}

/// A turn of a periodic timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When it was to begin, on the timer's clock: always the start plus a multiple of the period.
    pub due: Duration,
    /// Turns left out just before this one: they fell due while the previous one was still running.
    pub missed: u64,
}

impl Tick {
    /// The last turn that is due `now`, when the next one was `due`.
    fn latest(due: Duration, period: Duration, now: Duration) -> Self {
        let (late, period) = (now.saturating_sub(due).as_nanos(), period.as_nanos());
        let due = now - Duration::from_nanos_u128(late % period);
        Self { due, missed: u64::try_from(late / period).unwrap_or(u64::MAX) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next deadline lies ahead. Whoever leaves this state first has won.
    Waiting,
    /// The task of a one-shot timer has begun: too late to cancel.
    Fired,
    /// Cancelled in time: nothing begins any more.
    Cancelled,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A call that is due later. Dropping it cancels it; [`join`](Timer::join) waits for it.
#[must_use = "a timer that is dropped is cancelled"]
pub struct Timer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Timer {
    /// Calls `task` once, on a thread of its own, `delay` from now.
    ///
    /// # Errors
    /// [`TimerError::TooFar`], [`TimerError::Thread`].
    pub fn after(delay: Duration, task: impl FnOnce() + Send + 'static) -> Result<Self, TimerError> {
        Self::after_on(&SystemClock::new(), delay, task)
    }

    /// The same on a clock of the caller's.
    ///
    /// # Errors
    /// As [`after`](Timer::after).
    pub fn after_on<C: Clock>(
        clock: &C,
        delay: Duration,
        task: impl FnOnce() + Send + 'static,
    ) -> Result<Self, TimerError> {
        Self::start(clock, delay, |shared, clock, due| {
            if shared.wait_for_turn(&clock, due, State::Fired).is_some() {
                task();
            }
        })
    }

    /// Calls `task` every `period`, first one period from now, until cancelled.
    ///
    /// It does not drift: each deadline is the one before plus the period, however long the task took. When
    /// several turns fall due while the task is still running, only the latest of them runs, at once, and the
    /// others are counted in [`Tick::missed`]: a task that is too slow could never make up for them all.
    ///
    /// # Errors
    /// [`TimerError::ZeroPeriod`], [`TimerError::TooFar`], [`TimerError::Thread`].
    pub fn every(period: Duration, task: impl FnMut(Tick) + Send + 'static) -> Result<Self, TimerError> {
        Self::every_on(&SystemClock::new(), period, task)
    }

    /// The same on a clock of the caller's.
    ///
    /// # Errors
    /// As [`every`](Timer::every).
    pub fn every_on<C: Clock>(
        clock: &C,
        period: Duration,
        mut task: impl FnMut(Tick) + Send + 'static,
    ) -> Result<Self, TimerError> {
        if period.is_zero() {
            return Err(TimerError::ZeroPeriod);
        }
        Self::start(clock, period, move |shared, clock, mut due| {
            while let Some(now) = shared.wait_for_turn(&clock, due, State::Waiting) {
                let tick = Tick::latest(due, period, now);
                task(tick);
                // Not `clock.now() + period`: that would add what the task took to every period.
                due = tick.due.saturating_add(period);
            }
        })
    }

    /// Whether this call has stopped it: `true` means that nothing begins any more, `false` that a one-shot
    /// task has begun (or that somebody else had cancelled). It does not wait for a turn that is running.
    pub fn cancel(&self) -> bool {
        let mut state = self.shared.lock();
        if *state != State::Waiting {
            return false;
        }
        *state = State::Cancelled;
        self.shared.changed.notify_all();
        true
    }

    /// Waits until a one-shot timer has run or was cancelled, a periodic one until it was cancelled and its
    /// last turn is over.
    ///
    /// # Errors
    /// The panic of the task, if it panicked.
    pub fn join(mut self) -> std::thread::Result<()> {
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }

    fn start<C: Clock>(
        clock: &C,
        delay: Duration,
        body: impl FnOnce(&Shared, C, Duration) + Send + 'static,
    ) -> Result<Self, TimerError> {
        let due = clock.now().checked_add(delay).ok_or(TimerError::TooFar(delay))?;
        let shared = Arc::new(Shared { state: Mutex::new(State::Waiting), changed: Condvar::new() });
        let woken = Arc::clone(&shared);
        clock.on_jump(Box::new(move || woken.look_again()));
        let (theirs, clock) = (Arc::clone(&shared), clock.clone());
        let thread = Builder::new().name("timer".into()).spawn(move || body(&theirs, clock, due))?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl Shared {
    /// Sleeps until `due`, moves on to `next` and says what time it is; or `None` as soon as it is cancelled.
    ///
    /// `Condvar::wait_timeout_while`, spelled out, as the clock is a parameter.
    fn wait_for_turn(&self, clock: &impl Clock, due: Duration, next: State) -> Option<Duration> {
        let mut state = self.lock();
        loop {
            if *state == State::Cancelled {
                return None;
            }
            let now = clock.now();
            if now >= due {
                // Still under the lock of the look at `Cancelled`: a `cancel` in between would report that
                // it came in time, and the task would run all the same.
                *state = next;
                return Some(now);
            }
            state = clock.sleep(&self.changed, state, due);
        }
    }

    fn look_again(&self) {
        // Under the lock, since without it the notification could fall between the timer's look at the clock
        // and its going to sleep, and be lost.
        let _state = self.lock();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Never poisoned: nothing that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
