//! Ways to get pieces done in other processes. Neither needs to know of a worker's death: that is the crew's.

pub mod process_dynamic;
pub mod process_static;

use workload::{Mechanism, Workload};

/// All mechanisms of this crate. Their workers are this program, so its `main` begins with
/// [`worker::enter`](crate::worker::enter).
pub fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    vec![
        Mechanism {
            name: "process-static",
            concept: "processes",
            about: "each worker process gets its contiguous share at once and gives one part back",
            file: "crates/processes/src/mechanisms/process_static.rs",
            run: process_static::run,
        },
        Mechanism {
            name: "process-dynamic",
            concept: "processes",
            about: "a worker process gets more pieces as it finishes, tiny ones in chunks",
            file: "crates/processes/src/mechanisms/process_dynamic.rs",
            run: process_dynamic::run,
        },
    ]
}
