//! Signals that carry a number (sigqueue(3)), and are read from a descriptor (signalfd(2)) instead of interrupting.
//!
//! A standard signal is a bit: however many come while it is blocked, one is seen. A real-time signal is queued, with its
//! number, up to RLIMIT_SIGPENDING of them. In Python: `signal.sigwaitinfo`; nothing sends a number.

use std::{
    ffi::c_int,
    fs::File,
    io::{self, Read},
    mem,
    os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd},
};

unsafe extern "C" {
    /// sigqueue(3); the crate libc does not declare it.
    fn sigqueue(pid: libc::pid_t, signal: c_int, value: libc::sigval) -> c_int;
}

/// The first of the real-time signals that are the program's own.
pub fn real_time() -> c_int {
    libc::SIGRTMIN()
}

/// Sends `signal` with a number to process `id`.
///
/// # Errors
/// `WouldBlock` when its queue is full; ESRCH, EPERM.
pub fn send(id: u32, signal: c_int, number: u32) -> io::Result<()> {
    let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(number as usize) };
    // SAFETY: the pointer in `value` is a number that is passed on, never read through.
    match unsafe { sigqueue(id.cast_signed(), signal, value) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Signals that this process takes in by reading.
#[derive(Debug)]
pub struct Signals {
    from: File,
}

impl Signals {
    /// Blocks these signals in the calling thread and those that it will start, and takes them in here. To be called before
    /// any other thread is started: one that does not block them is interrupted instead.
    ///
    /// # Errors
    /// For a number that is no signal, and those of signalfd(2).
    pub fn take(signals: &[c_int]) -> io::Result<Self> {
        // SAFETY: a set of bits, for which zero is a value; each call gets a set that lives through it.
        let from = unsafe {
            let mut set: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut set);
            for signal in signals {
                if libc::sigaddset(&raw mut set, *signal) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            let error = libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            if error != 0 {
                return Err(io::Error::from_raw_os_error(error));
            }
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if from < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else's.
        let from = unsafe { OwnedFd::from_raw_fd(from) };
        Ok(Self { from: from.into() })
    }

    /// The next one that has come: which, and its number. `None` if none has.
    ///
    /// # Errors
    /// Those of read(2).
    pub fn next_signal(&mut self) -> io::Result<Option<(c_int, u32)>> {
        let mut bytes = [0; size_of::<libc::signalfd_siginfo>()];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        // SAFETY: the struct is all integers, and the bytes are one that the kernel has written.
        let info: libc::signalfd_siginfo = unsafe { mem::transmute(bytes) };
        Ok(Some((info.ssi_signo.cast_signed(), info.ssi_int.cast_unsigned())))
    }
}

/// Readable when one has come.
impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.from.as_fd()
    }
}
