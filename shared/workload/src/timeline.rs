//! Who did which piece, from when to when; and where that was another process, when it was asked to and when it answered.

use std::{
    ops::Range,
    process,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Nanoseconds on `CLOCK_MONOTONIC`, which all processes of a machine share (`std::time::Instant` reads the
/// same clock but keeps the number to itself, so it cannot be sent).
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// One piece, done once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Index of the piece.
    pub piece: usize,
    /// Who did it: workers count from 0.
    pub worker: usize,
    /// In which process.
    pub pid: u32,
    /// When it began: nanoseconds, see [`now`].
    pub start: u64,
    /// When it ended.
    pub end: u64,
}

/// An order to a worker in another process, and its answer: both ends of both messages are known, as all processes read
/// the same clock. From the end of `send` to the first piece, and from the last piece to the beginning of `receive`, the
/// messages are on their way, or wait until someone has time for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Which worker.
    pub worker: usize,
    /// The pieces of the order.
    pub pieces: Range<usize>,
    /// While the caller encoded and wrote the order: nanoseconds, see [`now`].
    pub send: Range<u64>,
    /// While the caller, who had all of the answer, decoded it.
    pub receive: Range<u64>,
}

/// Workers write to a lane of their own, so that recording does not make them wait for each other; aligned so
/// that two lanes never share a cache line (two, as x86 fetches them in pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane {
    spans: Mutex<Vec<Span>>,
    exchanges: Mutex<Vec<Exchange>>,
}

/// A record of who did which piece from when to when. [`Timeline::off`] records nothing and costs nothing.
#[derive(Debug)]
pub struct Timeline {
    lanes: Vec<Lane>,
}

impl Timeline {
    const LANES: usize = 64;

    /// One that records.
    pub fn on() -> Self {
        Self { lanes: (0..Self::LANES).map(|_| Lane::default()).collect() }
    }

    /// One that does not: for measuring.
    pub fn off() -> Self {
        Self { lanes: Vec::new() }
    }

    /// Whether it records.
    pub fn is_on(&self) -> bool {
        !self.lanes.is_empty()
    }

    /// Does `work`, which is piece `piece`, on behalf of `worker`, and records how long it took.
    pub fn record<T>(&self, worker: usize, piece: usize, work: impl FnOnce() -> T) -> T {
        if !self.is_on() {
            return work();
        }
        let start = now();
        let done = work();
        self.add(Span { piece, worker, pid: process::id(), start, end: now() });
        done
    }

    /// Adds a span that was measured elsewhere: in a worker process.
    pub fn add(&self, span: Span) {
        if self.is_on() {
            locked(&self.lanes[span.worker % self.lanes.len()].spans).push(span);
        }
    }

    /// Adds an order that was answered.
    pub fn add_exchange(&self, exchange: Exchange) {
        if self.is_on() {
            locked(&self.lanes[exchange.worker % self.lanes.len()].exchanges).push(exchange);
        }
    }

    /// All spans so far, by start.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = self.lanes.iter().flat_map(|lane| locked(&lane.spans).clone()).collect();
        spans.sort_by_key(|span| (span.start, span.piece));
        spans
    }

    /// All exchanges so far, by when the order was sent. None where the workers are threads: nothing is sent to them.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let mut all: Vec<Exchange> =
            self.lanes.iter().flat_map(|lane| locked(&lane.exchanges).clone()).collect();
        all.sort_by_key(|exchange| (exchange.send.start, exchange.pieces.start));
        all
    }
}

/// A panic under this lock could only come from `push` (out of memory): what is there is still good.
fn locked<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
