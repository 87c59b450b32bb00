//! A worker process gets more pieces as it finishes: whoever is fast does more.
//!
//! A message costs about 10 us (two pipes, two processes to wake), so two things keep workers busy:
//! - **a queue of two**: while a worker does an order, the next one is in its pipe already. Near the end not:
//!   there, a piece in the queue of one worker is a piece that another one, idle, could do.
//! - **chunks by the clock**: an order holds as many pieces as take about half a millisecond. Pieces that take
//!   longer go out one by one, tiny ones by the thousand. The number at most doubles from one order to the
//!   next, and never exceeds an eighth of a worker's fair rest, since the next pieces may be much dearer than the last.
//!   Where parts are large, so that decoding and combining them takes the caller long, orders get longer too: the
//!   workers combine more among themselves, and the caller is not what all wait for.
//!
//! In Python: `Pool.imap_unordered`, whose `chunksize` one has to guess.

use std::time::{Duration, Instant};

use workload::{Gather, Job, RunError, Timeline, Workers, Workload};

use crate::{Crew, Program};

/// What an order should take: 50 times what a message costs.
const ORDER: Duration = Duration::from_micros(500);

/// An order should take so many times as long as its reply takes the caller.
const REPLY_SHARE: u32 = 10;

/// How many pieces go out in one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// One, always.
    Single,
    /// As many as take about half a millisecond, measured while it runs.
    Measured,
}

/// Does all pieces of `workload` in `workers` processes.
///
/// # Errors
/// Those of [`with_program`].
pub fn run<W: Workload>(workload: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    with_program(&Program::this(), Chunks::Measured, workload, workers, timeline)
}

/// The same with a program and chunks of one's own choice.
///
/// # Errors
/// [`RunError::Cut`], those of [`Crew::start`] and of [`Crew::next_done`]. No worker is left in any case.
pub fn with_program<W: Workload>(
    program: &Program,
    chunks: Chunks,
    workload: &W,
    workers: Workers,
    timeline: &Timeline,
) -> Result<W::Part, RunError> {
    let job = Job::cut(workload, timeline)?;
    if job.is_empty() {
        return Ok(W::Part::default());
    }
    let workers = workers.at_most(job.len());
    let mut crew = Crew::start(&job, workers, program)?;
    let mut queue = Queue { next: 0, end: job.len(), workers, chunks };
    // First orders to all, then second ones, so that the first worker does not take what the last one needs.
    for _ in 0..2 {
        for worker in 0..workers {
            queue.refill(&mut crew, worker, 1)?;
        }
    }
    let (parts, mut to_come) = (Gather::new(&job), job.len());
    // What the last reply cost here.
    let mut reply = Duration::ZERO;
    while to_come > 0 && !parts.is_stopped() {
        let done = crew.next_done()?;
        let count = done.stretch.pieces.len();
        to_come -= count;
        // Before the part is put to the others, which may take longer than the worker's queue lasts.
        queue.refill(&mut crew, done.worker, next_count(count, done.took, reply))?;
        let began = Instant::now();
        parts.add(done.stretch);
        reply = done.decoding + began.elapsed();
    }
    if to_come == 0 {
        crew.dismiss();
    }
    parts.finish()
}

/// The pieces that nobody has been handed yet: `next..end`.
struct Queue {
    next: usize,
    end: usize,
    workers: usize,
    chunks: Chunks,
}

impl Queue {
    /// Gives `worker` one more order if it should have one, of `wish` pieces if that is not too much.
    fn refill<W: Workload>(
        &mut self,
        crew: &mut Crew<'_, W>,
        worker: usize,
        wish: usize,
    ) -> Result<(), RunError> {
        let left = self.end - self.next;
        let deep = if left > 2 * self.workers { 2 } else { 1 };
        if crew.orders(worker) >= deep {
            return Ok(());
        }
        let count = match self.chunks {
            Chunks::Single => left.min(1),
            Chunks::Measured => wish.min(left / (8 * self.workers)).max(1).min(left),
        };
        self.next += count;
        crew.hand(worker, self.next - count..self.next)
    }
}

/// How many pieces the next order should have, after one of `count` pieces that took so long, where a reply costs
/// the caller so much.
pub(crate) fn next_count(count: usize, took: Duration, reply: Duration) -> usize {
    let wanted = ORDER.max(reply * REPLY_SHARE);
    let fitting = count as u128 * wanted.as_nanos() / took.as_nanos().max(1);
    // At most twice as many: a few cheap pieces are no promise that the next ones are.
    usize::try_from(fitting).unwrap_or(usize::MAX).clamp(1, 2 * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiny_pieces_go_out_in_growing_orders_and_long_ones_alone() {
        let cheap = Duration::from_micros(5);
        assert_eq!(next_count(1, Duration::ZERO, cheap), 2);
        assert_eq!(next_count(64, Duration::from_micros(10), cheap), 128);
        assert_eq!(next_count(128, Duration::from_micros(500), cheap), 128);
        assert_eq!(next_count(128, Duration::from_millis(50), cheap), 1);
        assert_eq!(next_count(1, Duration::from_secs(9), cheap), 1);
    }

    #[test]
    fn replies_that_cost_the_caller_much_come_less_often() {
        let (took, dear) = (Duration::from_millis(1), Duration::from_millis(1));
        assert_eq!(next_count(1, took, dear), 2);
        assert_eq!(next_count(8, 8 * took, dear), 10);
    }
}
