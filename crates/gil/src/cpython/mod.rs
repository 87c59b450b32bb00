//! The real CPython beside the model: found at run time, asked what it is, and run under a time limit.
//!
//! No Python is needed to build, and none to run: where there is none, [`interpreters`] is empty and what would have
//! been asked is skipped with a word.

#[cfg(unix)]
pub mod embedded;
mod find;
mod script;

pub use find::{Interpreter, interpreters, pick};
pub use script::{Figures, Script};
