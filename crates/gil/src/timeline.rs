//! Who held the lock, waited, asked and gave way, and when: written down as it happens, drawn afterwards.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use lesson::lanes::Span;

use crate::{Event, Observer};

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Nanoseconds since the timeline was begun.
    pub at: u64,
    /// Which thread, numbered in the order of attaching.
    pub thread: usize,
    /// What it did.
    pub event: Event,
}

/// An [`Observer`] that writes all down.
#[derive(Debug)]
pub struct Timeline {
    begun: Instant,
    seen: Mutex<Vec<Seen>>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { begun: Instant::now(), seen: Mutex::new(Vec::new()) }
    }
}

impl Observer for Timeline {
    fn see(&self, thread: usize, event: Event) {
        let at = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { at, thread, event });
    }
}

/// The marks of [`Timeline::spans`].
pub mod mark {
    /// Holds the lock.
    pub const HOLDS: char = '#';
    /// Waits for it.
    pub const WAITS: char = '-';
    /// Waits for it and has asked.
    pub const HAS_ASKED: char = '?';
    /// Gave way and waits until another has taken it.
    pub const GIVES_WAY: char = 'v';
    /// Does something for which it needs no lock.
    pub const BLOCKS: char = '~';
}

impl Timeline {
    /// All events so far, in the order in which they happened.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What each thread was doing from when to when, a lane a thread, for `lesson::lanes`.
    pub fn spans(&self) -> Vec<Span> {
        let seen = self.seen();
        let threads = seen.iter().map(|seen| seen.thread + 1).max().unwrap_or(0);
        let mut spans = Vec::new();
        for lane in 0..threads {
            let mine: Vec<&Seen> = seen.iter().filter(|seen| seen.thread == lane).collect();
            for pair in mine.windows(2) {
                let mark = match pair[0].event {
                    Event::Takes => mark::HOLDS,
                    Event::Waits => mark::WAITS,
                    Event::Asks => mark::HAS_ASKED,
                    Event::GivesWay => mark::GIVES_WAY,
                    Event::Blocks => mark::BLOCKS,
                    Event::Detaches => continue,
                };
                spans.push(Span { lane, start: pair[0].at, end: pair[1].at, mark });
            }
        }
        spans
    }
}
