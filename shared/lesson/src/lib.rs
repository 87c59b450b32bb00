//! How a lesson is told.
//!
//! A [`Lesson`] is one question about a concept, in one file that answers it by running something. What it
//! says about behaviour it says as a claim: a sentence of fact, what was expected, what was observed just
//! now, and whether it holds. Claims about time are ratios, measured side by side in the same run, and are
//! skipped (never held) where they cannot be judged: see [`Story::timed`].
//!
//! ```
//! use lesson::{Lesson, Story};
//!
//! const LESSON: Lesson = Lesson {
//!     name: "sum",
//!     question: "Is a sum the same from either end?",
//!     python: &["sum"],
//!     run,
//!     scenes: &[],
//! };
//!
//! fn run(story: &mut Story) -> lesson::Result {
//!     let up: u64 = (1..=100).sum();
//!     let down: u64 = (1..=100).rev().sum();
//!     story.say("The numbers from 1 to 100 are added, first upwards, then downwards.");
//!     story.equal("the sum does not depend on the order", up, down);
//!     Ok(())
//! }
//!
//! let mut printed = Vec::new();
//! let code = lesson::tell("sums", &[LESSON], ["sums", "--quiet"], &mut printed);
//! assert_eq!(code, 0);
//! ```

mod claim;
mod cli;
pub mod lanes;
mod lesson;
pub mod measure;
mod print;
mod python;
mod scene;
pub mod search;
mod story;
mod timed;

pub use claim::Claim;
pub use cli::{main, tell};
pub use lesson::{Lesson, Result};
pub use python::{python, python_at};
pub use scene::{Played, Scene};
pub use story::Story;
pub use timed::Bound;
