//! What the benches share: their `main`, the list of all mechanisms, and the table at the end.
//!
//! | bench | question |
//! |---|---|
//! | `mechanisms` | Which mechanism does each workload fastest? |
//! | `dispatch` | What does it cost to hand out a piece in which nothing is to be done? |
//! | `spawn` | What does it cost to start a worker, from a stolen closure to a process? |
//! | `pool` | What does the pool of processes cost: a piece, a start, a recovery, memory? |
//! | `locks` | What does it cost to take a lock and give it back, alone and with others? |
//! | `shared_locks` | What does it cost that a lock outlives its holder? |
//! | `shared_memory` | How fast do messages go from process to process through shared memory? |
//! | `ipc` | What does a message between processes cost, by what it travels and how long it is? |
//! | `manager` | How many calls a second does a manager answer, against CPython's? |
//! | `channels` | How fast do values go from thread to thread? |
//! | `contention` | What does it cost that threads count into one place? |
//! | `transfers` | How do many threads move money between many accounts? |
//! | `shared_work` | What do processes lose against threads when the work is in shared memory? |
//! | `gil` | What does the interpreter lock cost where nobody wants it, and how long until the next one has it? |
//! | `peers` | How do we stand beside C, Go, Python, `primal` and tokio on the same work? |
//!
//! `cargo bench -p benches --bench dispatch` runs one of them, `-- --quick` shortens it.

mod own_core;
pub mod peers;
mod table;
pub mod tokio_client;

use criterion::Criterion;
pub use own_core::own_core;
use processes::worker;
use workload::{
    Empty, Mechanism, Workload, fetch::Fetch, mandelbrot::Mandelbrot, primes::Primes, words::Words,
};

/// All mechanisms of all concepts.
pub fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    [
        threads::mechanisms::mechanisms(),
        processes::mechanisms(),
        shared_memory::mechanisms::mechanisms(),
        ipc::mechanisms::mechanisms(),
    ]
    .concat()
}

/// The first line of each bench's `main`: the process mechanisms run this very program again.
pub fn enter() {
    let jobs = [
        worker::job::<Empty>(),
        worker::job::<Mandelbrot>(),
        worker::job::<Primes>(),
        worker::job::<Words>(),
        worker::job::<Fetch>(),
    ];
    worker::enter(&[jobs.as_slice(), &shared_memory::mechanisms::JOBS, &ipc::mechanisms::JOBS].concat());
}

/// Runs `benches`, then prints one table for each of their groups: ratios to the fastest.
pub fn run(benches: impl FnOnce(&mut Criterion)) {
    enter();
    let mut criterion = Criterion::default().configure_from_args();
    let start = std::time::SystemTime::now();
    benches(&mut criterion);
    criterion.final_summary();
    match table::of_reports_since(start) {
        Ok(tables) => print!("{tables}"),
        Err(error) => eprintln!("no table: {error}"),
    }
}
