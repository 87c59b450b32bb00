//! Meeting: the crate's own [`Listener`] and [`Address`], and the proof that both sides owe each other.

use std::{
    net::{SocketAddr, TcpStream},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect as connect_socket, socket_with,
        sockopt::{Timeout, set_socket_timeout},
    },
};

use super::{Connection, ConnectionError, Key, challenge, stream::Deadline};
use crate::{Address, Listener};

/// Waits for the next client of `listener`, however long that takes, and then at most `limit` for it to prove itself;
/// with a key both prove it to each other, with none anybody is welcome. In Python: `Listener.accept`.
///
/// While one client takes its time the others wait. Who cannot have that accepts from the listener itself, and lets a
/// thread of its own [`admit`] each.
///
/// # Errors
/// [`ConnectionError`]; one about the client leaves the listener as it was.
pub fn accept(
    listener: &Listener,
    key: Option<&Key>,
    limit: Duration,
) -> Result<Connection, ConnectionError> {
    let stranger = listener.accept()?.as_fd().try_clone_to_owned()?;
    admit(stranger, key, limit)
}

/// Has a client that has connected, and proved nothing, prove itself, and proves ourselves, within `limit` for all of
/// that. Without a key it is let in as it is.
///
/// # Errors
/// [`Authentication`](ConnectionError::Authentication), [`Late`](ConnectionError::Late),
/// [`Gone`](ConnectionError::Gone), or any other [`ConnectionError`]; the client is cut off then.
pub fn admit(
    stranger: impl Into<OwnedFd>,
    key: Option<&Key>,
    limit: Duration,
) -> Result<Connection, ConnectionError> {
    let mut connection = Connection::new(stranger);
    if let Some(key) = key {
        let deadline = Deadline::after(Some(limit));
        challenge::ask(&mut connection, key, deadline)?;
        challenge::reply(&mut connection, key, deadline)?;
    }
    Ok(connection)
}

/// Connects to a listener, Python's or ours, and proves ourselves within `limit`; then it must prove itself to us. In
/// Python: `multiprocessing.connection.Client`.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` when nobody listens there (no attempt is repeated: only the caller knows whether
/// somebody will), and those of [`admit`].
pub fn connect(address: &Address, key: Option<&Key>, limit: Duration) -> Result<Connection, ConnectionError> {
    let socket = match (address, address.unix()?) {
        (Address::Tcp(address), _) => connect_tcp(address, limit)?,
        (_, Some(unix)) => connect_unix(&unix, limit)?,
        (_, None) => return Err(Errno::INVAL.into()),
    };
    let mut connection = Connection::new(socket);
    if let Some(key) = key {
        let deadline = Deadline::after(Some(limit));
        challenge::reply(&mut connection, key, deadline)?;
        challenge::ask(&mut connection, key, deadline)?;
    }
    Ok(connection)
}

fn connect_tcp(address: &SocketAddr, limit: Duration) -> Result<OwnedFd, ConnectionError> {
    let stream = TcpStream::connect_timeout(address, limit)?;
    // Messages are sent whole: there is nothing to gain from waiting for more (Nagle).
    stream.set_nodelay(true)?;
    Ok(stream.into())
}

/// A Unix socket's connect(2) waits while the listener's backlog is full, for ever if that never takes anyone; the
/// standard library has no limit for that, but the socket's own for sending also holds here.
fn connect_unix(address: &SocketAddrUnix, limit: Duration) -> Result<OwnedFd, ConnectionError> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // 0 would mean for ever to the kernel, and more than it can count is an error to it.
    let patience = limit.clamp(Duration::from_millis(1), Duration::from_secs(1 << 30));
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    match connect_socket(&socket, address) {
        Ok(()) => {}
        Err(Errno::AGAIN) => return Err(ConnectionError::Late { limit, done: 0 }),
        Err(error) => return Err(error.into()),
    }
    set_socket_timeout(&socket, Timeout::Send, None)?;
    Ok(socket)
}

/// `address` as Python source text, to be pasted into a program: `'/tmp/answers'`, `'\x00answers'`,
/// `('127.0.0.1', 4000)`.
pub fn in_python(address: &Address) -> String {
    // Rust's escapes in a text are Python's, but for the braces of \u{..}, which only odd names need.
    match address {
        Address::Path(path) => format!("{:?}", path.display().to_string()),
        Address::Abstract(name) => format!("'\\0' + {name:?}"),
        Address::Tcp(address) => format!("({:?}, {})", address.ip().to_string(), address.port()),
    }
}
