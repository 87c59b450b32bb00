//! Any workload in worker processes that connect by TCP, on this machine.
//!
//! **How** As [`unix_socket`](super::unix_socket), at a port of the loopback interface that the system chooses. Each
//! message is sent at once (TCP_NODELAY), or an order would wait for an acknowledgement.
//!
//! **Take it** where the workers may once be on another machine: nothing but the address would change. The key would go
//! over the network as it is, so it would need encryption first. **Not** on one machine: everything that TCP does
//! against loss and disorder is done here too, for nothing.
//!
//! **Cost** half as much again as a Unix socket for each message; a port, which anybody on this machine may knock at.
//!
//! **In Python** `multiprocessing.connection.Listener(("127.0.0.1", 0))`.

use processes::Program;
use workload::{RunError, Timeline, Workers, Workload};

use super::{Carrier, with_program};

/// Does all pieces of `work`.
///
/// # Errors
/// As [`with_program`].
pub fn run<W: Workload>(work: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    with_program(Carrier::Tcp, &Program::this(), work, workers, timeline)
}
