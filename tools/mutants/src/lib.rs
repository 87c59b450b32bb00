//! Breaks synchronization code in one place at a time. A check that is worth its name notices each break.
//!
//! A suite that passes says little: it may be unable to fail. A *mutant* is the code with one thing changed for the
//! worse, as a person gets it wrong; a suite that fails on it has *killed* it. Three kinds, the three ways in which
//! such code goes wrong while it still compiles and nearly always runs:
//!
//! | kind | what is changed | what it would do |
//! |---|---|---|
//! | [ordering] | one memory ordering is one step weaker, or a fence is gone | a thread sees half of a write; never on x86, so only a model checker finds it |
//! | [wake-up](wake_up) | one `notify_one`, `wake`, `unpark`, `signal` is gone | somebody sleeps for ever |
//! | [publish] | two neighbouring writes, one of them shared, change places | something is announced before it is there |
//!
//! ```
//! let source = "fn open(&self) { self.is_open.store(true, Release); self.opened.notify_all(); }";
//! let mutants = mutants::of_source("gate.rs", source)?;
//! assert_eq!(mutants.len(), 2);
//! assert_eq!(
//!     mutants[0].to_string(),
//!     "gate.rs in open: self.is_open.store(true, Release) -> self.is_open.store(true, Relaxed)"
//! );
//! assert!(mutants[1].apply(source).contains("store(true, Release); ();"));
//! # Ok::<(), syn::Error>(())
//! ```
//!
//! What this does not find: an ordering that reaches the operation through a variable, and the call of a macro whose
//! arguments are no expressions. Both are easily seen by a search for `Ordering`.

pub mod checks;
pub mod equivalent;
pub mod interrupt;
mod mutant;
pub mod ordering;
pub mod publish;
pub mod wake_up;
pub mod workshop;

pub use mutant::{Mutant, of_source};
