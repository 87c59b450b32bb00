//! A client's connection, and how one asks.

use std::{cell::RefCell, time::Duration};

use super::{
    Counter, Dict, LOOKS, Lock, ManagerError, Namespace, SILENT,
    wire::{Answer, Call, Kind, Request},
};
use crate::{
    Address, Connection,
    auth::{self, Key},
    frame::FrameError,
};

/// Bytes of requests that are sent before the answer to the first is read.
const WINDOW: usize = 64 << 10;
/// What a request has beside its name and its key, at most, and what the kernel needs for a message beside its bytes.
const OVERHEAD: usize = 800;

/// A client's connection to a manager, for one thread.
///
/// ```compile_fail
/// fn shared(manager: &ipc::manager::Manager) {
///     std::thread::scope(|scope| {
///         scope.spawn(|| manager.counter("visits"));
///     });
/// }
/// ```
#[derive(Debug)]
pub struct Manager(RefCell<Line>);

#[derive(Debug)]
struct Line {
    connection: Connection,
    said: Vec<u8>,
    patience: Duration,
    /// Requests that were sent and have no answer.
    unanswered: usize,
    /// An answer is missing: what came next would be taken for it.
    is_broken: bool,
}

impl Manager {
    /// Connects to the manager at `address`.
    ///
    /// # Errors
    /// [`ManagerError::Auth`], and [`ManagerError::Io`] when nobody listens there.
    pub fn connect(address: &Address, key: &Key) -> Result<Self, ManagerError> {
        let connection = Connection::connect_within(address, SILENT)?;
        let connection = auth::prove(connection, key, SILENT)?.with_looks(LOOKS);
        Ok(Self(RefCell::new(Line {
            connection,
            said: Vec::new(),
            patience: SILENT,
            unanswered: 0,
            is_broken: false,
        })))
    }

    /// Waits for an answer at most so long, instead of [`SILENT`].
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.0.get_mut().patience = patience;
        self
    }

    /// The dict of this name; made, if it is not there.
    ///
    /// # Errors
    /// [`RemoteError::Kind`](super::RemoteError::Kind) if the name is something else's; those of every call.
    pub fn dict<K, V>(&self, name: &str) -> Result<Dict<'_, K, V>, ManagerError> {
        self.open(name, Kind::Dict)?;
        Ok(Dict::new(self, name))
    }

    /// The counter of this name; made, with 0, if it is not there.
    ///
    /// # Errors
    /// As [`dict`](Self::dict).
    pub fn counter(&self, name: &str) -> Result<Counter<'_>, ManagerError> {
        self.open(name, Kind::Counter)?;
        Ok(Counter::new(self, name))
    }

    /// The namespace of this name; made, if it is not there.
    ///
    /// # Errors
    /// As [`dict`](Self::dict).
    pub fn namespace(&self, name: &str) -> Result<Namespace<'_>, ManagerError> {
        self.open(name, Kind::Namespace)?;
        Ok(Namespace::new(self, name))
    }

    /// The lock of this name; made, if it is not there.
    ///
    /// # Errors
    /// As [`dict`](Self::dict).
    pub fn lock(&self, name: &str) -> Result<Lock<'_>, ManagerError> {
        self.open(name, Kind::Lock)?;
        Ok(Lock::new(self, name))
    }

    fn open(&self, name: &str, kind: Kind) -> Result<(), ManagerError> {
        self.call(name, Call::Open(kind), |answer| matches!(answer, Answer::Done).then_some(()))
    }

    /// One call: `read` takes what it wants out of the answer, and `None` says that this is no answer to it.
    pub(super) fn call<T>(
        &self,
        object: &str,
        call: Call<'_>,
        read: impl FnOnce(Answer<'_>) -> Option<T>,
    ) -> Result<T, ManagerError> {
        let mut line = self.0.borrow_mut();
        let waits = match call {
            Call::Acquire(limit) => {
                limit.map(|limit| line.patience.saturating_add(Duration::from_micros(limit)))
            }
            _ => Some(line.patience),
        };
        line.ask(&Request { object, call })?;
        line.answer(waits, read)
    }

    // ANCHOR: calls
    /// Several calls: many requests go before the first answer is read, so that one switch to the server and back serves all
    /// of them. The first error, after the answers to all that were sent have been read.
    pub(super) fn calls<T>(
        &self,
        object: &str,
        calls: impl IntoIterator<Item: AsRef<[u8]>>,
        call: impl Fn(&[u8]) -> Call<'_>,
        read: impl Fn(Answer<'_>) -> Option<T>,
    ) -> Result<Vec<T>, ManagerError> {
        let mut line = self.0.borrow_mut();
        let (mut answers, mut calls) = (Vec::new(), calls.into_iter().peekable());
        while calls.peek().is_some() {
            let (mut under_way, mut bytes) = (0, 0);
            // As much as any socket takes: were we to wait for room, the server could be waiting for us to read.
            while let Some(what) =
                calls.next_if(|what| under_way == 0 || bytes + what.as_ref().len() < WINDOW)
            {
                bytes += what.as_ref().len() + object.len() + OVERHEAD;
                line.ask(&Request { object, call: call(what.as_ref()) })?;
                under_way += 1;
            }
            let patience = Some(line.patience);
            let all: Vec<_> = (0..under_way).map(|_| line.answer(patience, &read)).collect();
            answers.extend(all.into_iter().collect::<Result<Vec<T>, _>>()?);
        }
        Ok(answers)
    }
    // ANCHOR_END: calls
}

impl Line {
    fn ask(&mut self, request: &Request<'_>) -> Result<(), ManagerError> {
        if self.is_broken {
            return Err(ManagerError::Gone);
        }
        self.is_broken = true;
        self.said.clear();
        self.said = request.encode(std::mem::take(&mut self.said)).map_err(ManagerError::Type)?;
        self.unanswered += 1;
        match self.connection.send_within(&self.said, self.patience) {
            // Nothing was sent.
            Err(error @ FrameError::TooLong { .. }) => {
                self.unanswered -= 1;
                self.is_broken = self.unanswered > 0;
                Err(ManagerError::Frame(error))
            }
            sent => {
                sent.map_err(lost)?;
                self.is_broken = false;
                Ok(())
            }
        }
    }

    fn answer<T>(
        &mut self,
        waits: Option<Duration>,
        read: impl FnOnce(Answer<'_>) -> Option<T>,
    ) -> Result<T, ManagerError> {
        if self.is_broken {
            return Err(ManagerError::Gone);
        }
        self.is_broken = true;
        let answer = match waits {
            Some(limit) => self.connection.receive_within(limit),
            None => self.connection.receive(),
        };
        let answer = answer.map_err(lost)?.ok_or(ManagerError::Gone)?;
        let answer = Answer::decode(answer)?;
        self.unanswered -= 1;
        self.is_broken = false;
        match answer {
            Answer::Error(why) => Err(why.into()),
            answer => read(answer).ok_or(ManagerError::Strange),
        }
    }
}

fn lost(error: FrameError) -> ManagerError {
    match error {
        error if error.is_timeout() => ManagerError::Silent,
        error @ FrameError::TooLong { .. } => ManagerError::Frame(error),
        _ => ManagerError::Gone,
    }
}
