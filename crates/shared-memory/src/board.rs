//! Who does which piece stands in shared memory: each piece is taken by one worker, and what a dead one had is known.
//!
//! Workers take pieces themselves, by one atomic step on the piece's own word. No message, no system call, and no moment at
//! which a piece belongs to nobody: a piece goes from free to *taken by worker 3* to *done by worker 3*, and never back.
//! A worker is a number, not a process: when its process is killed, the next one with that number does what it
//! [owes](Pieces::owed) first. Somebody must start that next process: [`processes::pool`].

use std::os::fd::AsFd;

use model::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use workload::{RunError, Span, now};

use crate::{
    layout::{LayoutError, Shared},
    shared,
};

shared! {
    /// What all workers share beside the pieces.
    #[derive(Debug, Default)]
    pub struct Head {
        /// No piece before this one is free.
        first_free: AtomicU64,
        /// 1 when no more pieces are to be taken.
        stopped: AtomicU32,
    }
}

shared! {
    /// One piece: whose it is, and the mark of having been done.
    #[derive(Debug, Default)]
    pub struct Entry {
        /// 0 while it is free; else the worker's number plus 1, with [`DONE`] on top when it is done.
        holder: AtomicU32,
        pid: AtomicU32,
        start: AtomicU64,
        end: AtomicU64,
        /// Whatever the caller wants to say of the piece.
        word: AtomicU64,
    }
}

/// Added to the holder of a piece that is done.
const DONE: u32 = 1 << 31;

/// The pieces on a board, wherever that is: in a segment, or in a model checker's world (`tests/board_model.rs`).
#[derive(Clone, Copy, Debug)]
pub struct Pieces<'a> {
    head: &'a Head,
    entries: &'a [Entry],
}

impl<'a> Pieces<'a> {
    /// Those of `entries`, all of them free at first.
    pub fn new(head: &'a Head, entries: &'a [Entry]) -> Self {
        Self { head, entries }
    }

    // ANCHOR: take
    /// Takes the next free piece for `worker`.
    pub fn take(self, worker: u32) -> Option<usize> {
        // Relaxed: a hint. As no piece becomes free again, an old value only means a longer way.
        let from = usize::try_from(self.head.first_free.load(Relaxed)).unwrap_or(usize::MAX);
        let place = (from..self.entries.len()).find(|place| self.take_this(*place, worker))?;
        self.head.first_free.store(place as u64 + 1, Relaxed);
        Some(place)
    }

    fn take_this(self, place: usize, worker: u32) -> bool {
        // One step: between a look and a store another could take the same piece. Relaxed: what the piece is was written
        // before the workers were started.
        let holder = &self.entries[place].holder;
        !self.is_stopped() && holder.compare_exchange(0, worker + 1, Relaxed, Relaxed).is_ok()
    }
    // ANCHOR_END: take

    /// Takes the next free piece, and the free ones behind it, `most` in all.
    pub fn take_run(self, worker: u32, most: usize) -> std::ops::Range<usize> {
        let Some(first) = self.take(worker) else { return 0..0 };
        let last = self.entries.len().min(first.saturating_add(most.max(1)));
        let end = (first + 1..last).find(|place| !self.take_this(*place, worker)).unwrap_or(last);
        self.head.first_free.store(end as u64, Relaxed);
        first..end
    }

    /// What `worker` has taken and not done: after a kill, what its next process has to begin with.
    pub fn owed(self, worker: u32) -> impl Iterator<Item = usize> {
        // Relaxed: the dead process was waited for, so all that it has stored is seen.
        (0..self.entries.len()).filter(move |place| self.entries[*place].holder.load(Relaxed) == worker + 1)
    }

    /// What `worker` has taken, done or not.
    pub fn taken(self, worker: u32) -> impl Iterator<Item = usize> {
        // Relaxed: as in `owed`.
        let holder = move |place: usize| self.entries[place].holder.load(Relaxed) & !DONE;
        (0..self.entries.len()).filter(move |place| holder(*place) == worker + 1)
    }

