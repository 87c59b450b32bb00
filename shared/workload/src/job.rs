//! A workload, cut: what mechanisms hand out.

use std::{any::Any, panic};

use crate::{PieceError, RunError, Timeline, Workload};

/// A workload cut into pieces, and the timeline on which each piece leaves its mark.
#[derive(Debug)]
pub struct Job<'a, W: Workload> {
    workload: &'a W,
    pieces: Vec<W::Piece>,
    timeline: &'a Timeline,
}

impl<'a, W: Workload> Job<'a, W> {
    /// Cuts `workload`.
    ///
    /// # Errors
    /// [`RunError::Cut`] when it cannot be cut.
    pub fn cut(workload: &'a W, timeline: &'a Timeline) -> Result<Self, RunError> {
        match guarded(|| workload.pieces()) {
            Ok(Ok(pieces)) => Ok(Self { workload, pieces, timeline }),
            Ok(Err(why)) => Err(RunError::Cut { workload: W::NAME, why }),
            Err(message) => Err(RunError::Cut { workload: W::NAME, why: PieceError::new(message) }),
        }
    }

    /// How many pieces there are.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> &[W::Piece] {
        &self.pieces
    }

    /// The work itself.
    pub fn workload(&self) -> &'a W {
        self.workload
    }

    /// Where the marks go.
    pub fn timeline(&self) -> &'a Timeline {
        self.timeline
    }

    /// Does piece `index` here and now, on behalf of `worker`.
    ///
    /// # Errors
    /// [`RunError::Piece`] when the piece fails, [`RunError::Panicked`] when it panics: a piece that panics
    /// ends itself, not its worker.
    pub fn run(&self, worker: usize, index: usize) -> Result<W::Part, RunError> {
        let outcome = self.timeline.record(worker, index, || attempt(self.workload, &self.pieces[index]));
        outcome.map_err(|failure| failure.at(W::NAME, index))
    }

    /// Puts `right`, which begins with piece `index`, behind `left`.
    ///
    /// # Errors
    /// [`RunError::Panicked`] when that panics.
    pub fn combine(&self, left: &mut W::Part, right: W::Part, index: usize) -> Result<(), RunError> {
        guarded(|| self.workload.combine(left, right))
            .map_err(|message| Failure::Panic(message).at(W::NAME, index))
    }
}

/// How a single piece failed. It can be sent, so a worker process reports it in the same words.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Failure {
    /// It said so itself.
    Error(PieceError),
    /// It panicked, with this message.
    Panic(String),
}

impl Failure {
    /// The same with its place: piece `index` of the workload called `name`.
    pub fn at(self, name: &'static str, index: usize) -> RunError {
        match self {
            Failure::Error(why) => RunError::Piece { workload: name, piece: index, why },
            Failure::Panic(message) => RunError::Panicked { workload: name, piece: index, message },
        }
    }
}

/// Does one piece, with a panic caught: what every worker runs, thread or process.
///
/// # Errors
/// [`Failure`] when the piece fails or panics.
pub fn attempt<W: Workload>(workload: &W, piece: &W::Piece) -> Result<W::Part, Failure> {
    match guarded(|| workload.run(piece)) {
        Ok(Ok(part)) => Ok(part),
        Ok(Err(why)) => Err(Failure::Error(why)),
        Err(message) => Err(Failure::Panic(message)),
    }
}

/// Runs `work` and turns a panic into its message.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safety: what the work has touched is either dropped with it or a workload, which is only shared.
    panic::catch_unwind(panic::AssertUnwindSafe(work)).map_err(|payload| panic_message(&*payload))
}

/// The message of a panic: `panic!` leaves a `&str` or a `String`, `panic_any` whatever it likes.
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a value that is no text".to_owned()
    }
}
