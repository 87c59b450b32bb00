//! A line between the caller and one worker: whole messages either way, until one of the two is gone.

use std::io;

use ipc_channel::{
    IpcError,
    ipc::{IpcBytesReceiver, IpcBytesSender},
};
use serde::{Deserialize, Serialize};

use crate::{Connection, frame::FrameError};

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Carrier {
    /// A Unix socket with an abstract name.
    UnixSocket,
    /// TCP on the loopback interface.
    Tcp,
    /// Two byte channels of the crate ipc-channel.
    IpcChannel,
}

impl Carrier {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::UnixSocket, Self::Tcp, Self::IpcChannel];
}

/// The longest message, in bytes: 256 MiB, as in the pools of `processes`.
pub(super) const LONGEST: usize = processes::frame::LIMIT;

pub(super) enum Line {
    Socket(Connection),
    Channels { out: IpcBytesSender, into: IpcBytesReceiver, received: Vec<u8> },
}

/// Why nothing goes over a line any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// The other side has closed, or died: also in the middle of a message, whose beginning is thrown away.
    #[error("the other side has gone")]
    Gone,
    /// Anything else: a message that is too long, no descriptors left.
    #[error("{0}")]
    Bad(String),
}

impl LineError {
    pub(super) fn bad(why: impl std::fmt::Display) -> Self {
        Self::Bad(why.to_string())
    }
}

impl From<FrameError> for LineError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Cut { .. } => Self::Gone,
            FrameError::Io(error) => Self::from(error),
            other => Self::bad(other),
        }
    }
}

impl From<io::Error> for LineError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Gone,
            _ => Self::bad(error),
        }
    }
}

impl Line {
    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), LineError> {
        match self {
            Self::Socket(connection) => Ok(connection.send(message)?),
            Self::Channels { out, .. } => Ok(out.send(message)?),
        }
    }

    pub(super) fn receive(&mut self) -> Result<&[u8], LineError> {
        match self {
            Self::Socket(connection) => connection.receive()?.ok_or(LineError::Gone),
            Self::Channels { into, received, .. } => {
                *received = into.recv().map_err(|error| match error {
                    IpcError::Disconnected => LineError::Gone,
                    IpcError::Io(error) => LineError::from(error),
                    other => LineError::bad(other),
                })?;
                Ok(received)
            }
        }
    }
}
