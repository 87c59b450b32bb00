//! The taking end: one item at a time, which comes back to the queue if we go before we are done.

use std::time::Duration;

use super::{
    QueueError, SILENT, connect, gone,
    wire::{Answer, Request},
};
use crate::{Address, Connection, auth::Key};

/// Takes items out of a queue in another process.
#[derive(Debug)]
pub struct Consumer {
    connection: Connection,
    /// A request has no answer yet and gets none: what came next would be taken for it.
    is_broken: bool,
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What was put.
    pub bytes: Vec<u8>,
    /// 1, or more when others had it before and went: they may have done all of the work, or a part of it, or have died
    /// of it.
    pub attempt: u64,
}

impl Consumer {
    /// Connects to the queue at `address`.
    ///
    /// # Errors
    /// [`QueueError::Auth`], and [`QueueError::Io`] when nobody listens there.
    pub fn connect(address: &Address, key: &Key) -> Result<Self, QueueError> {
        Ok(Self { connection: connect(address, key)?, is_broken: false })
    }

    /// The next item, and the one before is done. `None` when the queue is closed and all is done.
    ///
    /// # Errors
    /// [`QueueError::Gone`] when the server dies, at once.
    pub fn get(&mut self) -> Result<Option<Delivery>, QueueError> {
        self.ask(None)
    }

    /// As [`get`](Self::get), at most `limit`.
    ///
    /// # Errors
    /// [`QueueError::Empty`]: then nothing was taken. [`QueueError::Silent`] when the server does not say so in time.
    pub fn get_within(&mut self, limit: Duration) -> Result<Option<Delivery>, QueueError> {
        self.ask(Some(limit))
    }

    /// Work on the item is done; nobody else will get it. Before that it comes back if we go.
    ///
    /// # Errors
    /// [`QueueError::Gone`].
    pub fn task_done(&mut self) -> Result<(), QueueError> {
        self.connection.send_within(&Request::Done.encode(), SILENT).map_err(gone)
    }

    fn ask(&mut self, limit: Option<Duration>) -> Result<Option<Delivery>, QueueError> {
        if self.is_broken {
            return Err(QueueError::Silent);
        }
        self.is_broken = true;
        self.connection.send_within(&Request::Get { limit }.encode(), SILENT).map_err(gone)?;
        let answer = match limit {
            None => self.connection.receive(),
            Some(limit) => self.connection.receive_within(limit.saturating_add(SILENT)),
        };
        let answer =
            answer.map_err(|error| if error.is_timeout() { QueueError::Silent } else { gone(error) })?;
        let got = match answer.map(Answer::decode).transpose()? {
            Some(Answer::Item { attempt, bytes }) => Ok(Some(Delivery { bytes: bytes.to_vec(), attempt })),
            Some(Answer::Late) => Err(QueueError::Empty(limit.unwrap_or_default())),
            Some(Answer::Closed) => Ok(None),
            None => return Err(QueueError::Gone { unaccepted: 0 }),
            Some(_) => return Err(QueueError::Strange),
        };
        self.is_broken = false;
        got
    }
}
