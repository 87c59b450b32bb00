//! A named endpoint that others connect to: `multiprocessing.connection.Listener`.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    fs::{FlockOperation, Mode, chmod, flock},
    io::Errno,
    net::{
        SocketFlags, SocketType, accept_with, bind, getsockname, listen, socket_with,
        sockopt::set_socket_reuseaddr,
    },
};

use crate::{
    Address, Connection,
    ready::{deadline, ready},
};

/// Connections that may wait to be accepted at a socket file; a client beyond that waits in `connect`.
const BACKLOG: i32 = 128;

/// The same for TCP, where who comes beyond that is not heard, and asks again after a second. No more than
/// /proc/sys/net/core/somaxconn (tcp(7), listen(2)).
const TCP_BACKLOG: i32 = 4096;

/// Accepts connections at an [`Address`].
///
/// A socket file is for its owner alone (mode 0600, set before anybody can connect) and is taken away on drop, if it is
/// still ours.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
    address: Address,
    /// The file that we have made, with its device and inode.
    file: Option<(PathBuf, u64, u64)>,
}

impl Listener {
    /// Listens at `address`.
    ///
    /// # Errors
    /// `AddrInUse`, also for a socket file that a killed process has left ([`bind_over_stale`](Self::bind_over_stale));
    /// `InvalidFilename` or `InvalidInput` for a path that is too long; those of bind(2) and listen(2).
    pub fn bind(address: &Address) -> io::Result<Self> {
        // Without blocking: between poll and accept a client may go, and accept would wait for the next.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(address.family(), SocketType::STREAM, flags, None)?;
        if let Address::Tcp(tcp) = address {
            // Else a port stays taken for a minute after its last connection was closed.
            set_socket_reuseaddr(&socket, true)?;
            bind(&socket, tcp)?;
        } else if let Some(unix) = address.unix()? {
            bind(&socket, &unix)?;
        }
        let mut listener = Self { socket, address: address.clone(), file: None };
        if let Address::Path(path) = address {
            let made = fs::symlink_metadata(path)?;
            listener.file = Some((path.clone(), made.dev(), made.ino()));
            // Before listen: until then a connect is refused, so nobody slips in.
            chmod(path, Mode::RUSR | Mode::WUSR)?;
        }
        listen(&listener.socket, if matches!(address, Address::Tcp(_)) { TCP_BACKLOG } else { BACKLOG })?;
        if let Address::Tcp(_) = address {
            let bound = getsockname(&listener.socket)?;
            listener.address = Address::Tcp(bound.try_into()?);
        }
        Ok(listener)
    }

    // ANCHOR: bind_over_stale
    /// As [`bind`](Self::bind), but a socket file that nobody listens at any more is removed first.
    ///
    /// # Errors
    /// `AddrInUse` when somebody does listen or when it is no socket; `TimedOut` when others keep the directory locked
    /// for a second.
    pub fn bind_over_stale(address: &Address) -> io::Result<Self> {
        let Address::Path(path) = address else { return Self::bind(address) };
        // Two who both find the old file: the second would remove the first one's new one. One at a time.
        let directory =
            File::open(path.parent().filter(|path| *path != Path::new("")).unwrap_or(Path::new(".")))?;
        lock(&directory, Duration::from_secs(1))?;
        match Self::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
        // A connect to a file that is no socket is refused too, and that one is not ours to remove.
        let is_socket = fs::symlink_metadata(path)?.file_type().is_socket();
        // One that does not accept at once is alive all the same.
        match Connection::connect_within(address, Duration::from_millis(1)) {
            Err(error) if is_socket && error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path)?
            }
            _ => return Err(io::ErrorKind::AddrInUse.into()),
        }
        Self::bind(address)
    }
    // ANCHOR_END: bind_over_stale

    /// Where it listens: with the port that the system chose.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// Those of accept(2): no descriptors left, for instance.
    pub fn accept(&self) -> io::Result<Connection> {
        self.accept_until(None)
    }

    /// As [`accept`](Self::accept), at most `within`.
    ///
    /// # Errors
    /// `TimedOut`, and those of accept(2).
    pub fn accept_within(&self, within: Duration) -> io::Result<Connection> {
        self.accept_until(deadline(within))
    }

    fn accept_until(&self, deadline: Option<Instant>) -> io::Result<Connection> {
        loop {
            match accept_with(&self.socket, SocketFlags::CLOEXEC) {
                Ok(socket) => return Connection::new(socket),
                // A client that has gone again, or a signal: the next one.
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !ready(&self.socket, PollFlags::IN, deadline)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Locks `directory` until it is closed. flock(2) knows no time limit, so it is asked again and again.
fn lock(directory: &File, within: Duration) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match flock(directory, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if start.elapsed() < within => thread::sleep(Duration::from_millis(1)),
            Err(Errno::WOULDBLOCK) => return Err(io::ErrorKind::TimedOut.into()),
            Err(Errno::INTR) => {}
            locked => return Ok(locked?),
        }
    }
}

/// Readable when somebody wants to connect.
impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Only if it is still ours. Whether it could be removed nobody can be told here.
        if let Some((path, device, inode)) = &self.file
            && fs::symlink_metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (*device, *inode))
        {
            let _ = fs::remove_file(path);
        }
    }
}
