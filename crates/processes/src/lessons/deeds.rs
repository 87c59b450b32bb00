//! The work of the lessons: each piece is a deed, and its part says what came of it.

use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};
use workload::{PieceError, Workload};

/// A global variable: there is one in each process.
pub(crate) static COUNTER: AtomicU32 = AtomicU32::new(0);

/// The environment variable of a worker that shall die of a [`Deed::DieIfDoomed`].
pub(super) const DOOMED: &str = "PROCESSES_LESSON_DOOMED";

/// What a piece does in its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Adds 1 to a global variable and looks around.
    Look,
    /// Returns an error.
    Fail,
    /// Panics.
    Panic,
    /// Exits with this code.
    Exit(i32),
    /// Is killed by SIGKILL, as by a kernel that is out of memory.
    Die,
    /// The same in a worker that was started with [`DOOMED`] in its environment; in all others it looks around.
    DieIfDoomed,
}

/// What a [`Deed::Look`] saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The worker's process id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// The global variable.
    pub counter: u32,
}

/// A list of deeds, done by workers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deeds(pub Vec<Deed>);

impl Workload for Deeds {
    const NAME: &'static str = "deeds";
    type Piece = Deed;
    type Part = Vec<Seen>;

    fn pieces(&self) -> Result<Vec<Deed>, PieceError> {
        Ok(self.0.clone())
    }

    fn run(&self, deed: &Deed) -> Result<Vec<Seen>, PieceError> {
        match deed {
            Deed::DieIfDoomed if env::var_os(DOOMED).is_some() => die(),
            Deed::Look | Deed::DieIfDoomed => {
                let counter = COUNTER.fetch_add(1, Ordering::Relaxed) + 1;
                Ok(vec![Seen { pid: process::id(), parent: std::os::unix::process::parent_id(), counter }])
            }
            Deed::Fail => Err(PieceError::new("no such thing")),
            Deed::Panic => panic!("what now?"),
            Deed::Exit(code) => process::exit(*code),
            Deed::Die => die(),
        }
    }

    fn combine(&self, left: &mut Vec<Seen>, mut right: Vec<Seen>) {
        left.append(&mut right);
    }
}

fn die() -> Result<Vec<Seen>, PieceError> {
    kill_process(getpid(), Signal::KILL).map_err(PieceError::new)?;
    Ok(Vec::new())
}
