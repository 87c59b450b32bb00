//! A forkserver: a child that was forked while there was no thread, and forks children on demand.
//!
//! It has what the caller had when the server began, and nothing that came later: no thread, no lock held, no
//! memory that grew. The caller may have threads by the time it asks for a child. What the child is to do goes as a
//! number, with one end of a socket as its line to the caller, through a Unix socket (SCM_RIGHTS, unix(7)).
//!
//! A child of the server is not a child of the caller, which therefore cannot wait(2) for it: the server does, and
//! reports. When the caller closes the socket or ends, the server kills its children and ends.
//!
//! In Python: the start method `forkserver`, the default on POSIX since 3.14.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::ExitStatus,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, recvmsg, sendmsg,
    },
    process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open},
};

use super::{
    ForkError, Started, fork,
    fork::{end_with, fork_here},
    reap,
};
use crate::parent_death::watch_parent;

/// What a child does, with its line to the caller. The result is its exit code.
pub type Job = fn(UnixStream) -> u8;

/// The caller's side of a forkserver. Dropped, it takes the server and all children with it.
#[derive(Debug)]
pub struct ForkServer {
    socket: Option<UnixStream>,
    server: Option<Started>,
}

/// A child of the server.
#[derive(Debug)]
pub struct Served {
    /// The line to it.
    pub line: UnixStream,
    id: u32,
    report: File,
}

impl ForkServer {
    /// Starts a server whose children can do `jobs`. Call it early: before the first thread.
    ///
    /// # Errors
    /// Those of [`fork`].
    pub fn start(jobs: &'static [Job]) -> Result<Self, ForkError> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut kept = Some((ours, theirs));
        // Both sides take the pair apart, each in its own copy, and close the other's end.
        let server = fork(|| match kept.take() {
            Some((ours, theirs)) => {
                drop(ours);
                serve(theirs, jobs)
            }
            None => 1,
        })?;
        let socket = kept.map(|(ours, _)| ours);
        Ok(Self { socket, server: Some(server) })
    }

    /// Starts a child that does the job with number `job`.
    ///
    /// # Errors
    /// When the server has ended, has no such job, or cannot fork.
    pub fn run(&self, job: u8) -> io::Result<Served> {
        let socket = self.socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let (line, its_line) = UnixStream::pair()?;
        let (mut report, its_report) = io::pipe()?;
        let descriptors = [its_line.as_fd(), its_report.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        rights.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(socket, &[IoSlice::new(&[job])], &mut rights, SendFlags::NOSIGNAL)?;
        drop((its_line, its_report));
        let mut id = [0; 4];
        report.read_exact(&mut id)?;
        Ok(Served { line, id: u32::from_ne_bytes(id), report: File::from(OwnedFd::from(report)) })
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        // The end of its input is the server's order to end.
        self.socket = None;
        // Waiting can only fail if somebody else has waited for it.
        let _ = self.server.take().map(Started::wait);
    }
}

impl Served {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits for its end, as the server reports it. The line is closed before, so that a child that reads it ends.
    ///
    /// # Errors
    /// When the server ended first.
    pub fn wait(self) -> io::Result<ExitStatus> {
        let Self { line, mut report, .. } = self;
        drop(line);
        let mut status = [0; 4];
        report.read_exact(&mut status)?;
        Ok(ExitStatus::from_raw(i32::from_ne_bytes(status)))
    }
}

/// A child as the server knows it.
struct Child {
    pid: Pid,
    ended: OwnedFd,
    report: File,
}

/// The server: waits for requests and for the end of children, both at once.
fn serve(socket: UnixStream, jobs: &[Job]) -> u8 {
    let mut children: Vec<Child> = Vec::new();
    loop {
        let waited_for =
            std::iter::once(socket.as_fd()).chain(children.iter().map(|child| child.ended.as_fd()));
        let mut ready: Vec<_> = waited_for.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match poll(&mut ready, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return 1,
        }
        let ready: Vec<bool> = ready.iter().map(|fd| !fd.revents().is_empty()).collect();
        // From the last one, so that what is removed does not move those not yet looked at.
        for index in (0..children.len()).rev().filter(|index| ready[index + 1]) {
            report_end(children.swap_remove(index));
        }
        if !ready[0] {
            continue;
        }
        let Some((job, line, mut report)) = receive(&socket) else { break };
        let Some(job) = jobs.get(usize::from(job)) else { continue };
        let server = getpid();
        // SAFETY: the server was forked from a process with one thread, and starts none.
        match unsafe { fork_here() } {
            Ok(None) => {
                // What is the server's is not the child's.
                drop((socket, children, report));
                end_with(|| if matches!(watch_parent(server), Ok(true)) { job(line) } else { 1 })
            }
            // No number is written, the pipe closes: that is the caller's error.
            Err(_) => {}
            Ok(Some(pid)) => match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(ended) => {
                    let id = pid.as_raw_nonzero().get().to_ne_bytes();
                    // A caller that has gone away is noticed at the socket.
                    let _ = report.write_all(&id);
                    children.push(Child { pid, ended, report });
                }
                Err(_) => drop(Started::new(pid)),
            },
        }
    }
    for child in children {
        let _ = kill_process(child.pid, Signal::KILL);
        report_end(child);
    }
    0
}

fn report_end(mut child: Child) {
    if let Ok(status) = reap(child.pid) {
        // A caller that does not want to know has closed its end.
        let _ = child.report.write_all(&status.into_raw().to_ne_bytes());
    }
}

/// The next request: the job's number, the child's line, the pipe for the report. `None` at the end.
fn receive(socket: &UnixStream) -> Option<(u8, UnixStream, File)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let mut job = [0];
    let received =
        recvmsg(socket, &mut [IoSliceMut::new(&mut job)], &mut rights, RecvFlags::CMSG_CLOEXEC).ok()?;
    let mut descriptors = rights.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let mut descriptors = descriptors.next()?;
    let (line, report) = (descriptors.next()?, descriptors.next()?);
    (received.bytes == 1).then(|| (job[0], line.into(), report.into()))
}
