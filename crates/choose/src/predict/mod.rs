//! What a mechanism will take, from one recorded sequential run: the run is played again in simulated time.
//!
//! What is known: each piece's processor time, waiting and size ([`crate::record`]), and what this machine and each
//! mechanism cost ([`crate::calibrate`]). What is done with it: each mechanism's rule hands the pieces out to workers,
//! who share the cores. A server on the same machine is one more that wants them. What cannot be known from one run
//! on one thread: locks that workers will meet at, caches and memory that they will share. That is what
//! [`crate::check`] is for.
//!
//! Two bounds hold whatever the rule: no run is shorter than its work divided by its cores (server included), nor
//! than its longest piece. And one worker without any costs takes as long as was recorded.

mod best;
mod cores;
mod replay;
mod rules;
mod world;

pub use best::{Outlook, Predicted, best_workers, outlook};

use crate::record::Recorded;

/// How a mechanism hands out pieces, as far as time is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A run of neighbours for each thread.
    Static,
    /// Every n-th piece for each thread.
    Dealt,
    /// One shared counter.
    Dynamic,
    /// A queue for each thread, and stealing.
    Stealing,
    /// The same, beginning with one, parts put together pairwise.
    Rayon,
    /// A channel to threads and one back.
    Pool,
    /// A run of neighbours for each process.
    ProcessStatic,
    /// Orders to processes, as they finish.
    ProcessDynamic,
}

impl Form {
    /// That of the mechanism called `name`; `None` for one whose rule is not known here.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "static" => Form::Static,
            "scoped" => Form::Dealt,
            "dynamic" => Form::Dynamic,
            "stealing" => Form::Stealing,
            "rayon" => Form::Rayon,
            "pool" => Form::Pool,
            "process-static" => Form::ProcessStatic,
            "process-dynamic" | "unix-socket" | "tcp" | "ipc-channel" => Form::ProcessDynamic,
            _ => return None,
        })
    }
}

/// What a mechanism costs beside the pieces themselves. Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// Once a run.
    pub fixed: f64,
    /// The caller's, for each worker, one after the other.
    pub serial: f64,
    /// Each worker's own, before its first piece.
    pub parallel: f64,
    /// Each piece.
    pub piece: f64,
    /// Each order and its reply, where there are any: one half the worker's, one half the caller's.
    pub message: f64,
    /// Each byte that goes through a pipe, for the one who writes and again for the one who reads.
    pub byte: f64,
    /// Waking a worker that sleeps.
    pub wake: f64,
}

/// Seconds that a recorded run will take through a mechanism of this form with so many workers.
///
/// `gains[k - 1]` is what `k` threads get done at once, in terms of what one does: `[1.0, 2.0]` for two cores.
pub fn predict(run: &Recorded, form: Form, workers: usize, gains: &[f64], costs: &Costs) -> f64 {
    replay::seconds(&run.coarse(), form, workers.max(1), gains, costs)
}

#[cfg(test)]
mod tests;
