//! Ways to get pieces done in other processes that are called up: they connect, say who they are, and are told what to do.
//!
//! All three are one mechanism; they differ in what carries the messages, so that the difference in time is the carrier's.
//! The workers are those of a [`processes::pool`], one piece of that pool each: *be worker 3*. A worker that is killed
//! leaves its order with the caller, which sees the end of its line; the pool has another process be worker 3, it
//! connects anew, and is told the same order first. Nothing is lost, and an answer that had arrived whole counts.
//!
//! | file | what carries the messages |
//! |---|---|
//! | `unix_socket.rs` | a Unix socket with an abstract name |
//! | `tcp.rs` | TCP on the loopback interface |
//! | `ipc_channel.rs` | two byte channels of the crate ipc-channel, agreed on over a Unix socket |
//! | `caller.rs`, `worker.rs` | the two sides: who owns which piece, and the loop that does them |
//! | `door.rs` | who may come in: whoever shows the key in time |
//! | `line.rs`, `words.rs` | messages either way, and what they say |
//!
//! A worker is this program, so its `main` begins with [`processes::worker::enter`], which has to know [`job`] of each
//! workload; [`JOBS`] are those of the common workloads.

mod caller;
mod door;
pub mod ipc_channel;
mod line;
pub mod tcp;
pub mod unix_socket;
mod words;
mod worker;

use processes::{Program, worker::Job};
use workload::{Empty, Fetch, Mandelbrot, Mechanism, Primes, RunError, Timeline, Words, Workers, Workload};

pub use line::Carrier;
pub use worker::watch;

/// For [`processes::worker::enter`]: what this crate's mechanisms need for the common workloads.
pub const JOBS: [Job; 5] =
    [job::<Empty>(), job::<Mandelbrot>(), job::<Primes>(), job::<Words>(), job::<Fetch>()];

/// For [`processes::worker::enter`]: what all of these mechanisms need for `W`.
pub const fn job<W: Workload>() -> Job {
    worker::job::<W>()
}

/// All mechanisms of this crate.
pub fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    vec![
        Mechanism {
            name: "unix-socket",
            concept: "ipc",
            about: "worker processes connect to a Unix socket, are told their orders there and answer there",
            file: "crates/ipc/src/mechanisms/unix_socket.rs",
            run: unix_socket::run,
        },
        Mechanism {
            name: "tcp",
            concept: "ipc",
            about: "worker processes connect by TCP on this machine, are told their orders there and answer there",
            file: "crates/ipc/src/mechanisms/tcp.rs",
            run: tcp::run,
        },
        Mechanism {
            name: "ipc-channel",
            concept: "ipc",
            about: "worker processes are told their orders, and answer, through channels of the crate ipc-channel",
            file: "crates/ipc/src/mechanisms/ipc_channel.rs",
            run: ipc_channel::run,
        },
    ]
}

/// Does all pieces of `work` in processes that run `program`, over `carrier`.
///
/// # Errors
/// [`RunError::Cut`]; [`RunError::Start`] when there is no process, no thread or no socket left; [`RunError::Piece`] and
/// [`RunError::Panicked`] for a piece that fails; [`RunError::Poison`] for pieces that end three workers in a row;
/// [`RunError::WorkerDied`] when as one worker a hundred processes have died; [`RunError::Protocol`]. No worker is left
/// in any case.
pub fn with_program<W: Workload>(
    carrier: Carrier,
    program: &Program,
    work: &W,
    workers: Workers,
    timeline: &Timeline,
) -> Result<W::Part, RunError> {
    caller::run(carrier, program, work, workers, timeline)
}
