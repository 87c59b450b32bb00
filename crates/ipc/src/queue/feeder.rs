//! The feeder thread of a producer, and the buffer between the two.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    QueueError, gone,
    wire::{Answer, Request},
};
use crate::{Connection, server::lock};

/// Items go together up to so many bytes, and at least one.
const BATCH: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) buffer: Mutex<Buffer>,
    pub(super) changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Buffer {
    pub(super) jobs: VecDeque<Job>,
    /// Items that the feeder has sent, or is about to, and the server has not answered.
    pub(super) under_way: usize,
    /// What became of the job that was waited for.
    pub(super) verdict: Option<Result<(), QueueError>>,
    pub(super) is_ending: bool,
    /// The queue is closed, or its server has gone: nothing more is sent.
    pub(super) end: Option<End>,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) what: What,
    /// Somebody waits for its outcome, until then (`None`: for ever).
    pub(super) awaited: Option<Option<Instant>>,
}

#[derive(Debug)]
pub(super) enum What {
    Item(Vec<u8>),
    Join,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Closed,
    Gone,
}

impl Shared {
    /// Whether time is over comes with it.
    pub(super) fn wait<'a>(
        &self,
        buffer: MutexGuard<'a, Buffer>,
        until: Option<Instant>,
    ) -> (MutexGuard<'a, Buffer>, bool) {
        let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return (buffer, true);
        }
        let waited = self.changed.wait_timeout(buffer, left);
        (waited.unwrap_or_else(PoisonError::into_inner).0, false)
    }
}

impl Buffer {
    pub(super) fn open(&self) -> Result<(), QueueError> {
        match self.end {
            None => Ok(()),
            Some(End::Closed) => Err(QueueError::Closed),
            Some(End::Gone) => Err(QueueError::Gone { unaccepted: self.unaccepted() }),
        }
    }

    pub(super) fn unaccepted(&self) -> usize {
        self.under_way + self.jobs.iter().filter(|job| matches!(job.what, What::Item(_))).count()
    }

    /// What to send next: one that somebody waits for alone, since it has a limit; others together.
    fn next_batch(&mut self) -> Vec<Job> {
        let mut batch: Vec<Job> = self.jobs.pop_front().into_iter().collect();
        let mut bytes = 0;
        while let (None, Some(What::Item(item))) = (batch[0].awaited, batch.last().map(|job| &job.what)) {
            bytes += item.len();
            match self.jobs.pop_front_if(|next| next.awaited.is_none() && bytes < BATCH) {
                Some(next) => batch.push(next),
                None => break,
            }
        }
        batch
    }
}

// ANCHOR: feed
/// The feeder: sends what was put, one batch at a time, and waits until the server has accepted it.
pub(super) fn feed(shared: &Shared, mut connection: Connection) {
    loop {
        let mut buffer = lock(&shared.buffer);
        while buffer.jobs.is_empty() && !buffer.is_ending {
            buffer = shared.wait(buffer, None).0;
        }
        if buffer.is_ending {
            return;
        }
        let mut batch = buffer.next_batch();
        let items = batch.iter().filter(|job| matches!(job.what, What::Item(_))).count();
        buffer.under_way = items;
        drop(buffer);

        let answer = ask(&mut connection, &batch);

        let mut buffer = lock(&shared.buffer);
        buffer.under_way = 0;
        let is_awaited = batch.iter().any(|job| job.awaited.is_some());
        let verdict = match answer {
            Ok(accepted) => {
                // Closed in the middle: the rest was not accepted.
                while batch.len() > accepted {
                    buffer.jobs.extend(batch.pop());
                    buffer.jobs.rotate_right(1);
                }
                Ok(())
            }
            Err(late @ (QueueError::Full(_) | QueueError::Unfinished(_))) => Err(late),
            Err(error) => {
                let is_closed = matches!(error, QueueError::Closed);
                buffer.end = Some(if is_closed { End::Closed } else { End::Gone });
                buffer.under_way = items;
                Err(error)
            }
        };
        if is_awaited {
            buffer.verdict = Some(verdict);
        }
        let is_over = buffer.end.is_some();
        if is_over && buffer.verdict.is_none() && buffer.jobs.iter().any(|job| job.awaited.is_some()) {
            buffer.verdict = Some(buffer.open());
        }
        drop(buffer);
        shared.changed.notify_all();
        if is_over {
            return;
        }
    }
}
// ANCHOR_END: feed

/// How many of the batch were accepted.
fn ask(connection: &mut Connection, batch: &[Job]) -> Result<usize, QueueError> {
    let limit = batch[0].awaited.flatten().map(|until| until.saturating_duration_since(Instant::now()));
    let items: Vec<&[u8]> = batch.iter().filter_map(Job::bytes).collect();
    let request = if items.is_empty() { Request::Join { limit } } else { Request::Put { limit, items } };
    connection.send(&request.encode()).map_err(gone)?;
    let late = limit.unwrap_or_default();
    match connection.receive().map_err(gone)?.map(Answer::decode).transpose()? {
        None => Err(QueueError::Gone { unaccepted: 0 }),
        Some(Answer::Accepted(count)) => Ok(count.try_into().unwrap_or(usize::MAX)),
        Some(Answer::Joined) => Ok(batch.len()),
        Some(Answer::Late) if let What::Join = batch[0].what => Err(QueueError::Unfinished(late)),
        Some(Answer::Late) => Err(QueueError::Full(late)),
        Some(Answer::Closed) => Err(QueueError::Closed),
        Some(_) => Err(QueueError::Strange),
    }
}

impl Job {
    fn bytes(&self) -> Option<&[u8]> {
        match &self.what {
            What::Item(item) => Some(item),
            What::Join => None,
        }
    }
}
