//! A workload that shows what mechanisms usually hide: order, parts alive at once, pieces begun.
#![allow(dead_code)] // each test binary uses what it needs

use std::{
    mem,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use workload::{PieceError, Workload};

/// Its answer is the text `0,1,2,...`, so combining is not commutative and any disorder shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Probe {
    /// How many pieces.
    pub pieces: usize,
    /// Piece 0 waits until this many others are done.
    pub first_waits_for: usize,
    /// These end with an error; all others wait until one of them has begun.
    pub errors: Vec<usize>,
    /// These panic.
    pub panics: Vec<usize>,
    /// What was seen.
    #[serde(skip)]
    pub seen: Arc<Seen>,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub begun: usize,
    pub done: usize,
    pub failed: usize,
    pub alive: usize,
    pub most_alive: usize,
}

impl Seen {
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap());
        self.changed.notify_all();
    }

    /// Waits for another piece; gives up far beyond what the slowest machine needs, so that a mechanism that
    /// never gets there ends in an error and not in a hang.
    fn wait_until(&self, enough: impl Fn(&Counts) -> bool) -> Result<(), PieceError> {
        let counts = self.counts.lock().unwrap();
        let limit = Duration::from_secs(30);
        let (_counts, late) =
            self.changed.wait_timeout_while(counts, limit, |counts| !enough(counts)).unwrap();
        if late.timed_out() { Err(PieceError::new("nobody else came")) } else { Ok(()) }
    }
}

/// Text, and the proof that it is alive. `default()` holds nothing and does not count.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Part {
    pub text: String,
    #[serde(skip)]
    alive: Option<Alive>,
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Debug)]
struct Alive(Arc<Seen>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.change(|counts| counts.alive -= 1);
    }
}

impl Workload for Probe {
    const NAME: &'static str = "probe";
    type Piece = usize;
    type Part = Part;

    fn pieces(&self) -> Result<Vec<usize>, PieceError> {
        Ok((0..self.pieces).collect())
    }

    fn run(&self, &piece: &usize) -> Result<Part, PieceError> {
        self.seen.change(|counts| counts.begun += 1);
        if self.errors.contains(&piece) || self.panics.contains(&piece) {
            self.seen.change(|counts| counts.failed += 1);
            assert!(!self.panics.contains(&piece), "piece {piece} was told to panic");
            return Err(PieceError::new("told to fail"));
        }
        if !self.errors.is_empty() || !self.panics.is_empty() {
            self.seen.wait_until(|counts| counts.failed > 0)?;
            std::thread::yield_now(); // lets the one that failed say so, even on one core
        }
        if piece == 0 {
            self.seen.wait_until(|counts| counts.done >= self.first_waits_for)?;
        }
        self.seen.change(|counts| {
            counts.done += 1;
            counts.alive += 1;
            counts.most_alive = counts.most_alive.max(counts.alive);
        });
        Ok(Part { text: format!("{piece},"), alive: Some(Alive(Arc::clone(&self.seen))) })
    }

    fn combine(&self, left: &mut Part, mut right: Part) {
        if left.alive.is_none() {
            left.alive = mem::take(&mut right.alive);
        }
        left.text.push_str(&right.text);
    }
}
