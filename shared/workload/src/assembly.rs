//! Parts come back in any order and are put together in the order of their pieces, as early as possible.

use std::{collections::BTreeMap, ops::Range};

use crate::{RunError, Workload};

/// Puts parts together as they come.
///
/// Neighbours are combined at once, so it holds one part for each *gap*, not one for each piece: with N workers
/// that take the next piece each time, about N. That is why a word count does not grow with its corpus.
#[derive(Debug)]
pub struct Assembly<'a, W: Workload> {
    workload: &'a W,
    /// Runs of pieces that are done, by the first piece: no two of them touch.
    runs: BTreeMap<usize, (usize, W::Part)>,
    done: usize,
}

impl<'a, W: Workload> Assembly<'a, W> {
    /// With nothing in it yet.
    pub fn new(workload: &'a W) -> Self {
        Self { workload, runs: BTreeMap::new(), done: 0 }
    }

    /// Adds the part of one piece.
    pub fn add(&mut self, index: usize, part: W::Part) {
        self.add_run(index..index + 1, part);
    }

    /// Adds the part of several neighbouring pieces, combined already.
    pub fn add_run(&mut self, pieces: Range<usize>, part: W::Part) {
        if pieces.is_empty() {
            return;
        }
        self.done += pieces.len();
        let (mut start, mut end, mut whole) = (pieces.start, pieces.end, part);
        if let Some((&before, &(touches, _))) = self.runs.range(..start).next_back()
            && touches == start
            && let Some((_, mut left)) = self.runs.remove(&before)
        {
            self.workload.combine(&mut left, whole);
            (start, whole) = (before, left);
        }
        if let Some((until, right)) = self.runs.remove(&end) {
            self.workload.combine(&mut whole, right);
            end = until;
        }
        self.runs.insert(start, (end, whole));
    }

    /// How many pieces are in it.
    pub fn done(&self) -> usize {
        self.done
    }

    /// The answer, when all `pieces` are in.
    ///
    /// # Errors
    /// [`RunError::Incomplete`] when some are missing or came twice.
    pub fn finish(mut self, pieces: usize) -> Result<W::Part, RunError> {
        if pieces == 0 && self.runs.is_empty() {
            return Ok(W::Part::default());
        }
        match self.runs.pop_first() {
            Some((0, (end, whole))) if end == pieces && self.done == pieces && self.runs.is_empty() => Ok(whole),
            _ => Err(RunError::Incomplete { done: self.done, of: pieces }),
        }
    }
}
