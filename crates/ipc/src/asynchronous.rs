//! The same messages for tasks instead of threads: a connection that many others can wait beside, on one thread (tokio).
//!
//! A task that waits is a few hundred bytes and no stack, and while nothing has come this holds no buffer either. What it asks
//! in return: whatever waits must say so by `.await`, all the way up, and nothing may block the thread.

use std::{
    io::{self, IoSlice},
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream},
};

use tokio::net::UnixStream;

use crate::frame::{FrameError, Frames, MAXIMUM, header};

/// One side of a conversation over a Unix stream socket: [`crate::Connection`] for tasks.
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use ipc::{Connection, asynchronous};
///
/// let (ours, theirs) = UnixStream::pair()?;
/// let mut other = Connection::new(theirs)?;
/// let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
/// runtime.block_on(async {
///     let mut connection = asynchronous::Connection::new(ours)?;
///     connection.send(b"question").await?;
///     assert_eq!(other.receive()?, Some(&b"question"[..]));
///     other.send(b"answer")?;
///     assert_eq!(connection.receive().await?, Some(&b"answer"[..]));
///     Ok::<(), Box<dyn std::error::Error>>(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    frames: Frames,
    maximum: usize,
    /// A message was begun and not finished: whatever came next would be taken for the rest of it.
    broken: bool,
}

impl Connection {
    /// Over a connected Unix stream socket, which is made non-blocking: for all who have it.
    ///
    /// # Errors
    /// When it is no socket.
    ///
    /// # Panics
    /// Outside of a runtime with I/O.
    pub fn new(socket: impl Into<OwnedFd>) -> io::Result<Self> {
        let stream = StdStream::from(socket.into());
        stream.set_nonblocking(true)?;
        let frames = Frames::new(MAXIMUM);
        Ok(Self { stream: UnixStream::from_std(stream)?, frames, maximum: MAXIMUM, broken: false })
    }

    /// Refuses messages above `maximum` bytes, both ways. To be called before the first message.
    #[must_use]
    pub fn with_maximum(mut self, maximum: usize) -> Self {
        (self.maximum, self.frames) = (maximum, Frames::new(maximum));
        self
    }

    // ANCHOR: receive
    /// The next message; `None` when the other side has closed, after all that it sent.
    ///
    /// May be given up at any `.await` (`tokio::time::timeout`, `select!`): what has come is kept, and it may be asked again.
    ///
    /// # Errors
    /// [`FrameError`]; `ConnectionReset` when the other side went with messages of ours unread.
    pub async fn receive(&mut self) -> Result<Option<&[u8]>, FrameError> {
        while !self.frames.is_ready() {
            // Nothing has come: ten thousand who wait hold no buffer.
            self.frames.release();
            self.stream.readable().await?;
            match self.frames.fill(|room| self.stream.try_read(room)) {
                Ok(0) => return self.frames.end().map(|()| None),
                Ok(_) => {}
                // It was not readable after all: poll(2) may be wrong about that.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.frames.next_frame()
    }
    // ANCHOR_END: receive

    /// Sends a message; waits while the other side does not read and the socket is full.
    ///
    /// If it is given up at an `.await` a part of the message may have gone: nothing more can be sent then.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] before anything is sent; `BrokenPipe` when the other side has gone, or an earlier message was
    /// not finished.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), FrameError> {
        let header = header(message, self.maximum)?;
        if self.broken {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        let mut parts = [IoSlice::new(&header), IoSlice::new(message)];
        let mut left = &mut parts[..];
        self.broken = true;
        while !left.is_empty() {
            match self.stream.try_write_vectored(left) {
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.broken = false;
        Ok(())
    }

    /// Bytes of memory that its buffer holds.
    pub fn held(&self) -> usize {
        self.frames.held()
    }
}
