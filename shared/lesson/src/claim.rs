//! A sentence of fact, and what became of it.

use serde::Serialize;

/// A sentence of fact with what was expected, what was observed just now, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// The sentence.
    pub text: String,
    /// What it says should be seen.
    pub expected: String,
    /// What was seen; for a claim that could not be judged, why not.
    pub observed: String,
    /// `None` where it cannot be judged here: one core, no Python, a machine that is not quiet.
    pub holds: Option<bool>,
}
