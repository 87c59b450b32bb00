//! The other process of a lesson: this program again, playing one scene, with one descriptor as its standard input.
//!
//! Nothing to agree on, no name, no `unsafe`: the socket, or the end of a pipe, that it is to use is descriptor 0. What it
//! prints comes line by line to whoever has started it, and says how far it is. In Python: `multiprocessing.Process`.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    os::fd::{AsFd, OwnedFd},
    process::{self, Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use processes::{ended::ended_within, parent_death::die_with_parent};
use rustix::event::PollFlags;

use crate::{
    Connection,
    ready::{deadline, ready},
};

/// How it is told its words.
const WORDS: &str = "IPC_WORDS";

/// Another process, started by us, that does not outlive the thread that started it.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// This program, playing `scene` of `lesson`, with `descriptor` as its standard input. (Ours is closed if it is
    /// given away, and stays if it is lent.)
    ///
    /// # Errors
    /// Those of fork(2) and exec(2).
    pub fn start(lesson: &str, scene: &str, descriptor: impl AsFd, words: &[&str]) -> io::Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--scene", &format!("{lesson}/{scene}")]).env(WORDS, words.join("\n"));
        command.stdin(descriptor.as_fd().try_clone_to_owned()?).stdout(Stdio::piped());
        let mut child = die_with_parent(&mut command).spawn()?;
        match child.stdout.take() {
            Some(output) => Ok(Self { child, output: BufReader::new(output) }),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The same with a connection to it.
    ///
    /// # Errors
    /// Those of socketpair(2), fork(2) and exec(2).
    pub fn connected(lesson: &str, scene: &str, words: &[&str]) -> io::Result<(Self, Connection)> {
        let (ours, theirs) = Connection::pair()?;
        Ok((Self::start(lesson, scene, &theirs, words)?, ours))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints, without its end. (A scene prints whole lines, with [`say`].)
    ///
    /// # Errors
    /// `TimedOut` when none comes `within` this time, `UnexpectedEof` when it has ended.
    pub fn line(&mut self, within: Duration) -> io::Result<String> {
        if self.output.buffer().is_empty() && !ready(self.output.get_ref(), PollFlags::IN, deadline(within))?
        {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `TimedOut` when it runs on after `within`; it is killed then.
    pub fn end(&mut self, within: Duration) -> io::Result<ExitStatus> {
        if !ended_within(self.child.id(), within)? {
            self.kill()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.child.wait()
    }

    /// Kills it: SIGKILL, in the middle of whatever it does.
    ///
    /// # Errors
    /// Those of kill(2) and wait(2).
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // An error says that it has ended and was waited for, which is what is wanted.
        let _ = self.kill();
    }
}

/// In the other process: the descriptor that it was given.
///
/// # Errors
/// No descriptors left, or it was started without a standard input.
pub fn given() -> io::Result<OwnedFd> {
    io::stdin().as_fd().try_clone_to_owned()
}

/// In the other process: the connection that it was given.
///
/// # Errors
/// When standard input is no socket: it was started by hand.
pub fn connection() -> io::Result<Connection> {
    Connection::new(given()?)
}

/// In the other process: the word with this number, from 0.
pub fn word(index: usize) -> Option<String> {
    env::var(WORDS).ok()?.lines().nth(index).map(str::to_owned)
}

/// In the other process: says a line to whoever has started it. If nobody reads it any more, this process ends.
pub fn say(line: impl std::fmt::Display) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        process::exit(1);
    }
}
