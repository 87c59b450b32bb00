//! POSIX message queues (mq_overview(7)): messages in the kernel, those of the highest priority first.
//!
//! Messages keep their boundaries, and each waits for room or for a message with a deadline. Small (8 KiB a message and 10
//! of them, unless root says otherwise), and under a name that stays after a kill: so the name goes at once, and the
//! descriptor is inherited.

use std::{
    ffi::CString,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    time::{Duration, SystemTime},
};

/// A queue of messages. On Linux it is a descriptor: it can be polled, inherited and sent.
#[derive(Debug)]
pub struct MessageQueue {
    queue: OwnedFd,
    longest: usize,
}

impl MessageQueue {
    /// A new queue for `messages` messages of at most `longest` bytes, without a name.
    ///
    /// # Errors
    /// `InvalidInput` above what /proc/sys/fs/mqueue allows; `Unsupported` in a kernel without.
    pub fn create(messages: usize, longest: usize) -> io::Result<Self> {
        let name =
            CString::new(format!("/rust-ipc-{}-{:?}", std::process::id(), std::thread::current().id()))?;
        // SAFETY: a struct of integers, for which zero is a value.
        let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
        attributes.mq_maxmsg = messages.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        attributes.mq_msgsize = longest.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
        let mode: libc::mode_t = 0o600;
        // SAFETY: name and attributes live through the call, which keeps neither.
        let queue = unsafe { libc::mq_open(name.as_ptr(), flags, mode, &raw mut attributes) };
        if queue < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: on Linux it is a descriptor (mq_overview(7)), just opened and nobody else's.
        let queue = unsafe { OwnedFd::from_raw_fd(queue) };
        // SAFETY: the name lives through the call.
        match unsafe { libc::mq_unlink(name.as_ptr()) } {
            0 => Ok(Self { queue, longest }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// One that was inherited.
    ///
    /// # Errors
    /// When it is no message queue.
    pub fn from_fd(queue: OwnedFd) -> io::Result<Self> {
        // SAFETY: a struct of integers, for which zero is a value.
        let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
        // SAFETY: the call writes one struct there.
        match unsafe { libc::mq_getattr(queue.as_raw_fd(), &raw mut attributes) } {
            0 => Ok(Self { queue, longest: usize::try_from(attributes.mq_msgsize).unwrap_or(0) }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Puts a message in, waiting for room at most `within`. Of messages that wait, those of the highest priority are taken
    /// first, and those of one priority in their order.
    ///
    /// # Errors
    /// `TimedOut`; EMSGSIZE when it is too long.
    pub fn send(&self, message: &[u8], priority: u32, within: Duration) -> io::Result<()> {
        let deadline = clock(within)?;
        let queue = self.queue.as_raw_fd();
        // SAFETY: message and deadline live through the call, and it reads as many bytes as there are.
        again(|| unsafe {
            libc::mq_timedsend(queue, message.as_ptr().cast(), message.len(), priority, &raw const deadline)
                as isize
        })?;
        Ok(())
    }

    /// Takes the next message out and its priority, waiting for one at most `within`.
    ///
    /// # Errors
    /// `TimedOut`.
    pub fn receive(&self, within: Duration) -> io::Result<(Vec<u8>, u32)> {
        let (deadline, mut priority, mut message) = (clock(within)?, 0, vec![0; self.longest]);
        let queue = self.queue.as_raw_fd();
        // SAFETY: the call writes at most as many bytes as there is room for, and the priority; both live through it.
        let length = again(|| unsafe {
            let room = message.as_mut_ptr().cast();
            libc::mq_timedreceive(queue, room, message.len(), &raw mut priority, &raw const deadline)
        })?;
        message.truncate(length);
        Ok((message, priority))
    }
}

/// Readable when there is a message, writable when there is room.
impl AsFd for MessageQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// The moment `within` from now on the clock of these calls: that on the wall, which may be set.
fn clock(within: Duration) -> io::Result<libc::timespec> {
    let at = SystemTime::now() + within;
    let since = at.duration_since(SystemTime::UNIX_EPOCH).map_err(io::Error::other)?;
    let seconds = since.as_secs().try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(libc::timespec { tv_sec: seconds, tv_nsec: since.subsec_nanos().into() })
}

fn again(mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        if let Ok(count) = usize::try_from(call()) {
            return Ok(count);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
