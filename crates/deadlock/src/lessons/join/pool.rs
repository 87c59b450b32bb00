//! A pool so small that it fits on a page: what matters is how a task waits for another one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::detector::{Condvar, Detector, LockError, Mutex, MutexGuard, Report};

/// What a worker does while it waits for a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Waiting {
    /// Sleeps until it is there.
    Asleep,
    /// Does other tasks, and sleeps only when there are none.
    Helping,
}

/// A result, or the deadlock that kept a task from one.
pub(super) type Outcome = Result<u32, Arc<Report>>;
type Task = Box<dyn FnOnce(&Pool) -> Outcome + Send>;

/// Its workers are the threads that call [`Pool::work`].
pub(super) struct Pool {
    state: Mutex<State>,
    changed: Condvar,
    /// It closes when it has so many results.
    expected: usize,
}

struct State {
    tasks: VecDeque<(usize, Task)>,
    results: BTreeMap<usize, Outcome>,
    next: usize,
}

// ANCHOR: pool
impl Pool {
    /// Adds a task; its number.
    pub(super) fn submit(&self, task: Task) -> Result<usize, Arc<Report>> {
        let mut state = self.lock()?;
        let number = state.next;
        state.next += 1;
        state.tasks.push_back((number, task));
        self.changed.notify_all();
        Ok(number)
    }

    /// Waits for the result of a task.
    pub(super) fn result(&self, number: usize, waiting: Waiting) -> Outcome {
        let mut state = self.lock()?;
        loop {
            if let Some(result) = state.results.get(&number) {
                return result.clone();
            }
            let task = if waiting == Waiting::Helping { state.tasks.pop_front() } else { None };
            state = match task {
                Some(task) => self.run(state, task)?,
                None => self.changed.wait(state).map_err(report)?,
            };
        }
    }

    /// What a worker does, until all results are there.
    pub(super) fn work(&self) -> Result<(), Arc<Report>> {
        let mut state = self.lock()?;
        while state.results.len() < self.expected {
            state = match state.tasks.pop_front() {
                Some(task) => self.run(state, task)?,
                None => self.changed.wait(state).map_err(report)?,
            };
        }
        Ok(())
    }

    /// Runs a task without the lock, and enters its result.
    fn run<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        (number, task): (usize, Task),
    ) -> Result<MutexGuard<'a, State>, Arc<Report>> {
        drop(state);
        let outcome = task(self);
        let mut state = self.lock()?;
        state.results.insert(number, outcome);
        self.changed.notify_all();
        Ok(state)
    }
    // ANCHOR_END: pool

    pub(super) fn new(detector: &Detector, expected: usize) -> Self {
        let state = State { tasks: VecDeque::new(), results: BTreeMap::new(), next: 0 };
        Self { state: detector.mutex("pool", state), changed: detector.condvar("pool changed"), expected }
    }

    /// All results there are.
    pub(super) fn results(&self) -> Vec<Outcome> {
        self.lock().map(|state| state.results.values().cloned().collect()).unwrap_or_default()
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, Arc<Report>> {
        self.state.lock().map_err(report)
    }
}

/// # Panics
/// When a task panicked under the lock, which none does.
fn report<G>(error: LockError<G>) -> Arc<Report> {
    error.report().cloned().unwrap_or_else(|| panic!("nothing panics under it"))
}
