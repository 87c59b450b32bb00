//! The third of the three nouns.

use crate::{Scene, Story};

/// How a lesson's `run` ends: an error is a lesson that could not be told, and counts as a claim that does not
/// hold.
pub type Result = std::result::Result<(), Box<dyn std::error::Error>>;

/// One question about a concept, and the code that answers it by running something.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// One word, as typed on the command line.
    pub name: &'static str,
    /// What the reader will know afterwards.
    pub question: &'static str,
    /// Names in Python's library that this is the counterpart of.
    pub python: &'static [&'static str],
    /// Tells it.
    pub run: fn(&mut Story) -> Result,
    /// Parts that must play in a process of their own, since they end it: see [`Story::play`].
    pub scenes: &'static [Scene],
}
