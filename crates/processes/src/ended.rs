//! Waiting for a process's end with a time limit, by a descriptor that becomes readable at that moment (pidfd_open(2)).
//!
//! A process id is re-used as soon as its process was waited for; a pidfd is not. In Python: `Process.sentinel`.

use std::{
    io,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
    time::Timespec,
};

/// Waits until process `id` has ended, at most `limit`: whether it has. It is not waited for in the sense of wait(2):
/// a child becomes a zombie and stays one.
///
/// # Errors
/// When the kernel has no pidfds (before Linux 5.3).
pub fn ended_within(id: u32, limit: Duration) -> io::Result<bool> {
    let pid = pid(id)?;
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        // Ended, and waited for by its parent.
        Err(Errno::SRCH) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            // A signal handler ran: the wait goes on, and not from the start.
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A process id as the system calls want it.
///
/// # Errors
/// For 0, which is no process.
pub(crate) fn pid(id: u32) -> io::Result<Pid> {
    Pid::from_raw(id.cast_signed()).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
