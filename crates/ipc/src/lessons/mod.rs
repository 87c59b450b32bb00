//! One question each, in the order in which they teach.

mod asynchronous;
mod auth;
mod descriptors;
mod encode;
mod events;
mod framing;
mod introduce;
mod manager;
mod pipe;
mod pubsub;
mod python;
mod queue;
mod rpc;
mod socket;
mod socketpair;
mod typed;
mod wait;

use std::{path::PathBuf, time::Duration};

use lesson::Lesson;

/// All lessons of this crate.
pub const LESSONS: &[Lesson] = &[
    pipe::LESSON,
    socketpair::LESSON,
    socket::LESSON,
    framing::LESSON,
    encode::LESSON,
    typed::LESSON,
    descriptors::LESSON,
    events::LESSON,
    wait::LESSON,
    auth::LESSON,
    queue::LESSON,
    manager::LESSON,
    pubsub::LESSON,
    rpc::LESSON,
    python::LESSON,
    asynchronous::LESSON,
];

/// Nothing here takes as long, on the slowest machine: it hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// How long something is watched of which a lesson says that it does not happen.
const MOMENT: Duration = Duration::from_millis(50);

/// A path for a socket or the like, of this process alone.
fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rust-ipc-{}-{name}", std::process::id()))
}
