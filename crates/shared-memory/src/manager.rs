//! One value that owns all segments of a program, and takes all their names away in the end.
//!
//! In Python `multiprocessing.managers.SharedMemoryManager`, which is a process; here a value whose drop does it. What it
//! cannot do either way is to survive SIGKILL: see [`guardian`](crate::guardian).

use crate::segment::{Owner, SegmentError};

/// Segments under names of their own, owned together.
#[derive(Debug)]
pub struct Manager {
    prefix: String,
    segments: Vec<Owner>,
}

impl Manager {
    /// A manager whose segments have names that begin with `prefix`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), segments: Vec::new() }
    }

    /// Creates one more segment, which lives as long as the manager.
    ///
    /// # Errors
    /// As [`Owner::create_unique`]; the ones that were created before stay.
    pub fn create(&mut self, size: usize) -> Result<&Owner, SegmentError> {
        let at = self.segments.len();
        self.segments.push(Owner::create_unique(&self.prefix, size)?);
        Ok(&self.segments[at])
    }

    /// All of them, in the order in which they were created.
    pub fn segments(&self) -> &[Owner] {
        &self.segments
    }
}
