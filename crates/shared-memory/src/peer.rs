//! The other process of a lesson or a test: this program again, playing one scene, on memory that it is given.
//!
//! The memory comes as descriptor 0, its standard input: nothing to agree on, no name, no `unsafe`. What it prints
//! comes line by line to whoever has started it, and says how far it is. [`at`] are points with a name: the
//! parent may have it killed (SIGKILL, so that nothing is cleaned up) exactly there.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    os::fd::{AsFd, OwnedFd},
    process::{self, Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use processes::{ended::ended_within, parent_death::die_with_parent};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit},
    time::Timespec,
};

use crate::memfd::{Memfd, MemfdError};

/// How it is told its words (with their number behind), and where to die.
const WORD: &str = "SHARED_MEMORY_WORD_";
const KILL_AT: &str = "SHARED_MEMORY_KILL_AT";

/// Another process that is not started yet.
#[derive(Debug)]
pub struct Cast {
    command: Command,
    words: usize,
}

impl Cast {
    /// This program, playing a scene of a lesson: the same function that [`lesson::Lesson::scenes`] names.
    pub fn scene(lesson: &str, scene: &str) -> Self {
        Self::program(Command::new("/proc/self/exe"), &["--scene", &format!("{lesson}/{scene}")])
    }

    /// Another program, which calls [`memory`], [`word`] and [`at`] as a scene would: for tests, whose program is
    /// not the one with the scenes.
    pub fn program(mut command: Command, arguments: &[&str]) -> Self {
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        // What was meant for us is not meant for our child.
        let ours = env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with(WORD)) {
            command.env_remove(name);
        }
        command.env_remove(KILL_AT);
        Self { command, words: 0 }
    }

    /// Gives it this memory. (Without any its standard input is a pipe: [`Peer::tell`].)
    ///
    /// # Errors
    /// No descriptors left.
    pub fn with_memory(mut self, memory: impl AsFd) -> io::Result<Self> {
        self.command.stdin(memory.as_fd().try_clone_to_owned()?);
        Ok(self)
    }

    /// Gives it a word more: a number, a name.
    pub fn with_word(mut self, word: impl ToString) -> Self {
        self.command.env(format!("{WORD}{}", self.words), word.to_string());
        self.words += 1;
        self
    }

    /// Has it killed by SIGKILL at its `nth` passage (from 1) of [`at`]`(point)`.
    pub fn killed_at(mut self, point: &str, nth: u64) -> Self {
        self.command.env(KILL_AT, format!("{nth} {point}"));
        self
    }

    /// Starts it. It is killed when the thread that started it ends, or when the [`Peer`] is dropped.
    ///
    /// # Errors
    /// Those of fork(2) and exec(2).
    pub fn start(mut self) -> io::Result<Peer> {
        let mut child = die_with_parent(&mut self.command).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Peer { child, input, output, begun: Vec::new() })
    }
}

/// Another process, started by us, that does not outlive us.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    /// A line of which the end has not come yet.
    begun: Vec<u8>,
}

impl Peer {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints, without its end. Printing one is how it says: I am so far.
    ///
    /// # Errors
    /// `TimedOut` when none comes `within` this time, `UnexpectedEof` when it has ended.
    pub fn line(&mut self, within: Duration) -> io::Result<String> {
        let output = self.output.as_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
        let deadline = Instant::now() + within;
        loop {
            if output.buffer().is_empty() && !readable(output.get_ref(), deadline)? {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let came = output.fill_buf()?;
            let (taken, whole) = match came.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                // The rest of the line is still to come, or there is none and it has ended.
                None => (came.len(), came.is_empty() && !self.begun.is_empty()),
            };
            if came.is_empty() && !whole {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.begun.extend_from_slice(&came[..taken]);
            output.consume(taken);
            if whole {
                let line = std::mem::take(&mut self.begun);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }

    /// Writes a line to its standard input, if that is a pipe.
    ///
    /// # Errors
    /// `BrokenPipe` when it has ended, or has memory there.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(input, "{line}")
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `TimedOut` when it runs on after `within`; it is killed then.
    pub fn end(&mut self, within: Duration) -> io::Result<ExitStatus> {
        // What waits for the end of its input gets it.
        self.input = None;
        if !ended_within(self.child.id(), within)? {
            self.child.kill()?;
            self.child.wait()?;
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

/// In the other process: the memory that it was given.
///
/// # Errors
/// When standard input is no sealed memory: it was started by hand, or without.
pub fn memory() -> Result<Memfd, MemfdError> {
    let file: OwnedFd = io::stdin().as_fd().try_clone_to_owned().map_err(|_| MemfdError::NoMemfd)?;
    Memfd::from_fd(file)
}

/// In the other process: the word with this number, from 0.
pub fn word(index: usize) -> Option<String> {
    env::var(format!("{WORD}{index}")).ok()
}

/// In the other process: says a line to whoever has started it. If nobody reads it any more, this process ends.
pub fn say(line: impl std::fmt::Display) {
    // Not `println!`: that waits for a whole buffer in some programs, and panics when nobody reads.
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        process::exit(1);
    }
}

/// In the other process: it is at `point`. Does nothing, unless it is to be killed there.
///
/// Code that is to be killed halfway takes a hook, `impl Fn(&'static str)`: in production `|_| ()`, of which the
/// compiler leaves nothing, in a scene this.
pub fn at(point: &'static str) {
    static PLAN: LazyLock<Option<(u64, String)>> = LazyLock::new(|| {
        let plan = env::var(KILL_AT).ok()?;
        let (nth, point) = plan.split_once(' ')?;
        Some((nth.parse().ok()?, point.to_owned()))
    });
    static PASSED: AtomicU64 = AtomicU64::new(0);
    if let Some((nth, planned)) = &*PLAN
        && planned == point
        // Relaxed: only the number counts.
        && PASSED.fetch_add(1, Relaxed) + 1 == *nth
    {
        // One may always signal oneself, and this one cannot be put off.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

fn readable(pipe: impl AsFd, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// In the other process: it will be killed on purpose, and shall not leave a core file.
pub fn leave_no_core() {
    // If it cannot be had, it is only untidy.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}