    /// `worker` has done the piece.
    pub fn done(self, place: usize, worker: u32) {
        // Release: pairs with the Acquire in `is_done`, so that whoever sees it done sees what was done.
        self.entries[place].holder.store((worker + 1) | DONE, Release);
    }

    /// Whether the piece is done; then all is seen that its worker has written before.
    pub fn is_done(self, place: usize) -> bool {
        self.entries[place].holder.load(Acquire) & DONE != 0
    }

    /// Whether no more pieces are to be taken.
    pub fn is_stopped(self) -> bool {
        self.head.stopped.load(Relaxed) != 0
    }

    /// How many are not taken, at least at this moment.
    pub fn left(self) -> usize {
        let from = usize::try_from(self.head.first_free.load(Relaxed)).unwrap_or(usize::MAX);
        self.entries.len().saturating_sub(from)
    }
}

/// A board in a segment.
#[derive(Debug)]
pub struct Board(Shared<Head, Entry>);

impl Board {
    /// Bytes of a segment for so many pieces.
    pub const fn size(pieces: usize) -> usize {
        Shared::<Head, Entry>::size(pieces)
    }

    /// A board for as many pieces as there is room for, each with the word that `word` gives for it.
    ///
    /// # Errors
    /// As [`Shared::create`].
    pub fn create(memory: impl AsFd, word: impl Fn(usize) -> u64) -> Result<Self, LayoutError> {
        let shared = Shared::create(memory, |_: &mut Head, entries: &mut [Entry]| {
            for (place, entry) in entries.iter_mut().enumerate() {
                // Relaxed: published with the segment.
                entry.word.store(word(place), Relaxed);
            }
        })?;
        Ok(Self(shared))
    }

    /// One that another process has made.
    ///
    /// # Errors
    /// As [`Shared::attach`].
    pub fn attach(memory: impl AsFd) -> Result<Self, LayoutError> {
        Ok(Self(Shared::attach(memory)?))
    }

    /// The pieces.
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces::new(&self.0, self.0.tail())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.tail().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word of a piece, 0 where there is no such piece.
    pub fn word(&self, place: usize) -> u64 {
        self.0.tail().get(place).map_or(0, |entry| entry.word.load(Relaxed))
    }

    /// From now on nobody takes a piece.
    pub fn stop(&self) {
        self.0.stopped.store(1, Relaxed);
    }

    /// Does piece `place` by `work`, and leaves the mark of it. [`Pieces::done`] is still to come: once it is safe.
    pub fn record<T>(&self, place: usize, work: impl FnOnce() -> T) -> T {
        let start = now();
        let done = work();
        let entry = &self.0.tail()[place];
        entry.pid.store(std::process::id(), Relaxed);
        entry.start.store(start, Relaxed);
        entry.end.store(now(), Relaxed);
        done
    }

    /// The process that was the last to do a piece as `worker`; 0 if there was none.
    pub fn pid(&self, worker: u32) -> u32 {
        let entries = self.pieces().taken(worker).map(|place| &self.0.tail()[place]);
        entries.max_by_key(|entry| entry.end.load(Relaxed)).map_or(0, |entry| entry.pid.load(Relaxed))
    }

    /// That nothing is left to do.
    ///
    /// # Errors
    /// [`RunError::Incomplete`].
    pub fn all_done(&self) -> Result<(), RunError> {
        let (of, pieces) = (self.len(), self.pieces());
        let done = (0..of).filter(|place| pieces.is_done(*place)).count();
        if done == of { Ok(()) } else { Err(RunError::Incomplete { done, of }) }
    }

    /// Who did which piece, and when: of all that are done.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        let done = (0..self.len()).filter(|place| self.pieces().is_done(*place));
        done.map(|piece| {
            let entry = &self.0.tail()[piece];
            let worker = (entry.holder.load(Relaxed) & !DONE).saturating_sub(1) as usize;
            let [start, end] = [&entry.start, &entry.end].map(|time| time.load(Relaxed));
            Span { piece, worker, pid: entry.pid.load(Relaxed), start, end }
        })
    }
}
