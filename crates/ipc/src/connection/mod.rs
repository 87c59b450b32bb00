//! Messages of bytes, both ways, over a stream socket: `multiprocessing.connection.Connection` and `Client`.
//!
//! Cost: one system call to send a message, one to receive it (small ones that came together: one for all).

mod receiver;
mod sender;

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    time::{Duration, Instant},
};

pub use receiver::Receiver;
use rustix::{
    io::Errno,
    net::{
        AddressFamily, SocketFlags, SocketType, connect, socket_with,
        sockopt::{Timeout, set_socket_timeout, set_tcp_nodelay, socket_domain},
    },
};
pub use sender::Sender;

use crate::{
    Address,
    frame::{FrameError, Frames, MAXIMUM},
    ready::deadline,
};

/// How long [`Connection::connect`] waits for a listener that does not accept.
pub const CONNECT: Duration = Duration::from_secs(30);

/// Both ends of one conversation's side: messages go out and come in.
///
/// ```
/// use ipc::{Connection, frame::FrameError};
///
/// let (mut ours, mut theirs) = Connection::pair()?;
/// ours.send(b"a message")?;
/// assert_eq!(theirs.receive()?, Some(&b"a message"[..]));
/// drop(ours);
/// assert_eq!(theirs.receive()?, None);
/// # Ok::<(), FrameError>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    receiver: Receiver,
}

impl Connection {
    /// Over a connected stream socket: one that was inherited, for instance. TCP is told not to wait for more before it
    /// sends (Nagle).
    ///
    /// # Errors
    /// When it is no socket.
    pub fn new(socket: impl Into<OwnedFd>) -> io::Result<Self> {
        let socket = Arc::new(socket.into());
        if matches!(socket_domain(&socket)?, AddressFamily::INET | AddressFamily::INET6) {
            set_tcp_nodelay(&socket, true)?;
        }
        let sender = Sender { socket: Arc::clone(&socket), maximum: MAXIMUM, broken: false };
        let frames = Frames::new(MAXIMUM);
        Ok(Self { sender, receiver: Receiver { socket, frames, failed: None, looks: 0 } })
    }

    /// Two that are connected with each other: `multiprocessing.Pipe()`.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((Self::new(ours)?, Self::new(theirs)?))
    }

    /// Connects to a listener: `multiprocessing.connection.Client`. Waits at most [`CONNECT`].
    ///
    /// # Errors
    /// `NotFound` or `ConnectionRefused` when nobody listens there; `PermissionDenied`; those of connect(2). `TimedOut`
    /// when somebody does listen, but as many as he allows wait already and he accepts none of them.
    pub fn connect(address: &Address) -> io::Result<Self> {
        Self::connect_within(address, CONNECT)
    }

    /// As [`connect`](Self::connect), at most `within`.
    ///
    /// # Errors
    /// The same.
    pub fn connect_within(address: &Address, within: Duration) -> io::Result<Self> {
        let socket = socket_with(address.family(), SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        let deadline = deadline(within);
        loop {
            // A socket without blocking could not be waited for: poll(2) knows no room in a backlog (unix(7), EAGAIN).
            // A limit for sending holds for connect too (socket(7), SO_SNDTIMEO), where 0 is none.
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            set_socket_timeout(&socket, Timeout::Send, left.map(|left| left.max(Duration::from_micros(1))))?;
            let connected = match (address, address.unix()?) {
                (Address::Tcp(tcp), _) => connect(&socket, tcp),
                (_, Some(unix)) => connect(&socket, &unix),
                (_, None) => return Err(io::ErrorKind::InvalidInput.into()),
            };
            match connected {
                Ok(()) => break,
                // A TCP connect goes on meanwhile, and the next call waits for it.
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::INPROGRESS | Errno::ALREADY) => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        set_socket_timeout(&socket, Timeout::Send, None)?;
        Self::new(socket)
    }

    /// Refuses messages above `maximum` bytes, both ways. To be called before the first message.
    #[must_use]
    pub fn with_maximum(mut self, maximum: usize) -> Self {
        self.sender.maximum = maximum;
        self.receiver.frames = Frames::new(maximum);
        self
    }

    /// The same between messages: nothing that has come is lost.
    pub(crate) fn set_maximum(&mut self, maximum: usize) {
        self.sender.maximum = maximum;
        self.receiver.frames.set_maximum(maximum);
    }

    /// Has `receive` look so often and let others run in between before it sleeps. A wake-up costs more than an answer
    /// that comes at once; but who looks uses its core, so this is for two who talk without pause.
    #[must_use]
    pub fn with_looks(mut self, looks: u32) -> Self {
        self.receiver.looks = looks;
        self
    }

    /// See [`Sender::send`].
    ///
    /// # Errors
    /// The same.
    pub fn send(&mut self, message: &[u8]) -> Result<(), FrameError> {
        self.sender.send(message)
    }

    /// See [`Sender::send_within`].
    ///
    /// # Errors
    /// The same.
    pub fn send_within(&mut self, message: &[u8], within: Duration) -> Result<(), FrameError> {
        self.sender.send_within(message, within)
    }

    /// See [`Receiver::receive`].
    ///
    /// # Errors
    /// The same.
    pub fn receive(&mut self) -> Result<Option<&[u8]>, FrameError> {
        self.receiver.receive()
    }

    /// See [`Receiver::receive_within`].
    ///
    /// # Errors
    /// The same.
    pub fn receive_within(&mut self, within: Duration) -> Result<Option<&[u8]>, FrameError> {
        self.receiver.receive_within(within)
    }

    /// See [`Receiver::is_ready`].
    pub fn is_ready(&self) -> bool {
        self.receiver.is_ready()
    }

    pub(crate) fn collect(&mut self) -> bool {
        self.receiver.collect()
    }

    /// The two halves, for two threads. The socket is closed when both are gone.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}

/// Readable when a message may have come; see [`Connection::is_ready`].
impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.socket.as_fd()
    }
}
