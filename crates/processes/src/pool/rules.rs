//! How a pool is to work: what is given at its start and never changes.

use std::{io, num::NonZeroUsize, thread, time::Duration};

use super::{Pool, PoolError, words::append};
use crate::{Program, frame, mark};

/// How many pieces go to a worker together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    Given(usize),
    Measured,
}

/// The same, as the pool's thread needs it.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) task: &'static str,
    pub(super) program: Program,
    /// The frame that follows the greeting.
    pub(super) terms: Vec<u8>,
    pub(super) workers: usize,
    pub(super) chunk: Chunk,
    pub(super) tries: usize,
    /// A worker may be silent for so long while it has something to do.
    pub(super) silence: Option<Duration>,
    pub(super) pieces_per_worker: usize,
}

/// What a pool is to be like: [`Pool::of`] begins, [`start`](Self::start) ends it.
#[must_use = "nothing is started before `start`"]
#[derive(Debug)]
pub struct Settings<I, O> {
    task: &'static str,
    argument: Result<Vec<u8>, String>,
    program: Program,
    workers: usize,
    chunk: Chunk,
    ahead: Option<usize>,
    tries: usize,
    limit: Option<Duration>,
    pieces_per_worker: usize,
    kind: std::marker::PhantomData<fn(I) -> O>,
}

/// Without a limit, answers wait so long for others to be sent with.
const FLUSH: Duration = Duration::from_millis(50);

impl<I: super::Sendable, O: super::Sendable> Settings<I, O> {
    pub(super) fn new(task: &'static str, argument: &impl serde::Serialize) -> Self {
        let mut bytes = Vec::new();
        let argument = append(argument, &mut bytes).map(|()| bytes).map_err(|error| error.to_string());
        Self {
            task,
            argument,
            program: Program::this(),
            workers: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            chunk: Chunk::Measured,
            ahead: None,
            tries: 3,
            limit: None,
            pieces_per_worker: usize::MAX,
            kind: std::marker::PhantomData,
        }
    }

    /// How many workers (1 or more). If not set: as many as there are cores that this process may use.
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: workers.max(1), ..self }
    }

    /// Which program the workers run, if it is not this one again.
    pub fn program(self, program: Program) -> Self {
        Self { program, ..self }
    }

    /// How many pieces (1 or more) go to a worker together: `chunksize` in Python. If not set, it is measured: as many
    /// as take about half a millisecond.
    pub fn chunk(self, pieces: usize) -> Self {
        Self { chunk: Chunk::Given(pieces.max(1)), ..self }
    }

    /// How many inputs (1 or more) may be read and not yet answered to the reader, in each
    /// [`map`](Pool::map). If not set: 1,024 for each worker. The bound on memory; too low a one leaves workers idle.
    pub fn ahead(self, pieces: usize) -> Self {
        Self { ahead: Some(pieces.max(1)), ..self }
    }

    /// How many workers (1 or more) a piece may kill until it is given up as poison: 3 if not set.
    pub fn tries(self, tries: usize) -> Self {
        Self { tries: tries.max(1), ..self }
    }

    /// How long a piece may take. No worker is killed for a piece within the limit; one that has been at a piece for
    /// five quarters of it is. That counts as a death: the piece is tried again, see [`tries`](Self::tries).
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// After so many pieces (1 or more) a worker is replaced by a new one: `maxtasksperchild` in Python. For work that
    /// leaks.
    pub fn pieces_per_worker(self, pieces: usize) -> Self {
        Self { pieces_per_worker: pieces.max(1), ..self }
    }

    /// Starts the pool. Its workers are started, but not waited for.
    ///
    /// # Errors
    /// [`PoolError::Start`] when a worker cannot be started; then none is left. Also when this process is itself a
    /// worker that does not know it.
    pub fn start(self) -> Result<Pool<I, O>, PoolError> {
        let cannot = |why: String| PoolError::Start { what: "a pool".to_owned(), why };
        mark::may_start_workers().map_err(|error| cannot(error.to_string()))?;
        let flush = self.limit.map_or(FLUSH, |limit| limit / 4);
        let terms = self.argument.and_then(|mut terms| {
            let nanoseconds = u64::try_from(flush.as_nanos()).unwrap_or(u64::MAX);
            append(&nanoseconds, &mut terms).map_err(|error| error.to_string())?;
            frame::of_payload(&terms).map_err(|error| error.to_string())
        });
        let rules = Rules {
            task: self.task,
            program: self.program,
            terms: terms.map_err(|why| cannot(format!("the argument of its start {why}")))?,
            workers: self.workers,
            chunk: self.chunk,
            tries: self.tries,
            silence: self.limit.map(|limit| limit.saturating_add(limit / 4)),
            pieces_per_worker: self.pieces_per_worker,
        };
        Pool::start(rules, self.ahead.unwrap_or(1024 * self.workers))
    }
}

/// Why a worker could not be started, with what helps.
pub(super) fn in_words(error: &io::Error) -> String {
    let emfile = rustix::io::Errno::MFILE.raw_os_error();
    match error.raw_os_error() {
        Some(code) if code == emfile => {
            let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
            let limit = limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
            format!("{error}: each worker needs three descriptors, and the limit is {limit} (`ulimit -n`)")
        }
        _ => error.to_string(),
    }
}
