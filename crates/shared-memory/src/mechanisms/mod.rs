//! Ways to get pieces done in other processes, with the work itself in memory that all of them map.
//!
//! All three have the same skeleton. The pieces are written into shared memory once, and workers take them from a
//! [`Board`](crate::board::Board): no message for a piece. The workers are those of a [`processes::pool`], one piece of
//! that pool each: *be worker 3*. When a worker is killed, the pool has another process be worker 3, which finds on the
//! board what its predecessor owes. They differ in what becomes of the parts:
//!
//! | file | parts |
//! |---|---|
//! | `shared_ring.rs` | go through a ring for each worker, for any workload |
//! | `in_place.rs` | are tiles, stored in one picture where they belong |
//! | `one_table.rs` | are words and counts, added to one table |
//!
//! A worker is this program, so its `main` begins with [`processes::worker::enter`], which has to know [`job`] of each
//! workload, [`in_place::JOB`] and [`one_table::JOB`]; [`JOBS`] are those of the common workloads.

pub mod in_place;
pub mod one_table;
pub mod shared_ring;
mod site;
mod supervise;

use processes::worker::Job;
use workload::{Empty, Fetch, Mandelbrot, Mechanism, Primes, Words, Workload};

pub use shared_ring::job;
pub use site::watch;

/// For [`processes::worker::enter`]: what this crate's mechanisms need for the common workloads.
pub const JOBS: [Job; 7] = [
    job::<Empty>(),
    job::<Mandelbrot>(),
    job::<Primes>(),
    job::<Words>(),
    job::<Fetch>(),
    in_place::JOB,
    one_table::JOB,
];

/// All mechanisms of this crate that do any workload.
pub fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    vec![Mechanism {
        name: "shared-ring",
        concept: "shared-memory",
        about: "worker processes take pieces from a board in shared memory, and parts come back through rings there",
        file: "crates/shared-memory/src/mechanisms/shared_ring.rs",
        run: shared_ring::run,
    }]
}

/// The one for pictures alone.
pub fn in_place() -> Mechanism<Mandelbrot> {
    Mechanism {
        name: "in-place",
        concept: "shared-memory",
        about: "worker processes store their tiles in one picture, where they belong",
        file: "crates/shared-memory/src/mechanisms/in_place.rs",
        run: in_place::run,
    }
}
