//! One worker, seen by its caller: a child process and two pipes that never block.

use std::{
    collections::VecDeque,
    io,
    process::{ChildStdin, ChildStdout},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
};

use crate::{
    Program,
    child::Child,
    frame::{Fill, Inbox},
    mark::Mark,
};

/// How long a worker that has closed its pipe, or whose pipe we have closed, may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// How many bytes a pipe from a worker should hold, so that a worker with a large part writes it in one go and
/// takes its next piece, instead of waiting for us each 64 KiB. It is only a wish: the system's limit for all
/// pipes of a user (`/proc/sys/fs/pipe-user-pages-soft`) may say no.
const PIPE: usize = 1 << 20;

/// One worker. Dropping it kills the process and waits for it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// What the worker's pipe had no room for yet.
    outbox: VecDeque<u8>,
    pub(crate) inbox: Inbox,
    /// Its output is closed: nothing more will come.
    pub(crate) ended: bool,
    pub(crate) mark: Mark,
    /// When it was started, until it says its first word.
    pub(crate) silent_since: Option<Instant>,
}

impl Member {
    pub(crate) fn start(program: &Program) -> io::Result<Self> {
        let mark = Mark::new();
        let mut child = program.start(mark)?;
        let (input, output) = match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => (input, output),
            _ => unreachable!("`Program::start` asks for both pipes"),
        };
        let member = Self {
            child,
            input: Some(input),
            output,
            outbox: VecDeque::new(),
            inbox: Inbox::default(),
            ended: false,
            mark,
            silent_since: Some(Instant::now()),
        };
        if let Some(input) = &member.input {
            rustix::io::ioctl_fionbio(input, true)?;
        }
        rustix::io::ioctl_fionbio(&member.output, true)?;
        #[cfg(target_os = "linux")]
        let _only_a_wish = rustix::pipe::fcntl_setpipe_size(&member.output, PIPE);
        Ok(member)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Sends a frame: as much as the pipe takes now, the rest when it has room.
    pub(crate) fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.queue(frame);
        self.flush()
    }

    /// Puts a frame behind what is to be sent with the next flush.
    pub(crate) fn queue(&mut self, frame: &[u8]) {
        self.outbox.extend(frame);
    }

    /// Writes what the pipe takes.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while let Some(input) = &self.input
            && !self.outbox.is_empty()
        {
            match rustix::io::write(input, self.outbox.as_slices().0) {
                Ok(bytes) => drop(self.outbox.drain(..bytes)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                // It is ending. Why, and what it still has to say, comes out of its own pipe.
                Err(Errno::PIPE) => self.close(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what has come.
    pub(crate) fn fill(&mut self) -> io::Result<()> {
        if self.inbox.fill(&self.output)? == Fill::End {
            self.ended = true;
        }
        Ok(())
    }

    /// Reads all that the process has left behind: it has ended, and nothing more will come.
    pub(crate) fn fill_to_the_end(&mut self) {
        // An error, too, is the end of what can be read.
        while !self.ended && matches!(self.inbox.fill(&self.output), Ok(Fill::Some)) {}
        self.ended = true;
    }

    /// What to wait for: output as long as there can be any, room for input when there is something to write.
    pub(crate) fn interest(&self) -> [Option<PollFd<'_>>; 2] {
        let output = (!self.ended).then(|| PollFd::new(&self.output, PollFlags::IN));
        let input = self.input.as_ref().filter(|_| !self.outbox.is_empty());
        [output, input.map(|input| PollFd::new(input, PollFlags::OUT))]
    }

    /// Tells the worker that nothing more will come.
    pub(crate) fn close(&mut self) {
        self.input = None;
        self.outbox.clear();
    }

    /// Kills it; [`Member::end`] waits for it.
    pub(crate) fn kill(&mut self) {
        self.close();
        // It fails only for a process that has been waited for.
        let _ = self.child.kill();
    }

    /// Waits for the end of the process, which is near: its pipes are closed, or it has been killed. Whoever
    /// still does not end is killed. Says in words how it ended.
    pub(crate) fn end(&mut self) -> String {
        self.close();
        match self.child.join_within(GRACE) {
            Some(end) => end.to_string(),
            None => {
                self.kill();
                self.child.join();
                format!("did not end within {GRACE:?} and was killed")
            }
        }
    }
}
