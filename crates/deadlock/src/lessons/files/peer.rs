//! A process that locks files on demand: a line asks for a lock, a line answers.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, fcntl_lock},
    io::Errno,
};

/// The kind of a lock.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `fcntl` with `F_SETLKW`, over the whole file.
    Record,
    /// `flock`, through std.
    Flock,
}

/// What came of asking for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has it, until it ends.
    Held,
    /// `EDEADLK`.
    WouldDeadlock,
    /// Something else went wrong, or it is gone.
    Failed,
}

/// Whatever is asked of a peer is answered long before this, if it is at all.
const LIMIT: Duration = Duration::from_secs(20);

/// The process, seen from the lesson. Killed when dropped.
pub(super) struct Peer {
    process: Child,
    stdin: ChildStdin,
    answers: Receiver<Answer>,
    started: Instant,
}

impl Peer {
    pub(super) fn start() -> io::Result<Self> {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--scene", "files/peer"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let ends = process.stdin.take().zip(process.stdout.take());
        let (stdin, stdout) = ends.ok_or_else(|| io::Error::other("both were asked for"))?;
        let (sender, answers) = channel();
        // Ends with the process, whose end is the end of its stdout.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let answer = match line.as_str() {
                    "held" => Answer::Held,
                    "EDEADLK" => Answer::WouldDeadlock,
                    _ => Answer::Failed,
                };
                if sender.send(answer).is_err() {
                    break;
                }
            }
        });
        Ok(Self { process, stdin, answers, started: Instant::now() })
    }

    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks for a lock, and does not wait for the answer.
    pub(super) fn ask(&mut self, kind: Kind, path: &Path) -> io::Result<()> {
        writeln!(self.stdin, "{kind:?} {}", path.display())
    }

    /// Waits for the answer.
    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        match self.answers.recv_timeout(LIMIT) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Disconnected) => Ok(Answer::Failed),
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// The answer, if it has come.
    pub(super) fn answered(&mut self) -> Option<Answer> {
        match self.answers.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Disconnected) => Some(Answer::Failed),
            Err(TryRecvError::Empty) => None,
        }
    }

    /// An error when it has been at it for too long.
    pub(super) fn in_time(&self) -> io::Result<()> {
        if self.started.elapsed() < LIMIT { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }

    /// Kills it. All its locks are free when this returns.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process itself: until its stdin ends, and with it all its locks.
pub(super) fn scene() {
    let mut held = Vec::new();
    for line in io::stdin().lines().map_while(Result::ok) {
        let answer = match lock(&line) {
            Ok(file) => {
                held.push(file);
                "held".to_owned()
            }
            Err(error) if error.raw_os_error() == Some(Errno::DEADLK.raw_os_error()) => "EDEADLK".to_owned(),
            Err(error) => error.to_string(),
        };
        println!("{answer}");
    }
}

fn lock(line: &str) -> io::Result<File> {
    let (kind, path) = line.split_once(' ').ok_or(io::ErrorKind::InvalidInput)?;
    let file = File::options().write(true).open(path)?;
    if kind == "Record" {
        fcntl_lock(&file, FlockOperation::LockExclusive)?;
    } else {
        file.lock()?;
    }
    Ok(file)
}
