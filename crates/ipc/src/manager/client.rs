//! A client's connection, and how one asks.

use std::{cell::RefCell, time::Duration};

use super::{
    Counter, Dict, LOOKS, Lock, ManagerError, Namespace, SILENT,
    message::{Answer, Call, Kind, Request},
};
use crate::{
    Address, Connection,
    auth::{self, Key},
};

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
        Ok(Self(RefCell::new(Line { connection, said: Vec::new(), patience: SILENT, is_broken: false })))
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
        let Line { connection, said, patience, is_broken } = &mut *line;
        if *is_broken {
            return Err(ManagerError::Gone);
        }
        said.clear();
        let waits = match call {
            Call::Acquire(limit) => limit.map(|limit| patience.saturating_add(Duration::from_micros(limit))),
            _ => Some(*patience),
        };
        *said = postcard::to_extend(&Request { object, call }, std::mem::take(said))
            .map_err(ManagerError::Type)?;
        *is_broken = true;
        connection.send_within(said, *patience).map_err(lost)?;
        let answer = match waits {
            Some(limit) => connection.receive_within(limit),
            None => connection.receive(),
        };
        let answer = answer.map_err(lost)?.ok_or(ManagerError::Gone)?;
        let answer: Answer<'_> = postcard::from_bytes(answer).map_err(|_| ManagerError::Strange)?;
        *is_broken = false;
        match answer {
            Answer::Error(why) => Err(why.into()),
            answer => read(answer).ok_or(ManagerError::Strange),
        }
    }
}

fn lost(error: crate::frame::FrameError) -> ManagerError {
    use crate::frame::FrameError::TooLong;
    match error {
        error if error.is_timeout() => ManagerError::Silent,
        error @ TooLong { .. } => ManagerError::Frame(error),
        _ => ManagerError::Gone,
    }
}
