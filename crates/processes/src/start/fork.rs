//! fork(2): the child is a copy of the caller and goes on at the same line.
//!
//! Of the threads only the calling one is copied, but the memory of all: a lock that another thread held at that
//! moment is locked in the child for ever. So [`fork`] refuses a process that has more than one thread. (The crate
//! `deadlock` shows in its lesson `fork` what happens to one that does not.)

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    thread,
    time::{Duration, Instant},
};

use rustix::process::Pid;

use super::Started;
use crate::proc;

/// Why there is no child.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// A copy would have their locks, and nobody to unlock them.
    #[error("this process has {0} threads, and a fork would copy one")]
    Threads(usize),
    /// The system does not give one more process, or memory for it.
    #[error("fork: {0}")]
    System(#[from] io::Error),
}

/// The exit code of a child that panicked, the same as of a program whose `main` panics.
const PANICKED: u8 = 101;

/// Starts a copy of this process that runs `child` and then ends with its result as the exit code. Nothing else of
/// the copy runs: no destructor of the caller, no exit handler, no flush of what the caller has in its buffers.
///
/// # Errors
/// [`ForkError::Threads`] if this is not the only thread; [`ForkError::System`] as fork(2) says.
pub fn fork(child: impl FnOnce() -> u8) -> Result<Started, ForkError> {
    alone()?;
    // SAFETY: there is one thread, so no lock in the copy has a holder that is missing there.
    match unsafe { fork_here() }? {
        Some(pid) => Ok(Started::new(pid)),
        None => end_with(child),
    }
}

/// fork(2) as it is: returns twice, `None` in the child.
///
/// # Safety
/// This process has one thread, or the child calls nothing but async-signal-safe functions (signal-safety(7)).
pub(super) unsafe fn fork_here() -> io::Result<Option<Pid>> {
    // SAFETY: the caller's promise.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        id => Ok(Pid::from_raw(id)),
    }
}

/// Runs what the child is there for, and ends the child.
pub(super) fn end_with(child: impl FnOnce() -> u8) -> ! {
    // Unwind safety: the child ends here, so nobody sees what a panic left half done.
    let code = panic::catch_unwind(AssertUnwindSafe(child)).unwrap_or(PANICKED);
    // SAFETY: `_exit` ends the process at once. (`exit` would flush copies of the parent's buffers.)
    unsafe { libc::_exit(code.into()) }
}

/// Whether this thread is the only one. One that has been joined may still be on its way out: it gets a moment.
fn alone() -> Result<(), ForkError> {
    const MOMENT: Duration = Duration::from_secs(1);
    let deadline = Instant::now() + MOMENT;
    loop {
        match proc::threads()? {
            1 => return Ok(()),
            count if Instant::now() > deadline => return Err(ForkError::Threads(count)),
            _ => thread::yield_now(),
        }
    }
}
