//! Ways to start a process, with the system calls in sight: [`fork()`], [`vfork()`], [`posix_spawn()`], and a
//! [`ForkServer`] (Linux). For everyday life there is [`std::process::Command`], which takes the fastest that will do.
//!
//! | | the child begins as | its memory | costs | breaks |
//! |---|---|---|---|---|
//! | [`fork()`] | a copy, at the same line | copied page by page, when written | grows with the caller's memory | locks of threads that are not there, buffers written twice |
//! | [`ForkServer`] | a copy of a small process without threads | the server's, as it was at its start | little | what was set later is not there |
//! | [`posix_spawn()`], [`vfork()`] | another program, at `main` | empty | the same for any caller | nothing: it has to be told everything |

mod fork;
mod forkserver;
mod image;
mod posix_spawn;
mod vfork;

use std::{io, os::unix::process::ExitStatusExt, process::ExitStatus};

pub use fork::{ForkError, fork};
pub use forkserver::{ForkServer, Job, Served};
pub use image::Image;
pub use posix_spawn::posix_spawn;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
pub use vfork::vfork;

/// A child. Dropped without [`wait`](Self::wait), it is killed and waited for: no zombie is left.
#[derive(Debug)]
pub struct Started(Option<Pid>);

impl Started {
    fn new(pid: Pid) -> Self {
        Self(Some(pid))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.map_or(0, |pid| pid.as_raw_nonzero().get().cast_unsigned())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When somebody else has waited for it already.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        self.0.take().map_or_else(|| Err(io::ErrorKind::NotFound.into()), reap)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(pid) = self.0.take() {
            // Its number is not re-used before it is waited for, so this can reach nobody else.
            let _ = kill_process(pid, Signal::KILL);
            let _ = reap(pid);
        }
    }
}

/// Waits for the end of child `pid`, also when signal handlers run meanwhile.
fn reap(pid: Pid) -> io::Result<ExitStatus> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
