//! Parts come back in any order and are put together in the order of their pieces, as early as possible.

use std::{collections::BTreeMap, ops::Range};

use crate::{RunError, Workload};

/// Neighbouring pieces that are done, and what became of them.
#[derive(Debug)]
pub struct Stretch<W: Workload> {
    /// Which pieces; at least one.
    pub pieces: Range<usize>,
    /// Their parts, combined.
    pub part: W::Part,
}

/// Puts parts together as they come.
///
/// Neighbours are combined at once, so it holds one part for each *gap*, not one for each piece: with N workers
/// that take the next piece each time, about N. That is why a word count does not grow with its corpus.
#[derive(Debug)]
pub struct Assembly<'a, W: Workload> {
    workload: &'a W,
    /// Stretches by their first piece: its end, its part. No two of them touch.
    stretches: BTreeMap<usize, (usize, W::Part)>,
    done: usize,
}

impl<'a, W: Workload> Assembly<'a, W> {
    /// With nothing in it yet.
    pub fn new(workload: &'a W) -> Self {
        Self { workload, stretches: BTreeMap::new(), done: 0 }
    }

    /// Adds the part of one piece.
    pub fn add(&mut self, index: usize, part: W::Part) {
        self.add_run(index..index + 1, part);
    }

    /// Adds the part of several neighbouring pieces, combined already.
    pub fn add_run(&mut self, pieces: Range<usize>, part: W::Part) {
        let mut stretch = Stretch { pieces, part };
        while let Some((mut left, right)) = self.offer(stretch) {
            self.workload.combine(&mut left.part, right.part);
            stretch = Stretch { pieces: left.pieces.start..right.pieces.end, part: left.part };
        }
    }

    /// Adds a stretch, unless it touches one that is here already: then both come out, left and right, to be
    /// combined by the caller and offered again. A lock around the assembly is thus never held while parts are
    /// combined, which can take long.
    #[must_use = "two stretches that touch are out of the assembly until they are combined and offered again"]
    pub fn offer(&mut self, stretch: Stretch<W>) -> Option<(Stretch<W>, Stretch<W>)> {
        let Range { start, end } = stretch.pieces;
        if start >= end {
            return None;
        }
        if let Some((&before, &(until, _))) = self.stretches.range(..start).next_back()
            && until == start
            && let Some(left) = self.take(before)
        {
            return Some((left, stretch));
        }
        if let Some(right) = self.take(end) {
            return Some((stretch, right));
        }
        self.done += end - start;
        self.stretches.insert(start, (end, stretch.part));
        None
    }

    fn take(&mut self, start: usize) -> Option<Stretch<W>> {
        let (end, part) = self.stretches.remove(&start)?;
        self.done -= end - start;
        Some(Stretch { pieces: start..end, part })
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
        if pieces == 0 && self.stretches.is_empty() {
            return Ok(W::Part::default());
        }
        match self.stretches.pop_first() {
            Some((0, (end, whole))) if end == pieces && self.done == pieces && self.stretches.is_empty() => {
                Ok(whole)
            }
            _ => Err(RunError::Incomplete { done: self.done, of: pieces }),
        }
    }
}
