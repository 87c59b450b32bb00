//! What blocks (locks, semaphores, events, barriers, latches) under every schedule that the checker tries.
//!
//! `cargo test -p synchronization --features loom --test blocking_model`, or `shuttle`. Without either each model runs
//! once, and the broken twins are left out: a plain run does not find them.
//!
//! Where time runs out, it does so at any point of a schedule: see `model::time`.

mod barrier;
mod condition;
mod event;
mod latch;
mod once;
mod reentrant_lock;
mod semaphore;

use std::time::Duration;

use model::{sync::Arc, thread};

/// A limit that may pass before anything else happens.
const HURRY: Duration = Duration::from_millis(1);
/// A limit that on std never passes; in a checker it does when the model says so.
const HOUR: Duration = Duration::from_secs(3_600);

/// A model's thread with its own handle on what all share.
fn with<S: Send + Sync + 'static, R: Send + 'static>(
    shared: &Arc<S>,
    body: impl FnOnce(&S) -> R + Send + 'static,
) -> thread::JoinHandle<R> {
    let theirs = Arc::clone(shared);
    thread::spawn(move || body(&theirs))
}

/// Lets the others go on until `reached`.
fn until(reached: impl Fn() -> bool) {
    while !reached() {
        thread::yield_now();
    }
}
