//! Many threads hand in parts, or an error; one answer comes out.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{Assembly, Job, RunError, Stretch, Workload};

/// An [`Assembly`] that many threads hand their parts to, and the flag that tells them to stop.
///
/// Its lock is held for some ten nanoseconds at a time: parts are combined outside, by the thread that brought
/// the one that touches. Each thread has at most one stretch in its hand, so with N threads that take pieces in
/// order there are never more than about 2 N parts, however many pieces there are.
#[derive(Debug)]
pub struct Gather<'a, W: Workload> {
    job: &'a Job<'a, W>,
    state: Mutex<State<'a, W>>,
    stopped: AtomicBool,
}

#[derive(Debug)]
struct State<'a, W: Workload> {
    assembly: Assembly<'a, W>,
    error: Option<RunError>,
}

impl<'a, W: Workload> Gather<'a, W> {
    /// For the parts of `job`.
    pub fn new(job: &'a Job<'a, W>) -> Self {
        let state = State { assembly: Assembly::new(job.workload()), error: None };
        Self { job, state: Mutex::new(state), stopped: AtomicBool::new(false) }
    }

    /// Takes what became of piece `index`.
    pub fn take(&self, index: usize, outcome: Result<W::Part, RunError>) {
        match outcome {
            Ok(part) => self.add(Stretch { pieces: index..index + 1, part }),
            Err(error) => self.fail(error),
        }
    }

    /// Takes neighbouring pieces, combined already.
    pub fn add(&self, mut stretch: Stretch<W>) {
        loop {
            let touching = self.lock().assembly.offer(stretch);
            let Some((left, right)) = touching else { return };
            match self.join(left, right) {
                Ok(joined) => stretch = joined,
                Err(error) => return self.fail(error),
            }
        }
    }

    /// Two neighbours as one.
    ///
    /// # Errors
    /// [`RunError::Panicked`] when combining them panics.
    pub fn join(&self, mut left: Stretch<W>, right: Stretch<W>) -> Result<Stretch<W>, RunError> {
        self.job.combine(&mut left.part, right.part, right.pieces.start)?;
        Ok(Stretch { pieces: left.pieces.start..right.pieces.end, part: left.part })
    }

    /// Takes an error: of several, the one of the lowest piece is kept, one that is about no piece before all.
    /// From now on [`is_stopped`](Self::is_stopped).
    pub fn fail(&self, error: RunError) {
        // Relaxed: nothing is read on the strength of this flag; what the error says goes through the lock.
        self.stopped.store(true, Ordering::Relaxed);
        let mut state = self.lock();
        if state.error.as_ref().is_none_or(|first| error.piece() < first.piece()) {
            state.error = Some(error);
        }
    }

    /// Whether the work is over before its end: a worker looks before it takes a piece.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The answer, when all threads are done.
    ///
    /// # Errors
    /// The one that was handed in, or [`RunError::Incomplete`].
    pub fn finish(self) -> Result<W::Part, RunError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.error {
            Some(error) => Err(error),
            None => state.assembly.finish(self.job.len()),
        }
    }

    /// Poison is passed over: no code of a workload runs under this lock, so it cannot be left half changed.
    fn lock(&self) -> MutexGuard<'_, State<'a, W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
