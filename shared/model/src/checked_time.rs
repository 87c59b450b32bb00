//! A checker's clock: it stands still until [`pass`].

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

#[cfg(feature = "loom")]
use loom as checker;
#[cfg(not(feature = "loom"))]
use shuttle as checker;

use crate::{
    sync::{
        Condvar, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

checker::lazy_static! {
    /// How often time has passed in this execution. Always read by a read-modify-write, which sees the newest value:
    /// a clock that some threads see late is no clock.
    static ref PASSED: AtomicUsize = AtomicUsize::new(0);
}

/// Who sleeps until time has passed.
struct Sleeper {
    id: u64,
    wakes: Arc<checker::sync::Condvar>,
}

// std's, not the checker's: all threads of a model run on one system thread, and what is in here is no part of the
// program that is checked.
std::thread_local! {
    static SLEEPERS: RefCell<Vec<Sleeper>> = const { RefCell::new(Vec::new()) };
    static LAST_ID: Cell<u64> = const { Cell::new(0) };
}

/// When to give up waiting; perhaps never.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Limit);

#[derive(Debug, Clone, Copy)]
enum Limit {
    Passed,
    WithTime,
    Never,
}

impl Deadline {
    /// `limit` from now: with [`pass`], but a limit of zero has passed, and one that std's clock cannot express
    /// never does.
    pub fn after(limit: Duration) -> Self {
        Self(match Instant::now().checked_add(limit) {
            Some(_) if limit.is_zero() => Limit::Passed,
            Some(_) => Limit::WithTime,
            None => Limit::Never,
        })
    }

    /// Never passes.
    pub fn never() -> Self {
        Self(Limit::Never)
    }

    fn has_passed(self) -> bool {
        match self.0 {
            Limit::Passed => true,
            Limit::WithTime => PASSED.fetch_add(0, Ordering::SeqCst) > 0,
            Limit::Never => false,
        }
    }

    /// Sleeps until woken, for no reason, or until the deadline. Returns the guard, and whether the deadline has
    /// passed: also if a wake-up came, so look at what you wait for before you give up.
    #[track_caller]
    pub fn wait<'a, T>(self, condvar: &Condvar, guard: MutexGuard<'a, T>) -> (MutexGuard<'a, T>, bool) {
        // Listed before the look at the clock: `pass` moves the clock before it looks at the list.
        let listed = matches!(self.0, Limit::WithTime).then(|| Listed::new(condvar));
        if self.has_passed() {
            return (guard, true);
        }
        let guard = condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
        drop(listed);
        (guard, self.has_passed())
    }
}

/// In the list of sleepers as long as it lives.
struct Listed(u64);

impl Listed {
    fn new(condvar: &Condvar) -> Self {
        let id = LAST_ID.get() + 1;
        LAST_ID.set(id);
        let sleeper = Sleeper { id, wakes: Arc::clone(&condvar.0) };
        SLEEPERS.with_borrow_mut(|sleepers| sleepers.push(sleeper));
        Self(id)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        SLEEPERS.with_borrow_mut(|sleepers| sleepers.retain(|sleeper| sleeper.id != self.0));
    }
}

/// Lets time pass: every limit that is set has run out, every one set later runs out at once, and whoever sleeps until
/// then is woken. Who sleeps on the same condition variable without a limit may be woken too, for no reason.
///
/// Call it from a thread of the model that holds no lock: it returns when all of them have woken up.
pub fn pass() {
    PASSED.fetch_add(1, Ordering::SeqCst);
    loop {
        let late: Vec<_> = SLEEPERS
            .with_borrow(|sleepers| sleepers.iter().map(|sleeper| Arc::clone(&sleeper.wakes)).collect());
        for wakes in late {
            wakes.notify_all();
        }
        for _ in 0..STEPS_OF_OTHERS {
            if SLEEPERS.with_borrow(Vec::is_empty) {
                return;
            }
            thread::yield_now();
        }
        // One who was listed but not yet asleep has missed it: by now it sleeps, so once more.
    }
}

/// How many steps the others have to become quiet in. Were they woken again at once, a checker would find the schedule
/// in which one that is woken for no reason goes back to sleep over and over, and nobody else gets a turn.
const STEPS_OF_OTHERS: usize = 30;
