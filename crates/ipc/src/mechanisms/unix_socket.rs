//! Any workload in worker processes that connect to a Unix socket.
//!
//! **How** The caller listens at an abstract name, which no file stands for, so that nothing is left of it when the caller
//! is killed. Workers connect and show the key that their pool has told them. Each is told a run of neighbouring
//! pieces, an eighth of its share of what is left, does them, and answers with their parts, combined.
//!
//! **Take it** where processes on one machine come and go, are started by somebody else, or are to hand over
//! descriptors. **Not** where they are your own children and stay: a pipe is as good and needs no name.
//!
//! **Cost** the start of the processes, then one round trip an order: about 9 us of work on one core, and some 35 us until
//! the other side runs where a core must be woken.
//!
//! **In Python** `multiprocessing.connection.Listener(family="AF_UNIX")`, with a thread for each `accept`.

use processes::Program;
use workload::{RunError, Timeline, Workers, Workload};

use super::{Carrier, with_program};

/// Does all pieces of `work`.
///
/// # Errors
/// As [`with_program`].
pub fn run<W: Workload>(work: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    with_program(Carrier::UnixSocket, &Program::this(), work, workers, timeline)
}
