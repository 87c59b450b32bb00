//! A child process, held by a descriptor and not by its number: a signal can only reach the process that was started.
//!
//! A process id is free for anyone as soon as the process has been waited for; whoever signals a number may hit a
//! stranger. A pidfd (pidfd_open(2), Linux 5.3) names one process for ever, and poll(2) says when it has ended: so
//! waiting with a limit, signalling, and "is it done?" next to other descriptors all need no thread and no race.
//!
//! In Python: `multiprocessing.Process` with `join(timeout)`, `exitcode`, `terminate`, `kill`, `interrupt`,
//! `sentinel`, and `multiprocessing.active_children`.

use std::{
    fmt, io,
    ops::Deref,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid},
    time::Timespec,
};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It exited, with this code (0 to 255).
    Exited(i32),
    /// A signal with this number killed it.
    Killed(i32),
    /// It has ended, and somebody else has waited for it, or SIGCHLD is ignored, so that nobody can say how.
    Unknown,
}

impl End {
    /// As Python counts: 0 to 255 for an exit, -N for signal N; `None` if nobody knows.
    pub fn exitcode(self) -> Option<i32> {
        match self {
            End::Exited(code) => Some(code),
            End::Killed(signal) => Some(-signal),
            End::Unknown => None,
        }
    }
}

impl fmt::Display for End {
    /// `exited with code 3`, `was killed by signal 15 (SIGTERM)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            End::Exited(code) => write!(out, "exited with code {code}"),
            End::Killed(signal) => match Signal::from_named_raw(signal).map_or("", name) {
                "" => write!(out, "was killed by signal {signal}"),
                name => write!(out, "was killed by signal {signal} ({name})"),
            },
            End::Unknown => write!(out, "ended, nobody knows how"),
        }
    }
}

/// The signals that end processes in practice.
fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::KILL => "SIGKILL: by hand, or the kernel had no memory left",
        Signal::ABORT => "SIGABRT",
        Signal::SEGV => "SIGSEGV",
        Signal::BUS => "SIGBUS",
        Signal::ILL => "SIGILL",
        Signal::FPE => "SIGFPE",
        Signal::HUP => "SIGHUP",
        Signal::INT => "SIGINT",
        Signal::TERM => "SIGTERM",
        Signal::PIPE => "SIGPIPE",
        Signal::XCPU => "SIGXCPU",
        _ => "",
    }
}

/// A child that does not outlive its owner: dropping this kills it and waits for it (`daemon=True` in Python, which
/// also holds when this process is killed only if the child asks for it: see [`worker`](crate::worker)).
#[derive(Debug)]
pub struct Child {
    handle: Handle,
    /// What the child reads, if that was to be a pipe.
    pub stdin: Option<ChildStdin>,
    /// What the child prints, if that was to be a pipe.
    pub stdout: Option<ChildStdout>,
    /// What the child complains, if that was to be a pipe.
    pub stderr: Option<ChildStderr>,
}

impl Child {
    /// Starts `command`.
    ///
    /// # Errors
    /// The system's. Also when the process started but there is no descriptor left to hold it by: then it is killed
    /// and waited for.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        // No race: the number cannot go to another process before we have waited for this one.
        let pidfd = match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error.into());
            }
        };
        let handle = Handle(Arc::new(Process { pid: child.id(), pidfd, end: Mutex::new(None) }));
        let mut active = lock(&ACTIVE);
        active.retain(|process| process.strong_count() > 0);
        active.push(Arc::downgrade(&handle.0));
        drop(active);
        // The standard library's `Child` goes without a wait, which is ours from here on.
        Ok(Self {
            handle,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        })
    }

    /// A handle that may be kept, cloned and sent anywhere; it does not keep the child alive.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Deref for Child {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It fails only where there is nobody left to kill; and SIGKILL cannot be ignored, so the wait ends.
        let _ = self.handle.kill();
        let _ = self.handle.join();
    }
}

/// A process that was started as a [`Child`], as long as it lives and after.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Process>);

#[derive(Debug)]
struct Process {
    pid: u32,
    pidfd: OwnedFd,
    /// Filled by whoever sees the end first: the kernel tells it once.
    end: Mutex<Option<End>>,
}

/// All children whose owner or handle is still there.
static ACTIVE: Mutex<Vec<Weak<Process>>> = Mutex::new(Vec::new());

/// The children that are running. Those that have ended are waited for on the way, so that they are no zombies.
pub fn active_children() -> Vec<Handle> {
    let all: Vec<Handle> = lock(&ACTIVE).iter().filter_map(Weak::upgrade).map(Handle).collect();
    all.into_iter().filter(Handle::is_alive).collect()
}

impl Handle {
    /// The process id: for people. To signal the process use this handle.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Ready to read (poll(2): POLLIN) when the process has ended.
    pub fn sentinel(&self) -> BorrowedFd<'_> {
        self.0.pidfd.as_fd()
    }

    /// Whether it runs, or is stopped.
    pub fn is_alive(&self) -> bool {
        self.end().is_none()
    }

    /// How it ended; `None` while it runs. It is no zombie any more once this has said so.
    pub fn end(&self) -> Option<End> {
        let mut end = lock(&self.0.end);
        if end.is_none() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            *end = match waitid(WaitId::PidFd(self.sentinel()), options) {
                Ok(None) | Err(Errno::INTR) => None,
                Ok(Some(status)) => Some(match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => End::Exited(code),
                    (None, Some(signal)) => End::Killed(signal),
                    (None, None) => End::Unknown,
                }),
                Err(_) => Some(End::Unknown),
            };
        }
        *end
    }

    /// `None` while it runs; 0 to 255 as it exited; -N when signal N killed it.
    pub fn exitcode(&self) -> Option<i32> {
        self.end()?.exitcode()
    }

    /// Waits until it has ended.
    pub fn join(&self) -> End {
        loop {
            if let Some(end) = self.join_within(Duration::from_secs(3600)) {
                return end;
            }
        }
    }

    /// Waits until it has ended, at most for `limit`; `None` if it still runs then.
    pub fn join_within(&self, limit: Duration) -> Option<End> {
        let deadline = Instant::now().checked_add(limit);
        loop {
            if let Some(end) = self.end() {
                return Some(end);
            }
            let left = deadline.map_or(limit, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            // EINTR, or a descriptor that cannot be waited for: look again. Nothing else can go wrong here.
            let _ =
                poll(&mut [PollFd::from_borrowed_fd(self.sentinel(), PollFlags::IN)], Some(&timespec(left)));
        }
    }

    /// Asks it to end (SIGTERM), which it may put off or ignore.
    ///
    /// # Errors
    /// ESRCH when it has been waited for; never reaches another process.
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Ends it (SIGKILL): no destructor runs. Also a process that is stopped.
    ///
    /// # Errors
    /// As [`terminate`](Self::terminate).
    pub fn kill(&self) -> io::Result<()> {
        self.signal(Signal::KILL)
    }

    /// What Ctrl-C does (SIGINT).
    ///
    /// # Errors
    /// As [`terminate`](Self::terminate).
    pub fn interrupt(&self) -> io::Result<()> {
        self.signal(Signal::INT)
    }

    /// Sends any signal.
    ///
    /// # Errors
    /// As [`terminate`](Self::terminate).
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(pidfd_send_signal(self.sentinel(), signal)?)
    }
}

/// As poll(2) wants it.
pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// What is behind these locks is whole at every moment, whoever panicked while holding one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
