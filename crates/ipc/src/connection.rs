//! Messages of bytes, both ways, over a stream socket: `multiprocessing.connection.Connection` and `Client`.
//!
//! Cost: one system call to send a message, one to receive it (small ones that came together: one for all).

use std::{
    io::{self, IoSlice},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, connect, recv,
        sendmsg, socket_with,
        sockopt::{Timeout, set_socket_timeout, set_tcp_nodelay, socket_domain},
    },
};

use crate::{
    Address,
    frame::{FrameError, Frames, MAXIMUM, header},
    ready::{deadline, ready},
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

/// The sending half.
#[derive(Debug)]
pub struct Sender {
    socket: Arc<OwnedFd>,
    maximum: usize,
    /// A message was begun and not finished: whatever came next would be taken for the rest of it.
    broken: bool,
}

/// The receiving half.
#[derive(Debug)]
pub struct Receiver {
    socket: Arc<OwnedFd>,
    frames: Frames,
    /// What [`collect`](Self::collect) met, for the next `receive`: the kernel tells an error once.
    failed: Option<io::Error>,
    /// How often `receive` looks and lets others run before it sleeps.
    looks: u32,
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

impl Sender {
    /// Sends a message. Waits while the other side does not read and the socket is full.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] before anything is sent. `BrokenPipe` when the other side has gone; after that and after
    /// `TimedOut` nothing more can be sent, and each try says `BrokenPipe`.
    pub fn send(&mut self, message: &[u8]) -> Result<(), FrameError> {
        self.send_until(message, None)
    }

    /// As [`send`](Self::send), at most `within`: then `TimedOut`.
    ///
    /// # Errors
    /// The same.
    pub fn send_within(&mut self, message: &[u8], within: Duration) -> Result<(), FrameError> {
        self.send_until(message, deadline(within))
    }

    /// Says that nothing more will come, though the other half is still there: the peer's `receive` returns `None`.
    ///
    /// # Errors
    /// Those of shutdown(2).
    pub fn finish(self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Write)?)
    }

    fn send_until(&mut self, message: &[u8], deadline: Option<Instant>) -> Result<(), FrameError> {
        let header = header(message, self.maximum)?;
        if self.broken {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let mut parts = [IoSlice::new(&header), IoSlice::new(message)];
        let mut left = &mut parts[..];
        // NOSIGNAL: a closed socket is an error, not a SIGPIPE, whatever the program has set.
        let wait = if deadline.is_some() { SendFlags::DONTWAIT } else { SendFlags::empty() };
        self.broken = true;
        while !left.is_empty() {
            match sendmsg(&self.socket, left, &mut SendAncillaryBuffer::default(), wait | SendFlags::NOSIGNAL)
            {
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !ready(&self.socket, PollFlags::OUT, deadline)? {
                        return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                    }
                }
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        self.broken = false;
        Ok(())
    }
}

impl Receiver {
    /// The next message; `None` when the other side has closed, after all that it sent.
    ///
    /// # Errors
    /// [`FrameError`]; `ConnectionReset` when the other side went with messages of ours unread.
    pub fn receive(&mut self) -> Result<Option<&[u8]>, FrameError> {
        self.receive_until(None)
    }

    /// As [`receive`](Self::receive), at most `within` for the whole message: then `TimedOut`. What has come of it is
    /// kept: it may be asked for again.
    ///
    /// # Errors
    /// The same.
    pub fn receive_within(&mut self, within: Duration) -> Result<Option<&[u8]>, FrameError> {
        self.receive_until(deadline(within))
    }

    /// Whether [`receive`](Self::receive) would return without reading from the socket. Whoever polls the descriptor
    /// asks this first: several messages may have come with one read.
    pub fn is_ready(&self) -> bool {
        self.frames.is_ready()
    }

    /// Takes in what has come, without waiting. Whether [`receive`](Self::receive) would return at once now: with a
    /// message, the end or an error.
    pub(crate) fn collect(&mut self) -> bool {
        while !self.frames.is_ready() && self.failed.is_none() {
            let got = self.frames.fill(|room| Ok(recv(&self.socket, room, RecvFlags::DONTWAIT)?.0));
            match got {
                // The end: it stays, and `receive` reads it again.
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) => self.failed = Some(error),
            }
        }
        true
    }

    fn receive_until(&mut self, deadline: Option<Instant>) -> Result<Option<&[u8]>, FrameError> {
        for _ in 0..self.looks {
            if self.collect() {
                break;
            }
            thread::yield_now();
        }
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        while !self.frames.is_ready() {
            if deadline.is_some() && !ready(&self.socket, PollFlags::IN, deadline)? {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            let got = self.frames.fill(|room| {
                let (count, _) = recv(&self.socket, room, RecvFlags::empty())?;
                Ok(count)
            })?;
            if got == 0 {
                return self.frames.end().map(|()| None);
            }
        }
        self.frames.next_frame()
    }
}

/// Readable when a message may have come; see [`Connection::is_ready`].
impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.receiver.socket.as_fd()
    }
}

/// Readable when a message may have come; see [`Receiver::is_ready`].
impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Writable when there is room.
impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
