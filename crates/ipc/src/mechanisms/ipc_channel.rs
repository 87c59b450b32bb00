//! Any workload in worker processes, over channels of the crate ipc-channel.
//!
//! **How** As [`unix_socket`](super::unix_socket) up to the key. Then the caller opens a one-shot server, tells its name, and
//! the worker sends the two channels through it over which orders and answers go. They are byte channels: a typed one copies
//! a long message several times more.
//!
//! **Lived with** `accept` would wait for ever for a worker that has died before it connected: the socket says so, and the
//! caller connects in its place. `send` has no time limit and waits for a reader, so that two who both send first wait for
//! each other: here a worker is told one order at a time, and reads whenever it has answered. The directory of a server is
//! gone as soon as the worker has connected; a caller that is killed just then leaves one in the directory for temporary
//! files.
//!
//! **Take it** where channels, or memory, go through channels. **Not** for bytes alone: a socket is as fast and has deadlines.
//!
//! **Cost** as a Unix socket, and about a millisecond for a worker's start more.
//!
//! **In Python** a `Pipe()`, sent through a `Pipe()`.

use std::{io, thread};

use ipc_channel::{
    IpcError,
    ipc::{IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender, bytes_channel},
};
use processes::Program;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use serde::{Deserialize, Serialize};
use workload::{RunError, Timeline, Workers, Workload};

use super::{
    Carrier,
    line::{Line, LineError},
    with_program,
};
use crate::Connection;

/// Does all pieces of `work`.
///
/// # Errors
/// As [`with_program`].
pub fn run<W: Workload>(work: &W, workers: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    with_program(Carrier::IpcChannel, &Program::this(), work, workers, timeline)
}

/// What the worker sends through the one-shot server: orders go out here, and answers come in there.
#[derive(Debug, Serialize, Deserialize)]
struct Channels(IpcBytesSender, IpcBytesReceiver);

// ANCHOR: meet
/// The caller's side: tells the worker at the other end of `socket` where to connect, and waits for its channels.
pub(super) fn meet(mut socket: Connection) -> Result<Line, LineError> {
    let (server, name) = IpcOneShotServer::<Channels>::new().map_err(LineError::bad)?;
    socket.send(name.as_bytes())?;
    thread::scope(|scope| {
        let instead = move || match socket.receive() {
            Ok(Some(_connected)) => {}
            // It never will. An error here: it has, and died; nobody listens at that name any more.
            Ok(None) | Err(_) => drop(knock(&name)),
        };
        thread::Builder::new().spawn_scoped(scope, instead).map_err(LineError::bad)?;
        match server.accept() {
            Ok((_, Channels(out, into))) => Ok(Line::Channels { out, into, received: Vec::new() }),
            Err(IpcError::SerializationError(error)) => Err(LineError::bad(error)),
            Err(_) => Err(LineError::Gone),
        }
    })
}
// ANCHOR_END: meet

/// Connects to a one-shot server and goes: its `accept` returns with an error. (`IpcSender::connect` keeps its descriptor for
/// ever when nobody listens.)
fn knock(name: &str) -> io::Result<()> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    Ok(connect(&socket, &SocketAddrUnix::new(name)?)?)
}

/// The worker's side.
pub(super) fn join(mut socket: Connection) -> Result<Line, LineError> {
    let name = socket.receive()?.ok_or(LineError::Gone)?;
    let name = String::from_utf8_lossy(name).into_owned();
    let server = IpcSender::connect(name).map_err(LineError::bad)?;
    let (orders, into) = bytes_channel().map_err(LineError::bad)?;
    let (out, answers) = bytes_channel().map_err(LineError::bad)?;
    server.send(Channels(orders, answers)).map_err(LineError::bad)?;
    socket.send(b"connected")?;
    Ok(Line::Channels { out, into, received: Vec::new() })
}
