//! A barrier: threads wait for each other, go on together, and meet there again.
//!
//! ```
//! use std::thread;
//! use synchronization::Barrier;
//!
//! let barrier = Barrier::new(3);
//! thread::scope(|scope| {
//!     for _ in 0..3 {
//!         scope.spawn(|| {
//!             // one half of the work, then all at once the other half
//!             if barrier.wait() == Ok(0) {
//!                 // one of the three is number 0
//!             }
//!         });
//!     }
//! });
//! ```
//!
//! std's `Barrier` waits for ever: if one party dies, the others never learn it. This one breaks: on a timeout, an
//! [`abort`](Barrier::abort), or a panicking action, all who wait and all who come get an error, until a
//! [`reset`](Barrier::reset).
//!
//! In Python: `threading.Barrier`.

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError},
    time::Duration,
};

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    time::Deadline,
};
use thiserror::Error;

/// The barrier is broken, or was while this party waited: not all have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the barrier is broken: a party was late, failed or gave up, or it was reset")]
pub struct BrokenBarrier;

/// A meeting point for a fixed number of threads.
///
/// # Poison
/// None. No code of yours runs under the lock inside. The action has a lock of its own; a panic in it breaks the
/// barrier, which says more than a poisoned lock would, and after a reset the action is called again as it is.
pub struct Barrier {
    parties: usize,
    limit: Option<Duration>,
    action: Option<Mutex<Action>>,
    state: Mutex<State>,
    decided: Condvar,
}

type Action = Box<dyn FnMut() + Send>;

#[derive(Debug)]
struct State {
    /// Who came to the cycle that fills up now.
    arrived: usize,
    cycle: Cycle,
    broken: bool,
}

/// How one cycle ended: set once, under the lock, and read under it. Each party keeps the cycle it came to, so that it
/// learns how *that* one ended, even if it wakes up three cycles and a reset later.
type Cycle = Arc<OnceLock<Result<(), BrokenBarrier>>>;

impl Barrier {
    /// A barrier for `parties` threads.
    ///
    /// # Panics
    /// When `parties` is 0: nobody could ever pass.
    pub fn new(parties: usize) -> Self {
        Self::build(parties, None, None)
    }

    /// With an `action` that runs once in each cycle, when all have come and before any goes on, in the last one to come.
    /// If it panics the barrier is broken for the others, and the panic goes on in that one.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn with_action(parties: usize, action: impl FnMut() + Send + 'static) -> Self {
        Self::build(parties, Some(Box::new(action)), None)
    }

    /// With a `limit` for every [`wait`](Self::wait).
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn with_timeout(parties: usize, limit: Duration) -> Self {
        Self::build(parties, None, Some(limit))
    }

    /// With both.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn with_action_and_timeout(
        parties: usize,
        action: impl FnMut() + Send + 'static,
        limit: Duration,
    ) -> Self {
        Self::build(parties, Some(Box::new(action)), Some(limit))
    }

    fn build(parties: usize, action: Option<Action>, limit: Option<Duration>) -> Self {
        assert!(parties > 0, "a barrier for 0 parties: nobody could ever pass");
        let state = State { arrived: 0, cycle: Cycle::default(), broken: false };
        Self {
            parties,
            limit,
            action: action.map(Mutex::new),
            state: Mutex::new(state),
            decided: Condvar::new(),
        }
    }

    /// Waits until all parties have come. Each gets a number of its own, in the order in which they came: 0 to
    /// `parties` - 1.
    ///
    /// # Errors
    /// [`BrokenBarrier`] when it is broken or becomes so meanwhile, and when the limit given with
    /// [`with_timeout`](Self::with_timeout) passes first, which breaks it.
    pub fn wait(&self) -> Result<usize, BrokenBarrier> {
        self.arrive(self.limit.map_or_else(Deadline::never, Deadline::after))
    }

    /// As [`wait`](Self::wait), with a limit of its own.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_timeout(&self, limit: Duration) -> Result<usize, BrokenBarrier> {
        self.arrive(Deadline::after(limit))
    }

    /// Breaks the barrier: for all who wait, and all who come, until it is reset.
    pub fn abort(&self) {
        self.break_up(&mut self.state());
    }

    /// Makes the barrier as new. Who waits at this moment gets [`BrokenBarrier`].
    pub fn reset(&self) {
        let mut state = self.state();
        self.break_up(&mut state);
        *state = State { arrived: 0, cycle: Cycle::default(), broken: false };
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.state().broken
    }

    /// How many have come and wait for the rest.
    pub fn waiting(&self) -> usize {
        self.state().arrived
    }

    /// For how many it is.
    pub fn parties(&self) -> usize {
        self.parties
    }

    fn arrive(&self, deadline: Deadline) -> Result<usize, BrokenBarrier> {
        let mut state = self.state();
        if state.broken {
            return Err(BrokenBarrier);
        }
        let index = state.arrived;
        state.arrived += 1;
        let cycle = Arc::clone(&state.cycle);
        if state.arrived == self.parties {
            // Who comes from now on comes to the next cycle.
            state.cycle = Cycle::default();
            state.arrived = 0;
            drop(state);
            self.complete(cycle);
            return Ok(index);
        }
        let open = |_: &mut State| cycle.get().is_none();
        let (mut state, decided) = deadline.wait_while(&self.decided, state, open);
        if !decided && Arc::ptr_eq(&cycle, &state.cycle) {
            // Late, and not all have come. (If all have, only the action is still running: then it is not late.)
            self.break_up(&mut state);
        }
        let (_state, _) = Deadline::never().wait_while(&self.decided, state, open);
        cycle.get().copied().unwrap_or(Err(BrokenBarrier)).map(|()| index)
    }

    /// Runs the action and lets the parties of `cycle` go.
    fn complete(&self, cycle: Cycle) {
        let mut ending = Ending { barrier: self, cycle, passed: false };
        if let Some(action) = &self.action {
            // Locked, as the next cycle could be full before this action has ended.
            action.lock().unwrap_or_else(PoisonError::into_inner)();
        }
        ending.passed = true;
    }

    fn break_up(&self, state: &mut State) {
        state.broken = true;
        state.arrived = 0;
        // Already set when it was broken before.
        let _ = state.cycle.set(Err(BrokenBarrier));
        self.decided.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says how a full cycle ended, when it is dropped: also if the action panics.
struct Ending<'a> {
    barrier: &'a Barrier,
    cycle: Cycle,
    passed: bool,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut state = self.barrier.state();
        // Set here only: a full cycle is nobody else's to decide.
        let _ = self.cycle.set(if self.passed { Ok(()) } else { Err(BrokenBarrier) });
        if self.passed {
            self.barrier.decided.notify_all();
        } else {
            self.barrier.break_up(&mut state);
        }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
