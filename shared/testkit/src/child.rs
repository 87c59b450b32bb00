//! A child with a deadline: when it passes, the child and everything that it has started are killed and reported.

use std::{
    env,
    io::{self, Read},
    mem,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open},
    time::Timespec,
};

use crate::{
    TestkitError,
    procfs::{self, Process},
};

/// Every process below a child carries this variable with the child's own value, wherever it has moved to.
const MARK: &str = "TESTKIT_CHILD";

/// How long processes that the child has started may take to end after it: a worker needs a moment to see that its
/// pipe is closed.
const GRACE: Duration = Duration::from_secs(2);

/// SIGKILL takes effect at once except on a process in the middle of a device's I/O; for that we do not wait longer.
const UNKILLABLE: Duration = Duration::from_secs(20);

/// How often a condition without a descriptor to wait on is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// Runs `command` with no input, collects what it prints and waits for its end, at most `limit`.
///
/// Its descendants are found by a variable in their environment, which also reaches a daemon that has left the
/// process group and the family tree; one that cleared its environment is still killed with the group.
///
/// # Errors
/// [`Late`](TestkitError::Late) when it did not end in time, [`LeftBehind`](TestkitError::LeftBehind) when it ended
/// but what it started did not: both are reported after all of these processes are gone.
/// [`System`](TestkitError::System) when it can not be started. A child that *fails* is no error: look at the status.
pub fn run_within(limit: Duration, command: &mut Command) -> Result<Output, TestkitError> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let mut mark = format!("{}.{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
    if let Ok(outer) = env::var(MARK) {
        // We are such a child ourselves; whoever has started us must find this one too.
        mark = format!("{outer}/{mark}");
    }
    let shown = format!("{command:?}");
    let mut child = command
        .env(MARK, &mark)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(TestkitError::system(format!("start {shown}")))?;

    let (stdout, stderr) = (Drain::of(child.stdout.take()), Drain::of(child.stderr.take()));
    let family = Family { leader: child.id().cast_signed(), mark };
    let in_time = ended_by(&child, Instant::now() + limit);
    let mut living = match in_time {
        // The child may wait for one of the others, so nobody gets a grace.
        Ok(false) | Err(_) => family.kill(),
        Ok(true) => family.end_within(GRACE),
    };
    // Only now, for until it is reaped nobody else can get the child's number, which is also its group's.
    let status: io::Result<ExitStatus> = child.wait();
    let (stdout, stderr) = (stdout.collected(&mut living), stderr.collected(&mut living));

    let in_time = in_time.map_err(TestkitError::system(format!("wait for {shown}")))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match (in_time, living.is_empty()) {
        (false, _) => Err(TestkitError::Late {
            command: shown,
            limit,
            killed: living,
            stdout: text(&stdout),
            stderr: text(&stderr),
        }),
        (true, false) => Err(TestkitError::LeftBehind { command: shown, left: living }),
        (true, true) => {
            let status = status.map_err(TestkitError::system(format!("reap {shown}")))?;
            Ok(Output { status, stdout, stderr })
        }
    }
}

/// Waits until `child` has ended, without reaping it. False: not by `deadline`.
fn ended_by(child: &Child, deadline: Instant) -> io::Result<bool> {
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
}

/// A thread that reads a pipe: one for each, else a child that fills one while we read the other would wait for ever.
struct Drain {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: thread::JoinHandle<()>,
}

impl Drain {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            let mut piece = [0; 8192];
            loop {
                match pipe.read(&mut piece) {
                    Ok(0) => return,
                    Ok(read) => sink.lock().unwrap_or_else(PoisonError::into_inner).extend(&piece[..read]),
                    Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return, // what was read before is kept, and that is all there is to show
                }
            }
        });
        Self { bytes, reader }
    }

    /// What was read. All who are known to hold the pipe have ended; if somebody else does, that is told in `left`
    /// instead of waiting for ever.
    fn collected(self, left: &mut Vec<String>) -> Vec<u8> {
        let deadline = Instant::now() + GRACE;
        while !self.reader.is_finished() {
            if Instant::now() >= deadline {
                left.push("an unknown process that holds its output open".into());
                break;
            }
            thread::sleep(LOOK);
        }
        mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A child and all processes that it has started, directly or not.
struct Family {
    leader: i32,
    mark: String,
}

impl Family {
    fn living(&self) -> Vec<Process> {
        let all = procfs::processes().into_iter().filter(|process| !process.has_ended());
        all.filter(|process| {
            process.pid == self.leader || procfs::environment_has(process.pid, MARK, &self.mark)
        })
        .collect()
    }

    /// Gives the others `grace` to end, then kills. Returns who had to be killed.
    fn end_within(&self, grace: Duration) -> Vec<String> {
        let deadline = Instant::now() + grace;
        while !self.living().is_empty() {
            if Instant::now() >= deadline {
                return self.kill();
            }
            thread::sleep(LOOK);
        }
        // None is left that carries the mark; whoever has shed it may still be in the group.
        self.kill()
    }

    /// Kills until nobody is left, again and again because one of them may be in the middle of a `fork`. Returns who
    /// was killed.
    fn kill(&self) -> Vec<String> {
        let mut killed: Vec<String> = Vec::new();
        let deadline = Instant::now() + UNKILLABLE;
        loop {
            let living = self.living();
            // An error of these two says that nobody is there to be killed, which is what is wanted.
            if let Some(group) = Pid::from_raw(self.leader) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            for process in &living {
                if let Some(pid) = Pid::from_raw(process.pid) {
                    let _ = kill_process(pid, Signal::KILL);
                }
                if !killed.contains(&process.describe()) {
                    killed.push(process.describe());
                }
            }
            if living.is_empty() || Instant::now() >= deadline {
                return killed;
            }
            thread::sleep(LOOK);
        }
    }
}
