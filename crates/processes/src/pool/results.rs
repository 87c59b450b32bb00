//! Answers as an iterator, which reads its input only so far ahead as it was allowed to.
//!
//! Whoever takes answers drives it: taking one makes room, and only then is more input read, on the same thread. So
//! the input may be endless, and what is in memory is bounded: at most `ahead` inputs and answers together, however
//! fast the input and however slow the reader. In Python `Pool.imap` reads all of its input at once.

use std::{
    collections::VecDeque,
    fmt,
    sync::mpsc::{Receiver, channel},
};

use super::{
    desk::{Desk, Request},
    failed::Failed,
};

/// Answers that come together.
pub(super) type Batch<I, O> = Vec<(u64, Result<O, Failed<I>>)>;

/// Input that goes in and answers that come out; what [`Results`] and [`Unordered`] have in common.
struct Stream<'p, I, O, T> {
    desk: &'p Desk<I, O>,
    client: u64,
    input: Option<T>,
    answers: Receiver<Batch<I, O>>,
    arrived: VecDeque<(u64, Result<O, Failed<I>>)>,
    /// At most so many are read and not given out.
    ahead: usize,
    read: u64,
    given: u64,
    peak: usize,
}

impl<'p, I, O, T: Iterator<Item = I>> Stream<'p, I, O, T> {
    fn new(desk: &'p Desk<I, O>, input: T, ahead: usize) -> Self {
        let (sender, answers) = channel();
        let client = desk.client();
        desk.ask(Request::Client(client, sender));
        Self {
            desk,
            client,
            input: Some(input),
            answers,
            arrived: VecDeque::new(),
            ahead: ahead.max(1),
            read: 0,
            given: 0,
            peak: 0,
        }
    }

    fn in_flight(&self) -> usize {
        (self.read - self.given) as usize
    }

    /// Reads more input when a quarter of the room is free: some at a time cost less than one by one.
    fn read_ahead(&mut self) {
        let room = self.ahead - self.in_flight();
        let Some(input) = &mut self.input else { return };
        if room < (self.ahead / 4).max(1) {
            return;
        }
        let pieces: Vec<I> = input.by_ref().take(room).collect();
        if pieces.len() < room {
            // Not asked again: an iterator may begin anew after its end.
            self.input = None;
        }
        if pieces.is_empty() {
            return;
        }
        let first = self.read;
        self.read += pieces.len() as u64;
        self.peak = self.peak.max(self.in_flight());
        self.desk.ask(Request::Pieces { client: self.client, first, pieces });
    }

    /// The next answer that comes.
    fn next(&mut self) -> Option<(u64, Result<O, Failed<I>>)> {
        self.read_ahead();
        while self.arrived.is_empty() {
            if self.given == self.read {
                return None;
            }
            let Ok(batch) = self.answers.recv() else { panic!("the pool's own thread has panicked") };
            self.arrived.extend(batch);
        }
        self.arrived.pop_front()
    }
}

impl<I, O, T> Drop for Stream<'_, I, O, T> {
    fn drop(&mut self) {
        // What nobody has begun is not begun any more.
        self.desk.ask(Request::Cancel(self.client));
    }
}

/// Answers in the order of their inputs: see [`Pool::map`](super::Pool::map).
///
/// # Panics
/// Taking an answer panics when the pool's own thread has panicked.
pub struct Results<'p, I, O, T> {
    stream: Stream<'p, I, O, T>,
    /// Answers that came before their turn, from `stream.given` on.
    early: VecDeque<Option<Result<O, Failed<I>>>>,
}

impl<'p, I, O, T: Iterator<Item = I>> Results<'p, I, O, T> {
    pub(super) fn new(desk: &'p Desk<I, O>, input: T, ahead: usize) -> Self {
        Self { stream: Stream::new(desk, input, ahead), early: VecDeque::new() }
    }

    /// The most inputs that were read and not yet answered to the reader, until now.
    pub fn peak(&self) -> usize {
        self.stream.peak
    }
}

impl<I, O, T: Iterator<Item = I>> Iterator for Results<'_, I, O, T> {
    type Item = Result<O, Failed<I>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(Some(_)) = self.early.front() {
                self.stream.given += 1;
                return self.early.pop_front().flatten();
            }
            let (index, answer) = self.stream.next()?;
            let place = (index - self.stream.given) as usize;
            if self.early.len() <= place {
                self.early.resize_with(place + 1, || None);
            }
            self.early[place] = Some(answer);
        }
    }
}

/// Answers as they come, with the place of their input: see [`Pool::map_unordered`](super::Pool::map_unordered).
///
/// # Panics
/// Taking an answer panics when the pool's own thread has panicked.
pub struct Unordered<'p, I, O, T>(Stream<'p, I, O, T>);

impl<'p, I, O, T: Iterator<Item = I>> Unordered<'p, I, O, T> {
    pub(super) fn new(desk: &'p Desk<I, O>, input: T, ahead: usize) -> Self {
        Self(Stream::new(desk, input, ahead))
    }

    /// As [`Results::peak`].
    pub fn peak(&self) -> usize {
        self.0.peak
    }
}

impl<I, O, T: Iterator<Item = I>> Iterator for Unordered<'_, I, O, T> {
    type Item = (usize, Result<O, Failed<I>>);

    fn next(&mut self) -> Option<Self::Item> {
        let (index, answer) = self.0.next()?;
        self.0.given += 1;
        Some((index as usize, answer))
    }
}

impl<I, O, T> fmt::Debug for Results<'_, I, O, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Results")
            .field("read", &self.stream.read)
            .field("given", &self.stream.given)
            .finish()
    }
}

impl<I, O, T> fmt::Debug for Unordered<'_, I, O, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Unordered").field("read", &self.0.read).field("given", &self.0.given).finish()
    }
}
