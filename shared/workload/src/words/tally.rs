//! What counting gives: the words, and what was read and not read for them.

use std::{fmt::Display, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Counts, Name};

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// A file, or a directory that could not be listed.
    pub path: Name,
    /// The system's reason.
    pub why: String,
}

impl Skipped {
    pub(super) fn new(path: impl Into<PathBuf>, why: &impl Display) -> Self {
        Self { path: Name::from(path), why: why.to_string() }
    }
}

/// The words of some files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many files were read.
    pub files: u64,
    /// How many could not be. A file that is split counts once for each stretch of it that could not be read.
    pub skipped: u64,
    /// The first [`Tally::MOST_REASONS`] of those: the list must not grow with the corpus.
    pub reasons: Vec<Skipped>,
    /// The words.
    pub counts: Counts,
}

impl Tally {
    /// How many reasons are kept.
    pub const MOST_REASONS: usize = 20;

    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped += 1;
        if self.reasons.len() < Self::MOST_REASONS {
            self.reasons.push(skipped);
        }
    }

    /// Adds `right`, which comes after it.
    pub(super) fn append(&mut self, right: Tally) {
        self.files += right.files;
        self.skipped += right.skipped;
        self.reasons.extend(right.reasons);
        self.reasons.truncate(Self::MOST_REASONS);
        self.counts.merge(right.counts);
    }
}
