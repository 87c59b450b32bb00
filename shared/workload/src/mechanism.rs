//! The second of the three nouns: a way to get pieces done.

use crate::{Job, RunError, Timeline, Workers, Workload};

/// What a mechanism does: all pieces of a workload, with so many workers, marks on the timeline.
pub type Run<W> = fn(&W, Workers, &Timeline) -> Result<<W as Workload>::Part, RunError>;

/// A way to get the pieces of a workload done.
#[derive(Debug)]
pub struct Mechanism<W: Workload> {
    /// Short and unique among all concepts: `static`, `pool`, `process-dynamic`.
    pub name: &'static str,
    /// The crate it is in.
    pub concept: &'static str,
    /// In one line, how it works.
    pub about: &'static str,
    /// Its source file, from the top of the workspace: the code to copy.
    pub file: &'static str,
    /// Does the work.
    pub run: Run<W>,
}

impl<W: Workload> Clone for Mechanism<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W: Workload> Copy for Mechanism<W> {}

/// No mechanism at all: one piece after the other, here. What every other answer is compared with.
///
/// # Errors
/// [`RunError::Cut`], [`RunError::Piece`] and [`RunError::Panicked`], as the workload has it.
// ANCHOR: sequential
pub fn sequential<W: Workload>(workload: &W, timeline: &Timeline) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    let mut whole = W::Part::default();
    for index in 0..job.len() {
        workload.combine(&mut whole, job.run(0, index)?);
    }
    Ok(whole)
}
// ANCHOR_END: sequential
