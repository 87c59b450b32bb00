//! Ways to get pieces done on threads: one file each, plain enough to be copied.
//!
//! They differ in one thing only: how a worker comes by its next piece.

use workload::{Mechanism, RunError, Workload};

pub mod dynamic;
mod pool;
mod rayon;
mod scoped;
mod r#static;
mod stealing;

/// All mechanisms of this crate.
pub fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    vec![
        r#static::mechanism(),
        scoped::mechanism(),
        dynamic::mechanism(),
        pool::mechanism(),
        stealing::mechanism(),
        rayon::mechanism(),
    ]
}

/// The mechanism called `name`.
pub fn mechanism<W: Workload>(name: &str) -> Option<Mechanism<W>> {
    mechanisms().into_iter().find(|mechanism| mechanism.name == name)
}

/// What to say when a thread does not start.
fn cannot_start(worker: usize, why: impl std::fmt::Display) -> RunError {
    RunError::Start { what: format!("thread {worker}"), why: why.to_string() }
}
