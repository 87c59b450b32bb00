//! A connection that keeps message boundaries, as Python's `Connection` does.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use super::{
    ConnectionError, Value,
    header::{self, Header, HeaderError},
    pickle,
    stream::{self, Deadline},
};

/// How much room is made at once for what a header only promises.
const STEP: usize = 1 << 20;

/// One end of a conversation with Python (or with ourselves): messages of bytes, or of objects.
///
/// Nothing is read ahead. So poll(2) on its descriptor says the truth, and the descriptor may be handed to Python at
/// any time. In Python: `multiprocessing.connection.Connection`.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    limit: Option<Duration>,
    max: usize,
    limits: pickle::Limits,
    broken: bool,
}

impl Connection {
    /// The longest message taken or sent, if not set otherwise: 256 MiB.
    pub const MAX: usize = 256 << 20;

    /// A connection over a stream socket that is connected already: one of a pair whose other end Python has inherited
    /// (there: `Connection(fd)`), or of any other family.
    pub fn new(socket: impl Into<OwnedFd>) -> Self {
        let limits = pickle::Limits::default();
        Self { socket: socket.into(), limit: None, max: Self::MAX, limits, broken: false }
    }

    /// How long a whole message may take; `None` (as at first): as long as it likes.
    pub fn set_limit(&mut self, limit: Option<Duration>) {
        self.limit = limit;
    }

    /// How long a message may be, in bytes, in both directions.
    pub fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// How much a received object may hold.
    pub fn set_limits(&mut self, limits: pickle::Limits) {
        self.limits = limits;
    }

    /// Sends one message. In Python: `send_bytes`.
    ///
    /// # Errors
    /// [`Header`](ConnectionError::Header) when it is longer than this side sends (nothing is sent then),
    /// [`Late`](ConnectionError::Late), [`Broken`](ConnectionError::Broken), or the system's: EPIPE or ECONNRESET when
    /// the peer is gone.
    pub fn send_bytes(&mut self, message: &[u8]) -> Result<(), ConnectionError> {
        self.send_by(message, Deadline::after(self.limit))
    }

    /// The next message; `None` when the peer has closed between messages (Python: `EOFError`). In Python:
    /// `recv_bytes`.
    ///
    /// # Errors
    /// [`Cut`](ConnectionError::Cut), [`Header`](ConnectionError::Header), [`Late`](ConnectionError::Late) (with
    /// nothing done one may try again), [`Broken`](ConnectionError::Broken), or the system's.
    pub fn recv_bytes(&mut self) -> Result<Option<Vec<u8>>, ConnectionError> {
        self.recv_by(self.max, Deadline::after(self.limit))
    }

    /// Sends a value as an object. In Python: `send`.
    ///
    /// # Errors
    /// As [`send_bytes`](Self::send_bytes)'s, and [`Pickle`](ConnectionError::Pickle) for a value that no pickle can
    /// hold (nothing is sent then).
    pub fn send(&mut self, value: &Value) -> Result<(), ConnectionError> {
        self.send_bytes(&pickle::dumps(value)?)
    }

    /// The next message, as an object. In Python: `recv`, which runs what the peer likes; this does not.
    ///
    /// # Errors
    /// As [`recv_bytes`](Self::recv_bytes)'s, and [`Pickle`](ConnectionError::Pickle) for what is not in the subset:
    /// that message is gone then, the next one can be received.
    pub fn recv(&mut self) -> Result<Option<Value>, ConnectionError> {
        let Some(message) = self.recv_bytes()? else { return Ok(None) };
        Ok(Some(pickle::loads(&message, &self.limits)?))
    }

    /// Whether a message (or its first byte, or the end) is there within `limit`. In Python: `poll`.
    ///
    /// # Errors
    /// The system's.
    pub fn poll(&self, limit: Duration) -> Result<bool, ConnectionError> {
        stream::ready(&self.socket, limit)
    }

    /// The bare descriptor, in the middle of nothing if no call has failed.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    pub(super) fn send_by(&mut self, message: &[u8], deadline: Deadline) -> Result<(), ConnectionError> {
        if message.len() > self.max {
            return Err(HeaderError::TooLong { length: message.len() as u64, max: self.max }.into());
        }
        let (bytes, length) = header::encode(message.len());
        self.guarded(|socket| stream::send(socket, &bytes[..length], message, deadline))
    }

    pub(super) fn recv_by(
        &mut self,
        max: usize,
        deadline: Deadline,
    ) -> Result<Option<Vec<u8>>, ConnectionError> {
        self.guarded(|socket| {
            let (mut bytes, mut there, mut need) = ([0; header::LONG], 0, header::SHORT);
            let length = loop {
                there = stream::fill(socket, &mut bytes[..need], there, deadline)?;
                match header::decode(&bytes[..there], max)? {
                    Header::Whole { message, .. } => break message,
                    Header::Needs(_) if there == 0 => return Ok(None),
                    Header::Needs(of) if there < need => {
                        return Err(ConnectionError::Cut { have: there, of });
                    }
                    Header::Needs(more) => need = more,
                }
            };
            let mut message = Vec::new();
            while message.len() < length {
                let done = message.len();
                // What has come doubles at most: a header alone gets one step of room.
                message.resize(length.min(done + done.max(STEP)), 0);
                let have = stream::fill(socket, &mut message, done, deadline).map_err(begun)?;
                if have < message.len() {
                    return Err(ConnectionError::Cut { have, of: length });
                }
            }
            Ok(Some(message))
        })
    }

    /// Does something to the socket, and remembers when that ended in the middle of a message.
    fn guarded<T>(
        &mut self,
        act: impl FnOnce(&OwnedFd) -> Result<T, ConnectionError>,
    ) -> Result<T, ConnectionError> {
        if self.broken {
            return Err(ConnectionError::Broken);
        }
        let outcome = act(&self.socket);
        self.broken = !matches!(outcome, Ok(_) | Err(ConnectionError::Late { done: 0, .. }));
        outcome
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A message that is late with no byte of its own has still had a header.
fn begun(error: ConnectionError) -> ConnectionError {
    match error {
        ConnectionError::Late { limit, done } => ConnectionError::Late { limit, done: done + header::SHORT },
        other => other,
    }
}
