//! What a caller lays out in shared memory for its workers: the board, and the pieces in full.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, AsRawFd},
    panic::{self, AssertUnwindSafe},
    process,
    sync::OnceLock,
};

use processes::{frame, pool::TaskError};
use serde::{Deserialize, Serialize};
use workload::{Failure, Job, PieceError, RunError, Workload, attempt, panic_message};

use crate::{Mapping, Memfd, board::Board};

/// The caller's memory, as its worker opens it: by `/proc/PID/fd`, which the kernel shows to the same user.
///
/// Handing the descriptor down would need code between fork and exec, and so a slower start; this is a file name.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Given {
    process: u32,
    descriptor: i32,
}

impl Given {
    /// `memory` must stay open until all workers have ended.
    pub(super) fn of(memory: &Memfd) -> Self {
        Self { process: process::id(), descriptor: memory.as_fd().as_raw_fd() }
    }

    pub(super) fn open(self) -> Result<Memfd, TaskError> {
        let path = format!("/proc/{}/fd/{}", self.process, self.descriptor);
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(|why| io::Error::new(why.kind(), format!("{path}: {why}")))?;
        Ok(Memfd::from_fd(file.into())?)
    }
}

static WATCH: OnceLock<fn(&'static str)> = OnceLock::new();

/// Has `watch` called in this process, if it becomes a worker, at each point of its work, by name: for tests of what happens
/// when a worker is killed there. To be called before [`processes::worker::enter`]; only the first call counts.
///
/// All: `taken`, `worked`, `done`. In between, `drawn` (in place); `written`, `published`, `added` (one table); `reserved`,
/// `published` (ring).
pub fn watch(watch: fn(&'static str)) {
    let _ = WATCH.set(watch);
}

/// This worker is at `point`.
pub(super) fn at(point: &'static str) {
    if let Some(watch) = WATCH.get() {
        watch(point);
    }
}

/// The caller's side.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) board: Board,
    board_memory: Memfd,
    script_memory: Memfd,
}

/// What a worker is told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "W: Workload")]
pub(super) struct Brief<W: Workload> {
    work: W,
    workers: usize,
    board: Given,
    script: Given,
}

/// A worker's side.
#[derive(Debug)]
pub(super) struct Bench<W> {
    pub(super) work: W,
    pub(super) workers: usize,
    pub(super) board: Board,
    script: Mapping,
}

/// How a piece failed, and which.
pub(super) type Fault = (usize, Failure);

impl Site {
    /// Writes the pieces of `job`, of which there is at least one, and a board on which all of them are free.
    pub(super) fn of<W: Workload>(job: &Job<'_, W>) -> Result<Self, RunError> {
        let mut frames = Vec::with_capacity(job.len());
        for (place, piece) in job.pieces().iter().enumerate() {
            frames.push(frame::encode(piece).map_err(|error| {
                let why = PieceError::new(format_args!("the piece {error}"));
                Failure::Error(why).at(W::NAME, place)
            })?);
        }
        let script_memory = Memfd::create("pieces", frames.iter().map(Vec::len).sum()).map_err(no_memory)?;
        let script = script_memory.map().map_err(no_memory)?;
        let (mut starts, mut end) = (Vec::with_capacity(frames.len()), 0);
        for frame in &frames {
            script.write(end, frame).map_err(no_memory)?;
            starts.push(end as u64);
            end += frame.len();
        }
        let board_memory = Memfd::create("board", Board::size(job.len())).map_err(no_memory)?;
        let board = Board::create(&board_memory, |place| starts[place]).map_err(no_memory)?;
        Ok(Self { board, board_memory, script_memory })
    }

    pub(super) fn brief<W: Workload>(&self, work: &W, workers: usize) -> Brief<W> {
        let [board, script] = [&self.board_memory, &self.script_memory].map(Given::of);
        Brief { work: work.clone(), workers, board, script }
    }
}

impl<W: Workload> Bench<W> {
    pub(super) fn open(brief: Brief<W>) -> Result<Self, TaskError> {
        let Brief { work, workers, board, script } = brief;
        Ok(Self { work, workers, board: Board::attach(board.open()?)?, script: script.open()?.map()? })
    }

    /// Does a piece, and leaves its mark on the board.
    pub(super) fn run(&self, place: usize) -> Result<W::Part, Fault> {
        at("taken");
        let piece = self.piece(place).map_err(|why| (place, Failure::Error(PieceError::new(why))))?;
        let done = self.board.record(place, || attempt(&self.work, &piece));
        at("worked");
        done.map_err(|failure| (place, failure))
    }

    /// Worker `worker` has done the piece, and its part is where it belongs.
    pub(super) fn done(&self, place: usize, worker: u32) {
        self.board.pieces().done(place, worker);
        at("done");
    }

    /// Puts `right`, the part of piece `place`, behind `left`.
    pub(super) fn combine(&self, left: &mut W::Part, right: W::Part, place: usize) -> Result<(), Fault> {
        // Unwind safety: after a panic nobody looks at `left` again.
        panic::catch_unwind(AssertUnwindSafe(|| self.work.combine(left, right)))
            .map_err(|payload| (place, Failure::Panic(panic_message(&*payload))))
    }

    fn piece(&self, place: usize) -> Result<W::Piece, String> {
        let in_words = |error: &dyn std::fmt::Display| format!("cannot be read from shared memory: {error}");
        let start = self.board.word(place) as usize;
        let mut length = [0; 4];
        self.script.read(start, &mut length).map_err(|error| in_words(&error))?;
        let length = u32::from_le_bytes(length) as usize;
        if length > self.script.len() {
            return Err(in_words(&"its length is beyond the end"));
        }
        let mut bytes = vec![0; length];
        self.script.read(start.saturating_add(4), &mut bytes).map_err(|error| in_words(&error))?;
        frame::decode(&bytes).map_err(|error| in_words(&error))
    }
}

/// Memory for the workers is part of their start.
pub(super) fn no_memory(why: impl std::fmt::Display) -> RunError {
    RunError::Start { what: "workers with shared memory".to_owned(), why: why.to_string() }
}
